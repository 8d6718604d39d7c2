"""Unsupervised deep unfolding as a scikit-learn estimator."""

from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from dnmf.estimators._base import (
    DTYPES,
    Array,
    FactorisationEstimator,
    check_has_mutations,
    check_penalty,
    check_positive,
    check_positive_integer,
    to_array,
)
from dnmf.estimators._fitting import FitSettings, Progress, fit_end_to_end, fit_in_phases
from dnmf.kernels.initialize import INIT_METHODS
from dnmf.kernels.kl import kl_exposures, kl_gap
from dnmf.kernels.nnls import CHUNK_ROWS, exact_exposures, exposure_moments, nnls_kkt_residual
from dnmf.threads import one_thread
from dnmf.unfolding.networks import Unfolded, UnfoldedMU
from dnmf.unfolding.rules import LAYERS

# What a preset fixes where the user leaves a parameter at None.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {
        "layer": "newton",
        "init": "separable",
        "max_epochs": 300,
        "learning_rate": None,
    },
    "paper": {"layer": "mu", "init": "ones", "max_epochs": 500, "learning_rate": 5e-4},
}
# What a network leaves below this share of a sample is a zero it had no layers left to reach.
NEGLIGIBLE_SHARE = 1e-7


class DNMF(FactorisationEstimator):
    """Non-negative matrix factorisation by deep unfolding, from data alone.

    ``min 1/2 ||X - H W||_F^2 + l1_reg sum(H) + 1/2 l2_reg sum(H^2)``, where the exposures ``H`` of a sample are what a
    network of unfolded iterations makes of it.

    ``preset="default"`` first finds the dictionary (:func:`dnmf.kernels.find_dictionary`: alternating exact least
    squares, weighted by the noise of the data, with annealed sparsity), then builds a network whose layers are the
    classic step for it, scale-free in the number of mutations, and trains it towards the exact exposures on the samples
    and jittered copies, unless it is as good as exact already.

    ``preset="paper"`` is the method of Nasser, Eldar and Sharan: a network of constant matrices, trained end to end
    with the dictionary by exact NNLS in each epoch.

    Parameters
    ----------
    n_components : int or None
        Number of components, k. With a ``dictionary`` its number of rows, or None to take it from there.
    preset : str
        ``"default"`` or ``"paper"``; decides every parameter left at None.
    layer : str, optional
        Rule of the layers. ``"newton"`` (default preset) and ``"admm"`` unfold exact solvers: the former is exact in
        ten layers for dictionaries found in data, the latter takes a fifth of its time and, trained, is as good for
        large references; ``"mu"`` is the paper's; ``"nalmu"`` and ``"projected-gradient"`` are other least-squares
        rules; ``"kl"`` fits Poisson counts by maximum likelihood, dictionary included.
    n_layers : int
        Depth L.
    l1_reg, l2_reg : float
        Penalties on the exposures; ``l1_reg`` in mutations.
    init : str, optional
        Start of the dictionary: ``"separable"`` (default preset), ``"nndsvd"``, ``"nndsvda"``, ``"random"``. The
        paper's preset always starts from constants.
    dictionary : (k, f) array, optional
        Fixed signatures, >= 0: nothing is searched, only the network is trained, for these rows scaled to sum to 1.
        Default preset only; ``init`` and ``min_volume`` then have no effect.
    min_volume : float
        Penalty on the volume that the signatures span, in variances of the noise; default preset only. It draws
        signatures together and costs fit. On simulated Poisson counts 100 found more true signatures, on real ones it
        did not (``docs/unsupervised.md``).
    weight_init : float
        Constant from which the matrices of the paper's preset start: 0.1 in its authors' code, 1 in its text.
    max_epochs : int, optional
        Training steps of the network (default preset: at most 300 batches; paper: 500 passes over all samples).
    learning_rate : float, optional
        Of Adam; default 1e-1 (peak of a one-cycle schedule; admm 3e-2, other rules 3e-3, mu 1e-4) or, paper, 5e-4.
    dictionary_order : str
        ``"fresh"`` or ``"stale"``, paper's preset only: see :func:`dnmf.unfolding.train_unsupervised`.
    random_state : int, RandomState or None
        Randomness of training and of ``init="random"``.
    dtype : str
        ``"float64"`` or ``"float32"``.
    device : str
        Where torch computes.

    Attributes
    ----------
    components_ : (k, f) array
        Signatures, rows summing to 1 (to 0 for a component that no sample uses: there is a warning). With the paper's
        preset in the scale of its exposures, as NNLS gives them.
    network_ : torch module
        Maps (n, f) counts to (n, k) exposures.
    history_ : dict of arrays
        Along each phase: ``"dictionary"`` (cost per iteration; ``"likelihood"`` for ``layer="kl"``), ``"network"`` and
        ``"validation"`` (excess over the exact cost, on batches and on the samples, 1 for none: see
        :func:`dnmf.unfolding.train_to_dictionary`), or ``"training"`` (paper).
    n_iter_ : int
        Training steps or epochs done.

    Notes
    -----
    Nasser, Eldar and Sharan 2021, 2.3. The default differs from it in start, scale and training; the preset undoes
    all of that. What each part is worth is measured in the project's benchmarks, where it costs something, too.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> signatures = rng.dirichlet(np.full(20, 0.3), size=3)
    >>> X = rng.poisson(rng.gamma(0.5, 1000.0, size=(100, 3)) @ signatures)
    >>> model = DNMF(n_components=3, random_state=0).fit(X)
    >>> model.transform(X[:2]).shape
    (2, 3)
    """

    def __init__(
        self,
        n_components: int | None = 10,
        *,
        preset: Literal["default", "paper"] = "default",
        layer: str | None = None,
        n_layers: int = 10,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        init: str | None = None,
        dictionary: ArrayLike | None = None,
        min_volume: float = 0.0,
        weight_init: float = 0.1,
        max_epochs: int | None = None,
        learning_rate: float | None = None,
        dictionary_order: Literal["fresh", "stale"] = "fresh",
        random_state: Any = None,
        dtype: str = "float64",
        device: str = "cpu",
    ) -> None:
        self.n_components = n_components
        self.preset = preset
        self.layer = layer
        self.n_layers = n_layers
        self.l1_reg = l1_reg
        self.l2_reg = l2_reg
        self.init = init
        self.dictionary = dictionary
        self.min_volume = min_volume
        self.weight_init = weight_init
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.dictionary_order = dictionary_order
        self.random_state = random_state
        self.dtype = dtype
        self.device = device

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, progress: Progress | None = None
    ) -> Self:
        """Find signatures and train the network that infers exposures.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts, >= 0.
        y : None
            Ignored.
        progress : callable(phase, step, steps, cost), optional
            Called after every step of every phase.
        """
        self._check_parameters()
        samples = self._to_tensor(self._validate_samples(X, reset=True))
        check_has_mutations(samples)
        settings = self._settings()
        with one_thread():
            watch = progress or _no_progress
            if self.preset == "paper":
                fitted = fit_end_to_end(samples, settings, watch)
            else:
                generator = self._generator(self.random_state)
                fixed = self._fixed_dictionary(samples.shape[1])
                fitted = fit_in_phases(samples, settings, fixed, generator, watch)
        self.network_ = fitted.network.eval()
        self.components_ = to_array(fitted.W)
        self.n_components_ = len(self.components_)
        self.history_ = {phase: np.asarray(costs) for phase, costs in fitted.history.items()}
        self.n_iter_ = fitted.n_iter
        return self

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._settings()

    def _fixed_dictionary(self, n_features: int) -> torch.Tensor | None:
        if self.dictionary is None:
            return None
        rows = np.asarray(self.dictionary, dtype=np.float64)
        if rows.shape[1] != n_features:
            raise ValueError(f"dictionary has {rows.shape[1]} features, X has {n_features}")
        return self._to_tensor(rows / rows.sum(axis=1, keepdims=True))

    def _n_components(self) -> int:
        """Return k, after a look at the dictionary if there is one."""
        if self.dictionary is None:
            return check_positive_integer(self.n_components, "n_components")
        if self.preset == "paper":
            raise ValueError("preset='paper' trains its own dictionary: leave dictionary at None")
        rows = np.asarray(self.dictionary, dtype=np.float64)
        if rows.ndim != 2 or not np.isfinite(rows).all() or (rows < 0).any():
            raise ValueError("dictionary must be a (k, f) array of finite numbers >= 0")
        if not (rows.sum(axis=1) > 0).all():
            raise ValueError("dictionary has a row of zeros, which is no signature")
        if self.n_components is not None and self.n_components != len(rows):
            raise ValueError(
                f"n_components={self.n_components!r}, but dictionary has {len(rows)} rows: make them agree, or "
                "n_components=None"
            )
        return len(rows)

    def _settings(self) -> FitSettings:
        if self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")
        chosen = {
            name: value if getattr(self, name) is None else getattr(self, name)
            for name, value in PRESETS[self.preset].items()
        }
        if chosen["layer"] not in LAYERS:
            raise ValueError(f"layer must be one of {', '.join(LAYERS)}, got {self.layer!r}")
        if chosen["init"] not in INIT_METHODS:
            raise ValueError(f"init must be one of {', '.join(INIT_METHODS)}, got {self.init!r}")
        if self.dictionary_order not in ("fresh", "stale"):
            raise ValueError(
                f"dictionary_order must be 'fresh' or 'stale', got {self.dictionary_order!r}"
            )
        if self.preset == "paper" and (chosen["layer"], chosen["init"]) != ("mu", "ones"):
            raise ValueError("preset='paper' fixes layer='mu' and init='ones': leave both at None")
        if self.preset == "default" and chosen["init"] == "ones":
            raise ValueError("init='ones' gives equal signatures: it is for preset='paper' only")
        if chosen["learning_rate"] is None:
            chosen["learning_rate"] = LAYERS[chosen["layer"]].learning_rate
        return FitSettings(
            n_components=self._n_components(),
            n_layers=check_positive_integer(self.n_layers, "n_layers"),
            layer=chosen["layer"],
            init=chosen["init"],
            max_epochs=check_positive_integer(chosen["max_epochs"], "max_epochs", minimum=0),
            learning_rate=check_positive(chosen["learning_rate"], "learning_rate"),
            l1_reg=check_penalty(self.l1_reg, "l1_reg"),
            l2_reg=check_penalty(self.l2_reg, "l2_reg"),
            min_volume=check_penalty(self.min_volume, "min_volume"),
            weight_init=check_positive(self.weight_init, "weight_init"),
            dictionary_order=self.dictionary_order,
        )

    def transform(  # type: ignore[override]  # the certificate comes on request only
        self, X: ArrayLike, *, exact: bool = False, return_certificate: bool = False
    ) -> Array | tuple[Array, Array]:
        """Return the exposures of samples.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts, >= 0.
        exact : bool
            Finish the network's answer to the exact optimum for ``components_``: its support is the warm start.
        return_certificate : bool
            Return :meth:`certificate` of the exposures, too.

        Returns
        -------
        exposures : (n_samples, n_components) array
            In mutations where the rows of ``components_`` sum to 1.
        certificate : (n_samples,) array
            Only with ``return_certificate``.
        """
        check_is_fitted(self)
        samples = self._to_tensor(self._validate_samples(X, reset=False))
        with one_thread(), torch.no_grad():
            exposures = self._infer(samples)
            if exact:
                exposures = self._finish_exactly(samples, exposures)
            if not return_certificate:
                return to_array(exposures)
            return to_array(exposures), to_array(self._certificate(samples, exposures))

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
        return to_array(self._certificate(samples, self._to_tensor(exposures)))

    @property
    def _is_kl(self) -> bool:
        return LAYERS[self._settings().layer].objective == "kl"

    def _finish_exactly(self, X: torch.Tensor, exposures: torch.Tensor) -> torch.Tensor:
        W = self._to_tensor(self.components_)
        if self._is_kl:
            return kl_exposures(X, W, start=exposures).H
        start = exposures - NEGLIGIBLE_SHARE * X.sum(dim=1, keepdim=True)
        return exact_exposures(X, W, l1_reg=self.l1_reg, l2_reg=self.l2_reg, start=start)

    def _certificate(self, X: torch.Tensor, exposures: torch.Tensor) -> torch.Tensor:
        W = self._to_tensor(self.components_)
        if self._is_kl:
            return kl_gap(X, exposures, W)
        gram, moments = exposure_moments(X, W, l1_reg=self.l1_reg, l2_reg=self.l2_reg)
        return nnls_kkt_residual(gram, moments, exposures)

    def _empty_network(self, n_features: int, n_components: int) -> torch.nn.Module:
        dtype = DTYPES[self.dtype]
        if self.preset == "paper":
            return UnfoldedMU(n_features, n_components, self.n_layers, dtype=dtype)
        layer = self._settings().layer
        return Unfolded(n_features, n_components, self.n_layers, layer=layer, dtype=dtype)

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        if X.device.type != "cpu":
            exposures: torch.Tensor = self.network_(X)
            return exposures
        # So few rows at a time that all layers find them in the cache.
        return torch.cat([self.network_(rows) for rows in X.split(CHUNK_ROWS)])


def _no_progress(phase: str, step: int, steps: int, cost: float) -> None:
    """Stand in where nobody watches."""
