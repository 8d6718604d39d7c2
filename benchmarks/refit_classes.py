"""Refit of doublets and indels: simulated cohorts from COSMIC v3.6, beside SigProfilerAssignment.

    python benchmarks/refit_classes.py [--sigprofiler PYTHON] [--seeds 3] [--samples 100] [--out DIR]

A cohort has eight signatures of the reference, some more frequent than others; a sample has two to four of them with
Dirichlet shares. No tool is told which eight: all get the whole reference. Writes refit_classes.csv: a row for each
class, number of mutations, method and prior, with the scores of refit_table.py.
"""

from pathlib import Path

import numpy as np

from dnmf.signatures import load_reference
from dnmf.signatures.simulate import draw_counts
from dnmf.threads import one_thread
from refit_answers import Group
from refit_protocol import options, write_rows
from refit_settings import Setting, Source
from refit_table import measure, show

REFERENCES = {"DBS78": "cosmic-v3.6-DBS", "ID83": "cosmic-v3.6-ID"}
COUNTS = (50, 200, 1_000)
COHORT_SIGNATURES, FEWEST, MOST = 8, 2, 4
PRIORS = ("none", "cohort")


def cohort(reference: str, samples: int, mutations: int, seed: int) -> list[Group]:
    """Draw a cohort; the r-th of its signatures is drawn into a sample in proportion to 1 / r."""
    signatures = load_reference(reference)
    # One cohort a draw, whatever the number of mutations.
    rng = np.random.default_rng([seed, len(signatures)])
    present = rng.choice(len(signatures), COHORT_SIGNATURES, replace=False)
    frequency = 1 / np.arange(1, COHORT_SIGNATURES + 1)
    shares = np.zeros((samples, len(signatures)))
    for row in shares:
        size = rng.integers(FEWEST, MOST + 1)
        chosen = rng.choice(present, size, replace=False, p=frequency / frequency.sum())
        row[chosen] = rng.dirichlet(np.ones(size))
    counts = draw_counts(
        mutations * shares @ signatures.profiles.to_numpy(),
        "multinomial",
        np.random.default_rng([seed, mutations]),
    )
    types, unknown = np.repeat("cohort", samples), shares[:0]
    return [Group(signatures, counts, shares, types, {p: p for p in PRIORS}, unknown, unknown)]


def main() -> None:
    """Parse arguments and measure."""
    parser = options(str(__doc__), part=False)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--sigprofiler", type=Path, metavar="PYTHON")
    arguments = parser.parse_args()
    nothing = Source(Path(), "choice")
    for name, reference in REFERENCES.items():
        setting = Setting(
            COUNTS,
            lambda source, mutations, seed, r=reference: cohort(
                r, arguments.samples, mutations, seed
            ),
        )
        rows: list[dict[str, object]] = []
        for mutations in COUNTS:
            with one_thread():
                measured = measure(
                    setting, nothing, mutations, arguments.seeds, None, arguments.sigprofiler
                )
            rows += [{"setting": name, "mutations": mutations, **row} for row in measured]
        keys = ("setting", "mutations", "method", "prior")
        write_rows(arguments.out / "refit_classes.csv", rows, keys)
        show(rows)


if __name__ == "__main__":
    main()
