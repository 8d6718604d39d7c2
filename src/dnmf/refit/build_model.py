"""Training a refit network for one reference, from exposures to a model that can be saved and shipped."""

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dnmf import __version__
from dnmf.criteria import PRESENCE_THRESHOLD
from dnmf.exceptions import InputDataError
from dnmf.inputs import InputFile, read_input
from dnmf.progress import Progress
from dnmf.refit.calibration import calibrate
from dnmf.refit.card import RefitCard, reference_hash
from dnmf.refit.checkpoint import checksum
from dnmf.refit.network import RefitNetwork
from dnmf.refit.training import FROM_NETWORK, RefitTraining, train_refit
from dnmf.refit.tumours import SPLIT, SUCCESSORS, TumourExposures, read_tumour_exposures
from dnmf.signatures import SignatureSet
from dnmf.unfolding.conditioned import ConditionedDesign

# With fewer held-out tumours the training tumours are calibrated on: a few tumours decide too much of it.
MIN_CALIBRATION_TUMOURS = 20


def train_refit_model(
    reference: SignatureSet,
    exposures: str | Path | InputFile,
    *,
    name: str,
    reference_name: str,
    config: RefitTraining | None = None,
    design: ConditionedDesign | None = None,
    seed: int = 0,
    start: tuple[RefitNetwork, RefitCard] | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
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
        How to train, by default ``RefitTraining()``, or ``FROM_NETWORK`` with ``start``; and sizes.
    seed : int
        Of everything random.
    start : (RefitNetwork, RefitCard), optional
        A model of another reference: training starts from its weights of the signatures with the same names.
    checkpoint : Path, optional
        Kept while training runs: an interrupted run goes on from it. Remove it when the model is saved.
    progress : callable(phase, step, steps, cost), optional
        Called after every step.

    Returns
    -------
    network, card
        For :func:`dnmf.refit.save_refit_model`. Measure :func:`dnmf.refit.as_stored` of it with
        :func:`dnmf.refit.measure`.
    """
    if config is None:
        config = RefitTraining() if start is None else FROM_NETWORK
    profiles = reference.profiles.to_numpy(np.float64)
    W = torch.tensor(profiles, dtype=torch.float32)
    tumours = read_tumour_exposures(exposures, reference.names)
    shares, types = torch.tensor(tumours.shares), torch.tensor(tumours.types)
    training = torch.tensor(tumours.part("training"))
    if not training.any():
        raise InputDataError(
            f"{tumours.file['name']}: no tumour is left for training: give more of them"
        )
    network = train_refit(
        W,
        shares[training],
        types[training],
        n_types=len(tumours.type_names),
        config=config,
        design=design,
        seed=seed,
        start=None
        if start is None
        else _warm_start(*start, W, reference.names, tumours.type_names),
        checkpoint=checkpoint,
        origin={"split of the tumours": SPLIT},
        progress=progress,
    )
    held_out = torch.tensor(tumours.part("calibration"))
    enough = int(held_out.sum()) >= MIN_CALIBRATION_TUMOURS
    rows = held_out if enough else training
    calibrate(network, shares[rows], types[rows], config, seed=seed + 1)
    card = RefitCard(
        name=name,
        reference=reference_name,
        reference_sha256=reference_hash(reference.names, profiles),
        signatures=list(reference.names),
        channels=[str(channel) for channel in reference.profiles.columns],
        cohorts=tumours.type_names,
        counts=config.counts,
        presence_threshold=PRESENCE_THRESHOLD,
        design=asdict(network.design),
        unseen_signatures=tumours.unseen,
        renamed_signatures=tumours.renamed,
        notes=_notes(tumours, config),
        training={
            "exposures": tumours.file["name"],
            "tumours": len(tumours.samples),
            "used_for_training": int(training.sum()),
            "used_for_calibration": int(rows.sum()),
            "calibrated_on_training_tumours": not enough,
            "started_from": None if start is None else start[1].name,
            **_origin(tumours.file["sha256"], config, seed, start),
            "versions": {
                "dnmf": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        },
    )
    return network, card


def is_trained_with(
    card: RefitCard,
    reference: SignatureSet,
    exposures: str | Path | InputFile,
    config: RefitTraining,
    seed: int,
    start: tuple[RefitNetwork, RefitCard] | None,
) -> bool:
    """Whether a card is that of the model that `train_refit_model` returns for these arguments."""
    profiles = reference.profiles.to_numpy(np.float64)
    origin = _origin(read_input(exposures).record["sha256"], config, seed, start)
    found = {name: card.training.get(name) for name in origin}
    same_reference = card.reference_sha256 == reference_hash(reference.names, profiles)
    # As JSON: a card that was read has lists where there were tuples.
    return same_reference and json.dumps(found, sort_keys=True) == json.dumps(
        origin, sort_keys=True
    )


def _origin(
    exposures_sha256: str,
    config: RefitTraining,
    seed: int,
    start: tuple[RefitNetwork, RefitCard] | None,
) -> dict[str, Any]:
    """Return what a training depends on beside its reference, as JSON-able values."""
    return {
        "split": SPLIT,
        "exposures_sha256": exposures_sha256,
        "started_from_sha256": None if start is None else checksum(*start[0].parameters()),
        "seed": seed,
        "config": asdict(config),
    }


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


def _warm_start(
    network: RefitNetwork,
    card: RefitCard,
    W: torch.Tensor,
    names: list[str],
    tumour_types: list[str],
) -> RefitNetwork:
    if card.cohorts != tumour_types:
        raise InputDataError(
            f"the model {card.name} knows other tumour types than the exposures: it cannot be where training starts"
        )
    predecessors = {new: old for old, new in SUCCESSORS.items()} | SUCCESSORS
    index = {name: row for row, name in enumerate(card.signatures)}
    rows = [index.get(name, index.get(predecessors.get(name, ""), -1)) for name in names]
    return network.for_reference(W, torch.tensor(rows))
