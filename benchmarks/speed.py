"""Exact least squares, layers and training epochs against a loop of `scipy.optimize.nnls`, as ratios in one run.

python benchmarks/speed.py --data DIR
"""

import csv
import json
import time
from collections.abc import Callable

import numpy as np
import scipy.optimize
import torch
from threadpoolctl import threadpool_limits

from dnmf import load_reference
from dnmf.kernels import exact_exposures, exact_signatures, frobenius_cost
from dnmf.kernels.nnls import CHUNK_ROWS
from dnmf.unfolding import Unfolded, UnfoldedMU
from paper.datasets import folds, load_dataset
from paper.provenance import provenance
from protocol import parser

REPEATS = 3


def seconds(job: Callable[[], object], repeats: int = REPEATS) -> float:
    """Best of a few runs of processor time: what the job needs when nothing disturbs it."""
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        job()
        best = min(best, time.process_time() - started)
    return best


def scipy_rows(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """argmin ||A x - b|| for every row b of B, one after the other, from the full problem."""
    return np.array([scipy.optimize.nnls(A, b)[0] for b in B])


def epoch(
    network: UnfoldedMU, X: torch.Tensor, step: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    """One epoch of the paper's unsupervised training, with a given dictionary step."""
    H = network(X)
    W = step(H.detach())
    network.zero_grad()
    frobenius_cost(X, H, W).backward()


def dictionary_step(X: np.ndarray, k: int) -> list[dict[str, object]]:
    """In float32, as the paper's authors train; the dictionary step itself is computed in float64."""
    samples = torch.tensor(X, dtype=torch.float32)
    network = UnfoldedMU(X.shape[1], k, weight_init=0.1)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-4)
    for _ in range(20):  # away from the constant start, where the problem is degenerate
        optimiser.zero_grad()
        epoch(network, samples, lambda H: exact_signatures(samples, H))
        optimiser.step()
        network.project_nonnegative_()
    with torch.no_grad():
        H = network(samples)

    def loop(exposures: torch.Tensor) -> torch.Tensor:
        return torch.tensor(scipy_rows(exposures.double().numpy(), X.T).T, dtype=torch.float32)

    def ours(exposures: torch.Tensor) -> torch.Tensor:
        return exact_signatures(samples, exposures)

    ours_cost, loop_cost = (frobenius_cost(samples, H, W).item() for W in (ours(H), loop(H)))
    rows = []
    for what, job in (
        ("dictionary step", lambda step: step(H)),
        ("training epoch", lambda step: epoch(network, samples, step)),
    ):
        fast, slow = (seconds(lambda s=s, job=job: job(s)) for s in (ours, loop))
        rows.append(row(what, k, len(X), fast, slow, ours_cost / loop_cost - 1))
    return rows


def exposures(X: np.ndarray, W: np.ndarray, sample: int) -> list[dict[str, object]]:
    """Exact least squares from cold, and ten layers of the rules that unfold an exact solver, as built."""
    samples, signatures = torch.tensor(X), torch.tensor(W)
    slow = seconds(lambda: scipy_rows(W.T, X[:sample]), 1) / sample
    theirs = np.square(X[:sample] - scipy_rows(W.T, X[:sample]) @ W).sum()
    solvers = {"exposures, from cold": lambda rows: exact_exposures(rows, signatures)}
    for layer in ("newton", "admm"):
        network = Unfolded.from_dictionary(signatures, 10, layer=layer)
        solvers[f"exposures, ten {layer} layers"] = network
    found = []
    with torch.no_grad():
        for what, solve in solvers.items():
            fast = seconds(lambda s=solve: [s(rows) for rows in samples.split(CHUNK_ROWS)]) / len(X)
            ours = np.square(X[:sample] - solve(samples[:sample]).numpy() @ W).sum()
            found.append(row(what, len(W), len(X), fast, slow, ours / theirs - 1))
    return found


def row(what: str, k: int, n: int, fast: float, slow: float, excess: float) -> dict[str, object]:
    return {
        "what": what,
        "k": k,
        "n_samples": n,
        "dnmf_microseconds": round(fast * 1e6, 2),
        "scipy_loop_microseconds": round(slow * 1e6, 2),
        "ratio": round(slow / fast, 1),
        "cost_over_scipy": f"{excess:.1e}",
    }


def main() -> None:
    chosen = parser(__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    with threadpool_limits(1):
        data = load_dataset(chosen.data, "many.types_sa.sa.96")
        train, _ = next(folds(data.X))
        rows += dictionary_step(data.X[train], data.n_components)
        for name in ("pancreas_sp.sp", "many.types_sa.sa.96"):
            data = load_dataset(chosen.data, name)
            counts = rng.poisson(data.X[rng.integers(len(data.X), size=20_000)]).astype(float)
            rows += exposures(counts, data.signatures, 2000)
        W = load_reference("cosmic-v3.4").profiles.to_numpy()
        active = rng.random((20_000, len(W))) < 0.1
        counts = rng.poisson(1000 * rng.gamma(0.3, size=active.shape) * active @ W).astype(float)
        rows += exposures(counts[counts.sum(axis=1) > 0], W, 1000)
    chosen.results.mkdir(parents=True, exist_ok=True)
    with (chosen.results / "speed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (chosen.results / "speed.json").write_text(json.dumps(provenance(), indent=2) + "\n")
    for line in rows:
        print(line)


if __name__ == "__main__":
    main()
