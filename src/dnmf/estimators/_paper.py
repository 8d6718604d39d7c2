"""The method of Nasser, Eldar and Sharan 2021 as scikit-learn estimators, with nothing added."""

import warnings
from typing import Any, Literal, Self

import torch
from numpy.typing import ArrayLike

from dnmf.estimators._base import UnfoldedFactorisation
from dnmf.estimators._start import warn_of_rank
from dnmf.estimators._supervised import SupervisedEstimator
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels.nnls import exact_signatures
from dnmf.progress import Progress
from dnmf.threads import one_thread
from dnmf.unfolding.networks import UnfoldedMU
from dnmf.unfolding.paper_training import train_supervised, train_unsupervised
from dnmf.unfolding.training import TrainConfig


class PaperDNMF(UnfoldedFactorisation):
    """The paper's unsupervised method: a network of constant matrices, trained end to end with its dictionary.

    ``min 1/2 ||X - H W||_F^2 + l1_reg sum(H) + 1/2 l2_reg sum(H^2)``, H the network's exposures, W by exact
    non-negative least squares in every epoch. Everything starts from constants, so nothing is random.

    Parameters
    ----------
    n_components : int
        Number of components, k.
    n_layers : int
        Depth L.
    l1_reg, l2_reg : float
        Penalties on the exposures; ``l1_reg`` in the unit of the samples.
    weight_init : float
        Constant from which all matrices start: 0.1 in the authors' code, 1 in the text.
    max_epochs : int
        Passes over all samples.
    learning_rate : float
        Of Adam.
    dictionary_order : str
        ``"fresh"`` (the text) or ``"stale"`` (the code), see :func:`dnmf.unfolding.train_unsupervised`.
    dtype : {"float64", "float32"}, optional
        Default that of X where it is float32, else float64.
    device : str
        Where torch computes.

    Attributes
    ----------
    components_ : (k, f) array
        Signatures in the scale of the network's exposures, as least squares gives them.
    network_ : torch module
        Maps (n, f) counts to (n, k) exposures.
    history_ : dict of arrays
        ``"training"``: the cost per sample in every epoch.
    n_iter_ : int
        Epochs done.

    Notes
    -----
    Paper 2.3 and eq. 5.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).poisson(20.0, size=(30, 8))
    >>> PaperDNMF(2, n_layers=2, max_epochs=3).fit(X).transform(X).shape
    (30, 2)
    """

    def __init__(
        self,
        n_components: int = 10,
        *,
        n_layers: int = 10,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        weight_init: float = 0.1,
        max_epochs: int = 500,
        learning_rate: float = 5e-4,
        dictionary_order: Literal["fresh", "stale"] = "fresh",
        dtype: str | None = None,
        device: str = "cpu",
    ) -> None:
        self.n_components = n_components
        self.n_layers = n_layers
        self.l1_reg = l1_reg
        self.l2_reg = l2_reg
        self.weight_init = weight_init
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.dictionary_order = dictionary_order
        self.dtype = dtype
        self.device = device

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, progress: Progress | None = None
    ) -> Self:
        """Train network and dictionary together.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts, >= 0.
        y : None
            Ignored.
        progress : callable(phase, step, steps, cost), optional
            Called after every epoch, phase ``"training"``.
        """
        samples = self._start_fit(X)
        with one_thread():
            warn_of_rank(samples, self.n_components)
            network = self._empty_network(samples.shape[1], self.n_components, samples.dtype)
            W, history = train_unsupervised(
                network.to(samples.device),
                samples,
                config=TrainConfig(int(self.max_epochs), float(self.learning_rate)),
                dictionary_order=self.dictionary_order,
                progress=progress,
                **self._penalties,
            )
        return self._keep(network, W, {"training": history.cost}, len(history.cost))

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_integers(n_components=1, n_layers=1, max_epochs=0)
        self._check_numbers("l1_reg", "l2_reg")
        self._check_numbers("weight_init", "learning_rate", positive=True)
        self._check_choices(dictionary_order=("fresh", "stale"))

    def _empty_network(self, n_features: int, n_components: int, dtype: torch.dtype) -> UnfoldedMU:
        return UnfoldedMU(
            n_features,
            int(n_components),
            int(self.n_layers),
            weight_init=float(self.weight_init),
            dtype=dtype,
            **self._penalties,
        )


class PaperSupervisedDNMF(SupervisedEstimator):
    """The paper's supervised method: multiplicative updates with free matrices and penalties, on the counts themselves.

    All matrices start at 1; the dictionary is never needed. The loss is the squared error of the exposures.

    Parameters
    ----------
    n_layers : int
        Depth L.
    l1_reg, l2_reg : float
        Where the penalties start, in the unit of the samples.
    learn_penalties : bool
        Whether the penalties are trained with the matrices.
    max_epochs : int
        Passes over the pairs.
    learning_rate : float
        Of Adam.
    batch_size : int, optional
        Samples per step; default all.
    random_state : int, RandomState or None
        Order of the mini-batches.
    dtype : {"float64", "float32"}
    device : str
        Where torch computes.

    Attributes
    ----------
    components_ : (k, f) array
        The non-negative least-squares dictionary of the training pairs, which the network does not use.
    network_ : torch module
        Maps counts to exposures.
    history_ : dict of arrays
        ``"training"``: squared exposure error summed over components, mean over samples, in every epoch.
    l1_reg_, l2_reg_ : float
        The learned penalties.
    n_iter_ : int
        Epochs done.

    Notes
    -----
    Paper 2.2. Where training ends worse than predicting the mean exposures, a DoubtfulDataWarning says so.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.gamma(0.5, 100.0, size=(30, 2))
    >>> X = y @ rng.dirichlet(np.full(8, 0.3), size=2)
    >>> PaperSupervisedDNMF(n_layers=2, max_epochs=3).fit(X, y).transform(X).shape
    (30, 2)
    """

    _learned = ("l1_reg", "l2_reg")

    def __init__(
        self,
        *,
        n_layers: int = 10,
        l1_reg: float = 1.0,
        l2_reg: float = 1.0,
        learn_penalties: bool = True,
        max_epochs: int = 500,
        learning_rate: float = 1e-3,
        batch_size: int | None = None,
        random_state: Any = None,
        dtype: str = "float64",
        device: str = "cpu",
    ) -> None:
        self.n_layers = n_layers
        self.l1_reg = l1_reg
        self.l2_reg = l2_reg
        self.learn_penalties = learn_penalties
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state
        self.dtype = dtype
        self.device = device

    def _fit(self, X: torch.Tensor, exposures: torch.Tensor) -> None:
        network = self._empty_network(X.shape[1], exposures.shape[1], X.dtype).to(X.device)
        history = train_supervised(
            network,
            X,
            exposures,
            config=TrainConfig(int(self.max_epochs), float(self.learning_rate)),
            batch_size=self.batch_size,
            generator=self._generator(),
        )
        with torch.no_grad():
            error = (network(X) - exposures).square().sum()
        mean_error = (exposures - exposures.mean(dim=0)).square().sum()
        if len(X) > 1 and error > mean_error:
            warnings.warn(
                f"training ended worse than predicting the mean exposures: {(error / mean_error).item():.3g} times its "
                "squared error on the training pairs. Bring X and y to the size of counts, raise max_epochs or change "
                "learning_rate, or use SupervisedDNMF.",
                DoubtfulDataWarning,
                stacklevel=3,
            )
        W = exact_signatures(X, exposures)
        self._keep(network, W, {"training": history.cost}, len(history.cost))

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_numbers("l1_reg", "l2_reg")
        if self.batch_size is not None:
            self._check_integers(batch_size=1)

    def _empty_network(self, n_features: int, n_components: int, dtype: torch.dtype) -> UnfoldedMU:
        return UnfoldedMU(
            n_features,
            n_components,
            int(self.n_layers),
            learn_penalties=self.learn_penalties,
            dtype=dtype,
            **self._penalties,
        )
