"""Unsupervised deep unfolding as a scikit-learn estimator."""

import warnings
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike

from dnmf.estimators._base import DTYPES, Array, UnfoldedFactorisation
from dnmf.estimators._start import start_factors, warn_of_rank
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels.initialize import INIT_METHODS
from dnmf.kernels.kl_factorisation import nmf_kl
from dnmf.kernels.objectives import Objective, Poisson
from dnmf.progress import Progress
from dnmf.search.dictionary import SEARCH, find_dictionary
from dnmf.threads import one_thread
from dnmf.unfolding.networks import Unfolded
from dnmf.unfolding.rules import rule_of
from dnmf.unfolding.to_dictionary import train_to_dictionary

# Iterations of maximum likelihood that follow the dictionary search with layer="kl".
LIKELIHOOD_ITERATIONS = 300


class DNMF(UnfoldedFactorisation):
    """Non-negative matrix factorisation by deep unfolding, from data alone.

    ``min 1/2 ||X - H W||_F^2 + l1_reg sum(H) + 1/2 l2_reg sum(H^2)``, where the exposures ``H`` are the output of a
    network of unfolded iterations.

    The dictionary is found first (:func:`dnmf.search.find_dictionary`: alternating exact least squares, weighted by
    the noise of the data, with annealed sparsity). Then a network is built whose layers are the classic step for it,
    scale-free in the number of mutations, and trained towards the exact exposures on the samples and jittered copies,
    unless it is as good as exact already.

    Parameters
    ----------
    n_components : int or None
        Number of components, k. With a ``dictionary`` its number of rows, or None to take it from there.
    layer : str
        Rule of the layers. ``"newton"`` and ``"admm"`` unfold exact solvers: the former is exact in ten layers for
        dictionaries found in data, the latter takes a fifth of its time and, trained, is as good for large references;
        ``"mu"``, ``"weighted-mu"`` and ``"projected-gradient"`` are other least-squares rules, the first the paper's;
        ``"kl"`` fits Poisson counts by maximum likelihood, dictionary included.
    n_layers : int
        Depth L.
    l1_reg, l2_reg : float
        Penalties on the exposures; ``l1_reg`` in mutations.
    init : str
        Start of the dictionary: ``"separable"``, ``"nndsvd"``, ``"nndsvda"``, ``"random"``.
    dictionary : (k, f) array, optional
        Fixed signatures, >= 0: nothing is searched, only the network is trained, for these rows scaled to sum to 1.
        ``init`` and ``min_volume`` then have no effect.
    min_volume : float
        Penalty on the volume that the signatures span, in variances of the noise. It draws signatures together and
        costs fit. On simulated Poisson counts 100 found more true signatures, on real ones it did not
        (``docs/unsupervised.md``).
    n_steps : int
        Most training steps of the network, each on a batch of 256 samples.
    learning_rate : float, optional
        Of Adam, the peak of a one-cycle schedule; default that of the rule (newton 1e-1, admm 3e-2, mu 1e-4, others
        3e-3).
    random_state : int, RandomState or None
        Randomness of training and of ``init="random"``.
    dtype : {"float64", "float32"}
    device : str
        Where torch computes.

    Attributes
    ----------
    components_ : (k, f) array
        Signatures, rows summing to 1 (to 0 for a component that no sample uses: there is a warning).
    network_ : torch module
        Maps (n, f) counts to (n, k) exposures.
    history_ : dict of arrays
        Along each phase: ``"dictionary"`` (cost per iteration; ``"likelihood"`` for ``layer="kl"``), ``"network"`` and
        ``"validation"`` (excess over the exact cost, on batches and on the samples, 1 for none: see
        :func:`dnmf.unfolding.train_to_dictionary`).
    n_iter_ : int
        Training steps done.

    Notes
    -----
    It differs from Nasser, Eldar and Sharan 2021, 2.3 (:class:`dnmf.PaperDNMF`) in start, scale and training. The
    project's benchmarks measure what each part gains and costs.

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
        layer: str = "newton",
        n_layers: int = 10,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        init: str = "separable",
        dictionary: ArrayLike | None = None,
        min_volume: float = 0.0,
        n_steps: int = 300,
        learning_rate: float | None = None,
        random_state: Any = None,
        dtype: str = "float64",
        device: str = "cpu",
    ) -> None:
        self.n_components = n_components
        self.layer = layer
        self.n_layers = n_layers
        self.l1_reg = l1_reg
        self.l2_reg = l2_reg
        self.init = init
        self.dictionary = dictionary
        self.min_volume = min_volume
        self.n_steps = n_steps
        self.learning_rate = learning_rate
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
        samples = self._start_fit(X)
        with one_thread():
            generator = self._generator()
            history: dict[str, list[float]] = {}
            if self.dictionary is None:
                H, W = self._search(samples, generator, progress, history)
            else:
                W = self._fixed_dictionary(samples.shape[1])
                warn_of_rank(samples, len(W))
                H = self._objective.exposures(samples, W)
            _warn_of_unused(H)
            network = Unfolded.from_dictionary(
                W,
                int(self.n_layers),
                layer=self.layer,
                shares=_usual_shares(samples, H),
                **self._penalties,
            )
            training = train_to_dictionary(
                network,
                samples,
                n_steps=int(self.n_steps),
                learning_rate=None if self.learning_rate is None else float(self.learning_rate),
                generator=generator,
                progress=progress,
            )
        history |= {"network": training.cost, "validation": training.validation}
        return self._keep(network, W, history, len(training.cost))

    def _search(
        self,
        X: torch.Tensor,
        generator: torch.Generator,
        progress: Progress | None,
        history: dict[str, list[float]],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return exposures and dictionary; the costs on the way go into ``history``."""
        progress = progress or (lambda *step: None)
        _, W = start_factors(X, cast(int, self.n_components), self.init, generator)
        iterations = SEARCH.iterations(len(W))
        found = find_dictionary(
            X,
            W,
            min_volume=float(self.min_volume),
            callback=lambda i, cost: progress("dictionary", i, iterations, cost),
            **self._penalties,
        )
        history["dictionary"] = found.cost
        if isinstance(self._objective, Poisson):
            found = nmf_kl(
                X,
                found.W,
                max_iter=LIKELIHOOD_ITERATIONS,
                callback=lambda i, cost: progress("likelihood", i, LIKELIHOOD_ITERATIONS, cost),
            )
            history["likelihood"] = found.cost
        return found.H, found.W

    @property
    def _objective(self) -> Objective:
        return rule_of(self.layer).objective(**self._penalties)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        rule_of(self.layer)  # an error for an unknown name
        self._check_choices(init=INIT_METHODS)
        if self.init == "ones":
            raise ValueError(
                "init='ones' gives equal signatures, which the search cannot tell apart"
            )
        if self.dictionary is None:
            self._check_integers(n_components=1)
        else:
            self._check_dictionary(np.asarray(self.dictionary, dtype=np.float64))
        self._check_integers(n_layers=1, n_steps=0)
        if self.learning_rate is not None:
            self._check_numbers("learning_rate", positive=True)
        self._check_numbers("l1_reg", "l2_reg", "min_volume")
        _ = self._objective  # an error for penalties that it does not take

    def _fixed_dictionary(self, n_features: int) -> torch.Tensor:
        rows = np.asarray(self.dictionary, dtype=np.float64)
        if rows.shape[1] != n_features:
            raise ValueError(f"dictionary has {rows.shape[1]} features, X has {n_features}")
        return self._to_tensor(rows / rows.sum(axis=1, keepdims=True))

    def _check_dictionary(self, rows: Array) -> None:
        if rows.ndim != 2 or not np.isfinite(rows).all() or (rows < 0).any():
            raise ValueError("dictionary must be a (k, f) array of finite numbers >= 0")
        if not (rows.sum(axis=1) > 0).all():
            raise ValueError("dictionary has a row of zeros, which is no signature")
        self._check_range("dictionary", rows)
        if self.n_components is not None and self.n_components != len(rows):
            raise ValueError(
                f"n_components={self.n_components!r}, but dictionary has {len(rows)} rows: make them agree, or "
                "n_components=None"
            )

    def _empty_network(self, n_features: int, n_components: int) -> torch.nn.Module:
        dtype = DTYPES[self.dtype]
        return Unfolded(n_features, n_components, self.n_layers, layer=self.layer, dtype=dtype)


def _warn_of_unused(H: torch.Tensor) -> None:
    unused = int((H.sum(dim=0) <= 0).sum())
    if unused:
        warnings.warn(
            f"{unused} of {H.shape[1]} components are used by no sample: ask for fewer",
            DoubtfulDataWarning,
            stacklevel=3,
        )


def _usual_shares(X: torch.Tensor, H: torch.Tensor) -> torch.Tensor:
    """Root mean square share of every component in the samples that are not empty."""
    totals = X.sum(dim=1)
    shares = (H[totals > 0] / totals[totals > 0, None]).square().mean(dim=0).sqrt()
    # A component that no sample uses still needs a scale; so do all, where a penalty left no exposures.
    largest = shares.max()
    usual = largest if largest > 0 else torch.ones_like(largest)
    return torch.where(shares > 0, shares, usual)
