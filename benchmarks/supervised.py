"""The paper's supervised task, on counts drawn anew and without noise: squared exposure error over the likelihood's.

python benchmarks/supervised.py --data DIR [--sets ...] [--mutations 50 200 ... own none] [--seeds 0 1 2]

Pairs: the training samples of fold 0. With N mutations their exposures are scaled to sum to N and the counts drawn
from them (Poisson), as for the test samples; `own`: counts at the samples' own totals, errors over the total; `none`:
the data as they are. The yardstick is Poisson maximum likelihood with the *true* signatures, without noise NNLS with
regressed ones.
"""

import json
import time
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits
from torch import nn

from dnmf import SupervisedDNMF, read_exposures, read_signatures
from dnmf.kernels import exact_exposures, exact_signatures, kl_exposures, kl_signatures
from dnmf.posterior.network import SupervisedNetwork
from dnmf.posterior.pairs import PairSource
from dnmf.posterior.totals import TotalPrior
from paper.datasets import SIMULATED, folds, load_dataset
from paper.provenance import provenance
from paper.table import Table
from protocol import parser

COUNTED = ("pancreas_sp.sp", "many.types_sa.sa.96")
MUTATIONS = ("50", "200", "1000", "5000", "50000", "own", "none")
VALUES = ("error", "ratio", "seconds")
STEPS, BATCH = 2500, 128


@dataclass(frozen=True)
class Task:
    """Training and test pairs, and what the signatures truly are."""

    X: np.ndarray
    exposures: np.ndarray
    X_test: np.ndarray
    exposures_test: np.ndarray
    signatures: np.ndarray
    relative: bool

    def error(self, found: np.ndarray) -> float:
        """Squared error summed over components, mean over test samples; over the total where totals differ."""
        errors = np.square(found - self.exposures_test).sum(axis=1)
        return float(
            (errors / self.exposures_test.sum(axis=1)).mean() if self.relative else errors.mean()
        )


def draw_task(options, name: str, mutations: str, seed: int) -> Task:
    data = load_dataset(options.data, name)
    folder = options.data / "simulated" / f"syn.{name}"
    order = read_signatures(folder / "ground.truth.syn.sigs.csv").profiles.index
    exposures = read_exposures(folder / "ground.truth.syn.exposures.csv")[order].to_numpy(float)
    train, test = next(folds(data.X))
    X = data.X
    if mutations != "none":
        if mutations != "own":
            exposures = exposures / exposures.sum(axis=1, keepdims=True) * float(mutations)
        X = np.random.default_rng(seed).poisson(exposures @ data.signatures).astype(float)
    return Task(
        X[train], exposures[train], X[test], exposures[test], data.signatures, mutations == "own"
    )


def likelihood(X: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    return kl_exposures(torch.tensor(X), torch.tensor(signatures), max_iter=3000).H.numpy()


def least_squares(X: np.ndarray, signatures: np.ndarray) -> np.ndarray:
    return exact_exposures(torch.tensor(X), torch.tensor(signatures)).numpy()


def regressed(task: Task, regression) -> np.ndarray:
    return regression(torch.tensor(task.X), torch.tensor(task.exposures)).numpy()


def expected_totals(task: Task) -> np.ndarray:
    """The total behind each test sample's: what the default model makes of the training totals, for its peers too."""
    prior = TotalPrior()
    prior.learn(torch.tensor(task.exposures.sum(axis=1)))
    return prior(torch.tensor(task.X_test.sum(axis=1)))[0].numpy()[:, None]


def spectra(X: np.ndarray) -> np.ndarray:
    return X / X.sum(axis=1, keepdims=True).clip(1)


def ridge(task: Task, seed: int) -> np.ndarray:
    """Linear regression of shares on spectra, penalty by leave-one-out, negative shares set to 0."""
    model = RidgeCV(np.logspace(-6, 2, 25)).fit(
        spectra(task.X), task.exposures / task.exposures.sum(axis=1, keepdims=True)
    )
    return model.predict(spectra(task.X_test)).clip(0) * expected_totals(task)


def empirical_bayes(task: Task, seed: int) -> np.ndarray:
    """Posterior mean with the training profiles as the prior: an average of them, weighted by likelihood.

    The regressed signatures get a little of the mean spectrum: one count where they are 0 would rule a profile out.
    """
    shares = task.exposures / task.exposures.sum(axis=1, keepdims=True)
    signatures = 0.999 * regressed(task, kl_signatures) + 0.001 * task.X.sum(axis=0) / task.X.sum()
    logarithms = task.X_test @ np.log(np.maximum(shares @ signatures, 1e-12)).T
    weights = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ shares * expected_totals(task)


def perceptron(task: Task, seed: int) -> np.ndarray:
    """As many weights as the network, the same samples, loss and number of steps."""
    signatures = torch.tensor(regressed(task, kl_signatures), dtype=torch.float32)
    k, f = signatures.shape
    size = sum(p.numel() for p in SupervisedNetwork(f, k, 10).steps.parameters())
    inputs = 2 * f + 1
    width = int((-(inputs + k) + ((inputs + k) ** 2 + 4 * size) ** 0.5) / 2)
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, k)
    )
    with torch.no_grad():
        for weight in model.parameters():
            bound = weight.shape[-1] ** -0.5
            weight.uniform_(-bound, bound, generator=generator)

    def shares_of(X: torch.Tensor) -> torch.Tensor:
        total = X.sum(dim=1, keepdim=True).clamp(min=1)
        return torch.softmax(
            model(torch.cat([10 * X / total, 3 * (X / total).sqrt(), total.log() / 10], dim=1)),
            dim=1,
        )

    source = PairSource(torch.tensor(task.exposures), signatures)
    optimiser = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=2e-3, total_steps=STEPS, pct_start=0.2
    )
    for _ in range(STEPS):
        X, shares, totals = source.draw(BATCH, generator)
        loss = (totals[:, None] * (shares_of(X) - shares).square()).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        found = shares_of(torch.tensor(task.X_test, dtype=torch.float32)).double().numpy()
    return found * expected_totals(task)


def supervised(task: Task, seed: int) -> np.ndarray:
    model = SupervisedDNMF(random_state=seed).fit(task.X, task.exposures)
    return np.asarray(model.transform(task.X_test))


METHODS = {
    "kl, true signatures": lambda task, seed: likelihood(task.X_test, task.signatures),
    "nnls, true signatures": lambda task, seed: least_squares(task.X_test, task.signatures),
    "nnls, regressed": lambda task, seed: least_squares(
        task.X_test, regressed(task, exact_signatures)
    ),
    "kl, regressed": lambda task, seed: likelihood(task.X_test, regressed(task, kl_signatures)),
    "ridge": ridge,
    "empirical bayes": empirical_bayes,
    "perceptron": perceptron,
    "dnmf": supervised,
}
# Not with the published signatures: those sum to 1 only within 6e-4, and scaled to 1 they no longer fit the catalogs.
NOISE_FREE = ("nnls, regressed", "dnmf")


def run_task(table: Table, options, name: str, mutations: str, seed: int) -> None:
    methods = NOISE_FREE if mutations == "none" else tuple(METHODS)
    if all(table.has(name, mutations, seed, method) for method in methods):
        return
    task = draw_task(options, name, mutations, seed)
    yardstick = task.error(METHODS[methods[0]](task, seed))
    for method in methods:
        if table.has(name, mutations, seed, method):
            continue
        started = time.process_time()
        error = task.error(METHODS[method](task, seed))
        table.add(
            {
                "set": name,
                "mutations": mutations,
                "seed": seed,
                "method": method,
                "error": error,
                "ratio": error / yardstick,
                "seconds": round(time.process_time() - started, 2),
            }
        )
        print(f"{name} N={mutations} seed {seed} {method}: {error / yardstick:.3f}", flush=True)


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--sets", nargs="*", default=None)
    options.add_argument("--mutations", nargs="*", default=MUTATIONS, choices=MUTATIONS)
    options.add_argument("--seeds", nargs="*", type=int, default=range(3))
    chosen = options.parse_args()
    table = Table(chosen.results / "supervised.csv", ("set", "mutations", "seed", "method"), VALUES)
    (chosen.results / "supervised.json").write_text(
        json.dumps(provenance() | {"fold": 0, "seeds": list(chosen.seeds)}, indent=2) + "\n"
    )
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for seed in chosen.seeds:
            for mutations in chosen.mutations:
                for name in chosen.sets or (SIMULATED if mutations == "none" else COUNTED):
                    run_task(table, chosen, name, mutations, seed)


if __name__ == "__main__":
    main()
