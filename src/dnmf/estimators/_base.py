"""Bases of the estimators: validation, the border between arrays and tensors, exact inference, score."""

import numbers
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from dnmf.criteria import LARGEST_ENTRY
from dnmf.engine.checks import check_range
from dnmf.estimators._inputs import FLOATS
from dnmf.exceptions import InputDataError
from dnmf.kernels.nnls import CHUNK_ROWS
from dnmf.kernels.objectives import Frobenius, Objective
from dnmf.threads import one_thread

Array = NDArray[np.floating[Any]]
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class FactorisationEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the estimators: ``X (n, f) ≈ exposures (n, k) @ components_ (k, f)``."""

    components_: Array
    n_components_: int
    n_features_in_: int
    n_iter_: int
    reconstruction_err_: float
    history_: dict[str, Array]
    network_: torch.nn.Module
    l1_reg: float
    l2_reg: float
    random_state: Any
    dtype: str | None = "float64"
    device: str
    # Numbers that the network learned, shown as attributes with a trailing underscore.
    _learned: ClassVar[tuple[str, ...]] = ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = list(DTYPES) if self.dtype is None else [self.dtype]
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _validate_samples(self, X: ArrayLike) -> Array:
        """Return samples for the fitted model as an array, or raise an error."""
        check_is_fitted(self)
        array = validate_data(self, X, reset=False, dtype=FLOATS, ensure_non_negative=True)
        check_range("X", array, self._fitted_precision)
        return cast(Array, array)

    def _start_fit(self, X: ArrayLike) -> torch.Tensor:
        """Return the samples to fit, or raise an error where they or the parameters are wrong."""
        self._check_parameters()
        array = validate_data(self, X, dtype=FLOATS, ensure_non_negative=True)
        if not array.any():
            raise InputDataError("X is all zero: there is nothing to factorise")
        precision = self.dtype or str(array.dtype)
        check_range("X", array, precision)
        return self._to_tensor(array, DTYPES[precision])

    @property
    def _fitted_precision(self) -> str:
        """Name of the floats in which the fitted model computes."""
        return str(self.components_.dtype) if self.dtype is None else self.dtype

    def _check_parameters(self) -> None:
        """Raise a ValueError that names a wrong parameter: before fitting and after loading."""
        if self.dtype is not None and self.dtype not in DTYPES:
            raise ValueError(f"dtype must be 'float64' or 'float32', not {self.dtype!r}")

    def _check_integers(self, **minima: int) -> None:
        for name, minimum in minima.items():
            value = getattr(self, name)
            whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
            if not whole or value < minimum:
                raise ValueError(f"{name} must be an integer >= {minimum}, got {value!r}")

    def _check_numbers(self, *names: str, positive: bool = False) -> None:
        for name in names:
            value = getattr(self, name)
            finite = isinstance(value, numbers.Real) and 0 <= float(value) < float("inf")
            if not finite or (positive and value == 0):
                bound = "> 0" if positive else ">= 0"
                raise ValueError(f"{name} must be a finite number {bound}, got {value!r}")
            largest = LARGEST_ENTRY[self.dtype or "float64"]
            if float(value) > largest:
                raise ValueError(f"{name} must be at most {largest:g}, got {value!r}")

    def _check_choices(self, **choices: Collection[str]) -> None:
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")

    @property
    def _penalties(self) -> dict[str, Any]:
        return {"l1_reg": float(self.l1_reg), "l2_reg": float(self.l2_reg)}

    @property
    def _objective(self) -> Objective:
        """What the exposures of a sample minimise, for given components."""
        return Frobenius()

    def _to_tensor(self, array: ArrayLike, dtype: torch.dtype | None = None) -> torch.Tensor:
        """Return an array where the model computes, in its precision unless told otherwise."""
        dtype = DTYPES[self._fitted_precision] if dtype is None else dtype
        return torch.tensor(np.asarray(array), dtype=dtype, device=self.device)

    def _generator(self) -> torch.Generator:
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        return torch.Generator().manual_seed(seed)

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        """Return the exposures of validated samples."""
        exposures: torch.Tensor = self.network_(X)
        return exposures

    def _keep(
        self,
        network: torch.nn.Module | None,
        W: torch.Tensor,
        history: Mapping[str, Sequence[float] | Array],
        n_iter: int,
    ) -> Self:
        """Set the fitted attributes: after fitting and after loading."""
        if network is not None:
            self.network_ = network.eval()
        for name in self._learned:
            setattr(self, f"{name}_", getattr(network, name).item())
        self.components_ = finite_array(
            "components", W.to(DTYPES[self.dtype] if self.dtype else W.dtype)
        )
        self.n_components_ = len(W)
        self.history_ = {phase: np.asarray(costs) for phase, costs in history.items()}
        self.n_iter_ = n_iter
        return self

    def _empty_network(
        self, n_features: int, n_components: int, dtype: torch.dtype
    ) -> torch.nn.Module:
        """Return a network of the fitted one's architecture, to load weights into."""
        raise NotImplementedError

    def transform(self, X: ArrayLike) -> Array:
        """Return the exposures of samples.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, >= 0.

        Returns
        -------
        (n_samples, n_components) array
            Exposures, >= 0.
        """
        return self._exposures_of(self._validate_samples(X))

    def inverse_transform(self, X: ArrayLike) -> Array:
        """Return the spectra that exposures give: ``exposures @ components_``.

        Parameters
        ----------
        X : (n_samples, n_components)
            Exposures.

        Returns
        -------
        (n_samples, n_features) array
        """
        check_is_fitted(self)
        spectra = self._validate_own_exposures(X) @ self._to_tensor(self.components_)
        return finite_array("spectra", spectra)

    def _validate_own_exposures(self, exposures: ArrayLike) -> torch.Tensor:
        """Return exposures to the fitted components, or raise an error."""
        checked = check_array(exposures, dtype=FLOATS, ensure_2d=False, input_name="exposures")
        if checked.ndim != 2 or checked.shape[1] != len(self.components_):
            raise ValueError(
                f"expected exposures to {len(self.components_)} components in columns, "
                f"got an array of shape {checked.shape}"
            )
        return self._to_tensor(checked)

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return minus the mean deviance of the samples; higher is better.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, >= 0.
        y : (n_samples, n_components), optional
            Ignored, except by the supervised estimators, whose error is that of the exposures.

        Returns
        -------
        float
            Minus twice the mean cost of a sample under the model's own objective, without penalties, so that models
            of different penalties compare, but not of different objectives. Least squares: ``-mean_n sum_f (X -
            exposures @ components_)^2``. Kullback-Leibler: minus the Poisson deviance in nats, infinite where an entry
            is impossible for the components.
        """
        samples = self._validate_samples(X)
        parts = (samples, self._exposures_of(samples), self.components_)
        data_term = replace(self._objective, l1_reg=0.0, l2_reg=0.0)
        tensors = (torch.tensor(part, dtype=torch.float64) for part in parts)
        return -2 * data_term.cost(*tensors).mean().item()

    def _exposures_of(self, X: Array) -> Array:
        # transform() may be wrapped to give a DataFrame (set_output); the score needs plain numbers.
        with one_thread(), torch.no_grad():
            return finite_array("exposures", self._infer(self._to_tensor(X)))


class UnfoldedFactorisation(FactorisationEstimator):
    """Base of the unsupervised networks, whose exposures can be finished to, and judged by, the exact optimum."""

    @property
    def _objective(self) -> Objective:
        return Frobenius(**self._penalties)

    def transform(self, X: ArrayLike, *, exact: bool = False) -> Array:
        """Return the exposures of samples.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, >= 0.
        exact : bool
            Finish the network's exposures to the exact optimum for ``components_``: their support is the warm start.

        Returns
        -------
        (n_samples, n_components) array
            In mutations where the rows of ``components_`` sum to 1.
        """
        samples = self._to_tensor(self._validate_samples(X))
        with one_thread(), torch.no_grad():
            exposures = self._infer(samples)
            if exact:
                W = self._to_tensor(self.components_)
                exposures = self._objective.exposures(samples, W, start=exposures)
            return finite_array("exposures", exposures)

    def certificate(self, X: ArrayLike, exposures: ArrayLike) -> Array:
        """Return how far exposures are from the exact optimum for ``components_``, sample by sample.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, >= 0.
        exposures : (n_samples, n_components)
            What :meth:`transform` returned for them.

        Returns
        -------
        (n_samples,) array
            For least squares the relative KKT residual (:func:`dnmf.kernels.nnls_kkt_residual`): 0 at the optimum,
            about 1e-12 for exact exposures. For ``layer="kl"`` a bound on the log-likelihood still to be gained, in
            nats (:func:`dnmf.kernels.kl_gap`).
        """
        samples = self._to_tensor(self._validate_samples(X))
        W = self._to_tensor(self.components_)
        checked = self._validate_own_exposures(exposures)
        return to_array(self._objective.certificate(samples, checked, W))

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        if X.device.type != "cpu":
            return super()._infer(X)
        # Few enough rows at a time for the states of all layers to stay in the cache.
        return torch.cat([self.network_(rows) for rows in X.split(CHUNK_ROWS)])


def to_array(tensor: torch.Tensor) -> Array:
    """Return an array on the CPU, row by row in memory: results must not depend on how a factor was made."""
    return cast(Array, tensor.detach().cpu().contiguous().numpy())


def finite_array(name: str, tensor: torch.Tensor) -> Array:
    """Return what leaves an estimator as an array, or raise an InputDataError where it is not finite."""
    array = to_array(tensor)
    if not np.isfinite(array).all():
        raise InputDataError(
            f"the {name} are not finite: data or penalties are too large or too small for the computation. Scale the "
            "data, or lower the penalties."
        )
    return array
