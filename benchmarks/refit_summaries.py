"""Fit the summaries of exposures that are shipped with the package, and measure what is lost by them.

    python benchmarks/refit_summaries.py EXPOSURES.csv fit       # writes src/dnmf/refit/data/pcawg-sbs-summaries.json
    python benchmarks/refit_summaries.py EXPOSURES.csv measure   # writes results/refit_summaries.csv

EXPOSURES is the table of PCAWG (Alexandrov et al. 2020). Tumours of the part "training" are summarised. The loss is
measured on the part "choice". Nothing is drawn at random in the fit. Seconds, and half a CPU minute.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.special import gammaln, psi

import dnmf.refit
from dnmf.refit.summaries import FILE_NAME, ROWS_OF_ALL, ROWS_OF_TYPE, draw_rows, parse_summaries
from dnmf.refit.tumours import TumourExposures, read_tumour_exposures
from dnmf.signatures import load_reference
from protocol import record
from refit_protocol import SPLIT, in_part

Array = NDArray[np.float64]

REFERENCE = "cosmic-v3-GRCh38"  # the version whose names the table has
SUMMARIES = Path(dnmf.refit.__file__).parent / "data" / FILE_NAME
RESULTS = Path(__file__).parent / "results" / "refit_summaries.csv"

FEWEST_OF_CLUSTER = 5  # tumours, so that a cluster is no tumour's portrait
MEAN_OF_CLUSTER = 8  # tumours
FEWEST_CARRIERS = 3  # tumours; with fewer the moments of the type, or of all types, are shipped
PRIOR_CARRIERS = 3.0  # tumours that the moments of the type count as in those of a cluster
UNKNOWN = (
    np.log(0.1),
    1.0,
)  # mean and standard deviation of the log share where fewer than three tumours have any

# Types with fewer than ten training tumours that have relatives in the table are summarised together with them.
# Bladder-TCC (8) and CNS-Oligo (9) have none: each is one cluster.
RELATED = [
    ("Bone-Benign", "Bone-Epith"),
    ("Breast-AdenoCA", "Breast-DCIS", "Breast-LobularCA"),
    ("Cervix-AdenoCA", "Cervix-SCC"),
    ("Myeloid-AML", "Myeloid-MDS", "Myeloid-MPN"),
    ("SoftTissue-Leiomyo", "SoftTissue-Liposarc"),
]


def cohort_of(tumours: TumourExposures) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    """Return the cohorts, each with its types, and the index of each tumour's cohort."""
    related = {name: types for types in RELATED for name in types}
    cohorts = sorted({related.get(name, (name,)) for name in tumours.type_names})
    number = [cohorts.index(related.get(name, (name,))) for name in tumours.type_names]
    return cohorts, np.array(number)[tumours.types - 1]


def cluster_labels(shares: Array) -> NDArray[np.int64]:
    """Return the cluster (m,) of each tumour: Ward's method on square roots of shares, none smaller than five."""
    points = np.sqrt(shares)
    if len(points) < 2 * FEWEST_OF_CLUSTER:
        return np.zeros(len(points), dtype=np.int64)
    wanted = max(1, len(points) // MEAN_OF_CLUSTER)
    labels = fcluster(linkage(points, "ward"), wanted, "maxclust")
    while True:
        names, sizes = np.unique(labels, return_counts=True)
        small = names[sizes.argmin()]
        if sizes.min() >= FEWEST_OF_CLUSTER or len(names) == 1:
            return np.unique(labels, return_inverse=True)[1]
        centre = {name: points[labels == name].mean(axis=0) for name in names}
        others = [name for name in names if name != small]
        labels[labels == small] = min(
            others, key=lambda name: float(((centre[name] - centre[small]) ** 2).sum())
        )


def log_moments(shares: Array, mean: Array, sd: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation (k,) of the log share among carriers, shrunk to those of the wider set."""
    present = shares > 0
    logs = np.log(np.where(present, shares, 1.0))
    carriers = present.sum(axis=0)
    own = (logs.sum(axis=0) + PRIOR_CARRIERS * mean) / (carriers + PRIOR_CARRIERS)
    squares = (present * (logs - own) ** 2).sum(axis=0) + PRIOR_CARRIERS * sd**2
    own_sd = np.sqrt(squares / (carriers + PRIOR_CARRIERS))
    few = carriers < FEWEST_CARRIERS
    return np.where(few, mean, own), np.where(few, sd, own_sd)


def fit(tumours: TumourExposures) -> str:
    """Return the summaries of the training tumours as readable JSON, a line for each cluster."""
    training = in_part(tumours.samples, "training")
    shares = tumours.shares[training].astype(np.float64)
    cohorts, cohort = cohort_of(tumours)
    cohort, names = cohort[training], load_reference(REFERENCE).names
    everywhere = log_moments(shares, *(np.full(len(names), value) for value in UNKNOWN))
    parts = []
    for number, types in enumerate(cohorts):
        own = shares[cohort == number]
        moments = log_moments(own, *everywhere)
        labels = cluster_labels(own)
        lines = []
        for label in range(labels.max() + 1):
            rows = own[labels == label]
            probability = (rows > 0).mean(axis=0)
            mean, sd = log_moments(rows, *moments)
            table = {
                names[j]: [
                    round(float(v), 4) for v in (probability[j], np.exp(mean[j]), np.exp(sd[j]))
                ]
                for j in np.flatnonzero(probability)
            }
            lines.append("   " + json.dumps({"tumours": len(rows), "signatures": table}))
        body = ",\n".join(lines)
        parts.append(f'  {{"types": {json.dumps(types)}, "clusters": [\n{body}\n  ]}}')
    head = {
        "about": "Summaries of signature exposures by tumour type: clusters of at least five tumours. No row is a "
        "tumour. Made by benchmarks/refit_summaries.py.",
        "source": "Alexandrov et al. 2020, PCAWG SigProfiler SBS signatures in samples",
        "source_sha256": tumours.file["sha256"],
        "tumours": f"{int(training.sum())} of the part training. {SPLIT}",
        "columns": "share of the tumours that have the signature; among them the median share of mutations; the factor "
        "by which shares vary (exp of the standard deviation of the log share)",
    }
    text = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    return "{\n" + text + ' "cohorts": [\n' + ",\n".join(parts) + "\n ]\n}\n"


def empirical_bayes(counts: Array, W: Array, bank: Array) -> tuple[Array, Array]:
    """Return posterior means (n, k) over the rows of a bank, and the log likelihoods (n, m)."""
    fits = counts @ np.log(0.97 * bank @ W + 0.03 * W.mean(axis=0)).T
    weights = np.exp(fits - fits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ bank, fits


def smoothed(counts: Array, W: Array, bank: Array, n_rows: int = 16, kappa: float = 15.0) -> Array:
    """Return posterior means (n, k) with a Dirichlet prior around each of the likeliest rows (variational Bayes)."""
    fits = empirical_bayes(counts, W, bank)[1]
    rows = bank[np.argsort(-fits, axis=1)[:, :n_rows]]
    alpha = kappa * rows + 0.003
    g = alpha + counts.sum(axis=1)[:, None, None] * rows
    x = counts[:, None]
    for _ in range(40):
        E = np.exp(psi(g)) / g.sum(axis=2, keepdims=True)
        g = np.maximum(g * ((alpha + E * ((x / (E @ W)) @ W.T)) / g) ** 1.5, alpha)
    logs = psi(g) - psi(g.sum(axis=2, keepdims=True))
    divergence = ((g - alpha) * logs + gammaln(alpha) - gammaln(g)).sum(axis=2)
    divergence += gammaln(g.sum(axis=2)) - gammaln(alpha.sum(axis=2))
    evidence = (x * np.log(np.exp(logs) @ W)).sum(axis=2) - divergence
    weights = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return (weights[:, :, None] * g / g.sum(axis=2, keepdims=True)).sum(axis=1)


def at_count(shares: Array, n_mutations: int) -> Array:
    """Return shares (m, k) without contributions below ten mutations, rows scaled to 1."""
    kept = np.where(shares * n_mutations < 10, 0.0, shares)
    total = kept.sum(axis=1, keepdims=True)
    return (kept / np.where(total > 0, total, 1.0))[total[:, 0] > 0]


def measure(tumours: TumourExposures, samples_per_tumour: int = 2) -> pd.DataFrame:
    """Return errors on choice tumours with the training tumours as bank, and with rows drawn from their summaries."""
    reference = load_reference(REFERENCE)
    W, names = reference.profiles.to_numpy(dtype=float), reference.names
    shares = tumours.shares.astype(np.float64)
    choice, training = in_part(tumours.samples, "choice"), in_part(tumours.samples, "training")
    cohorts, cohort = cohort_of(tumours)
    known = parse_summaries(SUMMARIES.read_bytes(), FILE_NAME)

    def drawn(types: list[str], n_rows: int) -> Array:
        clusters = [cluster for name in types for cluster in known[name]]
        columns, rows = draw_rows(clusters, n_rows)
        return pd.DataFrame(rows, columns=columns).reindex(columns=names, fill_value=0).to_numpy()

    all_drawn = drawn([types[0] for types in cohorts], ROWS_OF_ALL)
    results = []
    for n in (100, 500, 2000):
        rng = np.random.default_rng(n)
        truth = np.repeat(at_count(shares[choice], n), samples_per_tumour, axis=0)
        counts = rng.multinomial(n, truth @ W).astype(float)
        of = np.repeat(cohort[choice], samples_per_tumour)
        for prior in ("pan-cancer", "tumour type"):
            for bank in ("training tumours", "drawn from summaries"):
                errors: dict[str, list[Array]] = {"empirical Bayes": [], "smoothed": []}
                for group in np.unique(of) if prior == "tumour type" else [None]:
                    here = np.ones(len(of), dtype=bool) if group is None else of == group
                    if bank == "training tumours":
                        rows = shares[training if group is None else training & (cohort == group)]
                    elif group is None:
                        rows = all_drawn
                    else:
                        rows = drawn([cohorts[group][0]], ROWS_OF_TYPE)
                    rows = at_count(rows, n)
                    found = {
                        "empirical Bayes": empirical_bayes(counts[here], W, rows)[0],
                        "smoothed": smoothed(counts[here], W, rows),
                    }
                    for method, h in found.items():
                        errors[method].append(0.5 * np.abs(h - truth[here]).sum(axis=1))
                for method, values in errors.items():
                    error = float(np.concatenate(values).mean())
                    results.append((prior, n, method, bank, round(error, 4)))
    columns = ["prior", "mutations", "method", "bank", "fitting_error"]
    return pd.DataFrame(results, columns=columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exposures", type=Path)
    parser.add_argument("what", choices=("fit", "measure"))
    options = parser.parse_args()
    tumours = read_tumour_exposures(options.exposures, load_reference(REFERENCE).names)
    if options.what == "fit":
        SUMMARIES.write_text(fit(tumours))
        return
    table = measure(tumours)
    table.to_csv(RESULTS, index=False)
    record(RESULTS)
    print(table.pivot_table("fitting_error", ["prior", "method", "bank"], "mutations"))


if __name__ == "__main__":
    main()
