"""The number of components that `select_n_components` chooses in simulated measurements and counts.

python benchmarks/selection_general.py [--restarts 5] [--seeds 0 1]
"""

import itertools
import json
import time

import numpy as np

from dnmf import select_n_components
from paper.provenance import provenance
from paper.table import Table
from protocol import parser

SHAPES = ((80, 30, 3), (200, 40, 6))  # samples, features, components
# Standard deviation of the noise over that of the noise-free data; counts of a sample in the mean.
NOISE, TOTALS = (0.02, 0.2, 0.5), (200, 2_000, 20_000)
MARGIN = 3  # numbers tried on either side of the true one


def factors(kind: str, n: int, f: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """Return a product of factors: sparse, smooth (curves mixed by shares), or dense."""
    if kind == "sparse":
        return rng.gamma(0.3, size=(n, k)) @ rng.gamma(0.3, size=(k, f))
    if kind == "dense":
        return rng.gamma(1.0, size=(n, k)) @ rng.gamma(1.0, size=(k, f))
    place = np.linspace(0, 1, f)
    bumps = np.exp(
        -0.5 * np.square((place - rng.random((k, 3, 1))) / rng.uniform(0.03, 0.2, (k, 3, 1)))
    )
    return rng.dirichlet(np.full(k, 0.5), n) @ (0.1 + (rng.random((k, 3, 1)) * bumps).sum(axis=1))


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--restarts", type=int, default=5)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    chosen = options.parse_args()
    keys = ("noise", "factors", "n", "f", "level", "restarts", "seed")
    values = ("true_k", "chosen_k", "best_k", "as_good", "silhouette", "seconds")
    table = Table(chosen.results / "selection_general.csv", keys, values)
    record = json.dumps(provenance() | {"margin": MARGIN}, indent=2) + "\n"
    (chosen.results / "selection_general.json").write_text(record)
    levels = [("gaussian", level) for level in NOISE] + [("counts", level) for level in TOTALS]
    cells = itertools.product(chosen.seeds, ("sparse", "smooth", "dense"), SHAPES, levels)
    for seed, kind, (n, f, k), (noise, level) in cells:
        cell = (noise, kind, n, f, level, chosen.restarts, seed)
        if table.has(*cell):
            continue
        rng = np.random.default_rng(seed)
        X = factors(kind, n, f, k, rng)
        if noise == "counts":
            X = rng.poisson(level * n * X / X.sum())
        else:
            X = np.maximum(X + rng.normal(scale=level * X.std(), size=X.shape), 0)
        started = time.process_time()
        found = select_n_components(
            X, range(max(1, k - MARGIN), k + MARGIN + 1), n_restarts=chosen.restarts, noise=noise
        )
        row = {
            "true_k": k,
            "chosen_k": found.suggested,
            "best_k": int(found.table["held_out"].idxmin()),
            "as_good": " ".join(map(str, found.choice.tied)),
            "silhouette": float(found.chosen.silhouette.mean()),
            "seconds": time.process_time() - started,
        }
        table.add(dict(zip(keys, cell, strict=True)) | row)
        print(*cell, found.suggested, flush=True)


if __name__ == "__main__":
    main()
