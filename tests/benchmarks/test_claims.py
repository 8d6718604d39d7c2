"""A verdict follows from counts, and counts from results that are known by construction."""

import numpy as np
import pandas as pd
import pytest

from paper.cells import KEYS, LEARNED, VALUES
from paper.claims import (
    CONFIRMED,
    NOT,
    WEAK,
    depth,
    early_minimum,
    judge,
    regularisation,
    run_time,
    training_cost,
    verdict_of,
)
from paper.datasets import SIMULATED
from paper.published import compare_with_published
from paper.summary import in_bands, ratios, summarise_run


def table(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=[*KEYS, *VALUES]).astype({"layers": int})


def supervised(protocol: str, penalty: str, mean: float, name: str) -> dict[str, object]:
    return {
        "protocol": protocol,
        "experiment": "supervised",
        "set": name,
        "fold": 0,
        "method": "dnmf",
        "penalty": penalty,
        "layers": 10,
        "inference": "network",
        "mean": mean,
        "reported": mean,
    }


@pytest.mark.parametrize(
    ("weak", "strong", "verdict"),
    [
        ((12, 12), (12, 12), CONFIRMED),
        ((0, 12), (12, 12), CONFIRMED),
        ((12, 12), (10, 12), WEAK),
        ((12, 12), (0, 12), WEAK),
        ((10, 12), (10, 12), NOT),
        ((12, 12), (0, 0), WEAK),
        ((0, 0), (0, 0), NOT),
    ],
)
def test_verdicts(weak: tuple[int, int], strong: tuple[int, int], verdict: str) -> None:
    assert verdict_of(weak, strong) == verdict


def test_figure_3_compares_the_learned_with_the_fixed_and_with_none() -> None:
    rows = []
    for name in SIMULATED:
        rows += [supervised("authors", LEARNED, 2.0, name), supervised("authors", "1", 3.0, name)]
        rows += [supervised("paper", LEARNED, 2.0, name), supervised("paper", "0", 1.0, name)]
    claim = regularisation(table(*rows))
    assert (claim.weak, claim.strong, claim.verdict) == ((12, 12), (0, 12), WEAK)
    assert "median 2" in claim.numbers


def test_run_time_is_judged_against_exact_least_squares_too() -> None:
    rows = [
        {
            "protocol": "ours",
            "experiment": "run time",
            "set": SIMULATED[0],
            "fold": 0,
            "method": "inference",
            "penalty": "0",
            "layers": 10,
            "inference": name,
            "seconds_infer": seconds,
            "tested": 200,
        }
        for name, seconds in {"network": 1.0, "mu 10": 1.1, "mu 100": 10.0, "exact": 0.7}.items()
    ]
    alike, faster = run_time(table(*rows))
    assert alike.verdict == CONFIRMED
    assert faster.verdict == WEAK


def test_ratios_and_bands_come_from_matching_cells_alone() -> None:
    results = table(*(supervised("authors", LEARNED, 3.0, name) for name in SIMULATED))
    published = pd.DataFrame(
        {
            "figure": "5",
            "experiment": "supervised",
            "set": SIMULATED,
            "fold": 0,
            "method": "dnmf",
            "penalty": LEARNED,
            "layers": 10,
            "published": np.where(np.arange(12) < 10, 2.0, 1.0),
        }
    )
    beside = compare_with_published(results, published)
    assert in_bands(ratios(beside))["supervised DNMF"] == (10, 12)
    summary = summarise_run(results, published)
    assert "supervised DNMF: 10 of 12" in summary
    assert "nan" not in summary
    assert judge(results) == []


def test_depths_are_compared_on_the_folds_that_all_of_them_have() -> None:
    """Ten layers were trained on a fold that deeper networks were not: it must not count."""
    rows = []
    for layers, fold, error in ((15, 0, 1.0), (20, 0, 0.5), (10, 0, 2.0), (10, 1, 1000.0)):
        row = supervised("authors", LEARNED, error, SIMULATED[0])
        for inference in ("network", "network, held out"):
            rows.append(row | {"layers": layers, "fold": fold, "inference": inference})
    claim = depth(table(*rows), "supervised")
    assert (claim.strong, claim.verdict) == ((0, 1), NOT)
    assert "held out: median 0.5, 0.5 to 0.5; at 20 over 10: median 0.25" in claim.numbers


def training_rows(fold: int, method: str, inference: str, *costs: float) -> list[dict[str, object]]:
    """Costs after 50 and 500 iterations."""
    names = {"protocol": "authors", "experiment": "training cost", "set": "brca_560", "fold": fold}
    names |= {"method": method, "penalty": "0", "layers": 0, "inference": inference}
    return [names | {"iteration": i, "full": c} for i, c in zip((50, 500), costs, strict=True)]


def test_training_costs_are_means_over_folds_with_the_best_start_of_each() -> None:
    """The network is below the best start in one fold of two, and above it in the mean."""
    rows = [
        *training_rows(0, "dnmf", "network", 9.0, 4.0),
        *training_rows(1, "dnmf", "network", 9.0, 8.0),
        *training_rows(0, "mu", "equal entries", 10.0, 10.0),
        *training_rows(1, "mu", "equal entries", 10.0, 10.0),
        *training_rows(0, "mu", "random start 1", 8.0, 5.0),
        *training_rows(0, "mu", "random start 2", 8.0, 7.0),
        *training_rows(1, "mu", "random start 1", 8.0, 9.0),
        *training_rows(1, "mu", "random start 2", 8.0, 2.0),
    ]
    claim = training_cost(table(*rows))
    assert (claim.weak, claim.strong, claim.verdict) == ((1, 1), (0, 1), WEAK)
    assert "DNMF 6, MU best random 4 (worst 8), equal entries 10" in claim.numbers
    early = early_minimum(table(*rows))
    assert (early.weak, early.strong, early.verdict) == ((2, 2), (1, 4), WEAK)
