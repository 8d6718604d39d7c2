"""Train the refit networks that are shipped with the package, one after the other, each starting from an earlier one.

    python benchmarks/refit_train.py EXPOSURES.csv OUT_FOLDER [NAME ...]

An interrupted run goes on from its checkpoint in OUT_FOLDER. The checkpoints stay there: run again, a finished
training is only calibrated and measured anew, to the same files. One core: 1 to 4 CPU minutes each, about
20 ms a step.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from dnmf.refit import as_stored, load_refit_model, measure, save_refit_model, train_refit_model
from dnmf.refit.training import RefitTraining
from dnmf.signatures import load_reference


@dataclass(frozen=True)
class Plan:
    """How one model is trained."""

    reference: str
    steps: int
    learning_rate: float
    start: str | None = None
    emphasis: float = 0.4


PLANS = {
    # Not shipped: where the others start.
    "base-cosmic-v3-GRCh38": Plan("cosmic-v3-GRCh38", 9000, 3e-3, emphasis=0.25),
    "refit-cosmic-v3.4-GRCh37": Plan("cosmic-v3.4-GRCh37", 8000, 2.5e-3, "base-cosmic-v3-GRCh38"),
    "refit-cosmic-v3-GRCh38": Plan("cosmic-v3-GRCh38", 4000, 2e-3, "refit-cosmic-v3.4-GRCh37"),
    "refit-cosmic-v3.4-GRCh38": Plan("cosmic-v3.4-GRCh38", 3000, 2e-3, "refit-cosmic-v3.4-GRCh37"),
    "refit-cosmic-v3.4-GRCh37-exome": Plan(
        "cosmic-v3.4-GRCh37-exome", 3000, 2e-3, "refit-cosmic-v3.4-GRCh37"
    ),
}


def train(name: str, exposures: Path, folder: Path) -> None:
    """Train, save, read back, measure what was read, and write its card again with the errors."""
    plan = PLANS[name]
    began = time.process_time()

    def report(phase: str, step: int, steps: int, error: float) -> None:
        if step % 250 == 0:
            seconds = time.process_time() - began
            print(f"{name} {step}/{steps} error {error:.4f} {seconds:.0f} s", flush=True)

    network, card = train_refit_model(
        load_reference(plan.reference),
        exposures,
        name=name,
        reference_name=plan.reference,
        config=RefitTraining(
            steps=plan.steps, learning_rate=plan.learning_rate, emphasis=plan.emphasis
        ),
        start=None if plan.start is None else load_refit_model(folder / plan.start),
        checkpoint=folder / f"{name}.checkpoint",
        progress=report,
    )
    card = measure(as_stored(network), card, exposures)
    save_refit_model(network, card, folder)
    print(name, card.measured["by_mutations"], flush=True)


def main() -> None:
    """Parse arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exposures", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(PLANS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        if name not in PLANS:
            sys.exit(f"unknown model {name}: expected one of {', '.join(PLANS)}")
        train(name, arguments.exposures, arguments.folder)


if __name__ == "__main__":
    main()
