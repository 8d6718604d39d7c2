"""Refit of known signatures: what the numbers promise, and who answers when."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.refit import RefitResult, load_refit_model, refit_exposures, save_refit_model
from dnmf.refit.estimate import RefitEstimate
from dnmf.refit.methods import evidence_for_selection, selected_shares
from dnmf.signatures import MutationCatalog, SignatureSet, example_catalog, load_reference

BREAST = ["SBS1", "SBS2", "SBS3", "SBS5", "SBS13"]
METHODS = ["network", "kl", "nnls", "sparse"]


def catalog_of(expected: np.ndarray, seed: int = 0) -> MutationCatalog:
    channels = load_reference("cosmic-v3.4").profiles.columns
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    names = [f"S{i}" for i in range(len(counts))]
    return MutationCatalog(pd.DataFrame(counts, index=names, columns=channels), source="made here")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    """Exposures of eight breast cancers of very unlike size, the last one without mutations."""
    rng = np.random.default_rng(3)
    shares = rng.dirichlet(np.array([1.0, 2.0, 3.0, 3.0, 2.0]), size=8)
    burdens = np.array([60, 300, 900, 3000, 6000, 12000, 40000, 0])
    return pd.DataFrame(shares * burdens[:, None], columns=BREAST)


@pytest.fixture(scope="module")
def catalog(truth: pd.DataFrame) -> MutationCatalog:
    profiles = load_reference("cosmic-v3.4").select(BREAST).profiles.to_numpy()
    return catalog_of(truth.to_numpy() @ profiles)


@pytest.fixture(scope="module", params=METHODS)
def result(request: pytest.FixtureRequest, catalog: MutationCatalog) -> RefitResult:
    return refit_exposures(catalog, "cosmic-v3.4", method=request.param)


def test_exposures_and_unassigned_are_all_mutations(
    result: RefitResult, catalog: MutationCatalog
) -> None:
    total = result.exposures.sum(axis=1) + result.unassigned
    np.testing.assert_allclose(total, catalog.burdens, rtol=1e-9, atol=1e-9)


def test_intervals_hold_the_estimates(result: RefitResult) -> None:
    assert (result.exposure_lower.to_numpy() >= 0).all()
    assert (result.exposure_lower.to_numpy() <= result.exposures.to_numpy() + 1e-9).all()
    assert (result.exposures.to_numpy() <= result.exposure_upper.to_numpy() + 1e-9).all()
    assert (
        result.exposure_upper.to_numpy() <= result.fit["mutations"].to_numpy()[:, None] + 1e-6
    ).all()


def test_only_a_network_says_how_probable_a_signature_is(result: RefitResult) -> None:
    if result.parameters["method"] == "network":
        assert result.presence is not None
        assert list(result.presence.index) == [f"S{i}" for i in range(7)]
        assert result.presence.to_numpy().min() >= 0
        assert result.presence.to_numpy().max() <= 1
    else:
        assert result.presence is None
        assert result.model is None


def test_a_sample_without_mutations_gets_zeros_and_says_so(result: RefitResult) -> None:
    assert not result.exposures.loc["S7"].any()
    assert not result.exposure_upper.loc["S7"].any()
    assert result.fit.loc["S7", "method"] == "none"
    assert "No mutations" in result.fit.loc["S7", "advice"]


def test_with_many_mutations_the_main_signatures_are_found(
    result: RefitResult, truth: pd.DataFrame
) -> None:
    found = result.exposures.loc["S6", BREAST].to_numpy() / 40_000
    assert np.abs(found - truth.loc[6].to_numpy() / 40_000).sum() < 0.2


def test_the_same_input_gives_the_same_bytes(catalog: MutationCatalog) -> None:
    first, second = (refit_exposures(catalog) for _ in range(2))
    assert first.exposures.to_numpy().tobytes() == second.exposures.to_numpy().tobytes()
    assert first.exposure_upper.to_numpy().tobytes() == second.exposure_upper.to_numpy().tobytes()


def test_the_likelihoods_certificate_is_small_and_other_methods_are_judged_by_it(
    catalog: MutationCatalog,
) -> None:
    likelihood = refit_exposures(catalog, method="kl").fit["certificate"]
    squares = refit_exposures(catalog, method="nnls").fit["certificate"]
    assert likelihood.max() < 1e-3
    assert (squares.iloc[:7] > likelihood.iloc[:7]).all()


def test_intervals_of_a_short_true_list_cover_nine_in_ten() -> None:
    reference = load_reference("cosmic-v3.4").select(BREAST)
    shares = np.random.default_rng(1).dirichlet(np.ones(5), size=200)
    catalog = catalog_of(2000 * shares @ reference.profiles.to_numpy())
    with pytest.warns(DoubtfulDataWarning, match="no network was trained"):
        result = refit_exposures(catalog, reference)
    true = 2000 * shares
    inside = (true >= result.exposure_lower.to_numpy()) & (true <= result.exposure_upper.to_numpy())
    assert 0.86 < inside.mean() < 0.94
    assert (result.fit["p_value"] < 0.05).mean() < 0.08


def test_auto_takes_the_network_where_it_was_made_for_the_sample(catalog: MutationCatalog) -> None:
    result = refit_exposures(catalog)
    assert result.model == "refit-cosmic-v3.4-GRCh37"
    assert (result.fit["method"].iloc[:7] == "network").mean() > 0.5


def test_the_threshold_on_the_card_decides_what_is_called_present(
    catalog: MutationCatalog, tmp_path: Path
) -> None:
    network, card = load_refit_model("refit-cosmic-v3.4-GRCh37")
    card = replace(card, name="strict", presence_threshold=0.95)
    strict = refit_exposures(
        catalog, method="network", model=save_refit_model(network, card, tmp_path)
    )
    usual = refit_exposures(catalog, method="network")
    assert (usual.presence_threshold, strict.presence_threshold) == (0.5, 0.95)
    assert usual.presence is not None
    between = ((usual.presence > 0.5) & (usual.presence <= 0.95)).any(axis=1)
    changed = (usual.exposure_upper != strict.exposure_upper).any(axis=1)[between.index]
    assert between.any()
    assert changed.equals(between)
    assert strict.present.sum().sum() < usual.present.sum().sum()


def test_a_sample_that_is_taken_for_fewer_mutations_says_for_how_many() -> None:
    profile = load_reference("cosmic-v3.4").select(["SBS5"]).profiles.to_numpy()
    factors = np.random.default_rng(0).gamma(5, 1 / 5, size=(1, 96))
    catalog = catalog_of(8000 * profile * np.concatenate([np.ones((1, 96)), factors]))
    result = refit_exposures(catalog, method="network")
    assert result.fit["dispersion"].iloc[0] == 1
    assert result.fit["dispersion"].iloc[1] > 3
    number = result.fit["mutations"].iloc[1] / result.fit["dispersion"].iloc[1]
    assert any(f"S1 ({number:,.0f})" in finding.text for finding in result.findings)


def test_former_names_still_work_and_say_the_new_ones(catalog: MutationCatalog) -> None:
    with pytest.warns(DeprecationWarning, match="now called tumour_type"):
        result = refit_exposures(catalog, cohort="Breast-AdenoCA")
    assert result.parameters["tumour_type"] == "Breast-AdenoCA"
    with pytest.warns(DeprecationWarning, match="exposure_lower"):
        assert result.lower is result.exposure_lower
    with pytest.warns(DeprecationWarning, match="exposure_upper"):
        assert result.upper is result.exposure_upper


def test_a_result_prints_in_a_few_lines_and_sums_up_its_signatures(result: RefitResult) -> None:
    lines = repr(result).splitlines()
    assert len(lines) <= 5
    assert "8 samples" in lines[0]
    summary = result.summary()
    assert summary["share"].is_monotonic_decreasing
    assert (summary["samples"] == result.present.sum()[summary.index]).all()
    if result.presence is None:
        most = result.exposures.div(result.fit["mutations"].clip(lower=1), axis=0).gt(0.05)
        assert result.present.equals(most)
    else:
        assert result.present.loc["S6"].equals(result.presence.loc["S6"] > 0.5)


def test_auto_leaves_counts_out_of_range_to_the_selection() -> None:
    profiles = load_reference("cosmic-v3.4").select(BREAST).profiles.to_numpy()
    catalog = catalog_of(np.array([8.0, 1000.0, 400_000.0])[:, None] * profiles[3])
    result = refit_exposures(catalog)
    assert list(result.fit["method"]) == ["sparse", "network", "sparse"]
    assert "fewer than the network was trained for" in result.fit["advice"].iloc[0]
    assert "more than the network was trained for" in result.fit["advice"].iloc[2]
    assert result.presence is not None
    assert list(result.presence.index) == ["S1"]
    with pytest.raises(InputDataError, match="was trained for 20 to 200,000"):
        refit_exposures(catalog, method="network")


def test_without_a_network_a_long_list_is_cut_and_a_short_one_is_not(
    catalog: MutationCatalog,
) -> None:
    names = load_reference("cosmic-v3.4").names
    for size, method in ((10, "kl"), (11, "sparse")):
        with pytest.warns(DoubtfulDataWarning, match=rf"\({method}\) is used instead"):
            result = refit_exposures(catalog, load_reference("cosmic-v3.4").select(names[:size]))
        assert set(result.fit["method"]) == {method, "none"}


def test_auto_leaves_mixtures_that_no_tumour_is_to_the_selection_when_that_is_better() -> None:
    reference = load_reference("cosmic-v3.4")
    rng = np.random.default_rng(0)
    truth = np.zeros((80, 86))
    for row in truth:
        row[rng.choice(86, 5, replace=False)] = rng.dirichlet(np.ones(5))
    catalog = catalog_of(5000 * truth @ reference.profiles.to_numpy())
    results = [refit_exposures(catalog, method=method) for method in ("auto", "network")]
    switched = (results[0].fit["method"] == "sparse").to_numpy()
    assert switched.sum() >= 5
    assert all(
        "much better than the network" in text for text in results[0].fit["advice"][switched]
    )
    shares = [r.exposures.div(r.exposures.sum(axis=1), axis=0).to_numpy() for r in results]
    auto, network = (np.abs(found - truth)[switched].sum(axis=1).mean() for found in shares)
    assert auto < 0.8 * network
    assert np.array_equal(shares[0][~switched], shares[1][~switched])


def test_a_signature_that_the_reference_lacks_is_left_unassigned() -> None:
    reference = load_reference("cosmic-v3.4").select(["SBS1", "SBS5"])
    other = load_reference("cosmic-v3.4").select(["SBS2"]).profiles.to_numpy()[0]
    spectrum = 0.7 * reference.profiles.to_numpy()[1] + 0.3 * other
    result = refit_exposures(catalog_of(3000 * spectrum[None, :]), reference, method="kl")
    assert result.fit["p_value"].iloc[0] < 1e-6
    assert 0.2 < result.fit["unassigned"].iloc[0] < 0.35
    assert "look for a missing signature" in result.fit["advice"].iloc[0]


def test_signatures_that_a_sample_cannot_tell_apart_are_named() -> None:
    reference = load_reference("cosmic-v3.4").select(["SBS1", "SBS5", "SBS40a"])
    spectrum = np.array([0.1, 0.6, 0.3]) @ reference.profiles.to_numpy()
    # Without noise: the loss of likelihood is then the number of mutations times a constant.
    counts = pd.DataFrame(np.array([10.0, 60_000.0])[:, None] * spectrum, index=["few", "many"])
    counts.columns = reference.profiles.columns
    result = refit_exposures(MutationCatalog(counts), reference, method="kl")
    few, many = result.fit["exchangeable"]
    assert "SBS5" in few
    assert "SBS40a" in few
    assert many == ""


@pytest.mark.filterwarnings("error")
def test_another_reference_is_refused_by_the_network(catalog: MutationCatalog) -> None:
    with pytest.raises(InputDataError, match="no network was trained"):
        refit_exposures(catalog, "SBS1,SBS5", method="network")
    with pytest.raises(InputDataError, match="not the profiles"):
        refit_exposures(
            catalog, "cosmic-v3.4-GRCh38", method="network", model="refit-cosmic-v3.4-GRCh37"
        )


def test_what_is_not_used_is_said(catalog: MutationCatalog) -> None:
    with pytest.warns(DoubtfulDataWarning, match="not used"):
        result = refit_exposures(catalog, method="nnls", tumour_type="Breast-AdenoCA")
    assert len(result.warnings) == 1
    assert result.parameters["tumour_type"] is None


def test_mistakes_are_explained(catalog: MutationCatalog) -> None:
    with pytest.raises(InputDataError, match="expected one of auto, network"):
        refit_exposures(catalog, method="magic")  # type: ignore[arg-type]
    with pytest.raises(InputDataError, match="Did you mean Breast-AdenoCA"):
        refit_exposures(catalog, tumour_type="breast-adeno")
    with pytest.raises(InputDataError, match="nothing to refit"):
        refit_exposures(catalog_of(np.zeros((2, 96))))


def test_channels_of_another_kind_are_refused(catalog: MutationCatalog) -> None:
    profiles = load_reference("SBS1,SBS5").profiles
    short = profiles.iloc[:, :95]
    with pytest.raises((ChannelMismatchError, InputDataError)):
        refit_exposures(catalog, SignatureSet(short.div(short.sum(axis=1), axis=0)))


def test_unassigned_mutations_may_be_any_signatures_so_upper_ends_keep_them() -> None:
    """The only signature of a reference could have all mutations, also those that it does not explain."""
    profiles = load_reference("cosmic-v3.4").select(["SBS5", "SBS7a"]).profiles
    catalog = MutationCatalog(pd.DataFrame({"S": 1000 * profiles.sum()}).T)
    result = refit_exposures(catalog, load_reference("cosmic-v3.4").select(["SBS5"]), method="kl")
    assert result.unassigned["S"] > 500
    assert result.exposures.loc["S", "SBS5"] == pytest.approx(2000 - result.unassigned["S"])
    assert result.exposure_upper.loc["S", "SBS5"] == pytest.approx(2000)
    assert result.exposure_lower.loc["S", "SBS5"] < result.exposures.loc["S", "SBS5"]


def test_evidence_for_selection_does_not_grow_with_overdispersion() -> None:
    """Counts that vary seven times as much have sevenfold deviances: evidence is per unit of dispersion."""
    rng = np.random.default_rng(0)
    W = load_reference("cosmic-v3.4").profiles.to_numpy()[:12]
    X = rng.poisson(3000 * rng.dirichlet(np.ones(3), size=4) @ W[[0, 3, 8]]) * 2.0
    # A refit that is too even, and that calls as many signatures present as the selection takes.
    estimate = RefitEstimate.empty(4, 12)
    estimate.shares[:] = 0.5 * selected_shares(X, W) + 0.5 / 12
    estimate.presence[:] = selected_shares(X, W) > 0
    evidence = evidence_for_selection(X, estimate, W, 0.5)
    assert (evidence > 10).all()
    np.testing.assert_allclose(evidence_for_selection(7 * X, estimate, W, 0.5), evidence, rtol=1e-3)


def test_a_type_under_both_of_its_names_is_refused():
    with pytest.raises(InputDataError, match="tumour_type alone"):
        refit_exposures(example_catalog(), tumour_type="Liver-HCC", cohort="Breast-AdenoCA")


@pytest.mark.parametrize("method", ["auto", "network", "kl", "nnls", "sparse"])
@pytest.mark.parametrize(
    ("scale", "told"),
    [(1, "these are frequencies"), (100, "these are percentages"), (1e6, "a common total")],
)
def test_a_refit_needs_counts(method, scale, told):
    counts = example_catalog().counts
    scaled = MutationCatalog(scale * counts.div(counts.sum(axis=1), axis=0))
    with pytest.raises(InputDataError, match=f"the catalog: every sample sums.*{told}.*multiply"):
        refit_exposures(scaled, "SBS1,SBS5", method=method)
