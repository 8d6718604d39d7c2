"""The second layer of a blind extraction on realistic cohorts: which true signatures it names, rule by rule.

    python benchmarks/cohort_decomposition.py DATA [--part choice] [--noise ...] [--rules ...]

Each cohort is extracted blindly, once, with its true number of signatures, with fewer, or with a number that is chosen;
each rule then decomposes what was found into a reference, which may lack signatures. Writes cohort_decomposition.csv, a
row for each cohort, noise, draw, reference, number and rule, after each cohort; then prints sums. ``--rules`` without a
name prints only.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

from cohort_extraction import CHOICES, KEYS, RESTARTS, catalog_of
from cohort_protocol import (
    MATCH,
    ROW,
    Array,
    Cohort,
    Found,
    Noise,
    cohorts_of,
    draw_cohort,
    matches,
    row_of,
)
from dnmf import SignatureSet, criteria, decompose_to_reference, extract_signatures
from dnmf.kernels.selection import selected_exposures
from dnmf.metrics import cosine_similarity
from dnmf.signatures import SBS96
from dnmf.threads import one_thread
from refit_protocol import RESULTS, write_rows

Rule = Callable[[Array, Array], Found]
"""Extracted signatures (k, f) and references (r, f)."""

FEWER = {"true": 0, "true - 3": 3, "true - 5": 5}
NUMBERS = (*FEWER, "chosen")
"""How many signatures are extracted."""
NOISES: tuple[Noise, ...] = ("poisson", "nb", "perturbed")
CRITERIA = {
    name: getattr(criteria, name)
    for name in ("MIXTURE_COSINE", "MIXTURE_COSINE_GAINS", "ALTERNATIVE_COSINE_LOSS")
}
COUNTED = (
    "given_true",
    "recalled",
    "called",
    "called_right",
    "taken_out_extracted",
    "removed_found",
    "false_novel",
)
"""Signatures of a row: those to be named, named ones among them, all named ones, right ones; those that the reference
lacks and the extraction has, those of them that are novel, other novel ones."""
FAR = 1.0
"""A gain of cosine that no further reference can bring."""
SPARSE_COSINE = 0.8
"""Cosine below which the sparse search calls a signature novel."""


def this_package(found: Array, reference: Array, **others: Any) -> Found:
    """Return what ``decompose_to_reference`` names, with other criteria than its own."""
    names = [f"R{number}" for number in range(len(reference))]
    known = SignatureSet(pd.DataFrame(reference, names, SBS96.labels))
    extracted = [f"E{number}" for number in range(len(found))]
    with patch.multiple("dnmf.signatures.decomposition", **CRITERIA | others):
        result = decompose_to_reference(
            SignatureSet(pd.DataFrame(found, extracted, SBS96.labels)), known
        )
    return Found(novel=found[np.isin(extracted, result.novel)], known=np.isin(names, result.known))


def backward_and_forward(found: Array, reference: Array) -> Found:
    """Return what the search of a sparse refit names: backward elimination from all references, forward selection."""
    exposures = selected_exposures(torch.tensor(found), torch.tensor(reference)).numpy()
    mixtures = exposures @ reference
    explained = np.diagonal(cosine_similarity(found, mixtures)) > SPARSE_COSINE
    return Found(novel=found[~explained], known=(exposures[explained] > 0).any(axis=0))


RULES: dict[str, Rule] = {
    "as it is": this_package,
    "alone": partial(this_package, MIXTURE_COSINE_GAINS=(FAR, FAR)),
    "two at most": partial(this_package, MIXTURE_COSINE_GAINS=(0.01, FAR)),
    "third gains 0.03": partial(this_package, MIXTURE_COSINE_GAINS=(0.01, 0.03)),
    "third gains 0.01": partial(this_package, MIXTURE_COSINE_GAINS=(0.01, 0.01)),
    "second gains 0.005": partial(this_package, MIXTURE_COSINE_GAINS=(0.005, 0.05)),
    "second gains 0.02": partial(this_package, MIXTURE_COSINE_GAINS=(0.02, 0.05)),
    "second gains 0.05": partial(this_package, MIXTURE_COSINE_GAINS=(0.05, 0.05)),
    "always the closest": partial(this_package, ALTERNATIVE_COSINE_LOSS=0.0),
    "loses 0.005 at most": partial(this_package, ALTERNATIVE_COSINE_LOSS=0.005),
    "loses 0.02 at most": partial(this_package, ALTERNATIVE_COSINE_LOSS=0.02),
    "adequate 0.8": partial(this_package, MIXTURE_COSINE=0.8),
    "adequate 0.85": partial(this_package, MIXTURE_COSINE=0.85),
    "adequate 0.93": partial(this_package, MIXTURE_COSINE=0.93),
    "adequate 0.95": partial(this_package, MIXTURE_COSINE=0.95),
    "backward and forward": backward_and_forward,
}


def extracted(cohort: Cohort, number: str) -> Array:
    """Return the signatures (k, f) of a blind extraction with one of ``NUMBERS``, two at least."""
    k: int | list[int] = list(CHOICES)
    if number in FEWER:
        k = max(int(cohort.frequent.sum()) - FEWER[number], 2)
    with one_thread():
        result = extract_signatures(
            catalog_of(cohort.counts), k, n_restarts=RESTARTS, random_state=cohort.seed
        )
    return result.signatures.profiles.to_numpy()


def rows_of(
    data: Path, name: str, noise: Noise, seed: int, number: str, rules: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a draw of a cohort: the extraction is the same whatever the reference lacks."""
    found = extracted(draw_cohort(data, name, noise, seed), number)
    for removed in ("none", "one", "half"):
        cohort = draw_cohort(data, name, noise, seed, removed)
        out = cohort.profiles[cohort.taken_out]
        again = int((matches(found, out, MATCH) > 0).sum())
        for rule in rules:
            named = RULES[rule](found, cohort.reference)
            row = row_of(cohort, rule, named, number=number, taken_out_extracted=again)
            yield {column: row[column] for column in ("part", *ROW, "number", *COUNTED)}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return recall and precision of the names, and which signatures are novel, pooled over cohorts and draws."""
    sums = table.groupby(["number", *KEYS])[list(COUNTED)].sum()
    sums.insert(0, "precision", sums["called_right"] / sums["called"])
    sums.insert(0, "recall", sums["recalled"] / sums["given_true"])
    return sums


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the input data")
    parser.add_argument("--part", choices=("choice", "test"), default="choice")
    parser.add_argument("--cohorts", nargs="*", help="only these")
    parser.add_argument("--rules", nargs="*", choices=RULES, default=list(RULES))
    parser.add_argument("--noise", nargs="*", choices=NOISES, default=NOISES)
    parser.add_argument("--seeds", type=int, default=1, help="draws of counts")
    parser.add_argument("--number", choices=NUMBERS, default="true", help="of signatures")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    path = chosen.out / "cohort_decomposition.csv"
    for name in chosen.cohorts or cohorts_of(chosen.part):
        for noise in chosen.noise if chosen.rules else ():
            for seed in range(chosen.seeds):
                rows = list(rows_of(chosen.data, name, noise, seed, chosen.number, chosen.rules))
                write_rows(path, rows, (*ROW, "number"))
                print(f"{name} {noise} {seed}", flush=True)
    table = pd.read_csv(path)
    with pd.option_context(
        "display.width", 250, "display.max_columns", None, "display.max_rows", None
    ):
        print(summary(table[table["part"] == chosen.part]).round(3).to_string())


if __name__ == "__main__":
    main()
