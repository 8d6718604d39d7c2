"""Cohorts with known truth: who takes part, what each noise changes, what the reference lacks, what counts as found."""

import numpy as np
import pandas as pd
import pytest

from cohort_intervals import hits_of
from cohort_protocol import CHOICE, TEST, Found, draw_cohort, extraction_scores, guided_scores
from dnmf.criteria import INTERVALS_HELD, RESTARTS_HELD
from dnmf.signatures import SBS96
from protocol import RESULTS

NAMES = ["SBS1", "SBS5", "SBS9", "SBS40", "SBS84"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Ten tumours of one type: SBS1 and SBS5 in all, SBS9 in four, SBS40 in one, SBS84 not in the table."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(0, index=range(10), columns=NAMES[:4])
    table[["SBS1", "SBS5"]] = 5_000
    table.loc[:3, "SBS9"] = 3_000
    table.loc[0, "SBS40"] = 2_000
    table.insert(0, "Accuracy", [0.95] * 8 + [0.8, 0.7])
    table.insert(0, "Sample Names", [f"tumour {number}" for number in table.index])
    table.insert(0, "Cancer Types", "Lymph-CLL")
    table.to_csv(folder / "pcawg_sbs_exposures.csv", index=False)
    (folder / "cosmic").mkdir()
    profiles = rng.dirichlet(np.full(96, 0.1), len(NAMES))
    for version, names in (("3", NAMES), ("3.6", [*NAMES[:3], "SBS40a", "SBS84"])):
        given = pd.DataFrame(profiles.T, index=SBS96.labels, columns=names)
        path = folder / "cosmic" / f"COSMIC_v{version}_SBS_GRCh38.txt"
        given.to_csv(path, sep="\t", index_label="Type")
    return folder


def named(cohort, mask):
    return {name for name, chosen in zip(cohort.names, mask, strict=True) if chosen}


def test_no_tumour_type_is_in_two_cohorts():
    types = [name for cohort in (CHOICE | TEST).values() for name in cohort]
    assert len(types) == len(set(types))
    assert not set(CHOICE) & set(TEST)


def test_badly_reconstructed_tumours_stay_out_and_rare_signatures_in(data):
    cohort = draw_cohort(data, "CLL")
    assert cohort.counts.shape == (9, 96)
    assert named(cohort, cohort.frequent) == {"SBS1", "SBS5", "SBS9"}
    assert named(cohort, cohort.present) == {"SBS1", "SBS5", "SBS9", "SBS40"}


def test_counts_do_not_depend_on_what_is_taken_out(data):
    whole, half = draw_cohort(data, "CLL"), draw_cohort(data, "CLL", removed="half")
    np.testing.assert_array_equal(whole.counts, half.counts)
    assert half.taken_out.sum() == 1
    assert named(half, half.taken_out) <= named(half, half.frequent)
    assert set(half.reference_names) == set(NAMES) - named(half, half.taken_out)


def test_another_signature_is_taken_out_for_each_seed(data):
    cohorts = [draw_cohort(data, "CLL", seed=seed, removed="one") for seed in range(3)]
    assert {frozenset(named(c, c.taken_out)) for c in cohorts} == {
        frozenset({name}) for name in ("SBS1", "SBS5", "SBS9")
    }


def test_nb_is_wider_than_poisson_and_perturbed_profiles_are_those_of_the_data(data):
    poisson, wide, perturbed = (
        draw_cohort(data, "CLL", noise) for noise in ("poisson", "nb", "perturbed")
    )
    expected = poisson.exposures @ poisson.profiles
    for cohort, variance in ((poisson, expected), (wide, expected + 0.01 * expected**2)):
        z = (cohort.counts - expected) / np.sqrt(variance)
        assert np.mean(z[expected > 20] ** 2) == pytest.approx(1, abs=0.2)
    np.testing.assert_array_equal(perturbed.reference, poisson.reference)
    ratio = np.log(perturbed.profiles / perturbed.reference)
    assert np.std(ratio[perturbed.reference > 1e-9]) == pytest.approx(0.3, abs=0.05)


def test_the_truth_scores_full_marks(data):
    cohort = draw_cohort(data, "CLL")
    scores = extraction_scores(cohort.profiles[cohort.present], cohort)
    assert scores["tpr_90"] == scores["ppv_90"] == scores["f1_95"] == scores["explained"] == 1
    assert scores["composite_90"] == pytest.approx(3)
    assert scores["k_error"] == 1


def test_a_found_signature_counts_once(data):
    cohort = draw_cohort(data, "CLL")
    scores = extraction_scores(cohort.profiles[[0, 0, 1, 4]], cohort)
    assert scores["found_90"] == 2
    assert scores["ppv_90"] == 0.5
    assert scores["explained"] == pytest.approx(90_000 / 104_000)


def test_names_are_scored_apart_from_novel_signatures(data):
    cohort = draw_cohort(data, "CLL", removed="one")
    known = np.isin(cohort.reference_names, ["SBS1", "SBS5", "SBS9", "SBS84"])
    novel = np.vstack([cohort.profiles[cohort.taken_out], np.full((1, 96), 1 / 96)])
    scores = guided_scores(Found(novel, known), cohort)
    assert scores["recall"] == 1
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["removed_found"] == scores["false_novel"] == 1


def test_names_of_another_version_match_by_profile(data):
    cohort = draw_cohort(data, "CLL", "other")
    scores = guided_scores(
        Found(cohort.profiles[:0], np.array([True, True, True, True, False])), cohort
    )
    assert scores["recall"] == scores["precision"] == 1


def test_another_version_with_signatures_taken_out_is_refused(data):
    with pytest.raises(ValueError, match="not defined"):
        draw_cohort(data, "CLL", "other", removed="one")


def test_intervals_are_compared_with_the_truth_of_the_signatures_that_are_found(data):
    hits = hits_of(draw_cohort(data, "CLL"))
    # Nine tumours: two signatures in all, one in four of them, one in a single one.
    assert 22 <= hits["exposures"].size <= 23
    assert hits["exposures"].mean() > 0.7
    assert not any(hits[name].size for name in hits if name != "exposures")


def test_what_a_page_says_of_intervals_is_what_was_measured():
    """The reference of the data's version: complete for exposures, without one signature for novel ones."""
    table = pd.read_csv(RESULTS / "cohort_intervals.csv")
    table = table[(table["part"] == "test") & (table["noise"] != "other")]
    sums = table.groupby("removed").sum(numeric_only=True)
    measured = {
        "exposures": ("none", "exposures"),
        "exposures to novel signatures": ("one", "exposures_novel"),
        "channels of novel signatures": ("one", "channels"),
        "channels of at least 1 % of novel signatures": ("one", "channels_large"),
    }
    held = {
        words: round(sums.loc[removed, f"{name}_held"] / sums.loc[removed, name], 2)
        for words, (removed, name) in measured.items()
    }
    assert held == INTERVALS_HELD


def test_what_a_page_says_of_percentiles_over_restarts_is_what_was_measured():
    table = pd.read_csv(RESULTS / "interval_coverage.csv").round(2)
    columns = {"channels of at least 1 %": "channels", "exposures": "exposures_present"}
    measured = {
        words: (table[column].min(), table[column].max()) for words, column in columns.items()
    }
    assert measured == RESTARTS_HELD
