"""Training a refit network for one reference, from exposures to a model that can be saved and shipped."""

import hashlib
import platform
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dnmf import __version__
from dnmf.exceptions import InputDataError
from dnmf.refit.calibrate import calibrate
from dnmf.refit.card import RefitCard, reference_hash
from dnmf.refit.checkpoint import checksum
from dnmf.refit.estimate import refit_answer
from dnmf.refit.evaluation import TEST_COHORTS, draw_test_set, fitting_error, presence_scores
from dnmf.refit.network import RefitNetwork
from dnmf.refit.training import RefitTraining, train_refit
from dnmf.refit.tumours import SPLIT, SUCCESSORS, TumourExposures, read_tumour_exposures
from dnmf.signatures import SignatureSet
from dnmf.unfolding.conditioned import ConditionedDesign

MEASURED_COUNTS = (100, 2_000, 50_000)
# With fewer held-out tumours a calibration says more about them than about the network.
LEAST_CALIBRATION = 20


def train_refit_model(
    reference: SignatureSet,
    exposures: str | Path,
    *,
    name: str,
    reference_name: str,
    config: RefitTraining | None = None,
    design: ConditionedDesign | None = None,
    seed: int = 0,
    start: tuple[RefitNetwork, RefitCard] | None = None,
    checkpoint: Path | None = None,
    callback: Callable[[int, int, float], None] | None = None,
) -> tuple[RefitNetwork, RefitCard]:
    """Train, calibrate and describe a refit network.

    Parameters
    ----------
    reference : SignatureSet
        What it shall refit.
    exposures : path
        Of tumours, see :func:`dnmf.refit.tumours.read_tumour_exposures`. A quarter of them, chosen by the checksum
        of their names, is never used, a twentieth only for calibration.
    name, reference_name : str
        For the card.
    config, design : optional
        How to train, and sizes.
    seed : int
        Of everything random.
    start : (RefitNetwork, RefitCard), optional
        A model of another reference, whose signatures of the same name are where training starts: a third of the
        steps then suffices.
    checkpoint : Path, optional
        Kept while training runs: an interrupted run goes on from it. Remove it when the model is saved.
    callback : callable(step, steps, error), optional
        Called after every step.

    Returns
    -------
    network, card
        For :func:`dnmf.refit.save_refit_model`. Measure what was read back with :func:`measure`.
    """
    config = config or RefitTraining()
    profiles = reference.profiles.to_numpy(np.float64)
    W = torch.tensor(profiles, dtype=torch.float32)
    tumours = read_tumour_exposures(exposures, reference.names)
    shares, cohorts = torch.tensor(tumours.shares), torch.tensor(tumours.cohorts)
    training = torch.tensor(tumours.part("training"))
    if not training.any():
        raise InputDataError(f"{exposures}: no tumour is left for training: give more of them")
    network = train_refit(
        W,
        shares[training],
        cohorts[training],
        n_cohorts=len(tumours.cohort_names),
        config=config,
        design=design,
        seed=seed,
        start=_warm_start(start, W, reference.names, tumours.cohort_names),
        checkpoint=checkpoint,
        origin={"split of the tumours": SPLIT},
        callback=callback,
    )
    held_out = torch.tensor(tumours.part("calibration"))
    own = int(held_out.sum()) >= LEAST_CALIBRATION
    rows = held_out if own else training
    calibrate(network, shares[rows], cohorts[rows], config, seed=seed + 1)
    card = RefitCard(
        name=name,
        reference=reference_name,
        reference_sha256=reference_hash(reference.names, profiles),
        signatures=list(reference.names),
        channels=[str(channel) for channel in reference.profiles.columns],
        cohorts=tumours.cohort_names,
        counts=config.counts,
        design=asdict(network.design),
        unseen_signatures=tumours.unseen,
        renamed_signatures=tumours.renamed,
        notes=_notes(tumours, config),
        training={
            "exposures": Path(exposures).name,
            "tumours": len(tumours.samples),
            "used_for_training": int(training.sum()),
            "used_for_calibration": int(rows.sum()),
            "calibrated_on_training_tumours": not own,
            "split": SPLIT,
            "exposures_sha256": hashlib.sha256(Path(exposures).read_bytes()).hexdigest(),
            "started_from": None if start is None else start[1].name,
            "started_from_sha256": None if start is None else checksum(*start[0].parameters()),
            "seed": seed,
            "config": asdict(config),
            "versions": _versions(),
        },
    )
    return network, card


def _notes(tumours: TumourExposures, config: RefitTraining) -> list[str]:
    notes = [
        f"{old} of the training exposures is taken as {new}."
        for old, new in tumours.renamed.items()
    ]
    if tumours.unseen:
        notes.append(
            f"No training tumour has {', '.join(tumours.unseen)}. Like every signature they have a small broad prior "
            f"(one or two signatures drawn evenly are added to {config.foreign:.0%} of the training samples, and "
            f"{config.uniform:.0%} consist of such signatures only), so they are found where the counts are clear, and "
            "later than signatures with examples."
        )
    low, high = config.counts
    notes.append(
        f"Trained with {low:,.0f} to {high:,.0f} mutations per sample and Poisson noise. Counts that vary more are "
        "noticed by the test of fit and taken for fewer mutations; their intervals remain too narrow."
    )
    notes.append(
        "Trained on tumours. Where signatures occur together as they do in no tumour (cell lines, treated clones, "
        "normal tissue), a likelihood without a prior is the safer choice below a few hundred mutations, and intervals "
        "are too narrow below 20,000."
    )
    return notes


def _versions() -> dict[str, str]:
    return {"dnmf": __version__, "torch": torch.__version__, "python": platform.python_version()}


def _warm_start(
    start: tuple[RefitNetwork, RefitCard] | None,
    W: torch.Tensor,
    names: list[str],
    cohorts: list[str],
) -> RefitNetwork | None:
    if start is None:
        return None
    network, card = start
    if card.cohorts != cohorts:
        raise InputDataError(
            f"the model {card.name} knows other tumour types than the exposures: it cannot be where training starts"
        )
    predecessors = {new: old for old, new in SUCCESSORS.items()} | SUCCESSORS
    index = {own: row for row, own in enumerate(card.signatures)}
    rows = [index.get(n, index.get(predecessors.get(n, ""), -1)) for n in names]
    return network.for_reference(W, torch.tensor(rows))


def measure(network: RefitNetwork, card: RefitCard, exposures: str | Path) -> RefitCard:
    """Return the card with the errors measured on the test tumours, by number of mutations.

    The eight tumour types of the published comparison where the exposures have them, else all that are there.
    """
    tumours = read_tumour_exposures(exposures, card.signatures)
    wanted = [name for name in TEST_COHORTS if name in tumours.cohort_names]
    cohorts = wanted or tumours.cohort_names
    if not tumours.part("test").any():
        return card
    measured = {
        str(count): _measure_at(network, card, tumours, cohorts, count) for count in MEASURED_COUNTS
    }
    return replace(card, measured={"tumour_types": cohorts, "by_mutations": measured})


def _measure_at(
    network: RefitNetwork,
    card: RefitCard,
    tumours: TumourExposures,
    cohorts: list[str],
    count: int,
) -> dict[str, Any]:
    test = draw_test_set(tumours, network.W.double().numpy(), count, cohorts=cohorts)
    X = torch.tensor(test.counts, dtype=torch.float32)
    result: dict[str, Any] = {}
    for label, told in (("pan-cancer", None), ("cohort", torch.tensor(test.cohorts))):
        answer = refit_answer(network, X, told)
        called = (answer.presence > card.presence_threshold).numpy()
        scores = presence_scores(called, test.shares > 0, test.size)
        error = fitting_error(answer.weights.double().numpy(), test.shares).mean()
        result[label] = {
            "fitting_error": round(float(error), 5),
            "presence_f1": round(scores["f1"], 4),
        }
    return result
