"""Commands that take tables of copy number segments, and refits that go back to each mutation."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.signatures import read_catalog

HEADER = "sample\tchr\tstartpos\tendpos\tnMajor\tnMinor\n"


@pytest.fixture
def segments(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = [
        f"{sample}\t{n}\t0\t{int(10 ** rng.uniform(4, 8))}\t{rng.integers(0, 4)}\t{rng.integers(0, 3)}\n"
        for sample in "ab"
        for n in range(120)
    ]
    (tmp_path / "segments.tsv").write_text(HEADER + "".join(lines))
    return tmp_path / "segments.tsv"


@pytest.mark.usefixtures("without_pictures")
def test_segments_are_counted_and_refitted_as_they_are(dnmf, segments, tmp_path):
    done = dnmf("count", segments, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "CN48: 240 segments of 2 samples"
    catalog = read_catalog(tmp_path / "out" / "CN48.tsv")
    assert catalog.burdens.to_dict() == {"a": 120, "b": 120}
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["input"]["name"] == "segments.tsv"
    assert dnmf("count", segments, "-o", tmp_path / "out", "--overwrite").exit_code == 0
    assert dnmf("refit", segments, "-o", tmp_path / "refit", "--prior", "none").exit_code == 0
    exposures = pd.read_csv(tmp_path / "refit" / "exposures.tsv", sep="\t", index_col=0)
    assert list(exposures.index) == ["a", "b"]
    assert all(name.startswith("CN") for name in exposures)


@pytest.mark.parametrize("option", ["--filters", "--classes"])
def test_options_of_variants_are_refused_with_segments(dnmf, segments, option, tmp_path):
    for command in ("count", "refit"):
        done = dnmf(command, segments, option, "all", "-o", tmp_path / "out")
        assert done.exit_code == 2
        assert option in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["count", "refit"])
def test_segments_are_given_file_by_file(dnmf, segments, command, tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "README.md").write_text("Segments of two samples.\n")
    segments.rename(folder / "a.tsv")
    done = dnmf(command, folder, "-o", tmp_path / "out")
    assert done.exit_code == 2
    said = " ".join(done.stderr.split())
    assert "folder of tables of copy number segments, such as a.tsv. Give the tables" in said


def test_segments_and_others_are_not_mixed(dnmf, segments, tmp_path):
    (tmp_path / "a.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    done = dnmf("count", segments, tmp_path / "a.vcf", "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "one kind at a time" in " ".join(done.stderr.split())


@pytest.mark.usefixtures("without_pictures")
def test_a_refit_goes_back_to_each_mutation(dnmf, tmp_path):
    bases = "".join(np.random.default_rng(3).choice(list("ACGT"), 4000))
    (tmp_path / "genome.fa").write_text(f">chr1\n{bases}\n")
    other = dict(zip("ACGT", "CATG", strict=True))
    rows = "".join(
        f"chr1\t{p + 1}\t.\t{bases[p]}\t{other[bases[p]]}\t.\tPASS\tDP=1\n"
        for p in range(50, 2050, 10)
    )
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (tmp_path / "a.vcf").write_text(header + rows)
    options = [
        "--genome",
        tmp_path / "genome.fa",
        "--reference",
        "SBS1,SBS5",
        "--prior",
        "none",
        "--per-mutation",
    ]
    for classes, out in (("SBS96", tmp_path / "one"), ("SBS96,DBS78", tmp_path / "two")):
        done = dnmf("refit", tmp_path / "a.vcf", "--classes", classes, *options, "-o", out)
        assert done.exit_code == 0, done.stderr
        text = gzip.decompress((out / "variants.tsv.gz").read_bytes()).decode()
        names = text.split("\n")[0].split("\t")
        assert names[names.index("signature") :][:4] == [
            "signature",
            "probability",
            "lower",
            "upper",
        ]
        assert (out / "annotated" / "a.vcf").read_text().count("DNMF_SIG=SBS") == 200
        assert f"{out}/variants.tsv.gz and {out}/annotated" in done.stdout
        page = (out / "report.html").read_text(encoding="utf-8")
        assert page.count('href="annotated"') == 2
        assert "unassigned\n      mutations are left out of them" in page
    refused = dnmf(
        "refit", tmp_path / "one" / "SBS96.tsv", "--per-mutation", "-o", tmp_path / "three"
    )
    assert refused.exit_code == 2
    assert "counted already" in " ".join(refused.stderr.split())
