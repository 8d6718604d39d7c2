"""The shipped refit network with its calibration: one file of weights for every reference."""

from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dnmf.exceptions import ModelFileError
from dnmf.refit.evidence import UNLIKE_SCALAR, Evidence
from dnmf.refit.network import RefitNetwork, RefitOutput
from dnmf.unfolding.restore import read_tensors, restore_network

Array = NDArray[np.float64]

MODEL_FILE = "refit.safetensors"
# Numbers of mutations at which intervals and the test of the answer are calibrated; linear in the logarithm between.
CALIBRATION_COUNTS = (10, 20, 50, 100, 200, 500, 1000, 3000, 10_000, 30_000, 100_000)
# Probabilities of the null distribution that are kept: dense where tests are decided.
NULL_LEVELS = (*(i / 20 for i in range(1, 18)), 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
# Part of a mutation that an end of an interval is away from the estimate at least.
LEAST_DISTANCE = 0.1


@dataclass(frozen=True, slots=True)
class RefitCalibration:
    """Tables over the number of mutations (rows), measured on simulated samples that training did not see.

    Attributes
    ----------
    lower, upper, hidden : (g, 2)
        Factors on the distances to the ends of the network's intervals: for signatures that are called, and for the
        upper end of those that are not; for samples like the known exposures, and for samples unlike all of them.
    null, null_unlike : (g, q)
        Quantiles of the network's score for a missing signature, in samples that the reference does explain.
    """

    lower: Tensor
    upper: Tensor
    hidden: Tensor
    null: Tensor
    null_unlike: Tensor

    @classmethod
    def none(cls) -> "RefitCalibration":
        """Return the tables before calibration: factors of 1, and a standard normal score."""
        g = len(CALIBRATION_COUNTS)
        null = torch.special.ndtri(torch.tensor(NULL_LEVELS, dtype=torch.float64))
        one = torch.ones(g, 2, dtype=torch.float64)
        return cls(
            one, one.clone(), one.clone(), null.expand(g, -1).clone(), null.expand(g, -1).clone()
        )


def at_counts(table: Tensor, total: Array) -> Array:
    """Return a table's rows at these numbers of mutations: linear in the logarithm, constant beyond its ends."""
    values = table.numpy()
    grid = np.log(CALIBRATION_COUNTS)
    place = np.log(np.maximum(total, 1.0)).clip(grid[0], grid[-1])
    right = np.searchsorted(grid, place).clip(1, len(grid) - 1)
    part = ((place - grid[right - 1]) / (grid[right] - grid[right - 1]))[:, None]
    rows: Array = (1 - part) * values[right - 1] + part * values[right]
    return rows


@dataclass(frozen=True, slots=True)
class RefitModel:
    """A trained and calibrated refit network."""

    network: RefitNetwork
    calibration: RefitCalibration

    def interval_ends(
        self, evidence: Evidence, output: RefitOutput, shares: Array, called: NDArray[np.bool_]
    ) -> tuple[Array, Array]:
        """Return the ends (n, K) of the 90 % intervals of the seen signatures, around these final shares."""
        total = evidence.total.double().numpy()
        unlike = evidence.scalars[:, UNLIKE_SCALAR].double().numpy()

        def factor(table: Tensor) -> Array:
            like, other = at_counts(table, total).T
            return ((1 - unlike) * like + unlike * other)[:, None]

        below, above = distances(evidence, output)
        calibration = self.calibration
        lower = np.where(called, shares - factor(calibration.lower) * below, 0.0)
        scale = np.where(called, factor(calibration.upper), factor(calibration.hidden))
        upper = np.minimum(shares + scale * above, 1.0)
        most = _most_possible(evidence)
        return np.maximum(lower, 0), np.maximum(np.minimum(upper, most), shares)

    def p_answer(self, evidence: Evidence, output: RefitOutput) -> Array:
        """Return how often samples that the reference explains have a score as high as this one.

        Beyond the last quantile the tail is exponential, with the decay of the last twentieth.
        """
        score = output.foreign.double().numpy()
        total = evidence.total.double().numpy()
        unlike = evidence.scalars[:, UNLIKE_SCALAR, None].double().numpy()
        like, other = self.calibration.null, self.calibration.null_unlike
        null = (1 - unlike) * at_counts(like, total) + unlike * at_counts(other, total)
        levels = np.array(NULL_LEVELS)
        p = np.array(
            [np.interp(s, row, 1 - levels, left=1.0) for s, row in zip(score, null, strict=True)]
        )
        start = NULL_LEVELS.index(0.95)
        decay = (null[:, -1] - null[:, start]) / np.log(0.05 / (1 - levels[-1]))
        beyond = (1 - levels[-1]) * np.exp(-(score - null[:, -1]) / np.maximum(decay, 1e-6))
        p_value: Array = np.where(score > null[:, -1], beyond, p)
        return p_value


def distances(evidence: Evidence, output: RefitOutput) -> tuple[Array, Array]:
    """Return the distances (n, K) from the network's shares to the ends of its intervals, before calibration."""
    least = LEAST_DISTANCE / evidence.total.clamp(min=1)[:, None]
    below = torch.maximum(output.shares - output.lower, least).double().numpy()
    above = torch.maximum(output.upper - output.shares, least).double().numpy()
    return below, above


def _most_possible(evidence: Evidence) -> Array:
    """Return the largest share of each seen signature that the counts of its channels allow.

    ``min_c (x_c + 4 sqrt(x_c + 1) + 4) / (N W_jc)``: the mean of a Poisson count x is larger than this numerator about
    once in ten thousand times.
    """
    X = evidence.X.double()
    room = (X + 4 * (X + 1).sqrt() + 4) / evidence.total.double().clamp(min=1)[:, None]
    inverse = 1 / evidence.W.double().clamp(min=1e-9)
    most = torch.stack([(room * row).amin(dim=1) for row in inverse], dim=1)
    return most.gather(1, evidence.seen).numpy()


@cache
def load_model() -> RefitModel:
    """Return the model that comes with the package.

    Raises
    ------
    ModelFileError
        If its file is damaged: the package must be installed again.
    """
    path = resources.files("dnmf.refit").joinpath("data", MODEL_FILE)
    return read_model(path.read_bytes(), str(path))


def read_model(content: bytes, source: str) -> RefitModel:
    """Return a model from the content of its file; ``source`` names it in errors."""
    try:
        tensors = {name: values.float() for name, values in read_tensors(content).items()}
        tables = {
            name: tensors.pop(f"calibration.{name}").double()
            for name in ("lower", "upper", "hidden", "null", "null_unlike")
        }
        for name, like in asdict(RefitCalibration.none()).items():
            if tables[name].shape != like.shape:
                shape, wanted = tuple(tables[name].shape), tuple(like.shape)
                raise ValueError(f"calibration.{name} has the shape {shape}, not {wanted}")
        n_layers = sum(name.endswith("gates.weight") for name in tensors)
        # Building a network draws weights: the user's generator shall not notice.
        with torch.random.fork_rng(devices=[]):
            network = restore_network(RefitNetwork, n_layers, tensors)
    except (ValueError, KeyError) as error:
        raise ModelFileError(f"{source} is not the refit model of dnmf: {error}") from None
    assert isinstance(network, RefitNetwork)
    return RefitModel(network.eval().requires_grad_(False), RefitCalibration(**tables))
