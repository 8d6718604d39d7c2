"""Priors of a refit: what each kind holds, how it meets another reference, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dnmf.criteria import MIN_COHORT_SAMPLES, MIN_PRIOR_ROWS, MOST_PRIOR_ROWS
from dnmf.exceptions import DoubtfulDataWarning, InputDataError, ModelFileError
from dnmf.refit.prior import available_priors, load_prior
from dnmf.refit.summaries import Cluster, draw_rows, parse_summaries, summaries
from dnmf.signatures import SBS96, SignatureSet, load_reference
from dnmf.signatures.opportunity import opportunity_ratio


def signatures(*names: str) -> SignatureSet:
    profiles = np.random.default_rng(0).dirichlet(np.ones(96), len(names))
    return SignatureSet(pd.DataFrame(profiles, index=list(names), columns=SBS96.labels))


def exposures(n: int, *names: str) -> pd.DataFrame:
    values = np.random.default_rng(1).integers(1, 100, (n, len(names))).astype(float)
    return pd.DataFrame(values, index=[f"s{i}" for i in range(n)], columns=list(names))


OWN = signatures("A", "B", "C")


def test_pan_cancer_and_types_are_rows_of_shares_always_the_same() -> None:
    reference = load_reference("cosmic-v3.4")
    for prior, kind in (
        (None, "pan-cancer"),
        ("Pan-Cancer", "pan-cancer"),
        ("liver-hcc", "tumour type"),
    ):
        found = load_prior(prior, reference, 1)
        assert found.kind == kind
        assert 100 < len(found.shares) <= 2000
        assert found.shares.shape[1] == len(reference)
        assert_allclose(found.shares.sum(axis=1), 1)
        assert (found.shares >= 0).all()
        assert_array_equal(load_prior(prior, reference, 1).shares, found.shares)
    assert found.name == "Liver-HCC"


def test_every_type_has_a_prior() -> None:
    reference = load_reference("cosmic-v3-GRCh38")
    assert len(available_priors()) == 37
    means = {
        name: load_prior(name, reference, 1).shares.mean(axis=0) for name in available_priors()
    }
    melanoma = pd.Series(means["Skin-Melanoma"], index=reference.names)
    assert melanoma.idxmax() in ("SBS7a", "SBS7b")


def test_summaries_are_converted_to_what_an_exome_or_a_panel_sees() -> None:
    genome = load_reference("cosmic-v3.4")
    exome = load_reference("cosmic-v3.4", assay="exome")
    weights = np.random.default_rng(0).lognormal(0, 0.5, 96)
    weighted = genome.profiles * weights
    panel = SignatureSet(
        weighted.div(weighted.sum(axis=1), axis=0),
        target="GRCh37-a.bed",
        opportunity=pd.Series(weights, genome.profiles.columns),
    )
    ratio = opportunity_ratio("GRCh37", "GRCh37-exome").to_numpy()
    for seen, opportunity in ((exome, ratio), (panel, weights)):
        before = load_prior("Liver-HCC", genome, 1).shares
        after = load_prior("Liver-HCC", seen, 1).shares
        # The spectrum of what is seen of each tumour's mutations is exactly that of the converted shares.
        spectra = before @ genome.profiles.to_numpy() * opportunity
        expected = spectra / spectra.sum(axis=1, keepdims=True)
        assert_allclose(after @ seen.profiles.to_numpy(), expected, atol=1e-6)
    table = pd.DataFrame(before, columns=genome.names, index=[f"s{i}" for i in range(len(before))])
    assert_allclose(load_prior(table, panel, 1).shares, before)


def test_a_summary_is_of_several_tumours() -> None:
    for clusters in summaries().values():
        assert min(cluster.tumours for cluster in clusters) >= 5


def test_drawn_rows_have_the_moments_of_their_cluster() -> None:
    cluster = Cluster(
        8,
        ["A", "B", "C"],
        np.array([1, 0.25, 0.5]),
        np.array([0.9, 0.05, 0.05]),
        np.array([1, 1.5, 2]),
    )
    names, rows = draw_rows([cluster], 400)
    assert names == ["A", "B", "C"]
    assert_allclose((rows > 0).mean(axis=0), cluster.probability, atol=0.01)
    only_b = rows[(rows[:, 1] > 0) & (rows[:, 2] == 0)]
    assert_allclose(np.median(only_b[:, 1] / only_b[:, 0]), 0.05 / 0.9, rtol=0.1)


def test_rows_are_shared_among_clusters_by_their_tumours() -> None:
    one = np.ones(1)
    _, rows = draw_rows([Cluster(30, ["A"], one, one, one), Cluster(10, ["B"], one, one, one)], 80)
    assert_array_equal(rows.sum(axis=0), [60, 20])


def test_a_row_without_signature_takes_the_likeliest() -> None:
    low = np.array([0.02, 0.01])
    _, rows = draw_rows([Cluster(5, ["A", "B"], low, np.array([0.5, 0.5]), np.ones(2))], 10)
    assert_array_equal(rows, [[1, 0]] * 10)


def test_split_signatures_take_over_the_whole() -> None:
    old, new = load_reference("cosmic-v3-GRCh38"), load_reference("cosmic-v3.4")
    before = load_prior("Kidney-RCC", old, 1).shares
    after = load_prior("Kidney-RCC", new, 1).shares
    for whole, part in (("SBS40", "SBS40a"), ("SBS22", "SBS22a")):
        assert before[:, old.names.index(whole)].sum() > 0
        assert_allclose(before[:, old.names.index(whole)], after[:, new.names.index(part)])


def test_a_list_restricts_the_prior() -> None:
    reference = load_reference("SBS1,SBS2,SBS3,SBS5,SBS8,SBS13,SBS18")
    everything = load_prior("Breast-AdenoCA", load_reference("cosmic-v3-GRCh38"), 1).shares
    found = load_prior("Breast-AdenoCA", reference, 1)
    assert MIN_PRIOR_ROWS <= len(found.shares) <= len(everything)
    assert_allclose(found.shares.sum(axis=1), 1)


def test_a_type_that_has_little_to_do_with_the_reference_is_not_used() -> None:
    with pytest.warns(
        DoubtfulDataWarning, match="belong to signatures of the reference.*uses no prior"
    ):
        found = load_prior("Skin-Melanoma", load_reference("SBS1,SBS3"), 1)
    assert (found.kind, found.shares.shape) == ("none", (0, 2))


def test_the_default_of_unknown_signatures_is_the_cohort_or_none() -> None:
    assert load_prior(None, OWN, MIN_COHORT_SAMPLES).kind == "cohort"
    assert load_prior(None, OWN, MIN_COHORT_SAMPLES - 1).kind == "none"


def test_a_small_cohort_is_refused() -> None:
    assert load_prior("cohort", OWN, MIN_COHORT_SAMPLES).shares.shape == (0, 3)
    with pytest.raises(InputDataError, match=f"at least {MIN_COHORT_SAMPLES} samples.*has 7"):
        load_prior("cohort", OWN, 7)


@pytest.mark.parametrize(
    ("given", "hint"), [("brest-adenoca", "Breast-AdenoCA"), ("pancancer", "pan-cancer")]
)
def test_unknown_words_name_what_is_near(given: str, hint: str) -> None:
    with pytest.raises(InputDataError, match=f"no such file. Did you mean .*{hint}"):
        load_prior(given, OWN, 1)


def test_exposures_of_a_file_are_the_prior(tmp_path: Path) -> None:
    table = exposures(20, "C", "A")
    table.iloc[3] = 0
    path = tmp_path / "cohort.tsv"
    table.rename_axis("Samples").to_csv(path, sep="\t")
    with pytest.warns(DoubtfulDataWarning, match="1 of 20 samples have no mutations"):
        found = load_prior(path, OWN, 1)
    kept = table.drop("s3")
    assert (found.kind, found.name, found.file["name"]) == ("file", "cohort.tsv", "cohort.tsv")
    assert_allclose(found.shares[:, 0], kept["A"] / kept.sum(axis=1))
    assert_array_equal(found.shares[:, 1], 0)


def test_a_table_as_pcawg_published_it_is_a_prior(tmp_path: Path) -> None:
    table = exposures(20, "SBS1", "SBS40").rename_axis("Sample Names").reset_index()
    table.insert(0, "Cancer Types", "Liver-HCC")
    table.insert(2, "Accuracy", 0.9)
    table.to_csv(tmp_path / "tumours.csv", index=False)
    reference = signatures("SBS1", "SBS40a", "SBS40b")
    shares = load_prior(str(tmp_path / "tumours.csv"), reference, 1).shares
    assert_allclose(shares[:, 1], table["SBS40"] / (table["SBS1"] + table["SBS40"]))


def test_a_table_in_python_is_a_prior() -> None:
    table = exposures(20, "A", "B", "C")
    found = load_prior(table, OWN, 1)
    assert (found.kind, found.file) == ("file", {})
    assert_allclose(found.shares, table.div(table.sum(axis=1), axis=0))


def test_samples_mostly_of_other_signatures_are_left_out_with_a_word() -> None:
    table = exposures(40, "A", "B", "X")
    table["X"] = np.where(np.arange(40) < 18, 1000.0, 0.0)
    with pytest.warns(DoubtfulDataWarning, match="18 of 40 samples have most of their mutations"):
        shares = load_prior(table, OWN, 1).shares
    own = table.loc["s18":, ["A", "B"]]
    assert_allclose(shares[:, :2], own.div(own.sum(axis=1), axis=0))


def test_a_table_with_few_samples_is_not_used() -> None:
    with pytest.warns(
        DoubtfulDataWarning, match=f"only 15 of its samples.*{MIN_PRIOR_ROWS} are needed"
    ):
        assert load_prior(exposures(15, "A"), OWN, 1).kind == "none"


def test_a_table_of_other_signatures_is_refused() -> None:
    with pytest.raises(InputDataError, match="none of the 3 signatures of the reference"):
        load_prior(exposures(20, "X", "Y"), OWN, 1)


def test_faults_of_a_table_in_python_name_the_cell() -> None:
    table = exposures(20, "A", "B")
    table.loc["s4", "B"] = np.nan
    with pytest.raises(InputDataError, match=r"the prior, sample 's4' \(row 5\), column 'B'"):
        load_prior(table, OWN, 1)


def test_large_tables_are_thinned_with_a_word() -> None:
    table = exposures(MOST_PRIOR_ROWS + 10, "A", "B")
    with pytest.warns(DoubtfulDataWarning, match="has 2,010 samples; 2,000 of them"):
        found = load_prior(table, OWN, 1)
    assert found.shares.shape == (MOST_PRIOR_ROWS, 3)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([1.5, 0.1, 2], "no probability"),
        ([0.5, 0.1, 0.5], "no probability"),
        ([0.5, 0.1], "'SBS1'|signatures"),
    ],
)
def test_changed_summaries_are_refused(entry: list[float], message: str) -> None:
    cohort = {"types": ["T"], "clusters": [{"tumours": 5, "signatures": {"SBS1": entry}}]}
    with pytest.raises(ModelFileError, match=message):
        parse_summaries(json.dumps({"cohorts": [cohort]}).encode(), "summaries.json")
