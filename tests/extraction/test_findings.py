"""Advice: each finding appears when its cause is there, with its numbers, and not otherwise."""

import numpy as np
import pytest

from dnmf.report.findings import listing
from dnmf.signatures import SignatureSet


def titles(result) -> list[str]:
    return [finding.title for finding in result.findings]


def text_of(result, title: str) -> str:
    return next(finding.text for finding in result.findings if finding.title == title)


@pytest.fixture(scope="module")
def exposures() -> np.ndarray:
    return np.random.default_rng(0).gamma(2.0, 900.0, (40, 3))


def test_a_result_without_doubt_has_none(make_result, profiles, exposures, known):
    assert titles(make_result(profiles, exposures, reference=known)) == []


def test_warnings_of_the_run_come_first(make_result, profiles, exposures):
    result = make_result(profiles, exposures, warnings=["rank 2 only"])
    found = result.findings
    assert (found[0].level, found[0].text) == ("caution", "rank 2 only")
    assert [finding.title for finding in found[1:]] == ["No reference was given"]


def test_a_signature_that_no_mixture_explains_stays_novel(make_result, profiles, exposures, known):
    result = make_result(profiles, exposures, reference=known.select(["SBS1", "SBS3", "SBS88"]))
    assert titles(result) == ["SBS96B stays novel"]
    closest = result.layer.decomposition.summary.loc["SBS96B"]
    expected = f"the closest is {closest['references']} at {closest['cosine']:.2f}."
    assert expected in text_of(result, "SBS96B stays novel")


def test_two_references_in_one_signature_are_named_with_their_parts(
    make_result, profiles, exposures, known
):
    mixed = profiles.copy()
    others = known.profiles.loc[["SBS17b", "SBS88"]].to_numpy()
    mixed[1] = 0.55 * others[0] + 0.45 * others[1]
    result = make_result(mixed, exposures, reference=known)
    title = "SBS96B is probably a mixture of references"
    assert titles(result) == [title]
    assert "SBS17b 55%, SBS88 45%, together 1.00" in text_of(result, title)


def test_a_second_reference_as_good_as_the_best_is_named(make_result, profiles, exposures, known):
    twin = known.profiles.rename({"SBS88": "SBS2b"})
    twin.loc["SBS2b"] = 0.98 * twin.loc["SBS2"] + 0.02 * twin.loc["SBS1"]
    result = make_result(profiles, exposures, reference=SignatureSet(twin, source="twins"))
    title = "SBS96B may be made of other references"
    assert titles(result) == [title]
    assert "SBS96B: SBS2, or SBS2b." in text_of(result, title)


def test_near_equal_signatures_and_a_reference_matched_twice(
    make_result, profiles, exposures, known
):
    alike = profiles.copy()
    alike[2] = 0.97 * alike[1] + 0.03 * alike[0]
    found = titles(make_result(alike, exposures, reference=known))
    assert found == ["SBS96B and SBS96C are nearly equal", "SBS96B and SBS96C both match SBS2"]


def test_possible_artefacts_are_pointed_out(make_result, profiles, exposures, known):
    artefact = profiles.copy()
    artefact[0] = known.profiles.loc["SBS45"]
    assert titles(make_result(artefact, exposures, reference=known)) == [
        "SBS96A (SBS45): possible artefact"
    ]


def test_few_samples(make_result, profiles, exposures, known):
    found = titles(make_result(profiles, exposures[:14], reference=known))
    assert "14 samples are few for 3 signatures" in found


def test_few_mutations(make_result, profiles, exposures, known):
    counts = np.random.default_rng(0).poisson(exposures @ profiles / 40)
    result = make_result(profiles, exposures / 40, counts=counts, reference=known)
    assert any(title.startswith("The median sample has ") for title in titles(result))


def test_one_sample_that_dominates(make_result, profiles, exposures, known):
    heavy = exposures.copy()
    heavy[7] = [0, 0, 1e6]
    found = titles(make_result(profiles, heavy, reference=known))
    assert "SBS96C rests on one sample" in found
    assert any(title.startswith("s7 holds 8") for title in found)


def test_a_cost_that_still_falls(make_result, profiles, exposures, known):
    history = {"training": np.linspace(100, 50, 200)}
    found = titles(make_result(profiles, exposures, reference=known, history=history))
    assert found == ["The cost was still falling at the end of the training phase"]


def test_low_cosines_from_noise_are_told_apart_from_missing_processes(
    make_result, profiles, exposures, known
):
    rng = np.random.default_rng(0)
    few = exposures.copy()
    few[:5] = [[4.0, 3.0, 2.0]] * 5
    counts = rng.poisson(few @ profiles).astype(float)
    counts[39] = 2000 * known.profiles.loc["SBS88"]  # a process that is not among the three
    counts[38] = 0
    few[38] = 0
    result = make_result(profiles, few, counts=counts, reference=known)
    found = titles(result)
    assert "1 sample is not explained" in found
    assert text_of(result, "1 sample is not explained").startswith("s39:")
    assert any("below 0.9 for lack of mutations" in title for title in found)
    assert "1 sample has no mutations" in found
    cautions = [finding.level for finding in result.findings]
    assert cautions == sorted(cautions)  # cautions before notes


def test_expected_cosine_is_what_poisson_noise_gives(make_result, profiles):
    exposures = np.array([[60.0, 0, 0], [0, 500.0, 0], [0, 0, 5000.0], [0, 0, 0]])
    result = make_result(profiles, exposures)
    rng = np.random.default_rng(0)
    for row, expected in zip(exposures @ profiles, result.fit["expected_cosine"], strict=True):
        if not row.any():
            assert expected == 0
            continue
        drawn = rng.poisson(row, (4000, 96))
        cosines = drawn @ row / np.linalg.norm(drawn, axis=1) / np.linalg.norm(row)
        np.testing.assert_allclose(np.mean(cosines), expected, atol=0.01)


def test_lists_of_names_stay_short():
    assert listing(["a"]) == "a"
    assert listing([f"s{i}" for i in range(1200)]) == "s0, s1, s2, s3 and 1,196 more"
