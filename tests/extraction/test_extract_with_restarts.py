"""Extraction from resampled restarts: choice, intervals, verdicts, penalties."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF, PaperDNMF
from dnmf.exceptions import CheckpointError, InputDataError
from dnmf.extraction import ExtractionResult, extract_signatures
from dnmf.extraction.verdicts import signature_verdicts
from dnmf.signatures import (
    MutationCatalog,
    SignatureSet,
    decompose_to_reference,
    load_reference,
    read_exposures,
    simulate_catalog,
)

pytestmark = pytest.mark.usefixtures("quick_search")

TRUE_NAMES = ["SBS1", "SBS4", "SBS13"]


@pytest.fixture(scope="module")
def reference() -> SignatureSet:
    return load_reference("cosmic-v3.4")


@pytest.fixture(scope="module")
def truth(reference: SignatureSet) -> tuple[MutationCatalog, pd.DataFrame]:
    """Forty samples of three known signatures, two of them without mutations."""
    signatures = reference.select(TRUE_NAMES)
    catalog, exposures = simulate_catalog(
        signatures, 40, mean_burden=3000, sparsity=0.3, random_state=5
    )
    counts = catalog.counts.copy()
    counts.iloc[[3, 17]] = 0
    return MutationCatalog(counts), exposures


@pytest.fixture(scope="module")
def result(
    truth: tuple[MutationCatalog, pd.DataFrame], reference: SignatureSet
) -> ExtractionResult:
    return extract_signatures(
        truth[0], [4, 2, 3], n_restarts=5, model=DNMF(n_steps=20), reference=reference, workers=2
    )


def test_the_true_number_is_chosen_and_every_number_kept(result: ExtractionResult) -> None:
    assert result.selection is not None
    assert result.selection.choice.n_components == 3
    assert list(result.selection.candidates) == [2, 3, 4]
    assert set(result.matches["reference"]) == set(TRUE_NAMES)
    assert result.parameters["n_signatures"] == [2, 3, 4]


@pytest.mark.usefixtures("without_pictures")
def test_ends_of_intervals_are_written_in_whole_mutations_rounded_outwards(
    result: ExtractionResult, tmp_path: Path
) -> None:
    result.save(tmp_path / "out")
    lower, upper = (
        read_exposures(tmp_path / f"out/exposure_{end}.tsv") for end in ("lower", "upper")
    )
    assert result.exposure_lower is not None
    assert result.exposure_upper is not None
    pd.testing.assert_frame_equal(lower, np.floor(result.exposure_lower), check_names=False)
    pd.testing.assert_frame_equal(upper, np.ceil(result.exposure_upper), check_names=False)


def test_the_network_was_trained_to_the_chosen_signatures(result: ExtractionResult) -> None:
    assert result.selection is not None
    np.testing.assert_allclose(
        result.model.components_, result.selection.chosen.components, rtol=1e-12
    )
    assert "dictionary" not in result.history


def test_intervals_contain_the_estimates_and_are_mostly_right(
    result: ExtractionResult, truth: tuple[MutationCatalog, pd.DataFrame], reference: SignatureSet
) -> None:
    assert result.signature_lower is not None
    assert result.signature_upper is not None
    assert result.exposure_lower is not None
    assert result.exposure_upper is not None
    assert (result.signature_lower <= result.signatures.profiles).all(axis=None)
    assert (result.signature_upper >= result.signatures.profiles).all(axis=None)
    assert (result.exposure_lower <= result.exposures).all(axis=None)
    assert (result.exposure_upper >= result.exposures).all(axis=None)
    assert (result.exposure_upper.iloc[[3, 17]] == 0).all(axis=None)
    order = result.matches.set_index("found").loc[result.exposures.columns, "reference"]
    true = truth[1].loc[:, list(order)].drop(index=truth[1].index[[3, 17]]).to_numpy()
    low, high = (
        ends.drop(index=ends.index[[3, 17]]).to_numpy()
        for ends in (result.exposure_lower, result.exposure_upper)
    )
    # The means are inside as often as five resamplings can be expected to reach: well over half.
    assert ((low <= true) & (true <= high)).mean() > 0.5


def test_verdicts_go_with_the_named_signatures(
    result: ExtractionResult, reference: SignatureSet
) -> None:
    assert result.verdicts is not None
    assert list(result.verdicts.index) == result.signatures.names
    assert set(result.verdicts["verdict"]) == {"stable"}
    assert result.selection is not None
    assert sorted(result.verdicts["silhouette"]) == sorted(result.selection.chosen.silhouette)


def test_a_mixture_a_stranger_and_an_unstable_one_are_told(reference: SignatureSet) -> None:
    known = reference.profiles
    rng = np.random.default_rng(0)
    rows = {
        "known": known.loc["SBS7a"],
        "mixed": 0.5 * known.loc["SBS2"] + 0.5 * known.loc["SBS13"],
        "new": pd.Series(rng.dirichlet(np.full(96, 0.05)), known.columns),
        "unstable": known.loc["SBS4"],
        "halved": known.loc["SBS4"],
    }
    found = SignatureSet(pd.DataFrame(rows).T)
    silhouette = np.array([0.9, 0.9, 0.9, 0.2, 0.9])
    halves = np.array([0.9, 0.9, np.nan, 0.9, 0.5])
    made_of = decompose_to_reference(found, reference)
    told = signature_verdicts(found.names, silhouette, halves, made_of, 50)["verdict"]
    assert list(told) == ["stable", "mixture of references", "novel", "unstable", "unstable"]
    # Too few samples for halves to tell.
    alone = signature_verdicts(found.names, silhouette, halves, None, 49)
    assert list(alone["verdict"]) == ["stable"] * 3 + ["unstable", "stable"]


def test_workers_and_checkpoints_change_nothing(
    truth: tuple[MutationCatalog, pd.DataFrame], result: ExtractionResult, tmp_path: Path
) -> None:
    options = {"n_restarts": 5, "checkpoint": tmp_path / "kept", "model": DNMF(n_steps=1)}
    first = extract_signatures(truth[0], [2, 3, 4], **options)  # type: ignore[arg-type]
    second = extract_signatures(truth[0], [2, 3, 4], **options)  # type: ignore[arg-type]
    for again in (first, second):
        pd.testing.assert_frame_equal(
            again.signatures.profiles, result.signatures.profiles, check_exact=True
        )
        pd.testing.assert_frame_equal(
            again.signature_upper, result.signature_upper, check_exact=True
        )
        assert again.selection is not None
        assert result.selection is not None
        pd.testing.assert_frame_equal(
            again.selection.table, result.selection.table, check_exact=True
        )


def test_a_longer_range_computes_only_what_is_new(
    truth: tuple[MutationCatalog, pd.DataFrame], tmp_path: Path
) -> None:
    calls: list[tuple[int, int]] = []
    options = {
        "n_restarts": 2,
        "checkpoint": tmp_path / "kept",
        "model": DNMF(n_steps=1),
        "progress": lambda phase, step, steps, cost: (
            calls.append((step, steps)) if phase == "fits" else None
        ),
    }
    extract_signatures(truth[0], [2, 3], **options)  # type: ignore[arg-type]
    assert calls == [(done, 6) for done in range(7)]
    calls.clear()
    extract_signatures(truth[0], [2, 3, 4], **options)  # type: ignore[arg-type]
    assert calls == [(done, 9) for done in range(6, 10)]
    calls.clear()
    extract_signatures(truth[0], 3, **options)  # type: ignore[arg-type]
    assert calls == [(3, 3)]
    with pytest.raises(CheckpointError, match="seed"):
        extract_signatures(truth[0], 3, random_state=9, **options)  # type: ignore[arg-type]


def test_a_penalty_is_chosen_where_it_costs_no_prediction(
    truth: tuple[MutationCatalog, pd.DataFrame],
) -> None:
    calls: list[str] = []
    result = extract_signatures(
        truth[0],
        3,
        n_restarts=2,
        l1_reg="auto",
        l2_reg=1e-7,
        progress=lambda phase, *_: calls.append(phase),
    )
    choice = result.penalties["l1_reg"]
    assert set(result.penalties) == {"l1_reg"}
    assert result.parameters["l1_reg"] == choice.value == result.model.l1_reg
    assert result.parameters["l2_reg"] == 1e-7
    assert choice.curve["difference"].min() == 0
    within = choice.curve["difference"] <= choice.curve["standard_error"]
    assert choice.value == choice.curve.index[within].max()
    # A tenth of the counts is far too much.
    assert not within.iloc[-1]
    assert "l1 penalty" in calls


@pytest.mark.parametrize(
    ("n_signatures", "options", "told"),
    [
        ([2, 3], {"n_restarts": 0}, "restarts"),
        (2, {"n_restarts": 1}, "2 or more"),
        (2, {"n_restarts": 5, "model": PaperDNMF()}, "paper"),
        ([2, 3], {"model": PaperDNMF()}, "restarts"),
        (2, {"n_restarts": 0, "l2_reg": "auto"}, "auto"),
        ([2, 90], {}, "at most 38"),
        ([], {}, "at least one"),
    ],
)
def test_options_that_exclude_each_other(
    truth: tuple[MutationCatalog, pd.DataFrame],
    n_signatures: int | list[int],
    options: dict[str, object],
    told: str,
) -> None:
    with pytest.raises(InputDataError, match=told):
        extract_signatures(truth[0], n_signatures, **options)  # type: ignore[arg-type]


def test_every_number_has_a_solution_with_exact_exposures(
    truth: tuple[MutationCatalog, pd.DataFrame], result: ExtractionResult
) -> None:
    counts = truth[0].counts.to_numpy()
    for k in (2, 4):
        signatures, exposures = result.solution(k)
        W, H = signatures.profiles.to_numpy(), exposures.to_numpy()
        # Scaled down where they summed to more than the sample's mutations: the best scale leads back.
        means = H @ W
        scale_back = np.ones(len(H))
        used = means.any(axis=1)
        scale_back[used] = (counts * means).sum(axis=1)[used] / (means**2).sum(axis=1)[used]
        assert scale_back.min() > 1 - 1e-9
        assert (scale_back < 1 + 1e-9).any()
        H = H * scale_back[:, None]
        # The conditions of Karush, Kuhn and Tucker: zero gradient where positive, none pointing inwards elsewhere.
        gradient = (H @ W - counts) @ W.T
        scale = np.abs(counts @ W.T).max()
        assert H.shape == (40, k)
        assert np.abs(gradient[H > 0]).max() < 1e-9 * scale
        assert gradient[H == 0].min() > -1e-9 * scale
        assert exposures.sum().is_monotonic_decreasing
    with pytest.raises(InputDataError, match="Tried: 2, 3 and 4"):
        result.solution(5)


def test_a_result_is_shown_in_a_few_lines(result: ExtractionResult) -> None:
    first, names, closest = repr(result).splitlines()
    assert "40 samples, 3 signatures, median cosine 0.9" in first
    assert names.strip() == "SBS96A, SBS96B and SBS96C"
    assert all(name in closest for name in TRUE_NAMES)


def test_four_samples_allow_a_number_but_no_choice(
    truth: tuple[MutationCatalog, pd.DataFrame],
) -> None:
    few = MutationCatalog(truth[0].counts.iloc[4:8], source="few.tsv")
    with pytest.raises(InputDataError, match=r"few\.tsv: 4 samples .* too few to tell how many"):
        extract_signatures(few, [2, 3])
    with pytest.raises(InputDataError, match="too few to choose a penalty"):
        extract_signatures(few, 2, n_restarts=2, l1_reg="auto")
    result = extract_signatures(few, 2, n_restarts=2, model=DNMF(n_steps=1))
    assert result.selection is not None
    assert result.exposures.shape == (4, 2)
