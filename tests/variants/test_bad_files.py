"""What is no file of variants, or a damaged one: refused with the file, the line and what to do."""

import gzip
import os
import threading
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.inputs import input_limit
from dnmf.variants.rows import read_variants

HEADER = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
ROW = "1\t10\t.\tA\tC\t.\tPASS\t."
VCF = f"##fileformat=VCFv4.2\n{HEADER}\n{ROW}\n"
SAMPLES = f"{HEADER}\tFORMAT\ta\tb\n"
MAF = (
    "Hugo_Symbol\tChromosome\tStart_Position\tEnd_Position\tReference_Allele\tTumor_Seq_Allele2\t"
    "Tumor_Sample_Barcode\nTP53\t1\t10\t10\tA\tC\tS\n"
)
TEXT = "Sample\tchrom\tpos_start\tref\talt\nS\t1\t10\tA\tC\n"


def block_of_bgzip(content):
    """One member with the extra field in which bgzip keeps the member's size."""
    packed = gzip.compress(content, mtime=0)
    size = (len(packed) + 7).to_bytes(2, "little")
    return packed[:3] + b"\x04" + packed[4:10] + b"\x06\x00BC\x02\x00" + size + packed[10:]


@pytest.fixture
def refusal(tmp_path):
    """``refusal(content, name)``: the message of the error, which names the file."""

    def refused(content, name="calls.vcf", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(InputDataError) as caught:
            list(read_variants(path, **options))
        assert str(caught.value).startswith(str(path))
        return str(caught.value).removeprefix(str(path))

    return refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ": is empty, expected VCF, MAF or SigProfiler's text format"),
        ("\n \n", ": is empty"),
        (
            "Mutation Types\tS1\nA[C>A]A\t3\n",
            ": is a catalog, whose mutations are counted already. Give it to dnmf",
        ),
        ("Sample,A[C>A]A,A[C>A]C\nS1,3,4\n", ": is a catalog"),
        ("MutationType\tS1\nAC>CA\t3\n", ": is a catalog"),
        ("MutationType\tS1\n1:Del:C:0\t3\n", ": is a catalog"),
        (MAF.replace("\t", ","), ": is a MAF separated by commas. Save it with tabs"),
        ("1 10 . A C\n", ": has its columns separated by blanks. Save it with tabs"),
        ("chr1\t10\t20\tTP53\t0\t+\n", ": is no file of variants; expected a VCF"),
        (">chr1\nACGT\n", ": is no file of variants"),
        (
            VCF.replace("\t", " "),
            ", line 2: expected the columns #CHROM POS ID REF ALT, separated by tabs",
        ),
        (
            "##fileformat=VCFv4.2\n##source=x\n",
            ", line 3: expected the line #CHROM, or a row of 5 columns or more",
        ),
        ("##fileformat=VCFv4.2\n1\t10\t.\tA\n", ", line 2: expected the line #CHROM"),
        (f"{HEADER}\tS1\n{ROW}\t0/1\n", ", line 1: column 9 is named 'S1', expected FORMAT"),
        (f"{HEADER}\tFORMAT\ta\ta\n", ", line 1: two columns are named 'a'"),
        (f"{HEADER}\tFORMAT\tNORMAL\n", ": its only sample, 'NORMAL', is a normal one"),
        (
            f"{ROW}\tGT\t0/1\t0/1\n",
            ", line 1: the row has 2 columns of genotypes, and no line #CHROM",
        ),
        (
            VCF + ROW.replace("10", "x"),
            ", line 4: expected a position, a whole number from 1 on, found 'x'",
        ),
        (
            VCF + ROW.replace("10", "0"),
            ", line 4: expected a position, a whole number from 1 on, found '0'",
        ),
        (
            VCF + ROW.replace("10", "-5"),
            ", line 4: expected a position, a whole number from 1 on, found '-5'",
        ),
        (VCF + ROW + "\tmore\n", ", line 4: the row has more columns than there should be"),
        (
            VCF + "1\t1",
            ", line 4: the file ends within this row, which has 2 of 8 columns: it is truncated",
        ),
        (VCF + f"{HEADER}\tFORMAT\ta\n", ", line 4: the row has more columns"),
        (
            f"{SAMPLES}{ROW}\tGT\t0/1\tA/C\n",
            ", line 2: sample 'b' has the genotype 'A/C', expected alleles",
        ),
        (
            f"{SAMPLES}{ROW}\tGT\t0/1\t0/1\n{ROW}\tDP\t3\t4\n",
            ", line 3: FORMAT has GT in some rows and not in others",
        ),
        (
            f"{SAMPLES}{ROW}\tGT\t0/1\t0/1\n{HEADER}\tFORMAT\tc\td\n",
            ", line 3: a second header, with other columns",
        ),
        (VCF.encode("utf-16"), ": is UTF-16 or UTF-32 text"),
        (VCF.encode() + b"1\t\0", ", line 4: found a NUL byte: this is a binary file, or damaged"),
        (
            f"{HEADER}\tFORMAT\tTum\xe9ur\tb\n".encode("latin-1"),
            ", line 1: the name of a sample is not UTF-8",
        ),
        (
            MAF.encode() + b"TP53\t1\t10\t10\tA\tC\tS\xe9\n",
            ", line 3: the sample is not UTF-8 text",
        ),
        (b"BCF\x02\x02rest", ": is BCF, the binary form of VCF. Convert it: bcftools view "),
        (gzip.compress(b"BCF\x02\x02\0\0"), ": is BCF, the binary form of VCF"),
        (gzip.compress(b"BAM\x01\0\0"), ": is BAM: reads, not variants"),
        (b"CRAM\x03\0", ": is CRAM: reads, not variants"),
        (gzip.compress(b"TBI\x01\0"), ": is the index of another file. Give that file"),
        (b"PK\x03\x04...", ": is a zip archive"),
        (gzip.compress(VCF.encode() * 9)[:-20], ": the gzip file is truncated or damaged"),
        (gzip.compress(VCF.encode() * 9)[:-4], ": the gzip file is truncated or damaged"),
        (
            block_of_bgzip(VCF.encode()),
            ": the gzip file is truncated or damaged (it ends too early)",
        ),
    ],
)
def test_what_is_refused(refusal, content, message):
    assert refusal(content).startswith(message)


def test_a_bgzipped_file_that_was_cut_behind_many_rows(refusal):
    rows = [f"1\t{k}\t.\tA\tC\t.\tPASS\tDP={k * 7919 % 100_003}\n" for k in range(1, 60_000)]
    text = (HEADER + "\n" + "".join(rows)).encode()
    members = [block_of_bgzip(text[at : at + 65_000]) for at in range(0, len(text), 65_000)]
    assert refusal(b"".join(members)).startswith(": the gzip file is truncated or damaged")
    assert refusal(b"".join(members)[:-5000]).startswith(": the gzip file is truncated or damaged")
    whole = b"".join([*members, block_of_bgzip(b"")])
    broken = whole[:90_000] + bytes(40) + whole[90_040:]
    assert refusal(broken).startswith(": the gzip file is truncated or damaged")


def test_the_cure_for_bcf_is_a_command(refusal, tmp_path):
    message = refusal(b"BCF\x02\x02", "calls.bcf")
    assert message.endswith(f"bcftools view {tmp_path}/calls.bcf -Oz -o {tmp_path}/calls.vcf.gz.")


def test_bytes_that_are_no_text_where_they_are_not_read(tmp_path):
    path = tmp_path / "x.vcf"
    path.write_bytes(b"\xef\xbb\xbf" + (VCF + ROW).encode() + b";NOTE=\xe9t\xe9\n" + ROW.encode())
    (found,) = read_variants(path)
    assert found.frame["line"].tolist() == [3, 4, 5]


def test_a_row_longer_than_the_limit(refusal):
    with input_limit(32_000):
        message = refusal(VCF + ROW + "x" * 2000)
    assert message.startswith(": the row from line 4 on has 2,0")
    assert "--max-input" in message


def test_what_is_absent_or_nothing(tmp_path):
    for paths, message in (
        (tmp_path / "gone.vcf", r"gone.vcf: no such file"),
        ([], "no file of variants was named"),
        ("", "a path is empty"),
        (tmp_path, r": this folder has no file of variants\. Give"),
        ("a\0b", "is no path"),
    ):
        with pytest.raises(InputDataError, match=message):
            list(read_variants(paths))


def test_a_folder_is_read_and_what_was_skipped_is_said(tmp_path):
    (tmp_path / "b.calls").write_text(VCF)
    (tmp_path / "a.vcf.gz").write_bytes(gzip.compress(VCF.encode()))
    (tmp_path / "a.vcf.gz.tbi").write_bytes(gzip.compress(b"TBI\x01\0"))
    (tmp_path / ".hidden.vcf").write_text(VCF)
    found = list(read_variants(tmp_path))
    assert [each.source for each in found] == [f"{tmp_path}/a.vcf.gz", f"{tmp_path}/b.calls"]
    (tmp_path / "README.md").write_text("# Calls\n")
    (tmp_path / "old").mkdir()
    with zipfile.ZipFile(tmp_path / "all.zip", "w"):
        pass
    said = "skipped what holds no variants: README.md, all.zip, old"
    with pytest.warns(DoubtfulDataWarning, match=said):
        assert len(list(read_variants(tmp_path))) == 2
    (tmp_path / "c.vcf").write_text("")
    with pytest.raises(InputDataError, match=r"c\.vcf: is empty"):
        list(read_variants(tmp_path))


def test_a_folder_with_other_files_only(tmp_path):
    (tmp_path / "README.md").write_text("# Calls\n")
    with pytest.raises(
        InputDataError, match=r"this folder has no file of variants, only README\.md"
    ):
        list(read_variants(tmp_path))


def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(VCF,), daemon=True)
    writer.start()
    (found,) = read_variants(path)
    writer.join()
    assert found.frame["sample"].tolist() == ["pipe"]
    assert found.record["bytes"] == len(VCF)


VALID = [
    VCF.encode(),
    f"##tumor_sample=a\n{SAMPLES}{ROW}\tGT:DP\t0/1:3\t1|2:4\n{ROW}\tGT\t./.\t1\n".encode(),
    f"{ROW}\n{ROW}\n".encode(),
    MAF.encode(),
    TEXT.encode(),
]
PIECES = [
    b"\t",
    b"\n",
    b"\r",
    b"#",
    b'"',
    b"-",
    b",",
    b"0",
    b"GT",
    b".",
    b" ",
    b"\xe9",
    b"\0",
    b"#CHROM",
    b"1e5",
    b"",
]


@given(
    st.sampled_from(VALID),
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 12), st.sampled_from(PIECES)), max_size=6
    ),
    st.booleans(),
)
@pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
def test_damaged_files_are_read_or_refused(tmp_path_factory, content, changes, packed):
    for place, length, piece in changes:
        content = content[:place] + piece + content[place + length :]
    path = tmp_path_factory.mktemp("damaged") / "x.vcf"
    path.write_bytes(gzip.compress(content) if packed else content)
    try:
        found = list(read_variants(path))
    except InputDataError:
        return
    for rows in found:
        frame = rows.frame
        assert frame["line"].is_monotonic_increasing
        assert (frame["position"] >= -1).all()
        assert not ((frame["ref"] == "") & (frame["alt"] == "")).any()


LINES = [
    ROW,
    ROW.replace("A", "g"),
    "",
    "  ",
    "#note",
    "##note\t1",
    HEADER,
    "\t\t",
    '1\t7\t"\t"\tC\t.\tq"\t"',
]


@given(
    st.lists(st.tuples(st.sampled_from(LINES), st.sampled_from(["\n", "\r\n"])), max_size=12),
    st.booleans(),
)
def test_line_numbers_are_those_of_the_file(tmp_path_factory, lines, old_mac):
    path = tmp_path_factory.mktemp("lines") / "x.vcf"
    lines = [(HEADER, "\n"), *lines, (ROW, "\n")]
    path.write_text("".join(line + ("\r" if old_mac else end) for line, end in lines), newline="")
    (found,) = read_variants(path)
    expected = [number for number, (line, _) in enumerate(lines, 1) if line.startswith("1")]
    assert found.frame["line"].tolist() == expected
