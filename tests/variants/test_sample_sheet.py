"""Samples of files: by their names, or by a sample sheet."""

import pytest

from dnmf.exceptions import InputDataError
from dnmf.variants.rows import read_variants

VCF = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
ROW = "1\t10\t.\tA\tC\t.\tPASS\t."
MAF = "Chromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\tTumor_Sample_Barcode"


@pytest.fixture
def folder(tmp_path):
    """Files ``snvs.vcf`` and ``indels.vcf`` of no sample, ``two.vcf`` of A and B, ``cohort.maf`` of A and C."""
    (tmp_path / "snvs.vcf").write_text(f"{VCF}\n{ROW}\n")
    (tmp_path / "indels.vcf").write_text(f"{VCF}\tFORMAT\tNORMAL\tTUMOR\n{ROW}\tDP\t3\t4\n")
    (tmp_path / "two.vcf").write_text(f"{VCF}\tFORMAT\tA\tB\n{ROW}\tGT\t0/1\t0/1\n")
    (tmp_path / "cohort.maf").write_text(f"{MAF}\n1\t5\tA\tC\tA\n1\t5\tA\tC\tC\n")
    return tmp_path


@pytest.fixture
def samples(folder):
    """``samples(names, lines)``: the samples of each row of files, with a sheet of such lines."""

    def found(names, *lines):
        sheet = folder / "sheet.tsv"
        sheet.write_text("\n".join(["Path\tSample", *lines]) + "\n")
        paths = [folder / name for name in names]
        rows = list(read_variants(paths, samples=sheet if lines else None))
        return [each.frame["sample"].tolist() for each in rows]

    return found


def test_the_sheet_names_the_sample_of_a_file(samples, folder):
    assert samples(["snvs.vcf", "indels.vcf"]) == [["snvs"], ["indels"]]
    lines = ["snvs.vcf\tP1", f"{folder}/indels.vcf\tP1"]
    assert samples(["snvs.vcf", "indels.vcf"], *lines) == [["P1"], ["P1"]]


def test_the_sheet_chooses_among_the_columns_of_a_file(samples):
    assert samples(["two.vcf"], "two.vcf\tB") == [["B"]]
    assert samples(["two.vcf"], "two.vcf\tB", "two.vcf\tA") == [["A", "B"]]
    assert samples(["indels.vcf"], "indels.vcf\tNORMAL") == [["NORMAL"]]


def test_a_file_that_names_its_samples_need_not_be_in_the_sheet(samples):
    assert samples(["cohort.maf", "snvs.vcf"], "snvs.vcf\tP1") == [["A", "C"], ["P1"]]


@pytest.mark.parametrize(
    "text",
    [
        f"{MAF}\n1\t5\tA\tC\tA\n1\t9\tA\tC\tA\n",
        "Sample\tchrom\tpos_start\tref\talt\nA\t1\t5\tA\tC\nA\t1\t9\tA\tC\n",
    ],
)
def test_the_sheet_renames_the_only_sample_of_a_file(samples, folder, text):
    (folder / "one.txt").write_text(text)
    assert samples(["one.txt"], "one.txt\tP1") == [["P1", "P1"]]
    assert samples(["one.txt"], "one.txt\tA") == [["A", "A"]]
    (folder / "two.txt").write_text(text)
    assert samples(["one.txt", "two.txt"], "one.txt\tP1", "two.txt\tP2") == [["P1"] * 2, ["P2"] * 2]


@pytest.mark.parametrize(
    ("names", "lines", "message"),
    [
        (["snvs.vcf", "indels.vcf"], ["snvs.vcf\tP1"], "the sample sheet leaves out .*indels.vcf"),
        (["snvs.vcf"], ["snvs.vcf\tP1", "gone.vcf\tP2"], "line 3: gone.vcf does not exist"),
        (
            ["snvs.vcf"],
            ["snvs.vcf\tP1", "two.vcf\tP2"],
            "line 3: two.vcf is not among the files to be read",
        ),
        (["snvs.vcf"], ["snvs.vcf\t"], "line 2: the path or the sample is empty"),
        (
            ["snvs.vcf"],
            ["snvs.vcf\tP1", "snvs.vcf\tP2"],
            "names P2, but the samples of the file are not named",
        ),
        (["two.vcf"], ["two.vcf\tC"], "names C, but the samples of the file are A, B"),
        (
            ["two.vcf"],
            ["two.vcf\tA", "two.vcf\tC"],
            "names C, but the samples of the file are A, B",
        ),
        (["cohort.maf"], ["cohort.maf\tA"], "line 3: the sample sheet lists A for this file, not"),
        (
            ["cohort.maf"],
            ["cohort.maf\tP"],
            "line 3: the sample sheet lists P .* row nor A, that of",
        ),
        (
            ["cohort.maf"],
            [f"cohort.maf\t{name}" for name in "ABC"],
            "lists B, but the file has no row of it",
        ),
    ],
)
def test_a_sheet_that_does_not_fit(samples, names, lines, message):
    with pytest.raises(InputDataError, match=message):
        samples(names, *lines)


def test_a_sheet_without_its_columns(folder):
    (folder / "sheet.csv").write_text("file,sample\nsnvs.vcf,P1\n")
    with pytest.raises(
        InputDataError, match="line 1: a sample sheet has the columns path and sample"
    ):
        list(read_variants(folder / "snvs.vcf", samples=folder / "sheet.csv"))


def test_one_name_from_two_files(samples, folder):
    with pytest.raises(
        InputDataError, match=r"cohort.maf: has the sample 'A', as has .*two.vcf.*sample sheet"
    ):
        samples(["two.vcf", "cohort.maf"])
    lines = ["two.vcf\tA", "cohort.maf\tA", "cohort.maf\tC"]
    assert samples(["two.vcf", "cohort.maf"], *lines) == [["A"], ["A", "C"]]
    (folder / "other").mkdir()
    (folder / "other/snvs.vcf").write_text(f"{VCF}\n")
    with pytest.raises(InputDataError, match=r"other/snvs.vcf: has the sample 'snvs', as has"):
        samples(["snvs.vcf", "other/snvs.vcf"])


def test_a_name_of_two_files_in_the_sheet(folder):
    sheet = folder / "sheets/sheet.tsv"
    for name in ("sheets", "a", "b"):
        (folder / name).mkdir()
    sheet.write_text("path\tsample\nsnvs.vcf\tP1\n")
    paths = [folder / name / "snvs.vcf" for name in "ab"]
    for path in paths:
        path.write_text(f"{VCF}\n{ROW}\n")
    with pytest.raises(InputDataError, match=r"line 2: snvs.vcf is the name of several files"):
        list(read_variants(paths, samples=sheet))
    (found,) = read_variants(paths[:1], samples=sheet)
    assert found.frame["sample"].tolist() == ["P1"]


def test_a_file_named_twice_is_read_once(samples, folder):
    assert samples(["snvs.vcf", "../" + folder.name + "/snvs.vcf"]) == [["snvs"]]
