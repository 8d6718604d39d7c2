"""What the three estimators share: validation, the border between arrays and tensors, reconstruction and score."""

import numbers
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from dnmf.threads import one_thread

Array = NDArray[np.float64]
DTYPES = {"float64": torch.float64, "float32": torch.float32}


class FactorisationEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the estimators: ``X (n, f) ≈ exposures (n, k) @ components_ (k, f)``."""

    components_: Array
    n_features_in_: int
    dtype: str
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

    def _to_tensor(self, array: ArrayLike) -> torch.Tensor:
        return torch.tensor(np.asarray(array), dtype=DTYPES[self.dtype], device=self.device)

    def _generator(self, random_state: Any) -> torch.Generator:
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        return torch.Generator().manual_seed(seed)

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        """Return the exposures of validated samples."""
        raise NotImplementedError

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
        """Return minus the mean over samples of the squared error; higher is better.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts.
        y : (n_samples, n_components), optional
            Ignored, except by the supervised estimator, whose error is that of the exposures.

        Returns
        -------
        float
            ``-mean_n sum_f (X - exposures @ components_)^2``
        """
        samples = np.asarray(self._validate_samples(X, reset=False))
        residual = samples - self.inverse_transform(self._exposures_of(samples))
        return -float(np.square(residual).sum(axis=1).mean())

    def _exposures_of(self, X: Array) -> Array:
        # transform() may be wrapped to give a DataFrame (set_output); the score needs plain numbers.
        check_is_fitted(self)
        with one_thread(), torch.no_grad():
            return to_array(self._infer(self._to_tensor(X)))


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
