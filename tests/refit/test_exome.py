"""Exomes and panels that are refitted with a reference for genomes are noticed, genomes are not doubted."""

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.refit import refit_exposures
from dnmf.refit.exome import why_exome
from dnmf.signatures import (
    DBS78,
    ID83,
    MutationCatalog,
    SignatureSet,
    example_catalog,
    load_reference,
    read_catalog,
    write_catalog,
)

NAMES = "SBS1,SBS2,SBS5,SBS13,SBS18"


def cohort(assay: str, n_samples: int = 20, mutations: int = 100) -> MutationCatalog:
    """Samples whose signatures are those of an assay."""
    known = load_reference(NAMES, assay=assay).profiles
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.ones(len(known)), size=n_samples)
    counts = [rng.multinomial(mutations, row / row.sum()) for row in shares @ known.to_numpy()]
    samples = [f"S{row}" for row in range(n_samples)]
    return MutationCatalog(pd.DataFrame(counts, samples, known.columns), "calls.tsv")


def test_spectra_of_exomes_are_noticed():
    exomes = cohort("exome")
    for reference in (load_reference(), load_reference(NAMES, build="hg38")):
        said = why_exome(exomes, reference)
        assert said.startswith("calls.tsv: these look like exomes, but COSMIC v3.4 SBS, GRCh3")
        assert "--assay exome" in said
    with pytest.warns(DoubtfulDataWarning, match="these look like exomes"):
        result = refit_exposures(exomes, NAMES, method="kl")
    assert any("look like exomes" in warning for warning in result.warnings)


def test_genomes_and_references_of_exomes_or_of_ones_own_are_not_doubted(shared_data):
    assert why_exome(cohort("genome"), load_reference()) == ""
    assert why_exome(cohort("exome"), load_reference(assay="exome")) == ""
    own = SignatureSet(load_reference(NAMES).profiles)
    assert why_exome(cohort("exome"), own) == ""
    assert why_exome(example_catalog(), load_reference()) == ""
    assert why_exome(read_catalog(shared_data / "brca_560_sbs96.tsv"), load_reference()) == ""


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("calls.SBS96.exome", "exome"),
        ("calls_WES.tsv", "WES"),
        ("luad-wxs.tsv", "wxs"),
        ("whole-exomes.tsv", "exomes"),
        ("calls.SBS96.region", "mutations of regions"),
        ("calls.SBS96.all", ""),
        ("multi-region.tsv", ""),
        ("western.tsv", ""),
        ("exomedata.tsv", ""),
    ],
)
def test_the_name_of_a_file_says_what_was_sequenced(tmp_path, name, word):
    write_catalog(cohort("genome", 3), tmp_path / name)
    catalog = read_catalog(tmp_path / name)
    said = why_exome(catalog, load_reference())
    assert bool(said) == bool(word)
    assert word in said
    assert why_exome(catalog, load_reference(assay="exome")) == ""


def test_only_classes_with_references_of_exomes_are_doubted(tmp_path):
    for schema, doubted in ((DBS78, True), (ID83, False)):
        counts = pd.DataFrame(np.ones((2, len(schema))), ["a", "b"], schema.labels)
        path = tmp_path / f"calls.{schema.name}.exome"
        write_catalog(MutationCatalog(counts, schema=schema), path)
        with pytest.warns(DoubtfulDataWarning, match="same counts"):
            catalog = read_catalog(path)
        assert bool(why_exome(catalog, load_reference(channels=schema))) == doubted
