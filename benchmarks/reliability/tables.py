"""Inputs to the readers of tables."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from dnmf.refit.tumours import TumourExposures, read_tumour_exposures
from dnmf.signatures import DBS78, ID83, read_catalog, read_exposures, read_signatures
from reliability.damage import disturb, rendered, spoil
from reliability.parser import (
    EQUAL,
    NEGATIVE_ROUNDING,
    SUBSTITUTIONS,
    UNKNOWN,
    Grid,
    Spellings,
    bare,
    compare,
    grid_of,
    grids_of,
    number,
    text_of,
)
from reliability.trial import Case, Files, Subject

DATA = Path(__file__).parents[2] / "tests" / "data"
# Of large tables the first columns are taken: small inputs show the same faults sooner.
MOST_COLUMNS = 8
SIGNATURES = ["SBS1", "SBS2", "SBS5", "SBS22a", "SBS40a"]
_SUBSTITUTIONS = [
    (five, f"{ref}>{alt}", three)
    for ref, alts in (("C", "AGT"), ("T", "ACG"))
    for five, alt, three in product("ACGT", alts, "ACGT")
]
_OTHER_STRAND = str.maketrans("ACGT", "TGCA")
# The corner of a table, and how it writes a substitution: in one cell or two.
WRITTEN: list[tuple[list[str], Callable[[str, str, str], list[str]]]] = [
    (["Type"], lambda five, change, three: [f"{five}[{change}]{three}"]),
    (
        ["Mutation type", "Trinucleotide"],
        lambda five, change, three: [change, five + change[0] + three],
    ),
    ([""], lambda five, change, three: [f"{change}_{five}{change[0]}{three}"]),
    ([""], lambda five, change, three: [change[0] + change[2] + five + three]),
    (
        ["MutationType"],
        lambda five, change, three: [f"{three}[{change}]{five}".translate(_OTHER_STRAND)],
    ),
    (["Types"], lambda five, change, three: [f"{five}{change[0]}{three}>{five}{change[2]}{three}"]),
    ([""], lambda five, change, three: [f"{five}.{change[0]}.{change[2]}.{three}"]),
    (["Type"], lambda five, change, three: [f"{change}@{five}_{three}"]),
    ([""], lambda five, change, three: [five + change[0] + three + change[2]]),
    (["type"], lambda five, change, three: [f"{five}[{change}]{three}".lower()]),
]
CLASSES: list[Spellings] = [
    {bare(label): label for label in schema.labels} for schema in (DBS78, ID83)
]


@cache
def _seeds(*names: str) -> list[Grid]:
    """Return the tables of tests/data with these names, and the first columns of those in the folder DNMF_DATA."""
    shared = os.environ.get("DNMF_DATA")
    folders = [DATA, Path(shared)] if shared else [DATA]
    grids = []
    for path in (folder / name for folder in folders for name in names):
        if path.is_file():
            text = text_of(path.read_bytes()) or ""
            delimiter = max("\t;,", key=text.partition("\n")[0].count)
            wide = MOST_COLUMNS if path.parent != DATA else None
            grids.append([row[:wide] for row in grid_of(text, delimiter) if any(row)])
    return grids


def _drawn(rng: Random, cell: Callable[[int], str], names: Sequence[str]) -> Grid:
    """Draw a table in a random layout, spelling and order of labels; ``cell`` gets their number."""
    corner, spelt = rng.choice(WRITTEN)
    labels = [spelt(*channel) for channel in rng.sample(_SUBSTITUTIONS, len(_SUBSTITUTIONS))]
    if rng.random() < 0.15:
        schema = rng.choice((DBS78, ID83))
        corner, labels = ["Type"], [[label] for label in rng.sample(schema.labels, len(schema))]
    grid = [[*corner, *names], *([*label, *(cell(len(labels)) for _ in names)] for label in labels)]
    turned = rng.random() < 0.2
    grid = [list(row) for row in zip(*grid, strict=True)] if turned else grid
    dress = rng.randrange(12)
    if dress == 0:
        grid = [[rng.choice(("# counts", "#", "## a: b"))], *grid]
    elif dress == 1 and len(corner) == 1:
        grid = [grid[0][1:], *grid[1:]]  # as R writes row names
    elif dress == 2 and not turned:
        grid = [[*row, "note" if number == 0 else "text"] for number, row in enumerate(grid)]
    return grid


def _damaged(rng: Random, grid: Grid) -> tuple[bytes, bool]:
    """Return the bytes of a table and whether they still say the same."""
    kind = rng.randrange(10)
    for _ in range(0 if kind < 2 else rng.choice((0, 1, 1, 2))):
        grid = disturb(rng, grid)
    content = rendered(rng, grid)
    for _ in range(0 if kind < 5 else rng.choice((1, 1, 2, 4))):
        content = spoil(rng, content)
    return content, kind < 2


def _catalog(rng: Random) -> Case:
    seeds = _seeds(
        *("plot_order.txt", "pcawg_quoted.csv", "one_quoted_column.csv", "samples_in_rows.tsv", "two_columns.tsv"),
        *("samples_in_rows_two_headers.csv", "signature_analyzer_word.tsv", "signature_analyzer_arrow.tsv"),
        *("semicolons_bom_lower_case.csv", "excel_unicode.txt", "breast_21_sbs96.txt", "brca_560_sbs96.tsv"),
    )  # fmt: skip
    names = [f"{rng.choice(('S', 'TCGA-', 'patient '))}{n}" for n in range(rng.randint(1, 4))]
    drawn = _drawn(rng, lambda _: str(rng.choice((0, 1, 2, 7, 30, 1234, 2.5, 1e5))), names)
    content, whole = _damaged(rng, rng.choice(seeds) if rng.random() < 0.5 else drawn)

    def check(answer: Any, files: Files, said: Sequence[str]) -> str:
        return compare(answer.counts, files["table.tsv"], said, [*SUBSTITUTIONS, *CLASSES])

    return Case({"table.tsv": content}, lambda at: read_catalog(at / "table.tsv"), check, whole)


def _signatures(rng: Random) -> Case:
    seeds = _seeds(
        *("signatures_cosmic.txt", "signatures_pcawg.csv"),
        *("cosmic/COSMIC_v3.4_SBS_GRCh37.txt", "cosmic/COSMIC_v3.4_DBS_GRCh37.txt"),
    )
    drawn = _drawn(rng, lambda n: repr(1 / n + rng.uniform(-1e-5, 1e-5)), ["SBS1", "SBS7a"])
    grid = rng.choice(seeds) if rng.random() < 0.5 else drawn
    content, whole = _damaged(rng, grid)

    def check(answer: Any, files: Files, said: Sequence[str]) -> str:
        spellings = [*SUBSTITUTIONS, *CLASSES]
        return compare(answer.profiles, files["table.tsv"], said, spellings, scaled=True)

    return Case({"table.tsv": content}, lambda at: read_signatures(at / "table.tsv"), check, whole)


def _exposures(rng: Random) -> Case:
    seeds = _seeds("activities.txt", "exposures_pcawg.csv", "exposures_tumours.csv")
    drawn = [["Samples", "SBS1", "SBS5", "SBS40a"]]
    drawn += [
        [f"S{n}", *(str(rng.choice((0, 1, 12, 0.5, 1e4))) for _ in range(3))]
        for n in range(rng.randint(1, 9))
    ]
    content, whole = _damaged(rng, rng.choice([*seeds, drawn]))

    def check(answer: Any, files: Files, said: Sequence[str]) -> str:
        return compare(answer, files["table.tsv"], said)

    return Case({"table.tsv": content}, lambda at: read_exposures(at / "table.tsv"), check, whole)


def _tumours(rng: Random) -> Case:
    grid = [["Cancer Types", "Sample Names", "Accuracy", "SBS1", "SBS2", "SBS5", "SBS22"]]
    for n in range(rng.randint(1, 12)):
        cells = [str(rng.choice((0, 1, 12, 0.5, 1e4))) for _ in range(3)]
        grid.append([rng.choice(("Lung", "Liver-HCC")), f"SP{n}", "0.9", "3", *cells])
    if rng.random() < 0.3:
        grid = [[row[1], row[0], *row[3:]] for row in grid]
    content, whole = _damaged(rng, grid)
    return Case(
        {"table.csv": content},
        lambda at: read_tumour_exposures(at / "table.csv", SIGNATURES),
        _check_tumours,
        whole,
    )


def _check_tumours(answer: TumourExposures, files: Files, said: Sequence[str]) -> str:
    """Compare shares with those of the file: its numbers by hand, each row divided by its sum."""
    verdict = UNKNOWN
    text = text_of(files["table.csv"])
    if text is None:
        return "accepted, but the file is not text"
    for grid in grids_of(text):
        rows = [[cell.strip() for cell in row] for row in grid]
        header = rows[0]
        if (
            "Sample Names" not in header
            or "Cancer Types" not in header
            or {len(row) for row in rows} != {len(header)}
        ):
            continue
        sample, kind = header.index("Sample Names"), header.index("Cancer Types")
        expected = {}
        for row in rows[1:]:
            shares = dict.fromkeys(SIGNATURES, 0.0)
            for name, cell in zip(header, row, strict=True):
                name = (
                    name
                    if name in SIGNATURES
                    else {"SBS22": "SBS22a", "SBS40": "SBS40a"}.get(name, name)
                )
                if name in shares:
                    if (value := number(cell)) is None:
                        return f"{cell[:40]!r} is no number"
                    if value < -NEGATIVE_ROUNDING:
                        return f"{cell[:40]!r} is negative"
                    shares[name] += max(value, 0.0)
            if total := sum(shares.values()):
                if row[sample] in expected:
                    return f"the sample {row[sample]!r} is there twice"
                expected[row[sample]] = (row[kind], [value / total for value in shares.values()])
        if not expected:
            return "accepted without a tumour"
        if list(expected) != answer.samples:
            verdict = "other samples than in the file"
            continue
        types = [answer.type_names[number - 1] for number in answer.types]
        shares = [shares for _, shares in expected.values()]
        if types != [kind for kind, _ in expected.values()]:
            return "other types of tumours than in the file"
        return (
            EQUAL
            if np.isclose(answer.shares, shares, rtol=1e-5, atol=1e-30).all()
            else "other shares than in the file"
        )
    return verdict


SUBJECTS = [
    Subject("catalog", 30, _catalog),
    Subject("signatures", 14, _signatures),
    Subject("exposures", 16, _exposures),
    Subject("tumours", 10, _tumours),
]
