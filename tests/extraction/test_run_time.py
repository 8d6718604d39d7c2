"""The announced time counts all iterations that a run takes."""

import itertools
import time

import numpy as np
import pandas as pd
import pytest

from dnmf.extraction.run_time import TIMED_ITERATIONS, estimate_run
from dnmf.search.penalised import PLAIN_ITERATIONS, REFINEMENT, SEARCH
from dnmf.signatures import SBS96, MutationCatalog


def test_the_time_is_that_of_all_restarts_and_of_judging_each_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock on which the timed iterations take one second together, whatever the number of signatures."""
    counts = np.random.default_rng(0).poisson(20.0, (12, 96))
    catalog = MutationCatalog(pd.DataFrame(counts, columns=list(SBS96.labels)))
    monkeypatch.setattr(time, "perf_counter", itertools.count(0.0, 1.0).__next__)
    search = PLAIN_ITERATIONS + sum(phase.iterations for phase in SEARCH)
    refinement = sum(phase.iterations for phase in REFINEMENT)
    # The fit to the data and every restart are searches. Judging is one more (the two halves), one refinement on all
    # samples and one in each of five folds.
    for n_restarts in (0, 9):
        estimate = estimate_run(catalog, [2, 3, 5], n_restarts=n_restarts)
        iterations = 3 * ((1 + n_restarts + 1) * search + 6 * refinement)
        assert estimate.seconds == pytest.approx(iterations / TIMED_ITERATIONS)
        assert estimate.fits == 3 * (1 + n_restarts)
