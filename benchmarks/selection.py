"""How many signatures: the number chosen, what is found with it, and how long it takes, on catalogs with known truth.

python benchmarks/selection.py --data DIR [--sets ...] [--noise rounded poisson] [--restarts 20] [--seeds 0]

Each of the simulated sets with every number of signatures from three below to three above the true one: as it is
(expectations, rounded) and with Poisson counts around it, drawn once. A signature is found when a true one has it as
its partner at cosine 0.9, false when none has.
"""

import json
import time

import numpy as np
import torch

from dnmf import MutationCatalog, read_catalog
from dnmf.extraction import select_signatures
from paper.datasets import SIMULATED, load_dataset
from paper.provenance import provenance
from paper.scores import found
from paper.table import Table
from protocol import parser

MARGIN = 3
POISSON_SEED = 0
VALUES = (
    "true_k",
    "chosen_k",
    "best_k",
    "as_good",
    "found_90",
    "found_95",
    "found_99",
    "false",
    "found_90_at_true_k",
    "found_95_at_true_k",
    "found_99_at_true_k",
    "silhouette",
    "dispersion",
    "seconds",
)


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--sets", nargs="*", default=SIMULATED)
    options.add_argument("--noise", nargs="*", default=("rounded", "poisson"))
    options.add_argument("--restarts", type=int, default=20)
    options.add_argument("--seeds", nargs="*", type=int, default=(0,))
    options.add_argument("--workers", type=int, default=1)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    table = Table(chosen.results / "selection.csv", ("set", "noise", "restarts", "seed"), VALUES)
    (chosen.results / "selection.json").write_text(
        json.dumps(provenance() | {"poisson_seed": POISSON_SEED, "margin": MARGIN}, indent=2) + "\n"
    )
    for name in chosen.sets:
        data = load_dataset(chosen.data, name)
        path = chosen.data / "simulated" / f"syn.{name}" / "ground.truth.syn.catalog.csv"
        expected = read_catalog(path).counts
        for noise in chosen.noise:
            counts = expected.copy()
            if noise == "poisson":
                drawn = np.random.default_rng(POISSON_SEED).poisson(expected.to_numpy())
                counts.iloc[:, :] = drawn.astype(float)
            for seed in chosen.seeds:
                if table.has(name, noise, chosen.restarts, seed):
                    continue
                k = data.n_components
                started = time.perf_counter()
                selection = select_signatures(
                    MutationCatalog(counts, source=name),
                    range(max(1, k - MARGIN), k + MARGIN + 1),
                    n_restarts=chosen.restarts,
                    seed=seed,
                    workers=chosen.workers,
                )
                seconds = time.perf_counter() - started
                best = selection.chosen
                here = found(best.components, data.signatures)
                at_true = found(selection.candidates[k].components, data.signatures)
                table.add(
                    {
                        "set": name,
                        "noise": noise,
                        "restarts": chosen.restarts,
                        "seed": seed,
                        "true_k": k,
                        "chosen_k": best.n_components,
                        "best_k": int(selection.table["held_out"].idxmin()),
                        "as_good": " ".join(map(str, selection.choice.tied)),
                        **here,
                        "false": best.n_components - here["found_90"],
                        **{f"{key}_at_true_k": value for key, value in at_true.items()},
                        "silhouette": float(best.silhouette.mean()),
                        "dispersion": selection.noise.dispersion,
                        "seconds": seconds,
                    }
                )
                print(f"{name} {noise} seed {seed}: {best.n_components} of {k}, {here}", flush=True)


if __name__ == "__main__":
    main()
