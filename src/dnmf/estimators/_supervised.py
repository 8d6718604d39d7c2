"""Supervised deep unfolding as a scikit-learn estimator."""

from typing import Any, Literal, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length

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
from dnmf.kernels.nnls import exact_signatures
from dnmf.posterior.network import SupervisedNetwork
from dnmf.posterior.training import train_posterior_mean
from dnmf.threads import one_thread
from dnmf.unfolding.networks import UnfoldedMU
from dnmf.unfolding.training import History, TrainConfig, train_supervised

# What a preset fixes where the user leaves a parameter at None.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {"max_epochs": 50, "learning_rate": 5e-3, "batch_size": 128},
    "paper": {
        "max_epochs": 500,
        "learning_rate": 1e-3,
        "batch_size": None,
        "l1_reg": 1.0,
        "l2_reg": 1.0,
    },
}
VALIDATION_SHARE = 0.15
# Fewer pairs cannot show that a network is better than the likelihood: none is trained.
FEWEST_PAIRS = 20


class SupervisedDNMF(FactorisationEstimator):
    """Exposures by deep unfolding, learned from samples whose exposures are known.

    ``preset="default"`` takes its dictionary from the pairs, and then what is best for their noise:

    - *Counts*: the dictionary by Poisson regression, and a network of L unfolded Kullback-Leibler steps that knows the
      sample's total. It learns the posterior mean of the exposures from samples drawn anew for every step (known
      exposures crossed between alike pairs and jittered, Poisson counts of their totals). Its answer is blended with
      that of Poisson maximum likelihood by a weight that is learned, as a function of the total, from held-out pairs
      (15 %); a sample whose total is unlike all training totals gets the likelihood's.
    - *No noise*, or rounding only: exact non-negative least squares for the regressed dictionary. No network can be
      better than the exact answer, so none is trained.

    Which of the two is measured: the residual variance around the known exposures times the regressed dictionary, in
    units of a Poisson count's. Above 1/4 they are counts. With fewer than 20 pairs the answer is the likelihood's.

    ``preset="paper"`` is a network of L multiplicative updates, all matrices and the two penalties free, on the counts
    themselves; it starts everything at 1, and runs all epochs. It needs no dictionary.

    Parameters
    ----------
    preset : str
        ``"default"`` or ``"paper"``; decides every parameter left at None.
    n_layers : int
        Depth L.
    l1_reg, l2_reg : float, optional
        Where the penalties of ``preset="paper"`` start, in mutations; 1 if None. The default has none.
    learn_penalties : bool
        Whether the paper's penalties are trained with its matrices.
    max_epochs : int, optional
        Default 50, of 50 batches of new samples each; the epoch that is best on held-out pairs is kept. Paper 500
        passes over the pairs.
    learning_rate : float, optional
        Of Adam; the peak of a one-cycle schedule, 5e-3; paper 1e-3 throughout.
    batch_size : int, optional
        Samples per step: 128; paper all.
    random_state : int, RandomState or None
        Validation split and all that is drawn.
    dtype : str
        ``"float64"`` or ``"float32"``, of the paper's network. The default trains in float32 and answers in float64.
    device : str
        Where torch computes.

    Attributes
    ----------
    components_ : (k, f) array
        The dictionary of the training pairs, in counts per unit of exposure: by Poisson regression for counts, by
        non-negative least squares without noise and for the paper, whose network does not use it.
    dispersion_ : float
        The residual variance of the pairs, 1 for Poisson counts. Not for ``preset="paper"``.
    network_ : torch module
        Maps counts to exposures.
    history_ : dict of arrays
        ``"training"`` and, with held-out pairs, ``"validation"``, one value an epoch: squared exposure error summed
        over components, mean over samples; by default over the total (less for totals beyond 20,000). Empty where no
        network was trained.
    l1_reg_, l2_reg_ : float
        The paper's learned penalties.
    n_iter_ : int
        Epochs done.

    Notes
    -----
    Nasser, Eldar and Sharan 2021, 2.2, for the preset ``"paper"``. The exposures must be in mutations, or at least
    proportional to them for every component, since the counts of a sample are taken for their sum.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.gamma(0.5, 1000.0, size=(200, 3))
    >>> X = y @ rng.dirichlet(np.full(20, 0.3), size=3)
    >>> model = SupervisedDNMF(random_state=0).fit(X, y)
    >>> model.transform(X[:2]).shape
    (2, 3)
    """

    def __init__(
        self,
        *,
        preset: Literal["default", "paper"] = "default",
        n_layers: int = 10,
        l1_reg: float | None = None,
        l2_reg: float | None = None,
        learn_penalties: bool = True,
        max_epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        random_state: Any = None,
        dtype: str = "float64",
        device: str = "cpu",
    ) -> None:
        self.preset = preset
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.positive_only = True
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train the network on samples with known exposures.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts, >= 0.
        y : (n_samples, n_components) or (n_samples,)
            Their exposures, >= 0, in mutations.
        """
        self._check_parameters()
        samples = self._to_tensor(self._validate_samples(X, reset=True))
        check_has_mutations(samples)
        exposures = self._to_tensor(self._validate_exposures(X, y))
        with one_thread():
            if self.preset == "paper":
                self._fit_paper(samples, exposures)
            else:
                self._fit_default(samples.double(), exposures.double())
        return self

    def _fit_paper(self, X: torch.Tensor, exposures: torch.Tensor) -> None:
        settings = self._settings()
        k, f = exposures.shape[1], X.shape[1]
        network = UnfoldedMU(
            f,
            k,
            self.n_layers,
            l1_reg=float(settings["l1_reg"]),
            l2_reg=float(settings["l2_reg"]),
            learn_penalties=self.learn_penalties,
            dtype=X.dtype,
            device=X.device,
        )
        W = exact_signatures(X, exposures)
        history = train_supervised(
            network,
            X,
            exposures,
            config=TrainConfig(settings["max_epochs"], settings["learning_rate"]),
            batch_size=settings["batch_size"],
            generator=self._generator(self.random_state),
        )
        self._keep(network, W, history)
        self.l1_reg_, self.l2_reg_ = network.l1_reg.item(), network.l2_reg.item()

    def _fit_default(self, X: torch.Tensor, exposures: torch.Tensor) -> None:
        settings = self._settings()
        generator = self._generator(self.random_state)
        X, exposures = X.cpu(), exposures.cpu()
        network = SupervisedNetwork(X.shape[1], exposures.shape[1], self.n_layers)
        network.learn_dictionary(X, exposures)
        history = History()
        if network.counting and len(X) >= FEWEST_PAIRS:
            mutations = exposures * network.units
            order = torch.randperm(len(X), generator=generator)
            held_out, rest = order.tensor_split([int(VALIDATION_SHARE * len(X))])
            history = train_posterior_mean(
                network,
                mutations[rest],
                (X[held_out], mutations[held_out]),
                config=TrainConfig(settings["max_epochs"], settings["learning_rate"]),
                batch_size=settings["batch_size"],
                generator=generator,
            )
        self.dispersion_ = network.dispersion.item()
        self._keep(network.to(self.device), network.dictionary, history)

    def _keep(self, network: torch.nn.Module, W: torch.Tensor, history: History) -> None:
        self.network_ = network.eval()
        self.components_ = to_array(W)
        self.n_components_ = len(W)
        costs = {"training": history.cost, "validation": history.validation}
        self.history_ = {name: np.asarray(cost) for name, cost in costs.items() if cost}
        self.n_iter_ = len(history.cost)

    def _validate_exposures(self, X: ArrayLike, y: ArrayLike | None) -> Array:
        if y is None:
            raise ValueError(
                "SupervisedDNMF requires y to be passed, but the target y is None: give the exposures of the samples, "
                "(n_samples, n_components); use DNMF when they are not known"
            )
        exposures = check_array(
            y, ensure_2d=False, ensure_non_negative=True, input_name="y", dtype=np.float64
        )
        check_consistent_length(X, exposures)
        return cast(Array, exposures.reshape(len(exposures), -1))

    def _settings(self) -> dict[str, Any]:
        if self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")
        settings = {
            name: value if getattr(self, name) is None else getattr(self, name)
            for name, value in PRESETS[self.preset].items()
        }
        return settings

    def _check_parameters(self) -> None:
        super()._check_parameters()
        settings = self._settings()
        for name in ("l1_reg", "l2_reg"):
            value = getattr(self, name)
            if value is None:
                continue
            check_penalty(value, name)
            if self.preset != "paper":
                raise ValueError(
                    f"{name} must be None, got {value!r}: only preset='paper' has penalties"
                )
        check_positive(settings["learning_rate"], "learning_rate")
        check_positive_integer(settings["max_epochs"], "max_epochs")
        check_positive_integer(self.n_layers, "n_layers")
        if self.batch_size is not None:
            check_positive_integer(self.batch_size, "batch_size")

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return minus the mean over samples of the squared error; higher is better.

        Parameters
        ----------
        X : (n_samples, n_features)
            Counts.
        y : (n_samples, n_components), optional
            True exposures. Without them the error is that of the reconstruction.

        Returns
        -------
        float
            ``-mean_n sum_k (transform(X) - y)^2``
        """
        if y is None:
            return super().score(X)
        samples = self._validate_samples(X, reset=False)
        difference = self._exposures_of(samples) - self._validate_exposures(X, y)
        return -float(np.square(difference).sum(axis=1).mean())

    def _empty_network(self, n_features: int, n_components: int) -> torch.nn.Module:
        if self.preset == "default":
            return SupervisedNetwork(n_features, n_components, self.n_layers)
        return UnfoldedMU(
            n_features,
            n_components,
            self.n_layers,
            learn_penalties=self.learn_penalties,
            dtype=DTYPES[self.dtype],
        )

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        exposures: torch.Tensor = self.network_(X)
        return exposures
