"""The rule that picks the number of signatures."""

import numpy as np
import pytest
import torch

from dnmf.search.count_noise import CountNoise
from dnmf.selection import Candidate, choose, selection_table
from dnmf.selection.counts import stable_silhouette


def candidate(k: int, log_deviance: float, silhouette: float, spread: float = 0.0) -> Candidate:
    """A candidate of 50 samples whose log-deviances average to the given one."""
    noise = spread * np.resize([1.0, -1.0], 50)
    return Candidate(
        components=np.eye(k, 10),
        replicates=np.tile(np.eye(k, 10), (3, 1, 1)),
        costs=np.array([1.0, 2.0]),
        silhouette=np.full(k, silhouette),
        split_half_cosine=np.full(k, 0.9),
        held_out=np.exp(log_deviance + noise),
        cosine=np.full(50, 0.99),
    )


# Nearly noise-free, and counting noise.
ROUNDED, POISSON = (
    stable_silhouette(CountNoise(level, torch.ones(50), torch.ones(10))) for level in (0.01, 1.0)
)


def chosen(*candidates: Candidate) -> int:
    return choose(selection_table({c.n_components: c for c in candidates}, ROUNDED)).n_components


def test_the_best_prediction_wins() -> None:
    assert chosen(candidate(2, 5.0, 1), candidate(3, 4.0, 1), candidate(4, 4.5, 1)) == 3


def test_of_two_that_predict_as_well_the_smaller_is_taken() -> None:
    # Paired differences of -0.01 with a standard error of about 0.07.
    assert chosen(candidate(3, 4.0, 1), candidate(4, 3.99, 1, spread=0.5)) == 3


def test_the_comparison_is_paired() -> None:
    # The same spread in both: the difference has none, and 0.01 is certain.
    assert chosen(candidate(3, 4.0, 1, spread=0.5), candidate(4, 3.99, 1, spread=0.5)) == 4


def test_an_unstable_number_is_not_taken_however_well_it_predicts() -> None:
    choice = choose(
        selection_table({3: candidate(3, 4.0, 0.95), 4: candidate(4, 3.0, 0.5)}, ROUNDED)
    )
    assert (choice.n_components, choice.tied, choice.stable) == (3, (4,), True)


def test_with_counting_noise_components_may_vary_more_between_restarts() -> None:
    candidates = {3: candidate(3, 4.0, 0.95), 4: candidate(4, 3.0, 0.5), 5: candidate(5, 2.0, 0.4)}
    assert choose(selection_table(candidates, POISSON)).n_components == 4
    assert choose(selection_table(candidates, ROUNDED)).n_components == 3


def test_without_any_stable_number_the_choice_says_so() -> None:
    choice = choose(
        selection_table({3: candidate(3, 4.0, 0.5), 4: candidate(4, 3.0, 0.5)}, ROUNDED)
    )
    assert (choice.n_components, choice.stable) == (4, False)


@pytest.mark.parametrize(
    ("deviances", "at_boundary"),
    [((5.0, 4.0, 3.0), "high"), ((3.0, 4.0, 5.0), "low"), ((5, 3, 4), "")],
)
def test_a_choice_at_the_end_of_the_range_is_told(
    deviances: tuple[float, ...], at_boundary: str
) -> None:
    candidates = {k: candidate(k, value, 1) for k, value in zip((2, 3, 4), deviances, strict=True)}
    assert choose(selection_table(candidates, ROUNDED)).at_boundary == at_boundary


def test_one_number_needs_no_deviance() -> None:
    only = candidate(3, np.nan, np.nan)
    assert choose(selection_table({3: only}, ROUNDED)).n_components == 3
