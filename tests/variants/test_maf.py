"""MAF and SigProfiler's text: columns by name, where insertions are, which allele is the ALT."""

import gzip

import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.variants.collect import collect
from dnmf.variants.rows import read_variants

HEADER = (
    "Hugo_Symbol",
    "Chromosome",
    "Start_Position",
    "End_Position",
    "Reference_Allele",
    "Tumor_Seq_Allele1",
    "Tumor_Seq_Allele2",
    "Tumor_Sample_Barcode",
)
TEXT = (
    "Project",
    "Sample",
    "ID",
    "Genome",
    "mut_type",
    "chrom",
    "pos_start",
    "pos_end",
    "ref",
    "alt",
    "Type",
)


@pytest.fixture
def read(tmp_path):
    """``read(rows, header)``: a table, as (sample, position, ref, alt, outcome)."""

    def reading(rows, header=HEADER, above=(), end="\n", pack=bytes, **options):
        path = tmp_path / "cohort.txt"
        lines = [*above, "\t".join(header), *("\t".join(map(str, row)) for row in rows)]
        path.write_bytes(pack("".join(line + end for line in lines).encode()))
        (reading.rows,) = read_variants(path, **options)
        columns = ["sample", "position", "ref", "alt", "outcome"]
        return list(reading.rows.frame[columns].itertuples(index=False, name=None))

    return reading


def maf_row(ref, alt, start=10, end=10, first=None, sample="S", gene="TP53"):
    return [gene, "1", start, end, ref, ref if first is None else first, alt, sample]


def test_where_a_maf_has_its_variants(read):
    rows = [
        maf_row("A", "c"),
        maf_row("AC", "-", end=11),
        maf_row("-", "AT", end=11),
        maf_row("G", "GA"),
        maf_row("TC", "AG", end=11),
    ]
    assert read(rows) == [
        ("S", 9, "A", "C", ""),
        ("S", 9, "AC", "", ""),
        ("S", 10, "", "AT", ""),
        ("S", 9, "G", "GA", ""),
        ("S", 9, "TC", "AG", ""),
    ]
    assert read.rows.frame["written"].tolist() == [10] * 5
    assert (read.rows.kind, read.rows.assembly) == ("MAF", None)


def test_an_insertion_that_ends_where_it_starts_is_before_that_base(read):
    rows = [maf_row("-", "A", end=11), maf_row("-", "A", end=10), maf_row("-", "A", 20, 20)]
    with pytest.warns(
        DoubtfulDataWarning, match="line 3: this insertion ends where it starts"
    ) as said:
        assert [found[1] for found in read(rows)] == [10, 9, 19]
    assert read.rows.frame["written"].tolist() == [10, 10, 20]
    assert len(said) == 1
    without_end = [row[:3] + row[4:] for row in rows]
    assert [found[1] for found in read(without_end, HEADER[:3] + HEADER[4:])] == [10, 10, 20]


def test_the_first_allele_where_the_second_is_the_reference(read):
    rows = [maf_row("A", "A", first="T"), maf_row("A", "G", first="T"), maf_row("A", "A")]
    rows += [maf_row("-", "-", first="T", end=11), maf_row("A", "", first="A")]
    assert read(rows) == [
        ("S", 9, "A", "T", ""),
        ("S", 9, "A", "G", ""),
        ("S", 9, "A", "A", ""),
        ("S", 10, "", "T", ""),
        ("S", 9, "A", ".", ""),
    ]


def test_columns_in_any_case_and_order_with_comments_and_gzip(read):
    rows = [list(reversed(maf_row("A", "C", sample=name))) for name in ("S1", "S2")]
    header = [name.upper() for name in reversed(HEADER)]
    found = [("S1", 9, "A", "C", ""), ("S2", 9, "A", "C", "")]
    assert (
        read(rows, header, ["#version 2.4", "##", "##fileformat=VCFv4.2\t", ""], pack=gzip.compress)
        == found
    )
    assert read.rows.frame["line"].tolist() == [6, 7]


def test_any_column_may_be_the_first(read):
    for first in range(len(HEADER)):
        header, cells = ([*row[first:], *row[:first]] for row in (list(HEADER), maf_row("A", "C")))
        assert read([cells], header) == [("S", 9, "A", "C", "")]


def test_a_table_with_quotes_and_the_line_ends_of_windows(read):
    quoted = [f'"{name}"' for name in HEADER]
    rows = [[f'"{cell}"' for cell in maf_row("A", "C")], maf_row('"-"', '"AT"', end=11)]
    assert read(rows, quoted, end="\r\n") == [("S", 9, "A", "C", ""), ("S", 10, "", "AT", "")]


def test_numbers_as_R_writes_them_and_names_as_they_are(read):
    assert read([maf_row("A", "C", "1e+05", "1e+05", sample="007")]) == [
        ("007", 99999, "A", "C", "")
    ]
    assert read([maf_row("A", "C", sample="NA")]) == [("NA", 9, "A", "C", "")]


def test_filters_germline_context_and_build(read):
    header = [*HEADER, "FILTER", "Mutation_Status", "NCBI_Build", "CONTEXT"]
    more = [
        ("PASS", "Somatic", "GRCh37", "aaaaacccccc"),
        ("q10", "", "hg19", ""),
        ("", "GERMLINE", "37", ""),
        ("q10", "Germline", "", "A"),
    ]
    found = read([[*maf_row("A", "C"), *cells] for cells in more], header)
    assert [row[-1] for row in found] == ["", "filtered", "germline", "filtered"]
    assert read.rows.frame["context"].tolist() == ["AAAAACCCCCC", "", "", "A"]
    assert read.rows.assembly == "GRCh37"
    with pytest.raises(InputDataError, match=r"line 3: the row is of another genome build.*GRCh37"):
        read([[*maf_row("A", "C"), *more[0]], [*maf_row("A", "C"), "", "", "GRCh38", ""]], header)


def test_repeated_headers_comments_and_blank_lines_are_no_rows(read):
    rows = [maf_row("A", "C"), ["#version 2.4"], HEADER, [], maf_row("A", "G"), [""] * 8]
    assert [found[3] for found in read(rows)] == ["C", "G"]
    assert read.rows.frame["line"].tolist() == [2, 6]
    assert read.rows.frame["sample"].cat.categories.tolist() == ["S"]
    with pytest.raises(InputDataError, match="line 3: a second header, with other columns"):
        read([maf_row("A", "C"), ["Hugo_Symbol", "Start_Position"]])


def test_a_table_without_rows(read):
    assert read([]) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": "x"}, "line 2: expected a position, a whole number from 1 on, found 'x'"),
        ({"start": 0}, "line 2: expected a position, a whole number from 1 on, found '0'"),
        ({"start": "3.5"}, "found '3.5'"),
        ({"start": "-3"}, "found '-3'"),
        ({"start": "1_0"}, "found '1_0'"),
        ({"start": ""}, "found ''"),
        ({"start": 10**30}, "found '1"),
        ({"start": "True"}, "found 'True'"),
        ({"sample": ""}, "line 2: the row names no sample"),
        ({"sample": "S\tmore"}, "line 2: the row has more columns than there should be"),
    ],
)
def test_a_row_that_is_wrong(read, change, message):
    with pytest.raises(InputDataError, match=message):
        read([maf_row("A", "C", **change), maf_row("A", "C")])


def test_columns_that_are_missing_or_there_twice(read):
    header = [*HEADER[:4], "Ref", *HEADER[5:7], "Sample"]
    with pytest.raises(
        InputDataError,
        match=r"line 1: the MAF has no column Tumor_Sample_Barcode, Reference_Allele. Its columns are Hugo",
    ):
        read([maf_row("A", "C")], header)
    with pytest.raises(InputDataError, match="two columns are named Chromosome"):
        read([["1", *maf_row("A", "C")]], ["CHROMOSOME", *HEADER])


def test_text_of_sigprofiler(read):
    def row(ref, alt, kind="SOMATIC", genome="GRCh37"):
        return ["P", "S", ".", genome, "SNP", "1", 10, 10, ref, alt, kind]

    rows = [row("A", "C,G"), row("-", "T", "GERMLINE"), row("TC", "-")]
    assert read(rows, TEXT) == [
        ("S", 9, "A", "C", ""),
        ("S", 9, "A", "G", ""),
        ("S", 10, "", "T", "germline"),
        ("S", 9, "TC", "", ""),
    ]
    assert (read.rows.kind, read.rows.assembly) == ("text", "GRCh37")
    with pytest.raises(InputDataError, match="line 1: the file has no column alt"):
        read(rows, [*TEXT[:9], "tumour", "Type"])


def test_a_file_that_ends_within_a_row(read, tmp_path):
    path = tmp_path / "cut.maf"
    path.write_text("\t".join(HEADER) + "\nTP53\t1\t10\t10\tA\tA\tC\tS\nTP53\t1\t1")
    with pytest.raises(InputDataError, match=r"cut.maf, line 3"):
        list(read_variants(path))


def test_texts_are_of_one_type_for_one_file_and_for_several(read, tmp_path):
    read([maf_row("A", "C")])
    (tmp_path / "b.maf").write_text((tmp_path / "cohort.txt").read_text().replace("\tS\n", "\tT\n"))
    files = [tmp_path / "cohort.txt", tmp_path / "b.maf"]
    one, two = (collect(read_variants(paths), lambda part: None) for paths in (files[:1], files))
    for name in ("file", "sample", "contig", "ref", "alt", "outcome"):
        assert two.categories(name).dtype == one.categories(name).dtype, name
