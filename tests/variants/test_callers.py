"""Files as callers write them: read, then classified by an oracle that knows one variant at a time."""

import importlib.util
import shutil

import pandas as pd
import pytest

from dnmf.variants.rows import read_variants

CLASSES = {"SBS": "SBS96", "DBS": "DBS78", "ID": "ID83"}
COMPLEMENT = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="module")
def bed(shared_data):
    path = shared_data / "variants"
    if not path.is_dir():
        pytest.skip("needs the test bed of variants")
    return path


@pytest.fixture(scope="module")
def oracle(bed):
    spec = importlib.util.spec_from_file_location("variant_oracle", bed / "oracle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def genome(bed):
    """Sequences by name, with ``chr`` and without."""
    contigs = {}
    for record in (bed / "genome/synthetic.fa").read_text().split(">")[1:]:
        header, _, sequence = record.partition("\n")
        name = header.split()[0]
        contigs[name] = contigs[name[3:]] = sequence.replace("\n", "").upper()
    return contigs | {"MT": contigs["chrM"]}


def frame_of(*paths, **options):
    return pd.concat([rows.frame for rows in read_variants(paths, **options)], ignore_index=True)


def records_of(frame):
    """Rows that are still to be decided, as the oracle wants them: REF ``-`` is inserted after the position."""
    kept = frame[frame["outcome"] == ""]
    for row in kept.itertuples():
        position = row.position + (1 if row.ref else 0)
        yield row.sample, row.contig, position, row.ref or "-", row.alt or "-"


def tables_of(oracle, genome, frame):
    counts, _ = oracle.classify(genome, list(records_of(frame)))
    return {
        CLASSES[kind]: pd.DataFrame(counted).fillna(0).astype(int)
        for kind, counted in counts.items()
    }


def check_tables(found, folder, samples=("S1", "S2", "S3", "S4")):
    for name, table in found.items():
        expected = pd.read_csv(folder / f"{name}.tsv", sep="\t", index_col=0)[list(samples)]
        table = table.reindex(index=expected.index, columns=expected.columns, fill_value=0)
        pd.testing.assert_frame_equal(
            table.fillna(0).astype(int), expected, check_names=False, check_dtype=False
        )


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("headerless_five_columns.vcf", "headerless_five_columns"),
        ("multiallelic_and_padded.vcf", "multiallelic_and_padded"),
        ("mutect2_like.vcf", "S4"),
        ("no_samples_crlf.vcf", "no_samples_crlf"),
        ("quotes_in_info.vcf", "quotes_in_info"),
        ("simple_text_sigprofiler.txt", "S4"),
        ("strelka_like.vcf", "strelka_like"),
        ("unsorted_no_chr_prefix.vcf", "unsorted_no_chr_prefix"),
    ],
)
def test_one_sample_in_eight_shapes(bed, oracle, genome, name, sample):
    frame = frame_of(bed / "callers" / name)
    assert frame["sample"].cat.categories.tolist() == [sample]
    frame["sample"] = frame["sample"].cat.rename_categories(["S4"])
    check_tables(tables_of(oracle, genome, frame), bed / "clean/expected", ["S4"])


def test_a_row_that_the_caller_filtered_is_kept_as_such(bed):
    frame = frame_of(bed / "callers/mutect2_like.vcf")
    assert frame["outcome"].value_counts().to_dict() == {"": 100, "filtered": 1}
    assert (frame_of(bed / "callers/mutect2_like.vcf", filters="all")["outcome"] == "").all()


SHAPES = ["vcf", "multi.vcf.gz", "gdc_order.maf", "other_order.maf.gz"]


@pytest.mark.parametrize("name", SHAPES)
def test_four_samples_in_four_shapes(bed, oracle, genome, name):
    frame = frame_of(bed / "clean" / name)
    assert sorted(frame["sample"].unique()) == ["S1", "S2", "S3", "S4"]
    check_tables(tables_of(oracle, genome, frame), bed / "clean/expected")


def test_the_rows_are_the_same_in_all_shapes(bed, oracle):
    def events(name):
        rows = frame_of(bed / "clean" / name).itertuples()
        return sorted(
            (row.sample, row.contig, *oracle.trim(row.position, row.ref, row.alt)) for row in rows
        )

    first = events(SHAPES[0])
    assert len(first) == 6831
    for name in SHAPES[1:]:
        assert events(name) == first


@pytest.mark.parametrize("name", ["right", "mid"])
def test_indels_that_are_not_left_aligned(bed, oracle, genome, name):
    found = tables_of(oracle, genome, frame_of(bed / "realigned" / name))
    check_tables({"ID83": found["ID83"]}, bed / "clean/expected")


def test_messy_cases(bed, oracle, genome):
    counts, _ = oracle.classify(genome, list(records_of(frame_of(bed / "messy/vcf"))))
    found = {
        (sample, kind, channel, count)
        for kind, of_samples in counts.items()
        for sample, channels in of_samples.items()
        for channel, count in channels.items()
    }
    expected = pd.read_csv(bed / "messy/expected_long.tsv", sep="\t")
    assert found == set(expected.itertuples(index=False, name=None))


def test_variants_that_meet_across_files_stay_apart(bed):
    frame = frame_of(bed / "messy/cross")
    assert frame["sample"].value_counts(sort=False).to_dict() == {
        "x1": 1,
        "x2": 1,
        "y1": 2,
        "y2": 1,
    }


def test_mixture_of_kinds_in_a_folder(bed, tmp_path):
    for name in ("clean/other_order.maf.gz", "callers/strelka_like.vcf", "messy/vcf/s01.vcf"):
        shutil.copy(bed / name, tmp_path)
    rows = list(read_variants([tmp_path]))
    assert [(each.kind, len(each.frame)) for each in rows] == [
        ("MAF", 6831),
        ("VCF", 1),
        ("VCF", 100),
    ]


def test_context_of_real_substitutions_is_around_the_reference(bed):
    path = bed / "real/gdc_tcga_lusc_3_samples.maf"
    frame = frame_of(path, filters="all")
    single = frame[(frame["ref"].str.len() == 1) & (frame["alt"].str.len() == 1)]
    context = single["context"].astype(str)
    assert len(single) == 583
    assert (context.str[5] == single["ref"].astype(str)).all()
    channels = []
    for word, alt in zip(context, single["alt"], strict=True):
        left, ref, right = word[4:7]
        if ref in "AG":
            left, ref, right = (base.translate(COMPLEMENT) for base in (right, ref, left))
            alt = alt.translate(COMPLEMENT)
        channels.append(f"{left}[{ref}>{alt}]{right}")
    expected = pd.read_csv(
        path.with_name("gdc_tcga_lusc_3_samples.SBS96_all_snp_rows.tsv"), sep="\t", index_col=0
    )
    found = pd.crosstab(pd.Series(channels), single["sample"].astype(str).to_numpy())
    found = found.reindex(index=expected.index, columns=expected.columns, fill_value=0)
    assert (found == expected).all(axis=None)
    assert (frame_of(path)["outcome"] == "filtered").sum() == 28
