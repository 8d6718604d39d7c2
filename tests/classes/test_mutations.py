"""Back to each mutation: what is written of the variants, and copies of VCF files that say it."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.classes import mutation_tables, variant_signatures
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.refit import refit_exposures, signature_probabilities
from dnmf.variants import count_variants

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
ROW = "chr1\t{}\t.\t{}\t{}\t.\t{}\t{}"


@pytest.fixture(scope="module")
def bases() -> str:
    return "".join(np.random.default_rng(5).choice(list("ACGT"), 3000))


@pytest.fixture(scope="module")
def genome(bases, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{bases}\n")
    return path


def other(base: str) -> str:
    return {"A": "C", "C": "A", "G": "T", "T": "G"}[base]


@pytest.fixture(scope="module")
def rows(bases) -> list[str]:
    """60 substitutions, a doublet in one row, two substitutions in one row, two ALTs, one that did not pass, a '*'."""
    made = [
        ROW.format(p + 1, bases[p], other(bases[p]), "PASS", "DP=9") for p in range(50, 1250, 20)
    ]
    three = bases[1400:1403]
    made += [
        ROW.format(1301, bases[1300:1302], other(bases[1300]) + other(bases[1301]), "PASS", "."),
        ROW.format(1401, three, other(three[0]) + three[1] + other(three[2]), "PASS", "A;B=1"),
        ROW.format(1501, bases[1500], f"{other(bases[1500])},*", "PASS", ""),
        ROW.format(1601, bases[1600], other(bases[1600]), "LowQual", "DP=1"),
    ]
    return made


def write(path: Path, rows: list[str], end: str = "\n", columns: str = COLUMNS) -> Path:
    text = end.join(
        [
            "##fileformat=VCFv4.2",
            '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">',
            columns,
            *rows,
        ]
    )
    content = (text + end).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture(scope="module")
def counts(rows, genome, tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    write(folder / "a.vcf", rows)
    write(folder / "b.vcf.gz", rows[20:], "\r\n")
    return count_variants(folder, genome, classes=["SBS96", "DBS78"])


@pytest.fixture(scope="module")
def results(counts):
    substitutions = refit_exposures(counts.catalogs["SBS96"], "SBS1,SBS5,SBS18", prior="none")
    doublets = refit_exposures(counts.catalogs["DBS78"], "DBS2,DBS4", prior="none")
    return {"SBS96": substitutions, "DBS78": doublets}


def test_every_variant_has_the_probabilities_of_its_sample_and_channel(counts, results):
    found = variant_signatures(counts, results)
    pd.testing.assert_frame_equal(found[counts.variants.columns], counts.variants)
    expected = signature_probabilities(results["SBS96"]).set_index(
        ["sample", "channel", "signature"]
    )
    single = found[found["class"] == "SBS96"]
    assert len(single) > 90
    for row in single.iloc[::7].itertuples():
        if row.signature:
            own = expected.loc[(row.sample, row.channel, row.signature)]
            assert own.tolist() == [row.probability, row.lower, row.upper]
    every = [name for name in ("SBS1", "SBS5", "SBS18") if name in found]
    np.testing.assert_allclose(single[every].sum(axis=1), 1)
    np.testing.assert_allclose(single[every].max(axis=1), single["probability"])
    assert single[[name for name in found if str(name).startswith("DBS")]].isna().all(axis=None)
    not_counted = found[found["outcome"] != "counted"]
    assert len(not_counted)
    assert (not_counted["signature"] == "").all()
    assert not_counted["probability"].isna().all()


def test_a_line_of_several_events_has_the_signatures_of_all_and_no_numbers(counts, results):
    found = variant_signatures(counts, results)
    (two,) = found[(found["class"] == "SBS96;SBS96") & (found["sample"] == "a")].itertuples()
    assert len(two.signature.split(";")) == 2
    assert set(two.signature.split(";")) <= {"SBS1", "SBS5", "SBS18", ""}
    assert np.isnan(two.probability)


def test_a_class_without_answer_leaves_its_variants_empty(counts, results):
    found = variant_signatures(counts, {"SBS96": results["SBS96"]})
    doublets = found[found["class"] == "DBS78"]
    assert len(doublets) == 2
    assert (doublets["signature"] == "").all()


def test_the_table_of_variants_has_the_same_columns(counts, results, tmp_path):
    tables = mutation_tables(counts, results)
    tables["variants.tsv.gz"](tmp_path / "variants.tsv.gz")
    written = pd.read_csv(tmp_path / "variants.tsv.gz", sep="\t", keep_default_na=False)
    found = variant_signatures(counts, results)
    assert list(written.columns) == list(found.columns)
    assert list(written["signature"]) == list(found["signature"])
    numbers = pd.to_numeric(written["probability"], errors="coerce")
    np.testing.assert_allclose(numbers, found["probability"], rtol=1e-3)


def annotated(counts, results, tmp_path) -> dict[str, list[str]]:
    mutation_tables(counts, results)["annotated"](tmp_path / "annotated")
    files = sorted((tmp_path / "annotated").iterdir())
    raw = {path.name: path.read_bytes() for path in files}
    return {
        name: (gzip.decompress(content) if name.endswith("gz") else content).decode().split("\n")
        for name, content in raw.items()
    }


def without_ours(line: str) -> str:
    cells = line.split("\t")
    if len(cells) > 7:
        kept = [entry for entry in cells[7].split(";") if not entry.startswith("DNMF_")]
        cells[7] = ";".join(kept)
    return "\t".join(cells)


def test_a_copy_of_a_vcf_differs_in_info_alone(counts, results, rows, tmp_path):
    copies = annotated(counts, results, tmp_path)
    assert list(copies) == ["a.vcf", "b.vcf.gz"]
    lines = [line for line in copies["a.vcf"] if not line.startswith("##INFO=<ID=DNMF_")]
    assert sum(line.startswith("##INFO=<ID=DNMF_") for line in copies["a.vcf"]) == 5
    assert any("unassigned mutations are left out" in line for line in copies["a.vcf"])
    body = lines[3:-1]
    for line, row in zip(body, rows, strict=True):
        assert without_ours(line).split("\t")[:7] == row.split("\t")[:7]
        assert without_ours(line).split("\t")[7] == row.split("\t")[7].strip(".")
    assert all(line.endswith("\r") for line in copies["b.vcf.gz"][:-1])
    found = variant_signatures(counts, results)
    first = found[found["sample"] == "a"].iloc[0]
    assert body[0].split("\t")[7] == (
        f"DP=9;DNMF_CH=SBS96:{first['channel']};DNMF_SIG={first['signature']};DNMF_P={first['probability']:.4g};"
        f"DNMF_LOWER={first['lower']:.4g};DNMF_UPPER={first['upper']:.4g}"
    )


def test_alleles_have_their_own_values_and_rows_that_were_not_counted_none(
    counts, results, tmp_path
):
    body = annotated(counts, results, tmp_path)["a.vcf"][8:-1]
    doublet, two, alleles, filtered = (line.split("\t")[7] for line in body[-4:])
    assert doublet.startswith("DNMF_CH=DBS78:")
    kept, letter, channels, signatures, *shares = two.split(";")
    assert (kept, letter) == ("A", "B=1")
    assert shares == ["DNMF_P=.", "DNMF_LOWER=.", "DNMF_UPPER=."]
    assert channels.count("SBS96:") == 2
    assert channels.count("|") == signatures.count("|") == 1
    assert [entry.split(",")[1] for entry in alleles.split(";")] == ["."] * 5
    assert filtered == "DP=1"


def test_a_copy_is_annotated_again_without_leaving_the_old(rows, genome, results, tmp_path):
    old = rows[0] + ";DNMF_CH=x;DNMF_SIG=y;DNMF_P=0.5"
    path = write(tmp_path / "a.vcf", [old, *rows[1:]])
    path.write_text(
        path.read_text().replace(
            "##INFO", '##INFO=<ID=DNMF_P,Number=A,Type=Float,Description="o">\n##INFO', 1
        )
    )
    counts = count_variants(path, genome, classes=["SBS96", "DBS78"])
    (lines,) = annotated(counts, results, tmp_path).values()
    assert sum("ID=DNMF_P," in line for line in lines) == 1
    first = next(line for line in lines if line.startswith("chr1"))
    assert first.count("DNMF_CH=") == 1
    assert "DNMF_SIG=y" not in first


def test_blocks_of_a_packed_copy_are_those_of_bgzip(counts, results, tmp_path):
    mutation_tables(counts, results)["annotated"](tmp_path / "annotated")
    content = (tmp_path / "annotated" / "b.vcf.gz").read_bytes()
    place, sizes = 0, []
    while place < len(content):
        assert content[place : place + 4] == b"\x1f\x8b\x08\x04"
        assert content[place + 12 : place + 16] == b"BC\x02\x00"
        sizes.append(int.from_bytes(content[place + 16 : place + 18], "little") + 1)
        place += sizes[-1]
    assert place == len(content)
    assert sizes[-1] == 28


def test_several_samples_get_no_copy_and_files_of_one_name_two(rows, genome, results, tmp_path):
    columns = f"{COLUMNS}\tFORMAT\ts1\ts2"
    several = write(
        tmp_path / "both.vcf", [f"{row}\tGT\t0/1\t0/1" for row in rows], columns=columns
    )
    counts = count_variants(several, genome, classes=["SBS96"])
    with pytest.warns(
        DoubtfulDataWarning, match=r"both.vcf: not annotated, as it has several samples"
    ):
        assert "annotated" not in mutation_tables(counts, results)
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "calls.vcf", rows)
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text(f"path\tsample\n{tmp_path}/x/calls.vcf\tx\n{tmp_path}/y/calls.vcf\ty\n")
    paths = [tmp_path / name / "calls.vcf" for name in ("x", "y")]
    counts = count_variants(paths, genome, classes=["SBS96"], samples=sheet)
    assert list(annotated(counts, results, tmp_path)) == ["calls.vcf", "y-calls.vcf"]
