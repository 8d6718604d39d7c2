"""Files of a count: catalogs, every variant, reasons, and the record."""

import gzip
import json
from dataclasses import replace

import pandas as pd
import pytest

from dnmf.exceptions import OutputExistsError
from dnmf.signatures import ID83, SBS96, MutationCatalog, read_catalog
from dnmf.variants import OUTCOMES, VariantCounts
from dnmf.variants.reasons import reasons, variant_in_words

COLUMNS = {
    "file": ["a\tb.vcf", "a\tb.vcf", "c.vcf", "c.vcf"],
    "line": [5, 6, 9, 10],
    "sample": ["é", "é", "t", "t"],
    "contig": ["chr1", "chr2", "chr1", "GL1"],
    "position": [101, 22, 5, 7],
    "ref": ["A", "CA", "", "T"],
    "alt": ["C", "C", "G", "A"],
    "outcome": ["counted", "counted", "filtered", "contig"],
    "class": ["SBS96", "ID83", "", ""],
    "channel": ["A[T>G]T", "1:Del:T:0", "", ""],
    "strand": ["", "", "", ""],
}


@pytest.fixture
def counts() -> VariantCounts:
    variants = pd.DataFrame(COLUMNS)
    for name in set(COLUMNS) - {"line", "position"}:
        variants[name] = variants[name].astype("category")
    outcomes = pd.crosstab(variants["sample"], variants["outcome"])
    empty = {
        schema.name: pd.DataFrame(0, ["é", "t"], list(schema.labels)) for schema in (SBS96, ID83)
    }
    empty["SBS96"].loc[:, "A[T>G]T"] = 1, 2
    empty["ID83"].loc[:, "1:Del:T:0"] = 3, 1
    catalogs = {
        schema.name: MutationCatalog(empty[schema.name], "a", schema) for schema in (SBS96, ID83)
    }
    parameters = {"doublets": "separate"}
    return VariantCounts(
        catalogs, variants, outcomes.reindex(columns=list(OUTCOMES), fill_value=0),
        genome={"name": "g.fa"}, parameters=parameters, warnings=("some",),
    )  # fmt: skip


def test_every_variant_is_written_with_its_outcome(counts, tmp_path):
    out = counts.save(tmp_path / "out", command="dnmf count")
    lines = gzip.decompress((out / "variants.tsv.gz").read_bytes()).decode().splitlines()
    assert lines[0].split("\t") == list(COLUMNS)
    rows = [line.split("\t") for line in lines[1:]]
    assert rows[0] == (
        ["a\\tb.vcf", "5", "é", "chr1", "101", "A", "C", "counted", "SBS96", "A[T>G]T", ""]
    )
    assert rows[2] == ["c.vcf", "9", "t", "chr1", "5", "-", "G", "filtered", "", "", ""]
    assert [row[7] for row in rows] == COLUMNS["outcome"]


@pytest.mark.parametrize("rows", [0, 1, 3, 4])
def test_lines_do_not_depend_on_the_pieces_in_which_they_are_written(
    counts, tmp_path, monkeypatch, rows
):
    counts = replace(counts, variants=counts.variants.head(rows))
    first = counts.save(tmp_path / "whole") / "variants.tsv.gz"
    monkeypatch.setattr("dnmf.variants.save._PIECE_ROWS", 2)
    second = counts.save(tmp_path / "pieces") / "variants.tsv.gz"
    assert gzip.decompress(first.read_bytes()) == gzip.decompress(second.read_bytes())


def test_catalogs_reasons_and_record_are_beside(counts, tmp_path):
    out = counts.save(tmp_path / "out")
    for name, catalog in counts.catalogs.items():
        pd.testing.assert_frame_equal(read_catalog(out / f"{name}.tsv").counts, catalog.counts)
    discarded = (out / "discarded.tsv").read_text(encoding="utf-8").splitlines()
    assert sorted(discarded) == ["sample\treason\trows", "t\tcontig\t1", "t\tfiltered\t1"]
    record = json.loads((out / "count.json").read_text(encoding="utf-8"))
    assert record["mutations"] == {"SBS96": 3, "ID83": 4}
    assert sum(record["rows"].values()) == 4
    assert (record["genome"], record["samples"]) == ({"name": "g.fa"}, 2)
    with pytest.raises(OutputExistsError):
        counts.save(out)
    counts.save(out, overwrite=True)


def test_each_reason_has_its_first_variant_and_what_to_do(counts):
    found = {reason.outcome: reason for reason in reasons(counts.variants)}
    assert list(found) == ["counted", "filtered", "contig"]
    words = found["filtered"].in_words
    assert words.startswith("filtered: 1 (25.0%), ")
    assert "c.vcf, line 9: chr1:5 ->G. To keep them: --filters all" in words
    assert found["counted"].in_words == "counted: 2 (50.0%)"
    row = counts.variants.iloc[2].copy()
    row["file"] = "/a/folder/c.vcf"
    assert variant_in_words(row) == "c.vcf, line 9: chr1:5 ->G"
