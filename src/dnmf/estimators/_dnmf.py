"""Matrix factorisation by deep unfolding as a scikit-learn estimator."""

import warnings
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from dnmf.engine.chunks import LocalChunks, Sums
from dnmf.engine.factorised import TOL
from dnmf.engine.online import learn_batch
from dnmf.engine.pool_chunks import chunks_for
from dnmf.estimators._base import Array
from dnmf.estimators._given import check_custom_start, fit_scale, fixed_dictionary
from dnmf.estimators._passes import Model, judge
from dnmf.estimators._search import Found, search_signatures, whole
from dnmf.estimators._start import draw_pool, revived, warn_of_rank, warn_of_unused
from dnmf.estimators._steps import DictionaryThenNetwork
from dnmf.progress import Progress
from dnmf.threads import one_thread


class DNMF(DictionaryThenNetwork):
    """Non-negative matrix factorisation by deep unfolding, from data alone.

    ``min sum_n w_n (1/2 ||x_n - h_n W||^2 + l1_reg sum(h_n) + 1/2 l2_reg sum(h_n^2))`` over ``H, W >= 0``

    for samples ``x_n`` (the rows of X), their exposures ``h_n``, weights ``w_n``, and a dictionary W of components;
    with ``layer="kl"`` the Kullback-Leibler divergence ``sum_n w_n sum_c x_nc log(x_nc / r_nc) - x_nc + r_nc``,
    ``r_n = h_n W``. Either sum leaves missing entries out.

    The dictionary is found first, then a network of unfolded iterations is built for it.

    Parameters
    ----------
    n_components : int or None
        Number of components, k. With a ``dictionary`` its number of rows, or None to take it from there.
    search : {"plain", "signatures"}
        How the dictionary is found. ``"plain"`` lowers the objective by extrapolated alternating updates until it no
        longer falls (:mod:`dnmf.engine`); for all kinds of data. ``"signatures"`` looks for the components that
        generated the samples, as of mutational signatures (:func:`dnmf.search.find_dictionary`: alternating exact
        least squares, weighted by the noise, with annealed sparsity; 540 iterations); for complete dense samples.
    layer : str
        Rule of the layers, and by it the objective, which alone matters to the dictionary. ``"newton"`` and ``"admm"``
        unfold exact solvers: the former is exact in ten layers for dictionaries found in data, the latter takes a fifth
        of its time and, trained, is as good for large references; ``"mu"``, ``"weighted-mu"`` and
        ``"projected-gradient"`` are other least-squares rules, the first the paper's; ``"kl"`` makes the
        Kullback-Leibler divergence the objective: maximum likelihood for Poisson counts.
    n_layers : int
        Depth L of the network. On a CPU it changes nothing but ``transform(X, exact=False)`` and training: the exact
        solver answers (:meth:`transform`).
    l1_reg, l2_reg : float
        Penalties on the exposures; rows of W sum to 1. ``l1_reg`` is subtracted from ``X W^T`` and has its unit, that
        of X: a component takes part in a sample only where ``(x - r) w^T`` reaches it. ``l2_reg`` is added to the
        diagonal of ``W W^T``.
    init : str
        Start of the dictionary: ``"separable"`` (the most unlike samples), ``"nndsvd"``, ``"nndsvda"``, ``"random"``,
        ``"custom"`` (the ``components`` given to :meth:`fit`), or ``"auto"``: separable and, for the plain search, that
        or nndsvd, whichever led to the lower cost after a short search.
    max_iter : int
        Most iterations of the plain search, each one pass over the data.
    tol : float
        The plain search ends when 10 iterations lowered its cost by less than this part of it.
    warm_start : bool
        Whether another :meth:`fit` starts from the components that there are, if their number and features fit.
    dictionary : (k, f) array, optional
        Fixed components, >= 0: nothing is searched, and the network is built for these rows scaled to sum to 1.
    min_volume : float
        With ``search="signatures"``: penalty on the volume that the components span, in variances of the noise, which
        draws them together and costs fit (``docs/explanation/unsupervised.md``).
    n_steps : int, optional
        Most training steps of the network, each on a batch of 256 samples; none are done where it is as good as exact.
        Default 0 with ``search="plain"``, 300 with ``"signatures"``.
    learning_rate : float, optional
        Of Adam, the peak of a one-cycle schedule; default that of the rule (newton 1e-1, admm 3e-2, mu 1e-4, others
        3e-3).
    random_state : int, RandomState or None
        Randomness of training and of ``init="random"``.
    dtype : {"float64", "float32"}, optional
        Precision of computation and answers; default that of X where it is float32, else float64.
    device : str
        Where torch computes; sparse data need ``"cpu"``.
    verbose : int or bool
        Whether every tenth iteration prints a line.

    Attributes
    ----------
    components_ : (k, f) array
        The dictionary, rows summing to 1 (to 0 for a component that no sample uses: there is a warning).
    network_ : torch module
        Maps (n, f) samples to (n, k) exposures.
    history_ : dict of arrays
        Along each phase: ``"dictionary"`` (cost per iteration; then ``"likelihood"`` for ``search="signatures"`` with
        ``layer="kl"``), ``"network"`` and ``"validation"`` (excess over the exact cost, on batches and on the samples,
        1 for none: see :func:`dnmf.unfolding.train_to_dictionary`).
    n_iter_ : int
        Iterations of the search; 0 for a given dictionary.
    reconstruction_err_ : float
        ``sqrt(sum_n w_n ||x_n - h_n W||^2)`` with the exact exposures, over known entries. With ``layer="kl"``
        ``sqrt(2 D)``, D the divergence.

    Notes
    -----
    It differs from Nasser, Eldar and Sharan 2021, 2.3 (:class:`dnmf.PaperDNMF`) in start, scale and training.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.gamma(0.5, size=(100, 3)) @ rng.dirichlet(np.full(20, 0.3), size=3)
    >>> DNMF(n_components=3).fit_transform(X).shape
    (100, 3)
    """

    _sums: Sums  # of partial_fit
    _batches: int
    _learned_from: tuple[Any, ...]

    def __init__(
        self,
        n_components: int | None = 10,
        *,
        search: str = "plain",
        layer: str = "newton",
        n_layers: int = 10,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        init: str = "auto",
        max_iter: int = 250,
        tol: float = TOL,
        warm_start: bool = False,
        dictionary: ArrayLike | None = None,
        min_volume: float = 0.0,
        n_steps: int | None = None,
        learning_rate: float | None = None,
        random_state: Any = None,
        dtype: str | None = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.search = search
        self.layer = layer
        self.n_layers = n_layers
        self.l1_reg = l1_reg
        self.l2_reg = l2_reg
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.dictionary = dictionary
        self.min_volume = min_volume
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.dtype = dtype
        self.device = device
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        mask: Any = None,
        components: ArrayLike | None = None,
        exposures: ArrayLike | None = None,
        executor: Any = None,
        progress: Progress | None = None,
    ) -> Self:
        """Find a dictionary, and build the network that infers exposures to it.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples, >= 0: an array, table or sparse matrix; a torch tensor, numpy memmap, Dask, zarr or HDF5 array or
            AnnData object; or something that yields batches of samples each time it is iterated, once an iteration.
            NaN is a missing entry; what a sparse matrix leaves out is 0.
        y : None
            Ignored.
        sample_weight : (n_samples,), optional
            How often each sample counts.
        mask : (n_samples, n_features) of bool, optional
            True where an entry is missing, as in :mod:`numpy.ma`.
        components, exposures : (n_components, n_features), (n_samples, n_components), optional
            Where to start with ``init="custom"`` (what scikit-learn calls H and W); exposures default to the best ones,
            and are multiplied by one number, so that the product has the scale of X.
        executor : concurrent.futures.Executor or dask.distributed.Client, optional
            Who works on the chunks; default this process. The result does not depend on it.
        progress : callable(phase, step, steps, cost), optional
            Called after every step of every phase.
        """
        self._check_parameters()
        custom = self.init == "custom" and self.dictionary is None
        start = check_custom_start(custom, components, exposures, cast(int, self.n_components))
        samples = self._read(X, reset=True, sample_weight=sample_weight, mask=mask, start=start)
        report = self._reporter(progress)
        plain, objective = self.search == "plain", self._objective
        with one_thread():
            generator = self._generator()
            if start is not None:
                fit_scale(samples, torch.as_tensor(np.asarray(components)), objective)
            chunks = chunks_for(samples, executor)
            pool = draw_pool(chunks) if plain else whole(samples)
            if self.dictionary is not None:
                W = fixed_dictionary(self.dictionary, pool)
                if not plain:
                    warn_of_rank(pool, len(W))
                found = Found(W, {}, 0)
            elif plain:
                starts = self._starts(pool, components, generator)
                found = self._search_plain(chunks, starts, report)
            else:
                W0 = self._starts(pool, components, generator)[0]
                volume = float(self.min_volume)
                found = search_signatures(pool, W0, objective, min_volume=volume, progress=report)
            left = chunks.run(judge, Model(found.W, objective))
            # Of a library that was given most components may be absent; of a search all should be used.
            if not plain or self.dictionary is None:
                warn_of_unused(left["used"], l1_reg=float(self.l1_reg), custom=custom)
            network, trained = self._network(found.W, pool, generator, progress)
        self._sums, self._batches, self._learned_from = {}, 0, self._kind()
        self.reconstruction_err_ = float((2 * left["cost"].clamp(min=0)).sqrt())
        return self._keep(network, found.W, found.history | trained, found.n_iter)

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        mask: Any = None,
    ) -> Self:
        """Learn from another batch of samples, by sums over all batches (:func:`dnmf.engine.online.learn_batch`).

        The first batch starts the dictionary by a plain search, and should hold many more samples than there are
        components; a component that no batch has used starts again from a sample of the next. Where there are
        components already, from :meth:`fit` or a file, they are the start, and the sums are empty. Every sample counts
        alike, a batch that comes again counts again. ``n_iter_`` is the number of batches. There is no
        ``reconstruction_err_``, since the samples of former batches are not kept: :meth:`score` tells the error of
        samples at hand.

        Parameters
        ----------
        X, y, sample_weight, mask
            As for :meth:`fit`.

        Raises
        ------
        ValueError
            ``n_components``, the objective (``layer="kl"`` or another) or a penalty differ from those of the batches
            so far; or parameters are for :meth:`fit` alone.
        """
        self._check_parameters()
        if self.search != "plain" or self.dictionary is not None or self.init == "custom":
            raise ValueError("partial_fit needs search='plain', no dictionary, and no custom start")
        known = hasattr(self, "components_")
        former = getattr(self, "_learned_from", self._kind())
        if known and (former != self._kind() or self.n_components != self.n_components_):
            raise ValueError(
                "n_components, layer or penalties are not those of the batches so far: partial_fit goes on with the "
                "same, or starts anew on a clone of the estimator"
            )
        samples = self._read(X, reset=not known, sample_weight=sample_weight, mask=mask)
        objective, history = self._objective, {}
        with one_thread():
            generator, chunks = self._generator(), LocalChunks(samples)
            pool = draw_pool(chunks)
            if known:
                W = revived(self._to_tensor(self.components_), pool)
            else:
                with warnings.catch_warnings():  # an unfinished start is no doubt about the result
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    starts = self._starts(pool, None, generator)
                    found = self._search_plain(chunks, starts, self._reporter(None))
                W, history = found.W, found.history
            W, self._sums = learn_batch(chunks, W, getattr(self, "_sums", {}), objective)
            network, trained = self._network(W, pool, generator)
        self._batches, self._learned_from = getattr(self, "_batches", 0) + 1, self._kind()
        if hasattr(self, "reconstruction_err_"):
            del self.reconstruction_err_
        return self._keep(network, W, history | trained, self._batches)

    def fit_transform(
        self, X: Any, y: ArrayLike | None = None, *, mask: Any = None, **fit_params: Any
    ) -> Array:
        """Fit and return the exposures of the samples: ``fit(X, mask=mask, ...)``, then ``transform(X, mask=mask)``."""
        return self.fit(X, mask=mask, **fit_params).transform(X, mask=mask)

    def _kind(self) -> tuple[Any, ...]:
        """Return the parameters on which the sums over batches depend."""
        return self.n_components, self._objective
