"""How many mutations change their signature when 1 % of the calls of real genomes are exchanged.

    python benchmarks/refit_stability.py CATALOG [--seeds 3] [--out DIR] [--reference NAME] [--tumour-type TYPE]

Of each sample 1 % of the mutations are taken away at random, and as many are added: from the sample's own spectrum, or
in channels drawn evenly. Writes refit_stability.csv: for each method, prior and kind of exchange the share of mutations
that move to another signature, and the number of samples of which more than 5 % move.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.criteria import MIN_COHORT_SAMPLES
from dnmf.refit.methods import classic_exposures
from dnmf.signatures import SignatureSet, load_reference, read_catalog
from dnmf.threads import one_thread
from refit_answers import CLASSICS, network, normalised
from refit_protocol import Array, fitting_error, options, write_rows

EXCHANGED, MOVED_MUCH = 0.01, 0.05
EXCHANGES = ("own spectrum", "even channels")


def exchanged(counts: Array, exchange: str, rng: np.random.Generator) -> Array:
    """Return counts (n, f) with 1 % of each sample's mutations taken away at random and as many others added."""
    changed = counts.copy()
    for row, total in zip(changed, counts.sum(axis=1), strict=True):
        size = round(EXCHANGED * total)
        spectrum = row / total if exchange == "own spectrum" else np.full(len(row), 1 / len(row))
        taken = rng.multivariate_hypergeometric(row.astype(np.int64), size)
        row += rng.multinomial(size, spectrum) - taken
    return changed


def shares(reference: SignatureSet, counts: Array, method: str, prior: str) -> Array:
    """Return the shares (n, k) of a method."""
    if method == "network":
        found = network(reference, counts, None if prior == "default" else prior)
    else:
        found = classic_exposures(counts, reference.profiles.to_numpy(), method)
    return normalised(found.shares)


def measure(
    reference: SignatureSet, counts: Array, methods: list[tuple[str, str]], seeds: int
) -> Iterator[dict[str, object]]:
    """Yield a row for each method, prior and kind of exchange."""
    before = {key: shares(reference, counts, *key) for key in methods}
    for exchange in EXCHANGES:
        moved: dict[tuple[str, str], list[Array]] = {key: [] for key in methods}
        for seed in range(seeds):
            rng = np.random.default_rng([seed, EXCHANGES.index(exchange)])
            changed = exchanged(counts, exchange, rng)
            for key in methods:
                moved[key].append(fitting_error(before[key], shares(reference, changed, *key)))
        for (method, prior), draws in moved.items():
            values = np.array(draws)
            yield {
                "exchange": exchange,
                "method": method,
                "prior": prior,
                "samples": len(counts),
                "seeds": seeds,
                "median_moved": float(np.median(values)),
                "moved_95_percent": float(np.quantile(values, 0.95)),
                "most_moved": float(values.max()),
                "samples_above_5_percent": float((values > MOVED_MUCH).sum(axis=1).mean()),
                "most_samples_above_5_percent": int((values > MOVED_MUCH).sum(axis=1).max()),
            }


def main() -> None:
    """Parse arguments and measure."""
    parser = options(str(__doc__), part=False)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--reference", default="cosmic-v3.4")
    parser.add_argument("--tumour-type", default="Breast-AdenoCA")
    arguments = parser.parse_args()
    catalog = read_catalog(arguments.catalog)
    counts = catalog.counts.to_numpy(dtype=float)
    counts = counts[counts.sum(axis=1) > 0]
    cohort = ("cohort",) if len(counts) >= MIN_COHORT_SAMPLES else ()
    priors = ("default", arguments.tumour_type, *cohort, "none")
    methods = [("network", prior) for prior in priors] + [(name, "") for name in CLASSICS]
    with one_thread():
        reference = load_reference(arguments.reference, channels=catalog.schema)
        rows = list(measure(reference, counts, methods, arguments.seeds))
    keys = ("catalog", "exchange", "method", "prior")
    stamp = {"catalog": arguments.catalog.name}
    rows = [stamp | row for row in rows]
    write_rows(arguments.out / "refit_stability.csv", rows, keys)
    print(pd.DataFrame(rows).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
