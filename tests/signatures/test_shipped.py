"""Shipped references are complete and found by every name a user may try."""

import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dnmf.metrics import cosine_similarity
from dnmf.signatures import (
    SBS96,
    available_references,
    example_catalog,
    load_reference,
    read_catalog,
    read_signatures,
)

DATA = Path(__file__).parents[1] / "data"
SIZES = {"v3": 67, "v3.4": 86, "v3.6": 101}


@pytest.mark.parametrize("name", available_references())
def test_every_reference_is_whole(name):
    reference = load_reference(name)
    assert len(reference) == SIZES[name.split("-")[1]]
    assert list(reference.profiles.columns) == list(SBS96.labels)
    assert_allclose(reference.profiles.sum(axis=1), 1.0, rtol=1e-14)
    assert (reference.profiles.to_numpy() >= 0).all()
    assert {"SBS1", "SBS5", "SBS10a"} <= set(reference.names)
    assert reference.source.startswith(f"COSMIC {name.split('-')[1]} SBS, GRCh3")


@pytest.mark.parametrize("name", available_references())
def test_signatures_peak_where_their_cause_says(name):
    """Labels were matched: SBS1 is C>T at CpG, SBS2 C>T and SBS13 C>G at TpC, SBS17b T>G at CpTpT."""
    exome = name.endswith("exome")
    profiles = load_reference(name).profiles
    cpg = [f"{five}[C>T]G" for five in "ACGT"]
    assert profiles.loc["SBS1", cpg].sum() > (0.7 if exome else 0.8)
    assert profiles.loc["SBS2"].idxmax() in {"T[C>T]A", "T[C>T]T", "T[C>T]C"}
    assert profiles.loc["SBS13"].idxmax() in {"T[C>G]A", "T[C>G]T"}
    assert profiles.loc["SBS17b"].idxmax() == "C[T>G]T"
    assert profiles.loc["SBS10a"].idxmax() == "T[C>A]T"


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("cosmic-v3", "cosmic-v3-GRCh37"),
        ("cosmic-v3.4", "cosmic-v3.4-GRCh37"),
        ("COSMIC-V3.4", "cosmic-v3.4-GRCh37"),
        ("cosmic-v3.4-exome", "cosmic-v3.4-grch37-exome"),
        (" cosmic-v3.6 ", "Cosmic-v3.6-GRCh37"),
    ],
)
def test_short_names_mean_grch37_in_any_case(short, full):
    assert load_reference(short).profiles.equals(load_reference(full).profiles)


def test_builds_and_exome_differ_a_little_and_keep_their_names():
    names = ["cosmic-v3.4", "cosmic-v3.4-GRCh38", "cosmic-v3.4-GRCh37-exome"]
    genome, other_build, exome = (load_reference(name) for name in names)
    assert genome.names == other_build.names == exome.names
    between_builds = np.diag(cosine_similarity(genome.profiles, other_build.profiles))
    assert (between_builds > 0.95).all()
    assert (between_builds < 1).any()
    assert np.diag(cosine_similarity(genome.profiles, exome.profiles)).mean() > 0.9


def test_the_example_is_the_published_catalog(shared_data):
    published = read_catalog(shared_data / "breast_21_sbs96.txt")
    assert example_catalog().counts.equals(published.counts)


def test_the_example_needs_no_warning():
    catalog = example_catalog()
    assert len(catalog.sample_names) == 21
    assert "PD4120a" in catalog.sample_names
    assert catalog.burdens["PD4120a"] == 70_690
    assert catalog.empty_samples == []
    assert (catalog.counts.to_numpy() % 1 == 0).all()


def test_shipped_references_are_the_published_files(shared_data):
    names = {
        "COSMIC_v3_SBS_GRCh37.txt": "cosmic-v3",
        "COSMIC_v3_SBS_GRCh38.txt": "cosmic-v3-GRCh38",
        "COSMIC_v3.4_SBS_GRCh37.txt": "cosmic-v3.4",
        "COSMIC_v3.4_SBS_GRCh37_exome.txt": "cosmic-v3.4-exome",
        "COSMIC_v3.4_SBS_GRCh38.txt": "cosmic-v3.4-GRCh38",
        "COSMIC_v3.6_SBS_GRCh37.txt": "cosmic-v3.6",
        "COSMIC_v3.6_SBS_GRCh38.txt": "cosmic-v3.6-GRCh38",
    }
    for file, name in names.items():
        published = read_signatures(shared_data / "cosmic" / file)
        assert load_reference(name).profiles.equals(published.profiles)


def test_package_data_is_small_and_compressed():
    folder = resources.files("dnmf.signatures").joinpath("data")
    files = list(folder.iterdir())
    assert all(file.name.endswith(".gz") for file in files)
    assert sum(len(file.read_bytes()) for file in files) < 500_000


def test_reading_a_catalog_loads_no_heavy_library():
    code = (
        "import sys, dnmf.signatures as s; s.load_reference('cosmic-v3.4'); s.example_catalog();"
        "print(sorted({'torch', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
