"""Exposures learned from samples with known exposures, as a scikit-learn estimator."""

import warnings
from typing import Any, Literal, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from dnmf.engine.checks import check_range
from dnmf.estimators._base import Array, FactorisationEstimator, to_array
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.kernels.known_exposures import dispersion, variance_exponent
from dnmf.kernels.nnls import exact_signatures
from dnmf.posterior.gaussian import GaussianNetwork
from dnmf.posterior.gaussian_training import train_gaussian
from dnmf.posterior.network import SupervisedNetwork
from dnmf.posterior.training import train_posterior_mean
from dnmf.search.count_noise import COUNTING_DISPERSION
from dnmf.threads import one_thread
from dnmf.unfolding.training import History, TrainConfig

VALIDATION_SHARE = 0.15
# With fewer pairs the held-out ones cannot show whether a network is better than the likelihood: none is trained.
MIN_PAIRS = 20
# Between a variance that grows as the mean of counts (1) and one that does not (0).
COUNTING_EXPONENT = 0.5
# Largest relative difference between the sums of exposures that are called equal: labels rounded to two digits.
SUM_TOLERANCE = 0.02


class SupervisedEstimator(FactorisationEstimator):
    """Base of the supervised estimators: fitting to pairs of samples and exposures, and the error in the latter."""

    n_layers: int
    max_epochs: int
    learning_rate: float

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
            Samples, >= 0.
        y : (n_samples, n_components) or (n_samples,)
            Their exposures, >= 0.
        """
        samples = self._start_fit(X)
        exposures = self._to_tensor(self._validate_exposures(X, y), samples.dtype)
        with one_thread():
            self._fit(samples, exposures)
        return self

    def _fit(self, X: torch.Tensor, exposures: torch.Tensor) -> None:
        """Fit to validated pairs."""
        raise NotImplementedError

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return minus the mean over samples of the squared error; higher is better.

        Parameters
        ----------
        X : (n_samples, n_features)
            Samples.
        y : (n_samples, n_components), optional
            True exposures. Without them the error is that of the reconstruction.

        Returns
        -------
        float
            ``-mean_n sum_k (transform(X) - y)^2``
        """
        if y is None:
            return super().score(X)
        exposures = self._exposures_of(self._validate_samples(X))
        difference = exposures - self._validate_exposures(X, y)
        return -float(np.square(difference).sum(axis=1).mean())

    def _validate_exposures(self, X: ArrayLike, y: ArrayLike | None) -> Array:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: give the exposures of the "
                "samples, (n_samples, n_components); use DNMF when they are not known"
            )
        exposures = check_array(
            y, ensure_2d=False, ensure_non_negative=True, input_name="y", dtype=np.float64
        )
        check_consistent_length(X, exposures)
        exposures = exposures.reshape(len(exposures), -1)
        check_range("y", exposures, self.dtype or "float64")
        return cast(Array, exposures)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_numbers("learning_rate", positive=True)
        self._check_integers(max_epochs=1, n_layers=1)


class SupervisedDNMF(SupervisedEstimator):
    """Exposures by deep unfolding, learned from samples whose exposures are known.

    The dictionary is regressed on the pairs; what follows depends on their noise:

    - *Gaussian*, or any other of data without counts: L learned proximal gradient steps from a linear answer (ridge
      regression or inverse calibration). They learn the posterior mean of the exposures from the pairs, given each
      other's noise in every step. Their answer is blended with the linear one and with exact non-negative least squares
      for the regressed dictionary, by weights from held-out pairs; beyond the training pairs they have no weight. With
      fewer than 100 pairs none are trained, and none where least squares is exact already.
    - *Counts*: the dictionary by Poisson regression, and a network of L unfolded Kullback-Leibler steps that knows the
      sample's total. It learns the posterior mean of the exposures from samples drawn anew for every step (known
      exposures crossed between alike pairs and jittered, Poisson counts of their totals). Its answer is blended with
      that of Poisson maximum likelihood by a weight that is learned, as a function of the total, from held-out pairs
      (15 %); a sample whose total is unlike all training totals gets the likelihood's. With fewer than 20 pairs the
      answer is the likelihood's.
    - *Counts without noise*, or rounded only (residual variance below 1/4 of a Poisson count's): exact non-negative
      least squares for the regressed dictionary. No network can be better than the exact answer, so none is trained.

    Gaussian noise has no unit: ``fit(c X, c y)`` and ``transform(c X)`` give c times the answer. Counts have one: a
    count is one event.

    Parameters
    ----------
    noise : {"auto", "counts", "gaussian"}
        ``"auto"`` takes X for counts where it holds integers whose residual variance grows with the mean, or is that of
        rounding; it never takes other numbers for counts, whatever their size.
    sum_to_one : bool
        The exposures of every sample sum to 1, or to what they sum to in all pairs. Sums of pairs may differ by 2 %,
        as those of rounded shares do; each row is scaled to their median. Gaussian noise.
    intercept : bool
        Whether the answers may have a constant, as where samples have an offset or exposures a known sum. Without one,
        twice the sample gives twice the answer: all is learned from samples and exposures over the samples' totals.
        Gaussian noise.
    n_layers : int
        Depth L.
    max_epochs : int
        Epochs of 50 batches each; the epoch that is best on held-out pairs is kept.
    learning_rate : float
        Of Adam: the peak of a one-cycle schedule.
    batch_size : int
        Pairs per step.
    random_state : int, RandomState or None
        Validation split and all that is drawn.
    device : str
        Where torch computes the answers.

    Attributes
    ----------
    components_ : (k, f) array
        The dictionary of the training pairs, in features per unit of exposure: by Poisson regression for counts, by
        non-negative least squares otherwise.
    noise_ : str
        ``"counts"`` or ``"gaussian"``: what the noise was taken for.
    dispersion_ : float or None
        For counts the residual variance of the pairs, 1 for Poisson counts.
    network_ : torch module
        Maps samples to exposures.
    history_ : dict of arrays
        ``"training"`` and ``"validation"``, one value an epoch: squared exposure error summed over components, mean
        over samples. For counts over the sample's total (less for totals beyond 20,000), else in units of each
        component's mean square. Empty where no network was trained.
    n_iter_ : int
        Epochs done.

    Warns
    -----
    DoubtfulDataWarning
        Training ended no better than the linear answer or least squares, or no answer is better than the mean of all.

    Notes
    -----
    For counts the exposures must be proportional to a number of events for every component, since the counts of a
    sample are taken for their sum. The paper's own method is :class:`dnmf.PaperSupervisedDNMF`.

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
        noise: Literal["auto", "counts", "gaussian"] = "auto",
        sum_to_one: bool = False,
        intercept: bool = True,
        n_layers: int = 10,
        max_epochs: int = 50,
        learning_rate: float = 5e-3,
        batch_size: int = 128,
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        self.noise = noise
        self.sum_to_one = sum_to_one
        self.intercept = intercept
        self.n_layers = n_layers
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state
        self.device = device

    def _fit(self, X: torch.Tensor, exposures: torch.Tensor) -> None:
        generator = self._generator()
        X, exposures = X.cpu(), exposures.cpu()
        config = TrainConfig(int(self.max_epochs), float(self.learning_rate))
        fit = self._fit_counts if self._takes_counts(X, exposures) else self._fit_gaussian
        network, W, history = fit(X, exposures, config, generator)
        costs = {"training": history.cost, "validation": history.validation}
        kept = {phase: cost for phase, cost in costs.items() if cost}
        self._keep(network.to(self.device), W, kept, len(history.cost))

    def _takes_counts(self, X: torch.Tensor, exposures: torch.Tensor) -> bool:
        """Whether the noise is that of counting, or rounding alone: asked for, or integers as they come from counting.

        Integers of another kind, such as the grey levels of a picture, have a variance that does not grow with the
        mean.
        """
        if self.noise != "auto":
            return self.noise == "counts"
        if self.sum_to_one or not self.intercept or not bool((X.round() == X).all()):
            return False
        W = exact_signatures(X, exposures)
        counted = variance_exponent(X, exposures, W) >= COUNTING_EXPONENT
        return counted or dispersion(X, exposures, W) < COUNTING_DISPERSION

    def _fit_counts(
        self,
        X: torch.Tensor,
        exposures: torch.Tensor,
        config: TrainConfig,
        generator: torch.Generator,
    ) -> tuple[torch.nn.Module, torch.Tensor, History]:
        network = SupervisedNetwork(X.shape[1], exposures.shape[1], self.n_layers)
        network.learn_dictionary(X, exposures)
        history = History()
        if network.counting and len(X) >= MIN_PAIRS:
            counted = exposures * network.units
            check_range("the total count in y", to_array(counted), "float32")
            held_out, rest = self._split(len(X), generator)
            history = train_posterior_mean(
                network,
                counted[rest],
                (X[held_out], counted[held_out]),
                config=config,
                batch_size=self.batch_size,
                generator=generator,
            )
        else:
            # Answers without a trained network do not use these weights, but they are saved with the model.
            network.steps.initialise(
                torch.full_like(network.units, 1 / len(network.units)), generator
            )
        return network, network.dictionary, history

    def _fit_gaussian(
        self,
        X: torch.Tensor,
        exposures: torch.Tensor,
        config: TrainConfig,
        generator: torch.Generator,
    ) -> tuple[torch.nn.Module, torch.Tensor, History]:
        if self.sum_to_one:
            exposures = _equal_sums(exposures)
        network = self._gaussian_network(X.shape[1], exposures.shape[1])
        held_out, _ = self._split(len(X), generator)
        fit = train_gaussian(
            network,
            X,
            exposures,
            held_out=held_out,
            config=config,
            batch_size=self.batch_size,
            generator=generator,
        )
        if fit.doubt:
            warnings.warn(fit.doubt, DoubtfulDataWarning, stacklevel=4)
        return network, network.signatures, fit.history

    def _split(self, n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the rows of held-out pairs, and the others."""
        order = torch.randperm(n, generator=generator)
        held_out, rest = order.tensor_split([int(VALIDATION_SHARE * n)])
        return held_out, rest

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_integers(batch_size=1)
        self._check_choices(noise=("auto", "counts", "gaussian"))
        if self.noise == "counts" and (self.sum_to_one or not self.intercept):
            raise ValueError("sum_to_one and intercept are for noise='gaussian', not for counts")
        if self.sum_to_one and not self.intercept:
            raise ValueError(
                "sum_to_one needs an intercept: without one the exposures grow with the sample"
            )

    @property
    def noise_(self) -> str:
        """The noise that the network was built for."""
        check_is_fitted(self)
        return "gaussian" if isinstance(self.network_, GaussianNetwork) else "counts"

    @property
    def dispersion_(self) -> float | None:
        """The residual variance of the pairs, 1 for Poisson counts; None for other noise, where it has a unit."""
        check_is_fitted(self)
        network = self.network_
        return network.dispersion.item() if isinstance(network, SupervisedNetwork) else None

    def _gaussian_network(self, n_features: int, n_components: int) -> GaussianNetwork:
        return GaussianNetwork(
            n_features,
            n_components,
            self.n_layers,
            sum_to_one=bool(self.sum_to_one),
            intercept=bool(self.intercept),
        )

    def _empty_network(
        self, n_features: int, n_components: int, dtype: torch.dtype
    ) -> torch.nn.Module:
        if self.noise == "gaussian":
            return self._gaussian_network(n_features, n_components)
        return SupervisedNetwork(n_features, n_components, self.n_layers)


def _equal_sums(exposures: torch.Tensor) -> torch.Tensor:
    """Return exposures of pairs scaled to the median of their sums, or an InputDataError where these are not alike."""
    sums = exposures.sum(dim=1)
    away = (sums / sums.median() - 1).abs()
    if not float(away.max()) <= SUM_TOLERANCE:
        row = int(away.argmax())
        raise InputDataError(
            f"sum_to_one needs exposures whose sums differ by at most {SUM_TOLERANCE:.0%}: those of row {row} of y sum "
            f"to {sums[row]:.6g}, the median is {sums.median():.6g}. Divide every row of y by its sum, or leave "
            "sum_to_one out."
        )
    return exposures * (sums.median() / sums)[:, None]
