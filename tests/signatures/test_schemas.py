"""The known classes: their channels, every spelling of them, and how a table is told to be of one."""

import gzip
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import ChannelMismatchError
from dnmf.signatures import (
    CN48,
    DBS78,
    ID83,
    SBS96,
    SBS288,
    SBS384,
    SBS1536,
    SV32,
    ChannelGroup,
    ChannelSchema,
    MutationCatalog,
    detect_schema,
    load_reference,
    read_catalog,
    write_catalog,
)
from dnmf.signatures.schemas import SCHEMAS

BASES = "ACGT"
COMPLEMENT = str.maketrans(BASES, "TGCA")


def other_strand(bases: str) -> str:
    return bases.translate(COMPLEMENT)[::-1]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_class_has_as_many_distinct_channels_as_its_name_says(schema):
    assert schema.name == f"{schema.family}{len(set(schema.labels))}"
    assert [schema.canonical(label) for label in schema.labels] == list(schema.labels)
    assert sorted(schema.file_order) == sorted(schema.labels)
    assert schema.n_ticks * max(len(schema.layers), 1) == len(schema)


@pytest.mark.parametrize("schema", SCHEMAS[1:], ids=lambda schema: schema.name)
def test_order_is_that_of_the_field(schema, shared_data):
    published = (shared_data / "channels" / f"{schema.name}.txt").read_text().split()
    assert list(schema.file_order) == published
    assert schema.family == "SBS" or schema.labels == schema.file_order


def test_every_doublet_of_either_strand_is_one_of_the_78():
    """Two bases that both change: 16 * 9 = 144 ways, each the same mutation as on the other strand."""
    found = set()
    for ref, alt in product(map("".join, product(BASES, repeat=2)), repeat=2):
        channel = DBS78.canonical(f"{ref}>{alt}")
        if any(before == after for before, after in zip(ref, alt, strict=True)):
            assert channel is None
            continue
        assert channel in {f"{ref}>{alt}", f"{other_strand(ref)}>{other_strand(alt)}"}
        assert DBS78.canonical(f"{other_strand(ref)}>{other_strand(alt)}") == channel
        for spelling in (f"{ref}_{alt}", f" {ref}{alt}".lower(), f"{ref}>NN_{alt}", (ref, alt)):
            assert DBS78.canonical(spelling) == channel
        found.add(channel)
    assert found == set(DBS78.labels)


def test_ticks_of_doublets_are_their_alternatives():
    ticks = [group.header.replace("NN", tick) for group in DBS78.groups for tick in group.ticks]
    assert ticks == list(DBS78.labels)


@pytest.mark.parametrize("separator", [":", "_"])
def test_spellings_of_indels(separator):
    names = {"R": "repeats", "M": "MH"}
    for label in ID83.labels:
        size, kind, what, number = label.split(":")
        size, number = (part.replace("5", "5+") for part in (size, number))
        assert ID83.canonical(separator.join([size, kind, what, number])) == label
        other = separator.join([kind.upper(), names.get(what, what), size, number])
        assert ID83.canonical(other) == label
    assert ID83.canonical("1:Del:A:0") == "1:Del:T:0"


@pytest.mark.parametrize(
    "text", ["", "2:Ins:M:1", "2:Del:M:2", "6:Del:R:0", "1:Del:R:0", "ID1", "1"]
)
def test_what_is_not_an_indel_is_not_guessed(text):
    assert ID83.canonical(text) is None


def test_ticks_of_indels_count_as_the_field_draws_them():
    """Deletions at repeats count the deleted copy, so they start at 1; insertions start at 0."""
    ticks = [tick for group in ID83.groups for tick in group.ticks]
    shown = dict(zip(ID83.labels, ticks, strict=True))
    assert [shown[f"1:Del:C:{number}"] for number in range(6)] == ["1", "2", "3", "4", "5", "6+"]
    assert [shown[f"3:Ins:R:{number}"] for number in range(6)] == ["0", "1", "2", "3", "4", "5+"]
    assert [shown[f"5:Del:M:{number}"] for number in range(1, 6)] == ["1", "2", "3", "4", "5+"]


@pytest.mark.parametrize(
    ("schema", "spelling", "label"),
    [
        (CN48, "X3.4.LOH..40Mb", "3-4:LOH:>40Mb"),
        (CN48, "9+_het_0-100KB", "9+:het:0-100kb"),
        (CN48, ("0", "homdel", "100kb-1Mb"), "0:homdel:100kb-1Mb"),
        (SV32, "non.clustered_tds_.10Mb", "non-clustered_tds_>10Mb"),
        (SV32, "Clustered:Trans", "clustered_trans"),
        (SV32, ("clustered", "del", "1-10Kb"), "clustered_del_1-10Kb"),
        (CN48, "1:LOH:1-10Mb", "1:LOH:1Mb-10Mb"),
        (CN48, "3-4:Heterozygous:10_40Mb", "3-4:het:10Mb-40Mb"),
        (CN48, "0:hom_del:>1Mb", "0:homdel:>1Mb"),
        (SV32, "clustered_deletion_1-10Mb", "clustered_del_1Mb-10Mb"),
        (SV32, "non_clustered_tandem-duplication_1Kb-10Kb", "non-clustered_tds_1-10Kb"),
        (SV32, "nonclustered.translocation", "non-clustered_trans"),
        (SV32, "Unclustered_Inversion_>10MB", "non-clustered_inv_>10Mb"),
        (SV32, "clustered_del", None),
        (CN48, "1:het:>40Mb", None),
        (CN48, "CN9", None),
        (SV32, "", None),
    ],
)
def test_segments_and_rearrangements_are_told_by_words_and_numbers(schema, spelling, label):
    assert schema.canonical(spelling) == label


@pytest.mark.parametrize("schema", [CN48, SV32])
def test_every_bar_of_segments_and_rearrangements_has_its_shade(schema):
    for group in schema.groups:
        assert len(group.shades) in (0, len(group.ticks))
    assert (
        sum(len(group.shades) for group in schema.groups) == {"CN48": 48, "SV32": 30}[schema.name]
    )


def test_a_style_has_a_tick_for_each_channel():
    with pytest.raises(ValueError, match="TOY2: 1 ticks for 2 channels"):
        ChannelSchema("TOY2", ("a", "b"), groups=(ChannelGroup("a", "#000000", ("a",)),))


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("order", ["canonical", "shuffled"])
def test_files_are_recognised_by_their_labels(schema, order, tmp_path):
    rng = np.random.default_rng(1)
    labels = (
        list(schema.labels) if order == "canonical" else rng.permutation(schema.labels).tolist()
    )
    counts = pd.DataFrame(rng.poisson(9, (2, len(schema))), ["a", "b"], labels)
    (counts if order == "canonical" else counts.T).to_csv(tmp_path / "table.csv")
    read = read_catalog(tmp_path / "table.csv")
    assert read.schema is schema is detect_schema(labels)
    assert read.counts.equals(MutationCatalog(counts, schema=schema).counts)
    write_catalog(read, tmp_path / "again.tsv.gz")
    assert read_catalog(tmp_path / "again.tsv.gz").counts.equals(read.counts)
    rows = gzip.decompress((tmp_path / "again.tsv.gz").read_bytes()).decode().splitlines()[1:]
    assert tuple(row.split("\t")[0] for row in rows) == schema.file_order


def test_four_letters_are_read_as_the_class_that_all_of_them_fit(tmp_path: Path):
    """``ACCA`` is a doublet AC>CA in one convention and A>C between C and A in another."""
    for schema, write in (
        (SBS96, lambda label: label[2] + label[4] + label[0] + label[6]),
        (DBS78, lambda label: label.replace(">", "")),
    ):
        lines = ["\ts1", *(f"{write(label)}\t1" for label in schema.labels)]
        (tmp_path / "table.tsv").write_text("\n".join(lines))
        assert read_catalog(tmp_path / "table.tsv").schema is schema


def test_a_missing_channel_is_told_in_the_class_of_the_others(tmp_path: Path):
    lines = ["\ts1", *(f"{label}\t1" for label in ID83.labels[1:])]
    (tmp_path / "table.tsv").write_text("\n".join(lines))
    with pytest.raises(ChannelMismatchError, match=r"found 82 of the 83 ID83.*missing: 1:Del:C:0"):
        read_catalog(tmp_path / "table.tsv")


def test_the_default_reference_is_the_one_of_the_class():
    assert load_reference(channels=SBS96).source == load_reference().source
    for schema in (DBS78, ID83, CN48, SV32):
        known = load_reference(channels=schema)
        assert known.schema is schema
        assert known.source.startswith(f"COSMIC v3.4 {schema.family}, ")
    for schema in (SBS288, SBS384, SBS1536, ChannelSchema("TOY2", ("a", "b"))):
        with pytest.raises(
            ChannelMismatchError, match=f"COSMIC has no {schema.name} signatures: give a file"
        ):
            load_reference(channels=schema)


def five_bases(label):
    """The two bases before, the reference, the two after, and the alternative of an SBS1536 label."""
    return f"{label[:2]}{label[3]}{label[7:]}", label[5]


def test_five_bases_are_read_in_every_spelling_on_either_strand():
    for label in SBS1536.labels:
        context, alt = five_bases(label)
        for bases, new in ((context, alt), (other_strand(context), other_strand(alt))):
            change = f"{bases[2]}>{new}"
            bracket = f"{bases[:2]}[{change}]{bases[3:]}"
            r_name = f"{bases[:2]}.{bases[2]}.{new}.{bases[3:]}"
            for spelling in (bracket, r_name, (change, bases), (bases, change), bases + new):
                assert SBS1536.canonical(spelling) == label
    for wrong in ("A[C>A]A", "AA[C>C]AA", ("C>A", "AATAA"), "AACAA", "NA[C>A]AA"):
        assert SBS1536.canonical(wrong) is None


@pytest.mark.parametrize("schema", [SBS288, SBS384], ids=lambda schema: schema.name)
def test_strands_are_read_of_pyrimidines_only(schema):
    for label in schema.labels:
        strand, five, ref, alt, three = label[0], label[2], label[4], label[6], label[8]
        r_name, columns = f"{strand}.{five}.{ref}.{alt}.{three}", (strand, label[2:])
        for spelling in (r_name, columns, (strand, f"{ref}>{alt}", five + ref + three)):
            assert schema.canonical(spelling) == label
    assert schema.canonical("T:A[G>A]A") is None, "the strand of the purine is not known"
    assert schema.canonical("Q:A[C>A]A") is schema.canonical("A[C>A]A") is None


@pytest.mark.parametrize("schema", [SBS288, SBS384], ids=lambda schema: schema.name)
def test_a_channel_that_is_missing_is_told_of_the_class_with_most_others(schema, tmp_path: Path):
    lines = ["\ts1", *(f"{label}\t1" for label in schema.labels[1:])]
    (tmp_path / "table.tsv").write_text("\n".join(lines))
    expected = rf"found {len(schema) - 1} of the {len(schema)} {schema.name}.*missing: T:A\[C>A\]A"
    with pytest.raises(ChannelMismatchError, match=expected):
        read_catalog(tmp_path / "table.tsv")


@pytest.mark.parametrize("schema", [SBS288, SBS384, SBS1536], ids=lambda schema: schema.name)
def test_matrices_of_sigprofiler_are_read(schema, shared_data):
    path = shared_data / "variants" / "clean" / "expected" / f"spmg_{schema.name}.tsv"
    catalog = read_catalog(path)
    assert catalog.schema is schema
    expected = pd.read_csv(path, sep="\t", index_col=0).T
    assert (catalog.counts[list(schema.file_order)].to_numpy() == expected.to_numpy()).all()
