"""Shipped references are complete and found by every name a user may try."""

import gzip
import hashlib
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dnmf.metrics import cosine_similarity
from dnmf.signatures import (
    available_references,
    example_catalog,
    load_reference,
    read_catalog,
    read_signatures,
)
from dnmf.signatures.schemas import SCHEMAS
from dnmf.signatures.shipped import SHIPPED_FILES, name_parts

DATA = Path(__file__).parents[1] / "data"
EXOME_OF_GRCH38 = "COSMIC_v3.4_SBS_GRCh38_exome"


def is_sbs(name):
    return name_parts(name)["family"] is None


SIZES = {
    "SBS": {"v3": 67, "v3.4": 86, "v3.6": 101},
    "DBS": {"v3.4": 20, "v3.6": 22},
    "ID": {"v3.4": 23, "v3.6": 25},
    "CN": {"v3.4": 25, "v3.6": 26},
    "SV": {"v3.4": 10, "v3.6": 12},
}


@pytest.mark.parametrize("name", available_references())
def test_every_reference_is_whole(name):
    reference = load_reference(name)
    version, family = name_parts(name)["version"], name_parts(name)["family"] or "SBS"
    assert len(reference) == SIZES[family][version]
    assert {f"{family}1", f"{family}5"} <= set(reference.names)
    assert all(own.startswith(family) for own in reference.names)
    assert reference.schema in SCHEMAS
    assert reference.schema.family == family
    assert_allclose(reference.profiles.sum(axis=1), 1.0, rtol=1e-14)
    assert (reference.profiles.to_numpy() >= 0).all()
    assert reference.source == f"COSMIC {version} {family}, {reference.target.replace('-', ' ')}"
    assert reference.target.endswith("exome") == name.endswith("exome")


@pytest.mark.parametrize("name", [name for name in available_references() if is_sbs(name)])
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


def test_signatures_of_other_classes_peak_where_their_cause_says():
    """DBS1 is ultraviolet light's CC>TT, DBS2 smoking's CC>AA; ID1 and ID2 are slips in long runs of T."""
    peaks = {"DBS1": "CC>TT", "DBS2": "CC>AA", "ID1": "1:Ins:T:5", "ID2": "1:Del:T:5"}
    peaks |= {"CN1": "2:het:>40Mb", "SV4": "clustered_trans"}
    for name, channel in peaks.items():
        assert load_reference(name).profiles.loc[name].idxmax() == channel


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("cosmic-v3", "cosmic-v3-GRCh37"),
        ("cosmic-v3.4", "cosmic-v3.4-GRCh37"),
        ("COSMIC-V3.4", "cosmic-v3.4-GRCh37"),
        ("cosmic-v3.4-exome", "cosmic-v3.4-grch37-exome"),
        (" cosmic-v3.6 ", "Cosmic-v3.6-GRCh37"),
        ("cosmic-v3.4-SBS", "cosmic-v3.4"),
        ("cosmic-v3.4-dbs-hg38", "cosmic-v3.4-DBS-GRCh38"),
        ("cosmic-v3.4-SV", "cosmic-v3.4-SV-GRCh38"),
    ],
)
def test_short_names_in_any_case(short, full):
    assert load_reference(short).profiles.equals(load_reference(full).profiles)


@pytest.mark.parametrize(("family", "other"), [("SBS", "SBS41"), ("DBS", None), ("ID", "ID16")])
def test_two_names_mean_other_profiles_in_the_newest_version(family, other):
    older, newer = (load_reference(f"cosmic-{v}-{family}").profiles for v in ("v3.4", "v3.6"))
    assert set(older.index) < set(newer.index)
    far = (older - newer.loc[older.index]).abs().sum(axis=1) > 0.002
    assert list(older.index[far]) == ([other] if other else [])


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
    files = {file.stem: file for file in (shared_data / "cosmic").glob("COSMIC_*.txt")}
    for version, family, target in SHIPPED_FILES.values():
        name = f"COSMIC_{version}_{family}_{target.replace('-', '_')}"
        if name == EXOME_OF_GRCH38:
            continue
        published = read_signatures(files[name])
        shipped = load_reference(f"cosmic-{version}-{family}-{target}")
        assert shipped.profiles.equals(published.profiles)


def test_the_exome_of_grch38_is_the_published_file():
    file = resources.files("dnmf.signatures").joinpath("data", f"{EXOME_OF_GRCH38}.txt.gz")
    published = hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest()
    assert published == "37470ce728020466b4a34f299f016bd937f5436a2e5736b3c6342536e3a92fe9"


def test_package_data_is_small_and_compressed():
    folder = resources.files("dnmf.signatures").joinpath("data")
    files = list(folder.iterdir())
    assert all(file.name.endswith(".gz") for file in files)
    assert sum(len(file.read_bytes()) for file in files) < 650_000


def test_reading_a_catalog_loads_no_heavy_library():
    code = (
        "import sys, dnmf.signatures as s; s.load_reference('cosmic-v3.4'); s.example_catalog();"
        "print(sorted({'torch', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
