"""A perceptron of a refit network's size, trained on the same simulated samples: what the unfolding is worth.

python benchmarks/refit_perceptron.py EXPOSURES.csv [--model NAME] [--steps 9000] [--out FILE]
"""

import argparse
import csv
from pathlib import Path

import torch
from torch import Tensor, nn

from dnmf.refit import load_refit_model, read_tumour_exposures
from dnmf.refit.evaluation import fitting_error
from dnmf.refit.training import ExposurePrior, RefitTraining, learning_rate_at
from refit_evaluation import draw_test_set

COUNTS = (100, 2_000, 50_000)


def features(X: Tensor, cohorts: Tensor, n_cohorts: int) -> Tensor:
    total = X.sum(dim=1, keepdim=True).clamp(min=1)
    told = nn.functional.one_hot(cohorts, n_cohorts + 1).to(X)
    return torch.cat([10 * X / total, 3 * (X / total).sqrt(), total.log() / 10, told], dim=1)


def main() -> None:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exposures", type=Path)
    parser.add_argument("--model", default="refit-cosmic-v3-GRCh38")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network, card = load_refit_model(arguments.model)
    size = sum(p.numel() for p in network.parameters())
    tumours = read_tumour_exposures(arguments.exposures, card.signatures)
    training = torch.tensor(tumours.part("training"))
    config = RefitTraining(steps=arguments.steps, learning_rate=1e-3)
    prior = ExposurePrior(
        torch.tensor(tumours.shares)[training], torch.tensor(tumours.types)[training], config
    )
    n_cohorts, k, f = len(card.cohorts), len(card.signatures), len(card.channels)
    inputs = 2 * f + 2 + n_cohorts
    width = int((-(inputs + k) + ((inputs + k) ** 2 + 4 * size) ** 0.5) / 2)
    generator = torch.Generator().manual_seed(0)
    perceptron = nn.Sequential(
        nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, k)
    )
    with torch.no_grad():
        for weight in perceptron.parameters():
            bound = weight.shape[-1] ** -0.5
            weight.uniform_(-bound, bound, generator=generator)
    optimiser = torch.optim.Adam(perceptron.parameters(), betas=(0.9, 0.99), fused=True)
    for step in range(config.steps):
        optimiser.param_groups[0]["lr"] = learning_rate_at(step, config)
        shares, counts, told = prior.draw(config.batch_size, generator)
        X = torch.poisson(counts[:, None] * (shares @ network.W), generator=generator)
        found = torch.softmax(perceptron(features(X, told, n_cohorts)), dim=1)
        weight = (counts / 1000).clamp(0.05, 50) ** 0.25
        loss = (weight * 0.5 * (found - shares).abs().sum(dim=1)).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(perceptron.parameters(), 1.0)
        optimiser.step()
    parameters = sum(p.numel() for p in perceptron.parameters())
    rows = []
    for mutations in COUNTS:
        test = draw_test_set(tumours, network.W.double().numpy(), mutations)
        X = torch.tensor(test.counts, dtype=torch.float32)
        for label, told in (
            ("perceptron", torch.zeros(len(X), dtype=torch.long)),
            ("perceptron, cohort given", torch.tensor(test.types)),
        ):
            with torch.no_grad():
                found = torch.softmax(perceptron(features(X, told, n_cohorts)), dim=1)
            error = fitting_error(found.double().numpy(), test.shares).mean()
            rows.append([label, mutations, round(float(error), 5), parameters, size, config.steps])
            print(rows[-1])
    suffix = card.name.removeprefix("refit-")
    with (arguments.out / f"refit_perceptron_{suffix}.csv").open("w", newline="") as file:
        header = ["method", "mutations", "fitting_error", "parameters", "of_the_network", "steps"]
        csv.writer(file).writerows([header, *rows])


if __name__ == "__main__":
    main()
