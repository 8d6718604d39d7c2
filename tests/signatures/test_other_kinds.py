"""What is no table of counts, signatures or exposures is called by its name, with what to do."""

import gzip
import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.signatures import DBS78, SBS96, read_catalog, read_exposures, read_signatures

MATRIX = "Make the matrix of counts first, e.g. with SigProfilerMatrixGenerator"


def archive(name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(name, "")
    return content.getvalue()


def array_file():
    content = io.BytesIO()
    np.save(content, np.ones(3))
    return content.getvalue()


FILES = {
    "VCF": ("##fileformat=VCFv4.3\n##x=y\n#CHROM\tPOS\tID\tREF\tALT\n7\t5\t.\tC\tA\n", MATRIX),
    "VCF without its first lines": ("#CHROM\tPOS\tID\tREF\tALT\tQUAL\n7\t5\t.\tC\tA\t9\n", MATRIX),
    "variants without header": ("chr1\t118\tS4\tA\tC\nchr1\t211\t.\tTT\tT\n", MATRIX),
    "MAF": ("#version 2.4\nHugo_Symbol\tChromosome\tStart_Position\nTP53\t17\t7\n", MATRIX),
    "table of variants": ("Sample,chr,pos,ref,alt\nA,1,2,C,T\n", MATRIX),
    "quoted table of variants": ('"chromosome" "start" "mutation"\n"1" 5 "C>T"\n', MATRIX),
    "variants of ICGC": (
        "icgc_donor_id\tchromosome\tchromosome_start\tmutated_to_allele\nDO1\t1\t7\tT\n",
        MATRIX,
    ),
    "variants of VEP": ("## v1\n#Uploaded_variation\tLocation\tAllele\nr1\t1:7\tT\n", MATRIX),
    "variants of COSMIC": ("Gene name\tMutation genome position\nTP53\t17:7-7\n", MATRIX),
    "GCT": ("#1.2\n96\t3\nName\tDescription\tA\n", "Remove the two lines above its header"),
    "BCF": (b"BCF\x02\x02\x00\x00\x00", MATRIX),
    "BED": ("chr1\t100\t200\nchrX\t5\t90\n", r"list of regions \(BED\).*--assay takes it"),
    "BED of the browser": ("track name=x\n1\t1\t20\tgene\n", r"regions \(BED\).*--assay takes it"),
    "GFF": ("##gff-version 3\n1\tx\tgene\t1\t9\n", "--assay takes a BED file"),
    "FASTA": (">chr1\nACGTNNACGT\n", r"sequence \(FASTA\).*--genome takes it"),
    "FASTQ": ("@r1\nACGT\n+\nIIII\n", "FASTQ"),
    "SAM": ("@HD\tVN:1.6\n@SQ\tSN:1\tLN:9\n", "alignment of reads"),
    "BAM": (gzip.compress(b"BAM\x01\x00\x00", mtime=0), "alignment of reads"),
    "segments": ("ID\tchrom\tloc.start\tloc.end\tseg.mean\nA\t1\t2\t3\t0.1\n", "list of segments"),
    "segments with alleles": (
        "sample\tchr\tstartpos\tendpos\tnMajor\tnMinor\nA\t1\t2\t3\t1\t1\n",
        "list of segments",
    ),
    "page of an error": ("\n<!DOCTYPE html><html><title>404</title>", "web page"),
    "page": ("<html lang=en>\n<head></head>", "web page"),
    "word of a server": ("404: Not Found", "a server's error message"),
    "XML": ("<?xml version='1.0'?><Error/>", "an XML file"),
    "JSON": (json.dumps({"samples": ["A"]}), "a JSON file"),
    "JSON list": (json.dumps([{"sample": "A"}], indent=1), "a JSON file"),
    "Git LFS": ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "git-annex": ("/annex/objects/SHA256E-s1--0.tsv\n", "git annex get"),
    "RTF": (r"{\rtf1\ansi MutationType}", "RTF"),
    "R code": ("structure(list(A = 1:3))", "R code"),
    "Excel": (archive("xl/workbook.xml"), "Excel or OpenOffice file.*save it as text"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "an old Excel workbook"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
    "RDS": (gzip.compress(b"X\n\x00\x00\x00\x03\x00\x04", mtime=0), "write.table in R"),
    "RData": (gzip.compress(b"RDX3\nX\n\x00\x00", mtime=0), "write.table in R"),
    "NumPy": (array_file(), "a NumPy array"),
    "HDF5": (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
    "Parquet": (b"PAR1\x15\x04\x15", "Parquet.*DataFrame.to_csv"),
    "pickle": (pickle.dumps({"a": 1}), "pickled"),
    "SQLite": (b"SQLite format 3\x00\x10", "SQLite"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00", "a picture"),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("reader", [read_catalog, read_signatures, read_exposures])
def test_files_of_another_kind(kind, reader, tmp_path):
    content, said = FILES[kind]
    path = tmp_path / "table.tsv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputDataError, match=said) as caught:
        reader(path)
    assert str(caught.value).startswith(f"{path}: is a")
    assert "cells" not in str(caught.value)


CHANNELS = {
    "SBS6144": [f"{strand}:A{label}A" for strand in "TUNB" for label in SBS96.labels],
    "SBS24": [f"{strand}:C>{alt}" for strand in "TUNB" for alt in "AGT"],
    "SBS6": ["C>A", "C>G", "C>T", "T>A", "T>C", "T>G"],
    "DBS186": [f"{strand}:{label}" for strand in "TU" for label in DBS78.labels],
}


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("wide", [False, True])
def test_channels_of_another_class(kind, wide, tmp_path):
    counts = [str(number % 3) for number, _ in enumerate(CHANNELS[kind])]
    cells = [["", *CHANNELS[kind]], ["s", *counts], ["t", *counts]]
    rows = cells if wide else list(zip(*cells, strict=True))
    (tmp_path / "a.tsv").write_text("\n".join("\t".join(row) for row in rows))
    for reader in (read_catalog, read_signatures):
        with pytest.raises(ChannelMismatchError, match=f"has the channels of .*{kind}"):
            reader(tmp_path / "a.tsv")


def test_one_strand_of_several_is_not_taken_for_all_channels(tmp_path):
    """Without the other rows U:A[C>A]A would be as clear as A[C>A]A, but half of the mutations are missing."""
    for strand in ("U:", "T:", "N_", "B."):
        rows = ["\ts", *(f"{strand}{label}\t1" for label in SBS96.labels)]
        (tmp_path / "a.tsv").write_text("\n".join(rows))
        with pytest.raises(ChannelMismatchError, match=r"found 96 of the (288|384)"):
            read_catalog(tmp_path / "a.tsv")


def write(tmp_path, rows):
    (tmp_path / "a.tsv").write_text("\n".join(rows))
    return tmp_path / "a.tsv"


def test_another_class_than_was_expected(tmp_path):
    path = write(tmp_path, ["\ts", *(f"{label}\t1" for label in DBS78.labels)])
    with pytest.raises(ChannelMismatchError, match=r"has the channels of DBS78, expected .* SBS96"):
        read_catalog(path, schema=SBS96)


@pytest.mark.parametrize(
    "rows", [["Samples\tSBS1\tSBS5", "A\t1\t2"], ["\tA\tB", "SBS1\t1\t2", "SBS5\t3\t4"]]
)
def test_exposures_given_as_a_catalog_or_as_signatures(rows, tmp_path):
    for reader in (read_catalog, read_signatures):
        with pytest.raises(ChannelMismatchError, match=r"is a table of exposures.*dnmf plot"):
            reader(write(tmp_path, rows))


@pytest.mark.parametrize("turned", [False, True])
def test_signatures_given_as_exposures(turned, tmp_path):
    cells = [["Type", "SBS1", "SBS5"], *([label, "0.01", "0.01"] for label in SBS96.labels)]
    rows = zip(*cells, strict=True) if turned else cells
    path = write(tmp_path, ["\t".join(row) for row in rows])
    with pytest.raises(InputDataError, match=r"mutation channels.*dnmf match"):
        read_exposures(path)


def test_channels_given_as_exposures_are_told(tmp_path):
    path = write(tmp_path, ["\tSBS1", *(f"T:{label}\t1" for label in SBS96.labels)])
    with pytest.raises(InputDataError, match="are mutation channels"):
        read_exposures(path)


@pytest.mark.parametrize("samples", ["AB", "ABC"])
def test_one_count_per_line_is_called_so(samples, tmp_path):
    rows = [f"{label}\t{sample}\t3" for sample in samples for label in SBS96.labels]
    with pytest.raises(InputDataError, match=r"lines for 96 channels.*pivot_wider.*strand"):
        read_catalog(write(tmp_path, ["Type\tSample\tCount", *rows]))


def test_a_table_of_numbers_is_no_list_of_regions(tmp_path):
    rows = ["1\t2\t3", *(f"{label}\t1\t2\t4" for label in SBS96.labels)]
    assert read_catalog(write(tmp_path, rows)).sample_names == ["1", "2", "3"]
