"""Training of the network for noise that is no counting noise: pairs with each other's noise, best epoch kept."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.linear_maps import calibrated_map, ridge_map
from dnmf.kernels.nnls import exact_signatures
from dnmf.posterior.gaussian import GaussianNetwork
from dnmf.posterior.pairs import MAX_NEIGHBOURS, NEAREST_SHARE
from dnmf.unfolding.training import History, TrainConfig, fit_loop, one_cycle, take_step

N_FOLDS = 5
# With fewer pairs the held-out ones cannot show whether a network is better than a linear answer: none is trained.
MIN_PAIRS = 100
STEPS_PER_EPOCH = 50
# Every pair of a batch is seen with the noise of so many of its neighbours, every held-out one as well.
NOISES_PER_PAIR = 4
# An error of least squares below this share of the exposures is no noise: nothing can be learned.
NEGLIGIBLE_ERROR = 1e-4
LINEAR_MAPS = {"ridge": ridge_map, "calibration": calibrated_map}
DISTANCE_ROWS = 1024
# Error over that of the mean from which the exposures are hardly known: a tenth of their variance is explained.
NO_BETTER_THAN_THE_MEAN = 0.95
# Standard errors by which the weight of the network is less than what the held-out pairs say.
TRUST_DOUBT = 1.0


@dataclass(frozen=True)
class GaussianFit:
    """What a training came to: its course, and root mean square errors on held-out pairs over that of the mean."""

    history: History
    errors: dict[str, float]

    @property
    def doubt(self) -> str:
        """What a user should be warned of; empty where nothing is wrong."""
        classic = min(self.errors.get("linear", 1.0), self.errors.get("least squares", 1.0))
        blend = self.errors.get("blend", 0.0)
        if blend > NO_BETTER_THAN_THE_MEAN:
            return (
                f"the exposures cannot be told from these samples: on held-out pairs the error is {blend:.0%} of that "
                "of predicting the mean exposures of all. Check that the rows of X and y belong together."
            )
        if self.errors.get("network", 0.0) >= classic:
            return (
                "training ended no better than ridge regression or least squares on held-out pairs, whose answers are "
                "returned: there is nothing more to learn, or there are too few pairs."
            )
        return ""


def train_gaussian(
    network: GaussianNetwork,
    X: Float[Tensor, "n f"],
    H: Float[Tensor, "n k"],
    *,
    held_out: Tensor,
    config: TrainConfig,
    batch_size: int,
    generator: torch.Generator,
) -> GaussianFit:
    """Train a network on pairs, then weigh it against the linear answer and least squares.

    Loss: the mean of ``|h - network(u)|^2`` in units of each exposure's root mean square. The statistics u of a pair
    come from maps fitted without it (five folds), and are given other noise in every step: those of a pair with alike
    exposures, moved by what the difference in exposures explains. Its minimum is the posterior mean. Adam on a
    one-cycle schedule, 50 steps an epoch.

    Parameters
    ----------
    network : GaussianNetwork
        New; trained in place. The best epoch on the held-out pairs is kept.
    X, H : (n, f), (n, k)
        All pairs.
    held_out : (v,)
        Rows that are not trained on.
    config : TrainConfig
        Epochs and peak of the learning rate.
    batch_size : int
        Pairs per step.
    generator : torch.Generator
        Of weights, folds and noise.
    """
    network.initialise(generator)
    scaled, exposures = network.learn_units(X, H)
    exact = network.least_squares(scaled * network.sample_unit) / network.exposure_units
    if len(X) < 2 or _error(exact, exposures) <= NEGLIGIBLE_ERROR * _error(0.0, exposures):
        return GaussianFit(History(), {})
    left_out = _classic_answers(network, scaled, exposures, generator)
    kind = min(LINEAR_MAPS, key=lambda name: _error(left_out[name], exposures))
    A, b = LINEAR_MAPS[kind](scaled, exposures)
    network.start_map.copy_(A)
    network.start_constant.copy_(b)
    starts, exact = left_out[kind], left_out["least squares"]
    linear = network.allowed(starts)
    network.linear_share.copy_(best_weight(exact, linear, exposures))
    classic = torch.lerp(exact, linear, network.linear_share)
    answers = {"linear": linear, "least squares": exact, "blend": classic}
    history, judged = History(), torch.arange(len(X))
    if len(X) >= MIN_PAIRS:
        u, judged = network.learn_statistics(scaled, exposures, starts), held_out
        history = _train(network, u, exposures, held_out, config, batch_size, generator)
        answers = {name: answer[judged] for name, answer in answers.items()}
        with torch.no_grad():
            refined = answers["network"] = network.refined(u[judged])
        trust = best_weight(answers["blend"], refined, exposures[judged], doubt=TRUST_DOUBT)
        network.trust.copy_(trust)
        answers["blend"] = torch.lerp(answers["blend"], refined, trust)
    mean = _error(exposures.mean(dim=0), exposures[judged])
    errors = {name: _error(answer, exposures[judged]) / mean for name, answer in answers.items()}
    return GaussianFit(history, errors)


def best_weight(
    one: Float[Tensor, "n k"],
    other: Float[Tensor, "n k"],
    truth: Float[Tensor, "n k"],
    *,
    doubt: float = 0.0,
) -> Tensor:
    """Return the weight from 0 to 1 for which ``(1 - w) one + w other`` is nearest to the truth.

    ``w = sum e . d / sum |d|^2``, d from one to the other, e to the truth; less ``doubt`` of its standard errors.
    """
    step = other - one
    gains, sizes = ((truth - one) * step).sum(dim=1), step.square().sum(dim=1)
    size = sizes.sum().clamp(min=torch.finfo(one.dtype).tiny)
    weight = gains.sum() / size
    error = (gains - weight * sizes).square().sum().sqrt() / size
    return (weight - doubt * error).clamp(0, 1)


def _error(found: Tensor | float, exposures: Tensor) -> float:
    return (found - exposures).square().mean().sqrt().item()


def _classic_answers(
    network: GaussianNetwork, X: Tensor, H: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return the linear answers and those of least squares for every scaled pair, learned from the other folds."""
    answers = {name: torch.empty_like(H) for name in (*LINEAR_MAPS, "least squares")}
    order = torch.randperm(len(X), generator=generator)
    for fold in order.tensor_split(min(N_FOLDS, len(X))):
        rest = torch.ones(len(X), dtype=torch.bool)
        rest[fold] = False
        for name, learn in LINEAR_MAPS.items():
            A, b = learn(X[rest], H[rest])
            answers[name][fold] = X[fold] @ A + b
        W = exact_signatures(X[rest], H[rest])
        answers["least squares"][fold] = network.fitted(X[fold], W)
    return answers


def _train(
    network: GaussianNetwork,
    u: Float[Tensor, "n q"],
    H: Float[Tensor, "n k"],
    held_out: Tensor,
    config: TrainConfig,
    batch_size: int,
    generator: torch.Generator,
) -> History:
    rest = torch.ones(len(u), dtype=torch.bool)
    rest[held_out] = False
    source = NoiseSource(u[rest], H[rest], network.expected_map)
    other = NoiseSource(u[held_out], H[held_out], network.expected_map)
    own = torch.arange(len(held_out))
    noisy = [other.draw(own, generator) for _ in range(NOISES_PER_PAIR)]
    judged_u = torch.cat([u[held_out], *noisy])
    judged_H = H[held_out].repeat(1 + NOISES_PER_PAIR, 1)
    optimiser = torch.optim.Adam(
        network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True
    )
    schedule = one_cycle(optimiser, config.learning_rate, config.max_epochs * STEPS_PER_EPOCH)

    def loss_of(u: Tensor, H: Tensor) -> Tensor:
        return (network.refined(u) - H).square().sum(dim=1).mean()

    def epoch() -> float:
        total = 0.0
        for _ in range(STEPS_PER_EPOCH):
            rows = torch.randint(len(source.H), (batch_size,), generator=generator)
            rows = rows.repeat(NOISES_PER_PAIR)
            loss = loss_of(source.draw(rows, generator), source.H[rows])
            total += take_step(network, loss, optimiser, schedule, clip=True)
        return total / STEPS_PER_EPOCH

    def validate() -> float:
        with torch.no_grad():
            return loss_of(judged_u, judged_H).item()

    return fit_loop(network, epoch, config, validate=validate, untrained=validate())


class NoiseSource:
    """Gives pairs the noise of pairs with alike exposures.

    ``u_i <- u_j + (h_i - h_j) M``, j one of the nearest tenth (at most 200), M what exposures explain.

    Parameters
    ----------
    u, H : (n, q), (n, k)
        Statistics and exposures.
    M : (k, q)
        Expected statistics per unit of exposure.
    """

    def __init__(
        self, u: Float[Tensor, "n q"], H: Float[Tensor, "n k"], M: Float[Tensor, "k q"]
    ) -> None:
        self.H = H
        self.explained = H @ M
        self.noise = u - self.explained
        wanted = min(max(int(NEAREST_SHARE * len(H)), 1), MAX_NEIGHBOURS)
        self.near = torch.cat(
            [
                torch.cdist(rows, H).topk(wanted, dim=1, largest=False).indices
                for rows in H.split(DISTANCE_ROWS)
            ]
        )

    def draw(self, rows: Tensor, generator: torch.Generator) -> Float[Tensor, "m q"]:
        """Return statistics of these pairs with other noise."""
        choice = torch.randint(self.near.shape[1], (len(rows),), generator=generator)
        return self.explained[rows] + self.noise[self.near[rows, choice]]
