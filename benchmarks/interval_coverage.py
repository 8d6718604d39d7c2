"""How often percentiles over restarts hold the truth: simulated sets with Poisson counts, the true number of them.

python benchmarks/interval_coverage.py --data DIR [--sets ...] [--restarts 20]

Of the signatures found at cosine 0.9: channels of at least 1 % of the true signature, and exposures. Exposures are
the expected mutations of a sample, `present` where these are at least 10. Of 90 % intervals 0.90 would be expected.
"""

import csv

import numpy as np
import pandas as pd
import torch

from dnmf import MutationCatalog, extract_signatures, read_catalog, read_exposures, read_signatures
from dnmf.metrics import match_components
from protocol import parser, record

POISSON_SEED = 0
SETS = (
    "pancreas_sp.sp",
    "pancreas_sa.sa.96",
    "3.5.40.rcc.and.ovary_sp.sp",
    "2.7a.7b.bladder.and.melanoma_sp.sp",
    "3.5.40.abst_sp.sp",
)


def _within(
    lower: pd.DataFrame, target: np.ndarray, upper: pd.DataFrame, found: np.ndarray
) -> np.ndarray:
    return (lower.to_numpy()[found] <= target) & (target <= upper.to_numpy()[found])


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--sets", nargs="*", default=SETS)
    options.add_argument("--restarts", type=int, default=20)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    rows = [["set", "restarts", "signatures", "channels", "exposures_all", "exposures_present"]]
    for name in chosen.sets:
        folder = chosen.data / "simulated" / f"syn.{name}"
        counts = read_catalog(folder / "ground.truth.syn.catalog.csv").counts
        truth = read_signatures(folder / "ground.truth.syn.sigs.csv").profiles
        exposures = read_exposures(folder / "ground.truth.syn.exposures.csv")[truth.index]
        counts.iloc[:, :] = np.random.default_rng(POISSON_SEED).poisson(counts).astype(float)
        result = extract_signatures(
            MutationCatalog(counts, source=name), len(truth), n_restarts=chosen.restarts, workers=2
        )
        found, true, cosines = match_components(result.signatures.profiles, truth)
        found, true = found[cosines >= 0.9], true[cosines >= 0.9]

        channels = truth.to_numpy()[true]
        mutations = exposures.to_numpy(float).T[true]
        signature_hits = _within(result.signature_lower, channels, result.signature_upper, found)
        exposure_hits = _within(result.exposure_lower.T, mutations, result.exposure_upper.T, found)
        rows.append(
            [name, chosen.restarts, len(found)]
            + [
                round(float(share), 3)
                for share in (
                    signature_hits[channels >= 0.01].mean(),
                    exposure_hits.mean(),
                    exposure_hits[mutations >= 10].mean(),
                )
            ]
        )
        print(rows[-1], flush=True)
    with (chosen.results / "interval_coverage.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    record(chosen.results / "interval_coverage.csv")


if __name__ == "__main__":
    main()
