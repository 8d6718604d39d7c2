"""VCF: whose variants the rows are, and how alleles, filters and positions are read."""

import gzip
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.variants.rows import read_variants

FIXED = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


@pytest.fixture
def read(tmp_path):
    """``read(rows, samples, above)``: a VCF of rows in short form, as (sample, position, ref, alt, outcome)."""

    def reading(rows, samples=(), above=(), end="\n", name="tumour.vcf", **options):
        columns = [FIXED, *(["FORMAT"] if samples else []), *samples]
        path = tmp_path / name
        lines = ["##fileformat=VCFv4.2", *above, "\t".join(columns), *rows]
        path.write_bytes("".join(line + end for line in lines).encode())
        found = list(read_variants(path, **options))
        frame = pd.concat([each.frame for each in found])
        reading.rows = found[-1]
        reading.lines = (frame["line"] - len(above) - 2).tolist()
        columns = ["sample", "position", "ref", "alt", "outcome"]
        return list(frame[columns].itertuples(index=False, name=None))

    return reading


def row(ref, alt, *cells, position=10, keep="PASS", layout=""):
    return "\t".join(
        [
            "1",
            str(position),
            ".",
            ref,
            alt,
            ".",
            keep,
            "DP=3",
            *([layout] if layout else []),
            *cells,
        ]
    )


def test_alleles_are_split_and_written_in_capitals(read):
    assert read([row("a", "c,<del>,*"), row("CT", ".")]) == [
        ("tumour", 9, "A", "C", ""),
        ("tumour", 9, "A", "<DEL>", ""),
        ("tumour", 9, "A", "*", ""),
        ("tumour", 9, "CT", ".", ""),
    ]
    assert read.lines == [1, 1, 1, 2]


def test_a_dash_is_no_base_and_comes_after_its_position(read):
    rows = [row("-", "ATA"), row("TTG", "-"), row("-", "-"), row("-", "")]
    assert read(rows) == [
        ("tumour", 10, "", "ATA", ""),
        ("tumour", 9, "TTG", "", ""),
        ("tumour", 10, ".", ".", ""),
        ("tumour", 10, "", ".", ""),
    ]


def test_filters_that_are_kept(read):
    rows = [row("A", "C", keep=keep) for keep in ("PASS", ".", "", "q10", "PASS;q10")]
    outcomes = {
        None: ["", "", "", "filtered", "filtered"],
        "all": [""] * 5,
        "q10": ["filtered"] * 3 + ["", "filtered"],
        ("PASS", "q10"): ["", "filtered", "filtered", "", ""],
    }
    for filters, expected in outcomes.items():
        options = {} if filters is None else {"filters": filters}
        assert [found[-1] for found in read(rows, **options)] == expected
    with pytest.raises(InputDataError, match="no value of FILTER to keep"):
        read(rows, filters=[])


def test_each_sample_has_the_alleles_of_its_genotype(read):
    rows = [
        row("A", "C", "0/1", "0|0", "./.", layout="GT"),
        row("A", "C,G", "1|2:5", "2", ".", layout="GT:DP"),
        row("A", "T", "7:0/1", "4:1/1", "2:0", layout="DP:GT"),
    ]
    assert read(rows, ["a", "b", "c"]) == [
        ("a", 9, "A", "C", ""),
        ("a", 9, "A", "C", ""),
        ("a", 9, "A", "G", ""),
        ("b", 9, "A", "G", ""),
        ("a", 9, "A", "T", ""),
        ("b", 9, "A", "T", ""),
    ]
    assert read.lines == [1, 2, 2, 2, 3, 3]
    assert read.rows.frame["sample"].cat.categories.tolist() == ["a", "b", "c"]


def test_a_row_that_no_sample_has_is_uncalled(read):
    rows = [row("A", "C,G", "0/0", ".", layout="GT"), row("A", "C", "0/1", "0/0", layout="GT")]
    assert read(rows, ["a", "b"]) == [
        ("", 9, "A", "C", "uncalled"),
        ("", 9, "A", "G", "uncalled"),
        ("a", 9, "A", "C", ""),
    ]
    rows = [row("A", "C", "0/0", layout="GT", keep="q10"), row("A", "C", "0", layout="GT")]
    assert read(rows, ["a"]) == [("tumour", 9, "A", "C", "uncalled")] * 2


def test_a_row_of_one_tumour_counts_if_no_genotype_is_known(read):
    rows = [
        row("A", "C", "./.:3", layout="GT:DP"),
        row("A", "C", "", layout="GT"),
        row("A", "C", ".", layout="GT"),
    ]
    assert read(rows, ["a"]) == [("tumour", 9, "A", "C", "")] * 3
    rows = [row("A", "C", "./.", "./.", layout="GT")] * 2
    assert [found[-1] for found in read(rows, ["NORMAL", "TUMOUR"])] == ["", ""]


@pytest.mark.parametrize("rows_at_once", [1, 2, 10])
@pytest.mark.parametrize(
    ("genotypes", "outcomes"),
    [
        (["0/1", "./.", "0/0"], ["", "uncalled", "uncalled"]),
        (["./.", ".", "0/1"], ["uncalled", "uncalled", ""]),
        (["./.", "./.", "."], ["", "filtered", ""]),
    ],
)
def test_an_unknown_genotype_is_no_call_if_another_row_has_a_known_one(
    read, monkeypatch, rows_at_once, genotypes, outcomes
):
    monkeypatch.setattr("dnmf.variants.stream._ROWS", rows_at_once)
    rows = [
        row("A", "C", genotype, layout="GT", keep="q10" if number == 1 else ".")
        for number, genotype in enumerate(genotypes)
    ]
    assert [found[-1] for found in read(rows, ["a"])] == outcomes
    rows = [f"{line}\t./." for line in rows]
    assert [found[-1] for found in read(rows, ["a", "NORMAL"])] == outcomes


def test_an_unknown_genotype_is_no_call_of_one_sample_among_others(read, tmp_path):
    rows = [row("A", "C", "./.", "0/1", layout="GT"), row("A", "C", ".", ".", layout="GT")]
    found = read(rows, ["T", "X"], ["##tumor_sample=T"])
    assert found == [("T", 9, "A", "C", "uncalled")] * 2
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text("path\tsample\ntumour.vcf\tS1\n")
    rows = [row("A", "C", "0/1", "0/0", layout="GT"), *rows]
    read(rows, ["S1", "S2"])
    (found,) = read_variants(tmp_path / "tumour.vcf", samples=sheet)
    assert found.frame["sample"].tolist() == ["S1"] * 3
    assert found.frame["outcome"].tolist() == ["", "uncalled", "uncalled"]


@pytest.mark.parametrize(
    ("samples", "above", "names"),
    [
        (["N", "T"], ["##normal_sample=N", "##tumor_sample=T"], ["T"]),
        (["N", "T", "U"], ["##tumor_sample=T", "##tumor_sample=U"], ["T", "U"]),
        (["N", "T"], ["##normal_sample=N"], ["tumour"]),
        (["NORMAL", "TUMOR"], [], ["tumour"]),
        (["normal", "a", "b"], [], ["a", "b"]),
        (["T"], [], ["tumour"]),
        (["N", "T"], ["##tumor_sample=renamed"], ["N", "T"]),
    ],
)
def test_which_columns_are_samples_and_their_names(read, samples, above, names):
    found = read([row("A", "C", *["0/1"] * len(samples), layout="GT")], samples, above)
    assert [sample for sample, *_ in found] == names


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("P08.S3.vcf", "P08.S3"),
        ("P08.S4.VCF.gz", "P08.S4"),
        ("a.b.vcf.bgz", "a.b"),
        ("calls.txt", "calls.txt"),
    ],
)
def test_a_sample_is_named_by_its_file(read, name, sample):
    assert read([row("A", "C")], name=name) == [(sample, 9, "A", "C", "")]


def test_without_genotypes_every_row_counts(read):
    strelka = read([row("A", "C", "3", "4", layout="DP")], ["NORMAL", "TUMOR"])
    assert strelka == [("tumour", 9, "A", "C", "")]
    assert read([row("A", "C", "3", "4", layout="DP")], ["a", "b"]) == strelka
    some = [row("A", "C", "3", layout="DP"), row("A", "C", "0/1", layout="GT")]
    assert read(some, ["T"]) == strelka * 2


def test_a_column_FORMAT_without_samples(tmp_path):
    path = tmp_path / "x.vcf"
    path.write_text(f"{FIXED}\tFORMAT\n{row('A', 'C', layout='GT')}\n")
    (found,) = read_variants(path)
    assert found.frame["sample"].tolist() == ["x"]


def test_tabs_at_the_end_of_the_header_are_no_samples(read):
    rows = [row("A", "C", "0/1", layout="GT")]
    assert read(rows, ["a", "", ""]) == [("tumour", 9, "A", "C", "")]
    with pytest.raises(InputDataError, match="line 2: column 10 has no name"):
        read(rows, ["", "a"])


def test_samples_without_a_variant_are_there(read):
    assert read([row("A", "C", "0/0", "0/0", "0/1", layout="GT")], ["a", "b", "c"]) != []
    assert read.rows.frame["sample"].cat.categories.tolist() == ["a", "b", "c"]
    assert read([], ["a", "b"]) == []
    assert read.rows.frame["sample"].cat.categories.tolist() == ["a", "b"]
    assert read([]) == []
    assert read.rows.frame["sample"].cat.categories.tolist() == ["tumour"]


def test_what_the_header_says_of_the_genome(read):
    above = [
        "##reference=file:///data/hg38.fa",
        "##contig=<ID=1,length=248956422>",
        '##contig=<assembly="b38",length=12,ID=HLA-A*01:01>',
        "##contig=<ID=unknown>",
    ]
    read([row("A", "C")], above=above[:2])
    assert read.rows.assembly == "file:///data/hg38.fa"
    read([row("A", "C")], above=above)
    assert read.rows.assembly == "b38"
    assert read.rows.contig_lengths == {"1": 248956422, "HLA-A*01:01": 12}
    assert read.rows.record["name"] == "tumour.vcf"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(read, end):
    rows = [row("A", "C"), "", row("A", "G")]
    assert read(rows, end=end) == [("tumour", 9, "A", "C", ""), ("tumour", 9, "A", "G", "")]
    assert read.lines == [1, 3]


def test_quotes_blank_lines_comments_and_repeated_headers_are_no_rows(read):
    rows = [row('"', "C"), "", "#note\t\t\t", FIXED, "  ", row("A", "NA"), "##last", ""]
    assert read(rows) == [("tumour", 9, '"', "C", ""), ("tumour", 9, "A", "NA", "")]
    assert read.lines == [1, 6]


def test_names_that_look_like_numbers_stay_as_they_are(read):
    read([row("A", "C", "0/1", "0/1", layout="GT")], ["007", "1e5"])
    assert read.rows.frame["sample"].tolist() == ["007", "1e5"]
    assert read.rows.frame["contig"].tolist() == ["1", "1"]


def test_many_rows_come_in_pieces_in_the_order_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("dnmf.variants.stream._ROWS", 10)
    path = tmp_path / "x.vcf.gz"
    lines = [FIXED, *(row("A", "C,G" if k % 3 else "G", position=k + 1) for k in range(95))]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = list(read_variants(path))
    assert len(found) == 10
    assert [bool(each.record) for each in found] == [False] * 9 + [True]
    frame = pd.concat([each.frame for each in found])
    assert frame["line"].is_monotonic_increasing
    assert frame["line"].tolist() == (frame["position"] + 2).tolist()
    assert frame["position"].nunique() == 95
    assert len(frame) == 95 + 63


def test_without_a_header(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("1\t5\tx\tA\tC\n1\t7\tx\tA\tC\n")
    (found,) = read_variants(path)
    assert found.frame[["line", "position"]].to_numpy().tolist() == [[1, 4], [2, 6]]
    path.write_text(row("A", "C", "0/1", layout="GT", keep="q10") + "\n")
    (found,) = read_variants(path)
    assert found.frame["outcome"].tolist() == ["filtered"]


def test_a_position_before_the_first_base_without_a_base_in_ALT(read):
    assert read([row("N", "<DEL>", position=0)]) == [("tumour", -1, "N", "<DEL>", "")]


def test_an_allele_that_ALT_does_not_have_is_said_once(read):
    rows = [row("A", "C", "1/2", layout="GT"), row("A", "C", "2/2", layout="GT")]
    with pytest.warns(
        DoubtfulDataWarning, match="line 3: sample 'a' has the genotype '1/2'"
    ) as said:
        assert [found[-1] for found in read(rows, ["a"])] == ["", "uncalled"]
    assert len(said) == 1


def test_germline_is_said(read, monkeypatch):
    known = [row("A", "C").replace("\t.\t", "\trs1\t", 1)] * 1000
    with pytest.warns(
        DoubtfulDataWarning, match="1,000 of the first 1,000 rows have the ID of a known"
    ):
        read(known)
    rows = [row("A", "C", "0/1", "0/1", layout="GT")] * 1000
    with pytest.warns(
        DoubtfulDataWarning, match="'NORMAL' carries the variant in 1,000 of 1,000 rows"
    ):
        read(rows, ["NORMAL", "TUMOR"])
    monkeypatch.setattr("dnmf.variants.germline.MOST_SOMATIC", 3)
    with pytest.warns(
        DoubtfulDataWarning, match="more than 3 variants in tumour. These look like germline"
    ):
        read([row("A", "C")] * 4)


def test_many_contigs(read):
    above = [f"##contig=<ID=scaffold_{k},length={k}>" for k in range(1, 20_001)]
    read([row("A", "C")], above=above)
    assert len(read.rows.contig_lengths) == 20_000
    assert read.lines == [1]


GENOTYPES = ["0/0", "0/1", "1|0", "1", "2", "1/2", "./.", ".", "", "0|2:7", "./2", "/1/3"]


@given(
    st.integers(1, 3).flatmap(
        lambda n: st.lists(
            st.tuples(
                st.sampled_from(["C", "C,G", "C,*,T"]),
                st.tuples(*[st.sampled_from(GENOTYPES)] * n),
            ),
            min_size=1,
            max_size=8,
        )
    )
)
@pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
def test_genotypes_as_read_one_by_one(tmp_path_factory, rows):
    names = [f"s{k}" for k in range(len(rows[0][1]))] + ["normal"]
    path = tmp_path_factory.mktemp("genotypes") / "s0.vcf"
    lines = ["\t".join([FIXED, "FORMAT", *names])]
    lines += [row("A", alt, *cells, "0/0", layout="GT:DP") for alt, cells in rows]
    path.write_text("\n".join(lines) + "\n")
    expected = []
    for number, (alts, cells) in enumerate(rows, 2):
        carried = [
            (number, alt, name)
            for k, alt in enumerate(alts.split(","), 1)
            for name, cell in zip(names, cells, strict=False)
            if str(k) in re.split("[/|]", cell.split(":")[0])
        ]
        nobody = "s0" if len(names) == 2 else ""
        expected += carried or [(number, alt, nobody) for alt in alts.split(",")]
    (found,) = read_variants(path)
    frame = found.frame
    assert list(zip(frame["line"], frame["alt"], frame["sample"], strict=True)) == expected
