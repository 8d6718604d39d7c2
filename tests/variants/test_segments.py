"""Copy number segments: the columns of every program, the 48 classes, and what cannot be counted."""

import gzip

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures import CN48, read_catalog
from dnmf.variants import holds_segments, read_segments

# Chromosome, start, end, copies of the commoner and of the rarer allele, and the class.
SEGMENTS = [
    ("1", 1, 100_001, 0, 0, "0:homdel:0-100kb"),
    ("1", 200_000, 300_001, 0, 0, "0:homdel:100kb-1Mb"),
    ("1", 400_000, 90_000_000, 0, 0, "0:homdel:>1Mb"),
    ("2", 0, 1_000_000, 1, 0, "1:LOH:100kb-1Mb"),
    ("2", 2_000_000, 3_000_001, 2, 0, "2:LOH:1Mb-10Mb"),
    ("3", 0, 10_000_000, 1, 1, "2:het:1Mb-10Mb"),
    ("3", 20_000_000, 60_000_000, 2, 1, "3-4:het:10Mb-40Mb"),
    ("4", 0, 40_000_001, 4, 0, "3-4:LOH:>40Mb"),
    ("X", 0, 5_000, 5, 3, "5-8:het:0-100kb"),
    ("X", 10_000, 20_000, 9, 0, "9+:LOH:0-100kb"),
    ("Y", 0, 50_000, 30, 1, "9+:het:0-100kb"),
]

PROGRAMS = {
    "ASCAT": ("sample chr startpos endpos nMajor nMinor", lambda a, b: (a, b)),
    "ASCAT, other order": ("nMINOR NMAJOR SAMPLE CHR STARTPOS ENDPOS", None),
    "ASCAT_NGS": (
        "sample|Chromosome|Start Position|End Position|Tumour TCN|Tumour BCN",
        lambda a, b: (a + b, b),
    ),
    "FACETS": ("ID chrom loc.start loc.end tcn.em lcn.em", lambda a, b: (a + b, b or "NA")),
    "PURPLE": (
        "sample chromosome start end copyNumber minorAlleleCopyNumber",
        lambda a, b: (a + b - 0.04 * bool(a), b + 0.3),
    ),
    "Sequenza": ("sample chromosome start.pos end.pos CNt A B", lambda a, b: (a + b, a, b)),
    "ABSOLUTE": ("sample Chromosome Start End Modal_HSCN_1 Modal_HSCN_2", lambda a, b: (b, a)),
    "GDC": (
        "GDC_Aliquot Chromosome Start End Copy_Number Major_Copy_Number Minor_Copy_Number",
        lambda a, b: (a + b, a, b),
    ),
    "Battenberg": (
        "sample chr startpos endpos nMaj1_A nMin1_A nMaj2_A nMin2_A",
        lambda a, b: (float(a), float(b), "", "NA"),
    ),
}


def write(path, header, rows, delimiter="\t"):
    path.write_text("\n".join(delimiter.join(map(str, row)) for row in [header, *rows]) + "\n")
    return path


def ascat(tmp_path, *rows):
    return write(
        tmp_path / "a.tsv", ["sample", "chr", "startpos", "endpos", "nMajor", "nMinor"], rows
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_columns_of_a_program_are_found_by_name(program, tmp_path):
    header, copies = PROGRAMS[program]
    columns = header.split("|" if "|" in header else None)
    rows = [
        ("S.1", *place, *copies(a, b)) if copies else (b, a, "S.1", *place)
        for *place, a, b, _ in SEGMENTS
    ]
    path = write(tmp_path / "a.tsv", columns, rows)
    catalog = read_segments(path)
    assert catalog.schema is CN48
    expected = pd.Series([own[-1] for own in SEGMENTS]).value_counts()
    assert catalog.counts.loc["S.1"][lambda row: row > 0].to_dict() == expected.to_dict()
    assert holds_segments(path)
    with pytest.raises(InputDataError, match=r"is a list of segments.*dnmf count FILE"):
        read_catalog(path)


@pytest.mark.parametrize("name", ["ascat_ngs_12_samples", "battenberg_6_samples"])
def test_counts_are_those_of_sigprofiler(name, shared_data):
    folder = shared_data / "variants" / "cn"
    expected = pd.read_csv(folder / f"{name}.spmg_CN48.tsv", sep="\t", index_col=0).T
    counts = read_segments(folder / f"{name}.tsv").counts
    assert list(counts.index) == list(expected.index)
    np.testing.assert_array_equal(counts, expected[list(CN48.labels)])


def test_a_subclonal_state_is_a_segment_of_its_own(tmp_path):
    header = [
        "sample",
        "chr",
        "startpos",
        "endpos",
        "nMaj1_A",
        "nMin1_A",
        "frac1_A",
        "nMaj2_A",
        "nMin2_A",
        "frac2_A",
    ]
    row = ["s", "1", 0, 50_000, 1, 1, 0.7, 2, 0, 0.3]
    counts = read_segments(write(tmp_path / "a.tsv", header, [row])).counts.loc["s"]
    assert counts[counts > 0].to_dict() == {"2:het:0-100kb": 1, "2:LOH:0-100kb": 1}


@pytest.mark.parametrize("delimiter", [",", ";", " "])
@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_any_delimiter_line_end_quotes_comments_and_gzip(delimiter, end, tmp_path):
    lines = [
        "## made by a program",
        delimiter.join(['"sample"', '"chr"', '"startpos"', '"endpos"', '"nMajor"', '"nMinor"']),
        *(
            delimiter.join(['"S 1"' if delimiter != " " else "S_1", *map(str, own[:5])])
            for own in SEGMENTS
        ),
        "",
    ]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(end.join(lines).encode()))
    catalog = read_segments(tmp_path / "a.csv.gz")
    assert catalog.burdens.tolist() == [len(SEGMENTS)]


def test_row_names_of_r_have_no_header(tmp_path):
    rows = [(f'"{number}"', '"s"', *own[:5]) for number, own in enumerate(SEGMENTS, 1)]
    header = [f'"{name}"' for name in ["sample", "chr", "startpos", "endpos", "nMajor", "nMinor"]]
    assert read_segments(write(tmp_path / "a.txt", header, rows, " ")).burdens["s"] == len(SEGMENTS)


def test_a_table_without_samples_is_called_as_its_file(tmp_path):
    header = ["#chromosome", "start", "end", "copyNumber", "minorAlleleCopyNumber"]
    paths = [tmp_path / f"{name}.purple.cnv.somatic.tsv" for name in ("T.1", "T.2")]
    for path in paths:
        write(path, header, [("1", 1, 9, 2.04, 0.97)])
    catalog = read_segments(paths)
    assert catalog.sample_names == ["T.1", "T.2"]
    assert catalog.counts["2:het:0-100kb"].tolist() == [1, 1]
    with pytest.raises(InputDataError, match=r"'T.1' is also in"):
        read_segments([paths[0], paths[0]])


def test_numbers_of_rows_are_no_samples(tmp_path):
    header = ["ID", "chrom", "loc.start", "loc.end", "tcn.em", "lcn.em"]
    rows = [(1, "1", 1, 9, 2, 1), (2, "1", 10, 20, 2, 1)]
    assert read_segments(write(tmp_path / "P1.txt", header, rows)).burdens.to_dict() == {"P1": 2}


def test_what_is_left_out_or_changed_is_said(tmp_path):
    rows = [("s", "1", 1, 9, 1, 1), ("s", "1", 10, 20, "NA", "NA"), ("t", "1", 10, 20, "", 1)]
    with pytest.warns(DoubtfulDataWarning, match=r"2 of 3 segments are left out.*line 3"):
        catalog = read_segments(ascat(tmp_path, *rows))
    assert catalog.burdens.to_dict() == {"s": 1, "t": 0}
    with pytest.warns(DoubtfulDataWarning, match=r"1 segments are given twice, e.g. in line 4"):
        assert (
            read_segments(ascat(tmp_path, rows[0], ("s", "1", 10, 20, 1, 1), rows[0])).burdens["s"]
            == 2
        )
    with pytest.warns(DoubtfulDataWarning, match=r"1 numbers in 'nMajor' are no whole.*1.8"):
        counts = read_segments(ascat(tmp_path, ("s", "1", 1, 9, 1.8, 1))).counts
    assert counts.loc["s", "3-4:het:0-100kb"] == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("s", "1", 9, 1, 1, 1), "line 2: the segment has the start and end '9' and '1'"),
        (("s", "1", "NA", 1, 1, 1), "line 2: the segment has the start and end 'NA' and '1'"),
        (("s", "1", 1, 9, "two", 1), "line 2: found 'two' in 'nMajor', expected a number"),
        (("s", "1", 1, 9, -1, 1), "line 2: found -1 in 'nMajor', expected a copy number"),
        (("s", "1", 1, 9, "inf", 1), "line 2: found 'inf' in 'nMajor'"),
        (("", "1", 1, 9, 1, 1), "line 2: the segment has no sample"),
        (("s" * 200_000, "1", 1, 9, 1, 1), "line 2: cannot be split into cells"),
        (("s", "1", 1, 9, 1, 1, 1, 1), "line 2: has 8 cells, the header .* has 6"),
    ],
)
def test_a_bad_row_is_named(row, message, tmp_path):
    with pytest.raises(InputDataError, match=message):
        read_segments(ascat(tmp_path, row))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("sample\tchr\tstartpos\tendpos\tnMajor\tnMinor\n", "no segments below it"),
        ("sample\tchr\tnMajor\tnMinor\ns\t1\t1\t1\n", "no column for the start and the end"),
        ("ID\tchrom\tloc.start\tloc.end\tseg.mean\ns\t1\t1\t9\t0.1\n", "which allele is lost"),
        ("a\tb\n1\t2\n", "no column for the chromosome"),
    ],
)
def test_what_is_no_table_of_segments_is_refused(text, message, tmp_path):
    (tmp_path / "a.tsv").write_text(text)
    assert text.startswith("sample\tchr\tstart") or not holds_segments(tmp_path / "a.tsv")
    with pytest.raises(InputDataError, match=message):
        read_segments(tmp_path / "a.tsv")
