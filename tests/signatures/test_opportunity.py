"""Conversion between builds and assays, against what COSMIC publishes for them."""

import numpy as np
import pytest

from dnmf.exceptions import InputDataError
from dnmf.signatures import SignatureSet, convert_signatures, load_reference, seen_parts
from dnmf.signatures.opportunity import TARGETS, opportunity_ratio
from dnmf.signatures.shipped import BUILDS


@pytest.mark.parametrize("source", TARGETS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_published_profile_is_reproduced(source: str, target: str) -> None:
    before, after = (load_reference(f"cosmic-v3.4-{name}") for name in (source, target))
    found = convert_signatures(before, source, target).profiles
    np.testing.assert_allclose(found, after.profiles, atol=2e-6)


def test_another_version_is_reproduced_as_well() -> None:
    found = convert_signatures(load_reference("cosmic-v3.6-GRCh37"), "GRCh37", "GRCh38").profiles
    published = load_reference("cosmic-v3.6-GRCh38").profiles
    shared = [name for name in found.index if name in set(published.index)]
    difference = np.abs(found.loc[shared] - published.loc[shared]).max(axis=1)
    assert difference.median() < 1e-4


def test_what_is_seen_in_an_exome_depends_on_its_build() -> None:
    for build in BUILDS:
        genome = load_reference("SBS1,SBS5", build=build)
        weighted = genome.profiles * opportunity_ratio(build, f"{build}-exome")
        seen = seen_parts(load_reference("SBS1,SBS5", build=build, assay="exome"))
        np.testing.assert_allclose(
            seen, weighted.sum(axis=1) / weighted.sum(axis=1).mean(), rtol=1e-3
        )


def test_there_and_back_is_the_identity_and_ratios_belong_to_sites() -> None:
    ratio = opportunity_ratio("GRCh37", "GRCh37-exome")
    np.testing.assert_allclose(ratio * opportunity_ratio("GRCh37-exome", "GRCh37"), 1.0)
    assert ratio["A[C>A]G"] == ratio["A[C>T]G"]


def test_what_is_seen_of_a_signature_is_the_sum_of_its_weighted_profile() -> None:
    genome = load_reference("SBS1,SBS5,SBS10a")
    weighted = (genome.profiles * opportunity_ratio("GRCh37", "GRCh37-exome")).sum(axis=1)
    published = load_reference("cosmic-v3.4-exome").select(genome.names)
    np.testing.assert_allclose(seen_parts(published), weighted / weighted.mean(), rtol=1e-3)
    for unknown in (genome, SignatureSet(genome.profiles), load_reference("cosmic-v3.4-DBS-exome")):
        np.testing.assert_array_equal(seen_parts(unknown), 1)


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(InputDataError, match="expected one of GRCh37, GRCh38, GRCh37-exome"):
        opportunity_ratio("GRCh37", "mm10")
