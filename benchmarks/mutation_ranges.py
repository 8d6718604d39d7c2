"""How often the ranges of `dnmf.signature_probabilities` hold the truth, in simulated samples.

    python benchmarks/mutation_ranges.py EXPOSURES.csv

EXPOSURES.csv: tumours by signatures, for samples like tumours. Writes mutation_ranges.csv: by class and number of
mutations, how often the range of the most likely signature of a mutation held the true probability, and its mean
width; each sample counts once.
"""

import sys
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd

from dnmf import (
    MutationCatalog,
    SignatureSet,
    load_reference,
    read_exposures,
    refit_exposures,
    signature_probabilities,
)
from refit_protocol import RESULTS, write_rows

N_SAMPLES = 200
EDGES = (0, 200, 1000, 5000, np.inf)
KEYS = ("data", "mutations_from")


def measure(
    title: str,
    reference: SignatureSet,
    shares: np.ndarray,
    mutations: np.ndarray,
    prior: str | None,
    *,
    error: float = 0.0,
) -> None:
    """Write one row for each range of numbers of mutations; ``error`` is that of the expected counts (CV)."""
    random = np.random.default_rng(3)
    W = reference.profiles.to_numpy()
    expected = shares @ W * mutations[:, None]
    if error:
        expected *= random.gamma(error**-2, error**2, size=expected.shape)
    names = [f"s{number}" for number in range(len(shares))]
    counts = pd.DataFrame(random.poisson(expected), names, reference.profiles.columns)
    result = refit_exposures(
        MutationCatalog(counts, schema=reference.schema), reference, prior=prior
    )
    found = signature_probabilities(result)
    best = found.loc[found.groupby(["sample", "channel"])["probability"].idxmax()]
    parts = shares[:, :, None] * W
    whole = parts.sum(axis=1, keepdims=True)
    truth = np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)
    place = counts.index.get_indexer(best["sample"])
    column = counts.columns.get_indexer(best["channel"])
    true = truth[place, reference.profiles.index.get_indexer(best["signature"]), column]
    weight = counts.to_numpy()[place, column]
    held = (best["lower"].to_numpy() - 1e-9 <= true) & (true <= best["upper"].to_numpy() + 1e-9)
    table = pd.DataFrame({"weight": weight, "held": held * weight, "sample": place})
    table["width"] = (best["upper"] - best["lower"]).to_numpy() * weight
    sums = table.groupby("sample").sum()
    means = sums[["held", "width"]].div(sums["weight"], axis=0)
    totals = counts.sum(axis=1).to_numpy()[sums.index]
    for low, high in pairwise(EDGES):
        own = means[(totals >= low) & (totals < high)]
        if len(own):
            row = {
                "data": title,
                "mutations_from": low,
                "mutations_below": high,
                "samples": len(own),
            }
            write_rows(RESULTS / "mutation_ranges.csv", [row | own.mean().to_dict()], KEYS)
            print(row, own.mean().round(3).to_dict(), flush=True)


def mixtures(random: np.random.Generator, k: int, least: int, most: int) -> np.ndarray:
    """Return shares (n, k) of ``least`` to ``most`` signatures drawn evenly."""
    shares = np.zeros((N_SAMPLES, k))
    for row in shares:
        chosen = random.choice(k, random.integers(least, most + 1), replace=False)
        row[chosen] = random.dirichlet(np.ones(len(chosen)))
    return shares


def main(exposures: str) -> None:
    random = np.random.default_rng(11)
    reference = load_reference("cosmic-v3.4")
    known = read_exposures(exposures).reindex(columns=reference.names, fill_value=0.0).to_numpy()
    known = known[known.sum(axis=1) > 0]
    tumours = known[random.choice(len(known), N_SAMPLES)]
    tumours = tumours * random.gamma(4, 1 / 4, size=tumours.shape)
    tumours /= tumours.sum(axis=1, keepdims=True)
    mutations = np.exp(random.uniform(np.log(50), np.log(20_000), N_SAMPLES))
    measure("SBS, tumours", reference, tumours, mutations, None)
    measure("SBS, tumours, counts off by 20 %", reference, tumours, mutations, None, error=0.2)
    even = mixtures(random, len(reference), 3, 6)
    measure("SBS, at random", reference, even, mutations, "none")
    for family, low, high in (("DBS", 20, 500), ("ID", 50, 2000), ("CN", 50, 500), ("SV", 30, 500)):
        own = load_reference(f"cosmic-v3.4-{family}")
        sizes = np.exp(random.uniform(np.log(low), np.log(high), N_SAMPLES))
        measure(f"{family}, at random", own, mixtures(random, len(own), 2, 4), sizes, None)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main(sys.argv[1])
