"""What must not change a count, and a count one variant at a time, on random genomes full of repeats."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnmf.variants import VariantCounts

pytestmark = pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
COMPLEMENT = str.maketrans("ACGT", "TGCA")
Row = tuple[str, int, str, str]
Count = Callable[..., VariantCounts]
Channels = Callable[[VariantCounts], dict[str, dict[str, int]]]
few = settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
seeds = st.integers(0, 1 << 30).map(np.random.default_rng)
# Beside what is drawn: something is counted, and both its neighbours are known on both strands.
CALM = "GATCCTAGGATC"


def random_contig(rng: np.random.Generator) -> str:
    """Stretches without repeats, homopolymers, tandem and direct repeats, unknown bases."""

    def drawn(least: int, most: int) -> str:
        return "".join(rng.choice(list("ACGT"), rng.integers(least, most)))

    parts = []
    for kind in rng.integers(0, 6, size=8):
        unit = drawn(1, 9)
        repeat = drawn(4, 30)
        parts += [
            drawn(5, 40),
            drawn(1, 2) * int(rng.integers(2, 20)),
            unit * int(rng.integers(2, 9)),
            repeat + drawn(0, 6) + repeat,
            "N" * int(rng.integers(1, 3)),
            unit,
        ][kind : kind + 1]
    return CALM + "".join(parts) + CALM


def random_row(contig: str, rng: np.random.Generator) -> Row:
    """A substitution of 1 to 4 bases, or an indel with up to 2 bases around it that stay."""
    at = int(rng.integers(0, len(contig) - 12))
    size = int(rng.choice([1, 1, 2, 3, 4, 6, 11]))
    before = int(rng.integers(1, 3))
    here = contig[at : at + before]
    after = contig[at + before + size : at + before + size + int(rng.integers(0, 3))]
    kind = rng.integers(3)
    if kind == 0:
        ref = contig[at : at + min(size, 4)]
        return "c", at + 1, ref, "".join(rng.choice(list("ACGT"), len(ref)))
    if kind == 1:
        return "c", at + 1, contig[at : at + before + size] + after, here + after
    new = contig[at + before : at + before + size] if rng.random() < 0.6 else None
    new = new or "".join(rng.choice(list("ACGT"), size))
    after = contig[at + before : at + before + len(after)]
    return "c", at + 1, here + after, here + new + after


def random_rows(contig: str, rng: np.random.Generator) -> list[Row]:
    rows = [random_row(contig, rng) for _ in range(30)]
    neighbours = [
        ("c", at + 1, contig[at], str(rng.choice(list("ACGT")))) for _, at, *_ in rows[:8]
    ]
    return [("c", 3, "T", "A"), *rows, *neighbours, *rows[:3]]


def turned(contig: str, row: Row) -> Row:
    """The same change on the other strand."""
    _, position, ref, alt = row
    place = len(contig) - (position - 1 + len(ref)) + 1
    return "c", place, ref.translate(COMPLEMENT)[::-1], alt.translate(COMPLEMENT)[::-1]


def moved(contig: str, row: Row, rng: np.random.Generator) -> Row:
    """The same indel written at another place of its repeat, if it is one and all its bases are known."""
    _, position, ref, alt = row
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    start = position - 1
    while ref and alt and ref[0] == alt[0]:
        ref, alt, start = ref[1:], alt[1:], start + 1
    unit = ref or alt
    if (ref and alt) or not unit or set(unit) - set("ACGT") or contig[start:][: len(ref)] != ref:
        return row
    for _ in range(int(rng.integers(0, 12))):
        follows = contig[start + len(ref) : start + len(ref) + 1]
        if follows != unit[0]:
            break
        start, unit = start + 1, unit[1:] + unit[0]
    anchor = contig[start - 1]
    if anchor not in "ACGT":
        return row
    return ("c", start, anchor + unit, anchor) if ref else ("c", start, anchor, anchor + unit)


def split(row: Row) -> list[Row]:
    """A substitution of several bases as rows of one."""
    contig, position, ref, alt = row
    if len(ref) != len(alt):
        return [row]
    return [(contig, position + k, a, b) for k, (a, b) in enumerate(zip(ref, alt, strict=True))]


@given(seeds)
@few
def test_the_way_in_which_variants_are_written_does_not_matter(
    counted: Count, channels: Channels, rng: np.random.Generator
) -> None:
    contig = random_contig(rng)
    # A row with a wrong base is dropped whole, its parts one by one: none is drawn here.
    rows = [row for row in random_rows(contig, rng) if "N" not in row[2]]
    first = counted({"c": contig}, rows)
    assert first.outcomes.to_numpy().sum() == len(rows)
    expected = channels(first)
    mixed = [rows[place] for place in rng.permutation(len(rows))]
    other = contig.translate(COMPLEMENT)[::-1]
    for contigs, again in (
        (contig, mixed),
        (contig, [*rows, *mixed]),
        (contig, [moved(contig, row, rng) for row in rows]),
        (contig, [part for row in rows for part in split(row)]),
        (other, [turned(contig, row) for row in rows]),
        (contig.lower(), [("chrC", position, ref, alt) for _, position, ref, alt in rows]),
    ):
        name = "chrC" if contigs.islower() else "c"
        found = counted({name: contigs}, again)
        assert channels(found) == expected
        assert found.outcomes.to_numpy().sum() == len(again)


@pytest.fixture(scope="module")
def one_by_one(shared_data: Path) -> ModuleType:
    path = shared_data / "variants" / "oracle.py"
    spec = importlib.util.spec_from_file_location("variants_one_by_one", path)
    if not path.is_file() or spec is None or spec.loader is None:
        pytest.skip("needs the test bed of variants")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(seeds)
@few
def test_counts_are_those_of_one_variant_at_a_time(
    counted: Count, channels: Channels, one_by_one: Any, rng: np.random.Generator
) -> None:
    contigs = {"c": random_contig(rng), "d": random_contig(rng)}
    by_sample: dict[str, list[Row]] = {"s": [], "t": []}
    for rows in by_sample.values():
        for name, contig in contigs.items():
            rows += [(name, *row[1:]) for row in random_rows(contig, rng)]
        # Bases that the genome does not have, and changes of all lengths.
        rows += [("c", int(at), "A", "GT"[: 1 + int(at) % 2]) for at in rng.integers(1, 60, 2)]
    found = counted(contigs, by_sample)
    records = [(sample, *row) for sample, rows in by_sample.items() for row in rows]
    counts, log = one_by_one.classify(contigs, records)
    expected: dict[str, dict[str, int]] = {}
    for by_name in counts.values():
        for sample, own in by_name.items():
            expected.setdefault(sample, {}).update(own)
    assert channels(found) == expected
    # The log begins with what became of each row; of substitutions it says what they are further on.
    outcomes = found.variants["outcome"].tolist()
    for (_, said), outcome in zip(log[: len(records)], outcomes, strict=True):
        if said != "substitution":
            words = said.removeprefix("!").replace("complex indel", "complex")
            expected_word = words.replace(" ", "_") if said.startswith("!") else "counted"
            assert outcome == expected_word.replace("allele_is_not_ACGT", "allele")


@pytest.mark.parametrize(("inside", "halves"), [("1\t2", 2), ("2\t3", 0)])
def test_a_doublet_is_inside_as_a_whole_whatever_the_classes(
    counted: Count, tmp_path: Path, inside: str, halves: int
) -> None:
    (tmp_path / "panel.bed").write_text(f"1\t{inside}\n1\t8\t9\n")
    rows = [("1", 2, "CG", "AA"), ("1", 9, "A", "C")]
    for classes in (["SBS96"], ["SBS96", "DBS78"]):
        found = counted(
            {"1": "ACGTTTTTACAC"},
            rows,
            classes=classes,
            doublets="both",
            regions=tmp_path / "panel.bed",
        )
        assert found.catalogs["SBS96"].burdens["s"] == halves + 1


def test_regions_of_one_contig_under_two_names(counted: Count, tmp_path: Path) -> None:
    (tmp_path / "panel.bed").write_text("chrM\t1\t2\nMT\t5\t6\n")
    rows = [("MT", 2, "C", "A"), ("MT", 6, "C", "A"), ("MT", 4, "T", "A")]
    found = counted({"chrM": "ACGTACGT"}, rows, mitochondria=True, regions=tmp_path / "panel.bed")
    assert found.variants["outcome"].tolist() == ["counted", "counted", "outside"]
