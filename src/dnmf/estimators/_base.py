"""Bases of the estimators: validation, the border between arrays and tensors, exact inference, score."""

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from dnmf.kernels.nnls import CHUNK_ROWS
from dnmf.kernels.objectives import Frobenius, Objective
from dnmf.threads import one_thread

Array = NDArray[np.float64]
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class FactorisationEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the estimators: ``X (n, f) ≈ exposures (n, k) @ components_ (k, f)``."""

    components_: Array
    n_components_: int
    n_features_in_: int
    n_iter_: int
    history_: dict[str, Array]
    network_: torch.nn.Module
    dtype: str = "float64"
    device: str

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _validate_samples(self, X: ArrayLike, *, reset: bool) -> Array:
        return cast(
            Array,
            validate_data(self, X, reset=reset, dtype=np.float64, ensure_non_negative=True),
        )

    def _check_parameters(self) -> None:
        """Raise a ValueError that names the first parameter that cannot be: before fitting and after loading."""
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be 'float64' or 'float32', not {self.dtype!r}")

    @property
    def _objective(self) -> Objective:
        """What the exposures of a sample minimise, for given components."""
        return Frobenius()

    def _to_tensor(self, array: ArrayLike) -> torch.Tensor:
        return torch.tensor(np.asarray(array), dtype=DTYPES[self.dtype], device=self.device)

    def _generator(self, random_state: Any) -> torch.Generator:
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        return torch.Generator().manual_seed(seed)

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        """Return the exposures of validated samples."""
        raise NotImplementedError

    def _keep(
        self,
        network: torch.nn.Module,
        W: torch.Tensor,
        history: Mapping[str, Sequence[float]],
        n_iter: int,
    ) -> None:
        """Take over what was fitted."""
        self.network_ = network.eval()
        self.components_ = to_array(W)
        self.n_components_ = len(W)
        self.history_ = {phase: np.asarray(costs) for phase, costs in history.items()}
        self.n_iter_ = n_iter

    def _empty_network(self, n_features: int, n_components: int) -> torch.nn.Module | None:
        """Return a network of the fitted one's architecture, to load weights into; None where there is none."""
        return None

    def transform(self, X: ArrayLike) -> Array:
        """Return the exposures of samples.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts, >= 0.

        Returns
        -------
        (n_samples, n_components) array
            Exposures, >= 0.
        """
        check_is_fitted(self)
        samples = self._to_tensor(self._validate_samples(X, reset=False))
        with one_thread(), torch.no_grad():
            return to_array(self._infer(samples))

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
        exposures = np.asarray(X, dtype=np.float64)
        if exposures.ndim != 2 or exposures.shape[1] != len(self.components_):
            raise ValueError(
                f"expected exposures to {len(self.components_)} components in columns, "
                f"got an array of shape {exposures.shape}"
            )
        return exposures @ self.components_

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return minus the mean deviance of the samples; higher is better.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts.
        y : (n_samples, n_components), optional
            Ignored, except by the supervised estimators, whose error is that of the exposures.

        Returns
        -------
        float
            Minus twice the mean cost of a sample under the model's own objective, without penalties, so that models
            of different penalties compare. Least squares: ``-mean_n sum_f (X - exposures @ components_)^2``. Poisson
            (``layer="kl"``): minus the deviance in nats, infinite where a count is impossible for the components.
        """
        samples = self._validate_samples(X, reset=False)
        parts = (samples, self._exposures_of(samples), self.components_)
        data_term = type(self._objective)()
        return -2 * data_term.cost(*(torch.tensor(part) for part in parts)).mean().item()

    def _exposures_of(self, X: Array) -> Array:
        # transform() may be wrapped to give a DataFrame (set_output); the score needs plain numbers.
        check_is_fitted(self)
        with one_thread(), torch.no_grad():
            return to_array(self._infer(self._to_tensor(X)))


class UnfoldedFactorisation(FactorisationEstimator):
    """Base of the unsupervised networks, whose exposures can be finished to, and judged by, the exact optimum."""

    def transform(self, X: ArrayLike, *, exact: bool = False) -> Array:
        """Return the exposures of samples.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts, >= 0.
        exact : bool
            Finish the network's exposures to the exact optimum for ``components_``: their support is the warm start.

        Returns
        -------
        (n_samples, n_components) array
            In mutations where the rows of ``components_`` sum to 1.
        """
        check_is_fitted(self)
        samples = self._to_tensor(self._validate_samples(X, reset=False))
        with one_thread(), torch.no_grad():
            exposures = self._infer(samples)
            if exact:
                W = self._to_tensor(self.components_)
                exposures = self._objective.exposures(samples, W, start=exposures)
            return to_array(exposures)

    def certificate(self, X: ArrayLike, exposures: ArrayLike) -> Array:
        """Return how far exposures are from the exact optimum for ``components_``, sample by sample.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts.
        exposures : (n_samples, n_components)
            What :meth:`transform` returned for them.

        Returns
        -------
        (n_samples,) array
            For least squares the relative KKT residual (:func:`dnmf.kernels.nnls_kkt_residual`): 0 at the optimum,
            about 1e-12 for exact exposures. For ``layer="kl"`` a bound on the log-likelihood still to be gained, in
            nats (:func:`dnmf.kernels.kl_gap`).
        """
        check_is_fitted(self)
        samples = self._to_tensor(self._validate_samples(X, reset=False))
        W = self._to_tensor(self.components_)
        return to_array(self._objective.certificate(samples, self._to_tensor(exposures), W))

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        if X.device.type != "cpu":
            exposures: torch.Tensor = self.network_(X)
            return exposures
        # Few enough rows at a time for the states of all layers to stay in the cache.
        return torch.cat([self.network_(rows) for rows in X.split(CHUNK_ROWS)])


def to_array(tensor: torch.Tensor) -> Array:
    """Return a float64 array on the CPU, row by row in memory: results must not depend on how a factor was made."""
    return cast(Array, tensor.detach().cpu().to(torch.float64).contiguous().numpy())


def check_positive_integer(value: object, name: str, *, minimum: int = 1) -> int:
    """Return ``value`` as an int, or say what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {value!r}")
    return int(value)


def check_penalty(value: object, name: str) -> float:
    """Return ``value`` as a float, or say what is wrong with it."""
    if not isinstance(value, numbers.Real) or not 0 <= float(value) < float("inf"):
        raise ValueError(f"{name} must be a finite number >= 0, got {value!r}")
    return float(value)


def check_positive(value: object, name: str) -> float:
    """Return ``value`` as a float, or say what is wrong with it."""
    if not isinstance(value, numbers.Real) or not 0 < float(value) < float("inf"):
        raise ValueError(f"{name} must be a finite number > 0, got {value!r}")
    return float(value)


def check_has_mutations(X: torch.Tensor) -> None:
    """Refuse data in which there is nothing to be found."""
    if not X.any():
        raise ValueError("X holds no mutations at all: every entry is 0")
