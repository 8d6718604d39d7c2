"""Files whose counts are known, cell by cell: simulated in every form, cases one by one, real ones with context."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dnmf.exceptions import InputDataError
from dnmf.signatures import MutationCatalog
from dnmf.variants import VariantCounts, count_variants

pytestmark = pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
MAIN = ("SBS96", "DBS78", "ID83")
CLASS = {"SBS": "SBS96", "DBS": "DBS78", "ID": "ID83"}
OUTCOME = {
    "reference mismatch": "reference_mismatch",
    "complex indel": "complex",
    "no change": "no_change",
    "allele is not ACGT": "allele",
    "contig not in the reference": "contig",
    "context has a base other than ACGT": "context",
    "context runs off the contig": "context",
    "3 adjacent substitutions": "mnv",
    "4 adjacent substitutions": "mnv",
}


@pytest.fixture(scope="module")
def bed(shared_data: Path) -> Path:
    path = shared_data / "variants"
    if not path.is_dir():
        pytest.skip("needs the test bed of variants")
    return path


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnmf.caches.cache_folder", lambda: None)


def counted(bed: Path, path: str, **options: Any) -> VariantCounts:
    genome = bed / "genome" / options.pop("genome", "synthetic.fa")
    found = count_variants(bed / path, genome, **{"mitochondria": True, **options})
    assert found.outcomes.to_numpy().sum() == len(found.variants)
    return found


def check(catalog: MutationCatalog, expected: Path, samples: list[str] | None = None) -> None:
    table = pd.read_csv(expected, sep="\t", index_col=0).T
    table = table if samples is None else table.loc[samples].set_axis(catalog.sample_names)
    assert set(catalog.counts.columns) == set(table.columns)
    difference = catalog.counts.loc[table.index, table.columns] - table
    assert not difference.to_numpy().any(), expected


@pytest.mark.parametrize("genome", ["synthetic.fa", "synthetic.2bit"])
@pytest.mark.parametrize(
    "path", ["clean/vcf", "clean/multi.vcf.gz", "clean/gdc_order.maf", "clean/other_order.maf.gz"]
)
def test_a_cohort_in_every_form(bed: Path, path: str, genome: str) -> None:
    for options, folder in (({}, "expected"), ({"mitochondria": False}, "expected_without_chrM")):
        found = counted(bed, path, genome=genome, **options)
        for name in MAIN:
            check(found.catalogs[name], bed / "clean" / folder / f"{name}.tsv")


def test_all_classes_with_doublets_counted_as_sigprofiler_does(bed: Path) -> None:
    classes = (*MAIN, "SBS288", "SBS384", "SBS1536")
    transcripts = bed / "genome" / "transcripts.tsv"
    found = counted(bed, "clean/vcf", classes=classes, doublets="both", transcripts=transcripts)
    for name in classes:
        check(found.catalogs[name], bed / "clean" / "expected" / f"spmg_{name}.tsv")


@pytest.mark.parametrize("where", ["right", "mid"])
def test_indels_written_elsewhere_in_their_repeat(bed: Path, where: str) -> None:
    found = counted(bed, f"realigned/{where}")
    check(found.catalogs["ID83"], bed / "clean" / "expected" / "ID83.tsv")


def test_one_sample_as_callers_write_it(bed: Path) -> None:
    paths = sorted((bed / "callers").iterdir())
    assert len(paths) == 8
    for path in paths:
        found = counted(bed, f"callers/{path.name}")
        for name in MAIN:
            check(found.catalogs[name], bed / "clean" / "expected" / f"{name}.tsv", ["S4"])


def test_a_panel(bed: Path) -> None:
    found = counted(bed, "clean/vcf", regions=bed / "panel" / "panel.bed")
    for name in MAIN:
        check(found.catalogs[name], bed / "panel" / f"expected_{name}.tsv")


def test_hard_cases_one_by_one(bed: Path) -> None:
    found = counted(bed, "messy/vcf")
    wanted: dict[str, dict[tuple[str, str], float]] = {}
    for row in pd.read_csv(bed / "messy" / "expected_long.tsv", sep="\t").to_dict("records"):
        key = CLASS[row["class"]], row["channel"]
        wanted.setdefault(row["case"], {})[key] = row["count"]
    cases = pd.read_csv(bed / "messy" / "cases.tsv", sep="\t", keep_default_na=False)
    assert len(cases) == 64
    wrong = []
    for case, note in zip(cases["case"], cases["dnmf_note"], strict=True):
        counts = {
            (name, label): number
            for name, catalog in found.catalogs.items()
            for label, number in catalog.counts.loc[case].items()
            if number
        }
        outcomes = found.outcomes.loc[case]
        words = set(outcomes.index[outcomes > 0]) - {"counted"}
        expected = {OUTCOME.get(note, note)} - {""}
        if (counts, words) != (wanted.get(case, {}), expected):
            wrong.append((case, counts, words))
    assert not wrong


def test_samples_beside_each_other(bed: Path) -> None:
    found = counted(bed, "messy/cross")
    burdens = {name: found.catalogs[name].burdens.to_dict() for name in ("SBS96", "DBS78")}
    assert burdens["SBS96"] == {"x1": 1, "x2": 1, "y1": 0, "y2": 1}
    assert burdens["DBS78"] == {"x1": 0, "x2": 0, "y1": 1, "y2": 0}


def test_events_worked_out_by_hand(bed: Path, tmp_path: Path) -> None:
    table = pd.read_csv(bed / "handmade" / "handmade.tsv", sep="\t", dtype=str)
    genome, variants = tmp_path / "genome.fa", tmp_path / "handmade.vcf"
    rows = list(table.itertuples())
    genome.write_text("".join(f">{row.contig}\n{row.sequence}\n" for row in rows))
    lines = [f"{row.contig}\t{row.pos}\t.\t{row.ref}\t{row.alt}\n" for row in rows]
    variants.write_text("#CHROM\tPOS\tID\tREF\tALT\n" + "".join(lines))
    found = count_variants(variants, genome).variants
    assert found["channel"].tolist() == table["channel"].tolist()
    assert found["class"].tolist() == table["class"].tolist()


def test_real_files_without_a_genome(bed: Path, tmp_path: Path) -> None:
    real = bed / "real"
    options = {"classes": ["SBS96", "DBS78"], "doublets": "both"}
    found = count_variants(real / "gdc_tcga_lusc_3_samples.maf", filters="all", **options)
    check(found.catalogs["SBS96"], real / "gdc_tcga_lusc_3_samples.SBS96_all_snp_rows.tsv")
    sites = pd.read_csv(real / "grch37_2430_sbs_with_context.tsv", sep="\t", dtype=str)
    maf = pd.DataFrame(
        {
            "Chromosome": sites["chrom"],
            "Start_Position": sites["pos"],
            "Reference_Allele": sites["ref"],
            "Tumor_Seq_Allele2": sites["alt"],
            "Tumor_Sample_Barcode": "GRCh37_bench",
            "CONTEXT": "NNNN" + sites["trinucleotide"] + "NNNN",
        }
    )
    maf.to_csv(tmp_path / "sites.maf", sep="\t", index=False)
    found = count_variants(tmp_path / "sites.maf", **options)
    check(found.catalogs["SBS96"], real / "grch37_2430_sbs.SBS96.tsv")


def test_without_a_genome_the_build_is_the_one_that_all_files_name(tmp_path: Path) -> None:
    for name, build in (("a", "hg38"), ("b", "GRCh38"), ("c", "GRCh37")):
        row = {
            "Chromosome": "1",
            "Start_Position": 100,
            "Reference_Allele": "C",
            "Tumor_Seq_Allele2": "T",
            "Tumor_Sample_Barcode": name,
            "NCBI_Build": build,
            "CONTEXT": "NNNNACANNNN",
        }
        pd.DataFrame([row]).to_csv(tmp_path / f"{name}.maf", sep="\t", index=False)
    both = [tmp_path / "a.maf", tmp_path / "b.maf"]
    assert count_variants(both, classes=["SBS96"]).build == "GRCh38"
    with pytest.raises(InputDataError, match=r"a\.maf is of GRCh38, but .*c\.maf is of GRCh37"):
        count_variants([*both, tmp_path / "c.maf"], classes=["SBS96"])
