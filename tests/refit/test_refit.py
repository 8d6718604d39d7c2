"""Refit of known signatures: what the numbers promise, whatever the reference, the method and the prior."""

import numpy as np
import pandas as pd
import pytest

from dnmf.criteria import MIN_COHORT_SAMPLES, PRESENCE_THRESHOLD
from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.refit import RefitResult, refit_exposures
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


@pytest.fixture(scope="module")
def by_network(catalog: MutationCatalog) -> RefitResult:
    return refit_exposures(catalog)


@pytest.fixture(scope="module", params=METHODS)
def result(
    request: pytest.FixtureRequest, catalog: MutationCatalog, by_network: RefitResult
) -> RefitResult:
    if request.param == "network":
        return by_network
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
        assert result.prior is None


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


def test_the_same_input_gives_the_same_bytes(
    catalog: MutationCatalog, by_network: RefitResult
) -> None:
    first, second = by_network, refit_exposures(catalog)
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
    result = refit_exposures(catalog, reference, method="kl")
    true = 2000 * shares
    inside = (true >= result.exposure_lower.to_numpy()) & (true <= result.exposure_upper.to_numpy())
    assert 0.86 < inside.mean() < 0.94
    assert (result.fit["p_reference"] < 0.05).mean() < 0.08
    # The answer of highest likelihood is what the reference can do at best.
    np.testing.assert_allclose(result.fit["p_answer"], result.fit["p_reference"], rtol=1e-3)


def test_one_method_answers_every_number_of_mutations(catalog: MutationCatalog) -> None:
    profiles = load_reference("cosmic-v3.4").select(BREAST).profiles.to_numpy()
    result = refit_exposures(catalog_of(np.array([8.0, 1000.0, 400_000.0])[:, None] * profiles[3]))
    assert list(result.fit["method"]) == ["network"] * 3
    assert "Few mutations (" in result.fit["advice"].iloc[0]
    assert (result.fit["dispersion"] >= 1).all()


def test_what_is_not_called_is_exactly_zero(by_network: RefitResult) -> None:
    result = by_network
    zeros = (result.exposures == 0).sum(axis=1).iloc[:7]
    assert (zeros > 40).all()
    called = result.present.to_numpy()
    assert (result.exposures.to_numpy()[called] > 0).all()


def test_a_signature_is_present_where_it_is_probable(by_network: RefitResult) -> None:
    result = by_network
    assert result.presence is not None
    assert result.present.iloc[:7].equals(result.presence > PRESENCE_THRESHOLD)
    assert not result.present.loc["S7"].any()  # no mutations


def test_the_prior_that_was_used_is_told(catalog: MutationCatalog) -> None:
    table = pd.DataFrame(np.tile(np.eye(5) + 0.1, (4, 1)), columns=BREAST)
    for prior, kind in (("none", "none"), (table, "file"), ("Breast-AdenoCA", "tumour type")):
        result = refit_exposures(catalog, ",".join(BREAST), prior=prior)
        assert result.prior is not None
        assert result.prior.kind == kind
        assert result.parameters["prior"] == result.prior.name
        assert result.prior_in_words in repr(result)
    exome = refit_exposures(
        catalog, load_reference(",".join(BREAST), assay="exome"), prior="Breast-AdenoCA"
    )
    assert "Breast-AdenoCA, as they are seen in GRCh37-exome" in exome.prior_in_words
    classic = refit_exposures(catalog, ",".join(BREAST), method="kl")
    assert classic.prior is None
    assert classic.parameters["prior"] is None


def test_with_the_cohort_as_prior_each_answer_depends_on_the_others_and_that_is_said() -> None:
    profiles = load_reference("cosmic-v3.4").select(BREAST).profiles.to_numpy()
    shares = np.random.default_rng(0).dirichlet(np.ones(5), size=MIN_COHORT_SAMPLES)
    many = catalog_of(500 * shares @ profiles)
    result = refit_exposures(many, ",".join(BREAST), prior="cohort")
    assert "depends on the other samples" in result.prior_in_words
    assert any("depends on the other" in finding.title for finding in result.findings)
    few = MutationCatalog(many.counts.iloc[:5])
    with pytest.raises(InputDataError, match=str(MIN_COHORT_SAMPLES)):
        refit_exposures(few, ",".join(BREAST), prior="cohort")


@pytest.mark.parametrize("method", METHODS)
def test_progress_counts_the_samples_and_what_it_raises_ends_the_work(
    method: str, catalog: MutationCatalog
) -> None:
    calls: list[tuple[str, int, int, float]] = []
    refit_exposures(catalog, "SBS1,SBS5", method=method, progress=lambda *call: calls.append(call))
    assert calls[-1][1] == calls[-1][2] > 0

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refit_exposures(catalog, "SBS1,SBS5", method=method, progress=stop)


def test_former_names_still_work_and_say_the_new_ones(catalog: MutationCatalog) -> None:
    for name in ("cohort", "tumour_type"):
        with pytest.warns(
            DeprecationWarning, match=f"{name} is now called prior; .*with version 0.3"
        ):
            result = refit_exposures(catalog, **{name: "Breast-AdenoCA"})
        assert result.parameters["prior"] == "Breast-AdenoCA"
    with pytest.warns(DeprecationWarning, match="auto is now called network.*with version 0.3"):
        result = refit_exposures(catalog, method="auto")  # type: ignore[arg-type]
    assert result.parameters["method"] == "network"
    with pytest.warns(DeprecationWarning, match="exposure_lower; .*with version 0.3"):
        assert result.lower is result.exposure_lower
    with pytest.warns(DeprecationWarning, match="exposure_upper; .*with version 0.3"):
        assert result.upper is result.exposure_upper


def test_who_gives_a_network_is_told_what_to_do_instead(catalog: MutationCatalog) -> None:
    with pytest.raises(InputDataError, match=r"one network takes every reference.*--prior FILE"):
        refit_exposures(catalog, model="breast.json")
    with pytest.raises(TypeError, match="unexpected keyword argument 'modell'"):
        refit_exposures(catalog, modell="breast.json")


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


def test_a_signature_that_the_reference_lacks_is_left_unassigned() -> None:
    reference = load_reference("cosmic-v3.4").select(["SBS1", "SBS5"])
    other = load_reference("cosmic-v3.4").select(["SBS2"]).profiles.to_numpy()[0]
    spectrum = 0.7 * reference.profiles.to_numpy()[1] + 0.3 * other
    result = refit_exposures(catalog_of(3000 * spectrum[None, :]), reference, method="kl")
    assert result.fit["p_reference"].iloc[0] < 1e-6
    assert result.fit["p_answer"].iloc[0] < 1e-6
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


def test_what_is_not_used_is_said(catalog: MutationCatalog) -> None:
    with pytest.warns(DoubtfulDataWarning, match="'Breast-AdenoCA' is not used: the method nnls"):
        result = refit_exposures(catalog, method="nnls", prior="Breast-AdenoCA")
    assert len(result.warnings) == 1
    assert result.parameters["prior"] is None


def test_mistakes_are_explained(catalog: MutationCatalog) -> None:
    with pytest.raises(InputDataError, match="expected one of network, kl"):
        refit_exposures(catalog, method="magic")  # type: ignore[arg-type]
    with pytest.raises(InputDataError, match="Breast-AdenoCA"):
        refit_exposures(catalog, prior="breast-adeno")
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


def test_a_type_under_both_of_its_names_is_refused():
    with (
        pytest.warns(DeprecationWarning, match="cohort is now called prior"),
        pytest.raises(InputDataError, match="prior alone: cohort is its former name"),
    ):
        refit_exposures(example_catalog(), prior="Liver-HCC", cohort="Breast-AdenoCA")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("scale", "told"),
    [(1, "these are frequencies"), (100, "these are percentages"), (1e6, "a common total")],
)
def test_a_refit_needs_counts(method, scale, told):
    counts = example_catalog().counts
    scaled = MutationCatalog(scale * counts.div(counts.sum(axis=1), axis=0))
    with pytest.raises(InputDataError, match=f"the catalog: every sample sums.*{told}.*multiply"):
        refit_exposures(scaled, "SBS1,SBS5", method=method)
