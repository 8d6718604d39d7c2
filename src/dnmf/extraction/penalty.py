"""Which penalty on the exposures: the strongest that predicts unseen counts as well as the best."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor

from dnmf.criteria import CHOICE_STANDARD_ERRORS, MIN_SAMPLES_TO_CHOOSE
from dnmf.exceptions import InputDataError
from dnmf.kernels.alternating import Phase, nmf_anls
from dnmf.kernels.nnls import exact_exposures
from dnmf.progress import Progress
from dnmf.search.count_noise import CountNoise
from dnmf.search.held_out import held_out_deviance
from dnmf.selection.candidate import SAMPLE_FOLDS, sample_folds
from dnmf.selection.choice import MIN_HELD_OUT, paired_differences

Kind = Literal["l1", "l2"]
KINDS: tuple[Kind, ...] = ("l1", "l2")
# Shares of the term that a penalty is added to, see `penalty_grid`.
PENALTY_SHARES = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
REFIT_ITERATIONS = 40


@dataclass(frozen=True)
class PenaltyChoice:
    """A penalty and how it came about.

    Attributes
    ----------
    value : float
        In mutations (l1) or without unit (l2).
    curve : DataFrame
        By penalty: ``held_out`` (mean over samples of the logarithm of the held-out deviance), its ``difference`` to
        the best and the ``standard_error`` of that, paired over samples.
    """

    value: float
    curve: pd.DataFrame


def penalty_grid(X: Float[Tensor, "n f"], W: Float[Tensor, "k f"], kind: Kind) -> list[float]:
    """Return the penalties to try: 0, and 0.001 %, 0.01 %, ... 10 % of the term that each is added to.

    ``l1_reg`` is added to ``x . w - h ||w||^2``: its scale is the median over samples of the total times the median
    over signatures of ``||w||^2``. ``l2_reg`` is added to ``||w||^2`` and takes the median of that.
    """
    scale = W.square().sum(dim=1).median().item()
    if kind == "l1":
        scale *= X.sum(dim=1).median().item()
    return [share * scale for share in PENALTY_SHARES]


def choose_penalty(
    X: Float[Tensor, "n f"],
    W: Float[Tensor, "k f"],
    noise: CountNoise,
    kind: Kind,
    *,
    seed: int,
    other: float = 0.0,
    progress: Progress | None = None,
) -> PenaltyChoice:
    """Choose the penalty by bi-cross-validation: the strongest within ``CHOICE_STANDARD_ERRORS`` of the best.

    In each fold, those of the number of signatures with the same ``seed``, the signatures ``W`` of all samples are
    refitted to the training samples under each penalty of one ``kind``; the ``other`` is fixed. ``progress`` is called
    after every fold of every penalty, in the phase "l1 penalty" or "l2 penalty".

    Raises
    ------
    InputDataError
        With fewer than ``MIN_SAMPLES_TO_CHOOSE`` samples.
    """
    if len(X) < MIN_SAMPLES_TO_CHOOSE:
        raise InputDataError(
            f"{len(X)} samples with mutations are too few to choose a penalty: give a number."
        )
    values = penalty_grid(X, W, kind)
    log_deviance = np.empty((len(values), len(X)))
    for index, value in enumerate(values):
        l1_reg, l2_reg = (value, other) if kind == "l1" else (other, value)
        infer = partial(_penalised_exposures, l1_reg=l1_reg, l2_reg=l2_reg)
        for fold, (rows, held_out, generator) in enumerate(sample_folds(X, seed), start=1):
            refitted = nmf_anls(
                X[rows],
                W,
                phases=(Phase(REFIT_ITERATIONS),),
                l1_reg=l1_reg,
                l2_reg=l2_reg,
                sample_weights=noise.sample_weights[rows],
            ).W
            deviance = held_out_deviance(
                X[held_out], refitted, noise.of(held_out), generator=generator, infer=infer
            )
            log_deviance[index, held_out.numpy()] = deviance.clamp(min=MIN_HELD_OUT).log().numpy()
            if progress is not None:
                step, steps = index * SAMPLE_FOLDS + fold, len(values) * SAMPLE_FOLDS
                progress(f"{kind} penalty", step, steps, math.nan)
    means = log_deviance.mean(axis=1)
    difference, error = paired_differences(log_deviance, int(means.argmin()))
    curve = pd.DataFrame(
        {"held_out": means, "difference": difference, "standard_error": error},
        index=pd.Index(values, name=kind),
    )
    within = curve["difference"] <= CHOICE_STANDARD_ERRORS * curve["standard_error"]
    return PenaltyChoice(float(curve.index[within.to_numpy()].max()), curve)


def _penalised_exposures(
    X: Tensor, W: Tensor, noise: CountNoise, *, l1_reg: float, l2_reg: float
) -> Tensor:
    del noise  # the unweighted least squares of the estimator, which weights no sample
    return exact_exposures(X, W, l1_reg=l1_reg, l2_reg=l2_reg)
