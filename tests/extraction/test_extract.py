import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF, MultiplicativeNMF, PaperDNMF
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.extraction import ExtractionResult, extract_signatures
from dnmf.metrics import cosine_similarity, match_components
from dnmf.signatures import SBS96, MutationCatalog, SignatureSet, load_reference, simulate_catalog

pytestmark = pytest.mark.usefixtures("quick_search")

TRUE_NAMES = ["SBS1", "SBS4", "SBS13"]


@pytest.fixture(scope="module")
def reference() -> SignatureSet:
    return load_reference("cosmic-v3.4")


@pytest.fixture(scope="module")
def problem(reference: SignatureSet) -> tuple[MutationCatalog, pd.DataFrame]:
    """Fifty samples of three known signatures with many mutations."""
    return simulate_catalog(
        reference.select(TRUE_NAMES), 50, mean_burden=50_000, sparsity=0.3, random_state=3
    )


@pytest.fixture(scope="module")
def small(problem: tuple[MutationCatalog, pd.DataFrame]) -> MutationCatalog:
    """Twelve of these samples, where what is found does not matter."""
    return MutationCatalog(problem[0].counts.iloc[:12])


@pytest.fixture(scope="module")
def result(
    problem: tuple[MutationCatalog, pd.DataFrame], reference: SignatureSet
) -> ExtractionResult:
    return extract_signatures(problem[0], 3, n_restarts=2, reference=reference)


def test_simulated_signatures_are_found_and_named(result: ExtractionResult) -> None:
    assert set(result.matches["reference"]) == set(TRUE_NAMES)
    assert (result.matches["cosine"] >= 0.95).all()
    assert result.matches["assigned"].all()


def test_true_exposures_are_recovered_in_mutations(
    result: ExtractionResult, problem: tuple[MutationCatalog, pd.DataFrame], reference: SignatureSet
) -> None:
    true = problem[1]
    rows, columns, _ = match_components(
        result.signatures.profiles.to_numpy(), reference.select(TRUE_NAMES).profiles.to_numpy()
    )
    found = result.exposures.to_numpy()[:, rows]
    error = np.abs(found - true.to_numpy()[:, columns]).sum(axis=1) / true.sum(axis=1)
    assert np.median(error) < 0.05


def test_order_names_and_shares(result: ExtractionResult) -> None:
    assert result.signatures.names == ["SBS96A", "SBS96B", "SBS96C"]
    assert list(result.exposures.columns) == result.signatures.names
    assert list(result.matches["found"]) == result.signatures.names
    shares = result.matches["share"].to_numpy()
    assert (np.diff(shares) <= 0).all()
    np.testing.assert_allclose(shares.sum(), 1.0)
    np.testing.assert_allclose(result.signatures.profiles.sum(axis=1), 1.0)


def test_fit_is_that_of_the_exposures_given_out(
    result: ExtractionResult, problem: tuple[MutationCatalog, pd.DataFrame]
) -> None:
    counts = problem[0].counts.to_numpy()
    reconstruction = result.exposures.to_numpy() @ result.signatures.profiles.to_numpy()
    own = np.diag(cosine_similarity(counts, reconstruction))
    np.testing.assert_allclose(result.fit["cosine"], own, rtol=1e-10)
    np.testing.assert_allclose(result.fit["mutations"], counts.sum(axis=1))
    np.testing.assert_allclose(
        result.fit["relative_l1"],
        np.abs(counts - reconstruction).sum(axis=1) / counts.sum(axis=1),
        rtol=1e-10,
    )
    assert result.fit["cosine"].median() > 0.99
    assert list(result.fit.index) == problem[0].sample_names


def test_exposures_are_the_networks(
    result: ExtractionResult, problem: tuple[MutationCatalog, pd.DataFrame]
) -> None:
    order = [result.model_metadata["signatures"].index(name) for name in result.signatures.names]
    counts = problem[0].counts.to_numpy()
    inferred = result.model.transform(counts) @ result.model.components_
    # No more than the sample has.
    inferred *= np.minimum(1, counts.sum(axis=1) / inferred.sum(axis=1))[:, None]
    given = result.exposures.to_numpy() @ result.signatures.profiles.to_numpy()
    np.testing.assert_allclose(given, inferred, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(
        result.signatures.profiles.to_numpy(),
        result.model.components_[order]
        / result.model.components_[order].sum(axis=1, keepdims=True),
        rtol=1e-9,
    )


def test_same_seed_same_result(
    result: ExtractionResult,
    problem: tuple[MutationCatalog, pd.DataFrame],
    reference: SignatureSet,
) -> None:
    again = extract_signatures(problem[0], 3, n_restarts=2, reference=reference)
    pd.testing.assert_frame_equal(again.exposures, result.exposures, check_exact=True)
    pd.testing.assert_frame_equal(
        again.signatures.profiles, result.signatures.profiles, check_exact=True
    )


def test_the_papers_preset_gives_mutations_and_probabilities_too(
    problem: tuple[MutationCatalog, pd.DataFrame],
) -> None:
    counts = problem[0].counts
    result = extract_signatures(problem[0], 3, model=PaperDNMF(max_epochs=30))
    np.testing.assert_allclose(result.signatures.profiles.sum(axis=1), 1.0)
    # In mutations: a least-squares reconstruction keeps totals of the right size.
    assert result.exposures.sum(axis=1).median() == pytest.approx(
        counts.sum(axis=1).median(), rel=0.5
    )


def test_without_a_reference_the_matches_are_empty_with_all_columns(
    small: MutationCatalog, result: ExtractionResult
) -> None:
    bare = extract_signatures(small, 2, n_restarts=2, model=DNMF(n_steps=1))
    assert bare.reference is None
    assert len(bare.matches) == 0
    assert list(bare.matches.columns) == list(result.matches.columns)


def test_empty_samples_get_zeros_and_change_nothing_else(
    small: MutationCatalog,
) -> None:
    counts = small.counts
    empty = pd.DataFrame(0.0, index=["nothing", "naught"], columns=counts.columns)
    catalog = MutationCatalog(pd.concat([counts[:4], empty, counts[4:]]))
    with_empty = extract_signatures(catalog, 3, n_restarts=2, model=DNMF(n_steps=4))
    without = extract_signatures(small, 3, n_restarts=2, model=DNMF(n_steps=4))
    assert (with_empty.exposures.loc[["nothing", "naught"]] == 0).all(axis=None)
    assert (with_empty.fit.loc[["nothing", "naught"]] == 0).all(axis=None)
    pd.testing.assert_frame_equal(
        with_empty.exposures.drop(["nothing", "naught"]), without.exposures, check_exact=True
    )


def test_progress_reports_every_phase_to_its_end(
    small: MutationCatalog,
) -> None:
    calls: list[tuple[str, int, int, float]] = []
    result = extract_signatures(
        small, 2, n_restarts=0, model=DNMF(n_steps=4), progress=lambda *call: calls.append(call)
    )
    last = {phase: (step, total) for phase, step, total, _ in calls}
    # A network that is exact from the start is not trained.
    assert {"dictionary"} <= set(last) <= set(result.history)
    for step, total in last.values():
        assert 0 < step <= total
    assert all(np.isfinite(cost) for *_, cost in calls)


def test_an_interruption_by_the_watcher_is_not_swallowed(
    small: MutationCatalog,
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_signatures(small, 2, n_restarts=0, progress=stop)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, 51, 97])
def test_impossible_numbers_of_signatures(
    problem: tuple[MutationCatalog, pd.DataFrame], k: int
) -> None:
    with pytest.raises(InputDataError, match=str(k)):
        extract_signatures(problem[0], k)


def test_a_catalog_without_mutations_is_refused() -> None:
    counts = pd.DataFrame(0.0, index=["a", "b"], columns=SBS96.labels)
    with pytest.raises(InputDataError, match="nothing to extract"):
        extract_signatures(MutationCatalog(counts, source="empty.tsv"), 1)


def test_more_signatures_than_the_rank_warns_and_is_recorded(
    problem: tuple[MutationCatalog, pd.DataFrame],
) -> None:
    counts = problem[0].counts.iloc[[0, 0, 1, 1, 1]].set_axis(list("abcde"))
    with pytest.warns(DoubtfulDataWarning) as seen:
        result = extract_signatures(MutationCatalog(counts), 3, n_restarts=2, model=DNMF(n_steps=2))
    assert result.warnings == [str(item.message) for item in seen]
    assert sum("rank 2" in text for text in result.warnings) == 1


def test_a_reference_that_does_not_exist_is_told_before_the_work(small: MutationCatalog) -> None:
    def unexpected(*_: object) -> None:
        raise AssertionError

    with pytest.raises(InputDataError, match="no reference 'cosmic-v35'"):
        extract_signatures(small, 2, n_restarts=0, reference="cosmic-v35", progress=unexpected)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (DNMF(l1_reg=5.0), "penalties are given to the extraction"),
        (PaperDNMF(l2_reg=1.0), "penalties are given to the extraction"),
        (MultiplicativeNMF(3), "a DNMF or a PaperDNMF, got MultiplicativeNMF"),
    ],
)
def test_a_model_that_would_be_used_in_part_only_is_refused(
    small: MutationCatalog, model: object, words: str
) -> None:
    with pytest.raises(InputDataError, match=words):
        extract_signatures(small, 2, model=model)


def test_the_record_holds_every_parameter_of_the_model(result: ExtractionResult) -> None:
    assert result.parameters["model"] == "DNMF"
    assert result.parameters["n_layers"] == 10
    assert result.parameters["layer"] == "newton"
