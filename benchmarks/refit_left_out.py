"""What happens to tumour types that training never saw: the same short training with and without them.

    python benchmarks/refit_left_out.py EXPOSURES.csv [--steps 2500] [--out benchmarks/results]

Errors of the left-out types' test tumours; nobody is told their type, since the network would not know it. Two
trainings of two CPU minutes each, much shorter than those of the shipped models.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

from dnmf.criteria import PRESENCE_THRESHOLD, PRESENT_MUTATIONS
from dnmf.kernels import kl_exposures
from dnmf.refit import read_tumour_exposures
from dnmf.refit.calibration import calibrate
from dnmf.refit.estimate import estimate_exposures
from dnmf.refit.evaluation import fitting_error
from dnmf.refit.training import RefitTraining, train_refit
from dnmf.signatures import load_reference
from refit_evaluation import draw_test_set, presence_scores

COUNTS = (100, 2_000, 50_000)
LEFT_OUT = ("Liver-HCC", "Skin-Melanoma", "ColoRect-AdenoCA")


def main() -> None:
    """Train twice and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exposures", type=Path)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    reference = load_reference("cosmic-v3-GRCh38")
    W = torch.tensor(reference.profiles.to_numpy(), dtype=torch.float32)
    tumours = read_tumour_exposures(arguments.exposures, reference.names)
    shares, types = torch.tensor(tumours.shares), torch.tensor(tumours.types)
    kept = ~np.isin(tumours.types, [tumours.type_names.index(name) + 1 for name in LEFT_OUT])
    config = RefitTraining(steps=arguments.steps)
    rows = []
    for label, allowed in (("all types", np.ones_like(kept)), ("left out", kept)):
        training = torch.tensor(tumours.part("training") & allowed)
        network = train_refit(
            W,
            shares[training],
            types[training],
            n_types=len(tumours.type_names),
            config=config,
        )
        held_out = torch.tensor(tumours.part("calibration") & allowed)
        calibrate(network, shares[held_out], types[held_out], config, samples=600)
        for mutations in COUNTS:
            test = draw_test_set(tumours, W.double().numpy(), mutations, types=LEFT_OUT)
            X = torch.tensor(test.counts, dtype=torch.float32)
            found = estimate_exposures(network, X)
            called = found.presence > PRESENCE_THRESHOLD
            error = fitting_error(found.shares, test.shares)
            f1 = presence_scores(called, test.shares > 0, test.size)["f1"]
            flagged = float((found.p_value < 0.05).mean())
            for index, name in enumerate(LEFT_OUT):
                part = error[index * test.size : (index + 1) * test.size].mean()
                rows.append([label, name, mutations, part, "", ""])
            rows.append([label, "mean", mutations, error.mean(), f1, flagged])
            if label == "all types":
                exposures = kl_exposures(X, W, tol=1e-3).H.double().numpy()
                exposures *= exposures >= PRESENT_MUTATIONS
                exposures /= np.maximum(exposures.sum(axis=1, keepdims=True), 1e-9)
                likelihood = fitting_error(exposures, test.shares).mean()
                rows.append(
                    ["kl, below 10 mutations dropped", "mean", mutations, likelihood, "", ""]
                )
            print(rows[-1], flush=True)
    with (arguments.out / "refit_left_out.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["training", "type", "mutations", "fitting_error", "f1", "flagged"])
        writer.writerows(
            [[round(v, 5) if isinstance(v, float) else v for v in row] for row in rows]
        )


if __name__ == "__main__":
    main()
