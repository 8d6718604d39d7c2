"""The announced time counts all iterations that a run takes."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dnmf.extraction import run_time
from dnmf.extraction.run_time import TIMED_ROUNDS, estimate_run
from dnmf.search import gamma_poisson_search as counted
from dnmf.signatures import SBS96, MutationCatalog


def test_the_time_is_that_of_all_restarts_and_of_judging_each_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock on which the timed rounds take one second together, whatever the number of signatures."""
    counts = np.random.default_rng(0).poisson(20.0, (12, 96))
    catalog = MutationCatalog(pd.DataFrame(counts, columns=list(SBS96.labels)))
    clock = SimpleNamespace(perf_counter=itertools.count(0.0, 1.0).__next__)
    monkeypatch.setattr(run_time, "time", clock)
    # The fit to the data and every restart are searches. Judging is one more (the two halves), one refinement in each
    # of five folds, the ranking of all fits and the polishing of the best.
    for n_restarts in (0, 9):
        estimate = estimate_run(catalog, [2, 3, 5], n_restarts=n_restarts)
        fits = 1 + n_restarts
        polishing = min(counted.POLISHED, fits) * counted.POLISHING_ROUNDS
        judging = 5 * counted.REFINEMENT_ROUNDS + fits * counted.RANKING_ROUNDS + polishing
        rounds = 3 * ((fits + 1) * counted.SEARCH_ROUNDS + judging)
        assert estimate.seconds == pytest.approx(rounds / TIMED_ROUNDS)
        assert estimate.fits == 3 * fits
