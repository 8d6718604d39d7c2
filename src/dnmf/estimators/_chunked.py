"""Inference for samples wherever they are: chunk by chunk, exact where a certificate asks for it."""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from dnmf.criteria import EXACT_NATS, EXACT_RESIDUAL
from dnmf.engine.chunks import LocalChunks
from dnmf.engine.samples import Samples
from dnmf.estimators._base import DTYPES, Array, UnfoldedFactorisation, finite_array, to_array
from dnmf.estimators._inputs import read_samples
from dnmf.estimators._passes import Model, certify, deviances, infer
from dnmf.kernels.objectives import Poisson
from dnmf.threads import one_thread


class ChunkedFactorisation(UnfoldedFactorisation):
    """Base of estimators that take samples as they come: sparse, masked, on disk, in batches."""

    _exact: ClassVar[tuple[Any, ...]] = ("auto", True, False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags

    def transform(self, X: Any, *, exact: bool | str = "auto", mask: Any = None) -> Array:
        """Return the exposures of samples.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, of any kind that :meth:`fit` takes. NaN is a missing entry.
        exact : "auto", True or False
            ``"auto"``: exact, by the quickest way there is. On a CPU that is the exact solver alone. On other devices
            the network infers, and the exact solver finishes every sample whose :meth:`certificate` exceeds
            :data:`dnmf.criteria.EXACT_RESIDUAL` (1e-9 in float64; ``layer="kl"``: 1e-10 nats for each 1 of the sample's
            sum). True: the exact solver for all samples. False: what the network gives, however far that is.
        mask : (n_samples, n_features) of bool, optional
            True where an entry is missing. Exposures are then optimal for the known entries; the network takes none.

        Returns
        -------
        (n_samples, n_components) array
            In the unit of a sample's sum where the rows of ``components_`` sum to 1.
        """
        check_is_fitted(self)
        if isinstance(exact, np.bool_):
            exact = bool(exact)
        if not any(exact is choice for choice in self._exact) and exact != "auto":
            raise ValueError(f"exact must be 'auto', True or False, got {exact!r}")
        return self._rows_of(infer, self._read(X, mask=mask), self._model(exact), "exposures")

    def score(self, X: Any, y: ArrayLike | None = None, *, mask: Any = None) -> float:
        """Return minus the mean deviance of the samples; higher is better.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, of any kind that :meth:`fit` takes.
        y : None
            Ignored.
        mask : (n_samples, n_features) of bool, optional
            True where an entry is missing.

        Returns
        -------
        float
            Minus twice the mean cost of a sample under the model's own objective, over its known entries and without
            penalties, so that models of different penalties compare, but not of different objectives. Least squares:
            ``-mean_n sum_f (X - exposures @ components_)^2``. ``layer="kl"``: minus the Poisson deviance in nats,
            infinite where an entry is impossible for the components. It rises with the number of components, since
            exposures are fitted to the entries that are judged. Held-out entries tell how many to take: after
            ``fit(X, mask=held_out)`` compare ``(transform(X, mask=held_out) @ components_)[held_out]`` with
            ``X[held_out]``.
        """
        check_is_fitted(self)
        samples = self._read(X, mask=mask)
        with one_thread(), torch.no_grad():
            parts = LocalChunks(samples).rows(deviances, self._model("auto"))
            return float(torch.cat(list(parts)).to(torch.float64).mean())

    def certificate(self, X: Any, exposures: ArrayLike, *, mask: Any = None) -> Array:
        """Return how far exposures are from the exact optimum for ``components_``, sample by sample.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, of any kind that :meth:`fit` takes.
        exposures : (n_samples, n_components)
            What :meth:`transform` returned for them.
        mask : (n_samples, n_features) of bool, optional
            True where an entry is missing.

        Returns
        -------
        (n_samples,) array
            For least squares the relative KKT residual (:func:`dnmf.kernels.nnls_kkt_residual`): 0 at the optimum,
            about 1e-12 for exact exposures. For ``layer="kl"`` a bound on the divergence still to be gained, in nats
            (:func:`dnmf.kernels.kl_gap`).
        """
        check_is_fitted(self)
        start = self._validate_own_exposures(exposures)
        samples = self._read(X, mask=mask, start=start)
        return self._rows_of(certify, samples, self._model(True), "certificates", finite=False)

    def _read(
        self,
        X: Any,
        *,
        reset: bool = False,
        sample_weight: Any = None,
        mask: Any = None,
        start: Any = None,
    ) -> Samples:
        """Return samples in chunks, in the precision and on the device of the model."""
        precision = self.dtype if reset else self._fitted_precision
        return read_samples(
            self,
            X,
            reset=reset,
            device=self.device,
            dtype=None if precision is None else DTYPES[precision],
            sample_weight=sample_weight,
            mask=mask,
            start=start,
        )

    def _model(self, exact: bool | str) -> Model:
        W = self._to_tensor(self.components_)
        objective = self._objective
        poisson = isinstance(objective, Poisson)
        bound = (EXACT_NATS if poisson else EXACT_RESIDUAL)[self._fitted_precision]
        alone = exact is True or (exact == "auto" and W.device.type == "cpu")
        return Model(
            W,
            objective,
            None if alone else self.network_,
            bound if exact == "auto" else None,
        )

    def _rows_of(
        self, step: Any, samples: Samples, model: Model, name: str, *, finite: bool = True
    ) -> Array:
        with one_thread(), torch.no_grad():
            rows = torch.cat([part.cpu() for part in LocalChunks(samples).rows(step, model)])
        return finite_array(name, rows) if finite else to_array(rows)
