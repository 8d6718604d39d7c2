"""The choice of a penalty: each of the two goes where it belongs."""

import numpy as np
import pytest
import torch

from dnmf.extraction import penalty
from dnmf.extraction.penalty import choose_penalty
from dnmf.search.count_noise import estimate_count_noise


def test_a_pair_of_penalties_predicts_the_same_whichever_of_them_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """(l1, 0) is tried when l1 is chosen beside l2 = 0, and when l2 is chosen beside that l1; so is (0, l2)."""
    monkeypatch.setattr(penalty, "PENALTY_SHARES", (0.0, 0.1))
    monkeypatch.setattr(penalty, "REFIT_ITERATIONS", 5)
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(12, 0.3), size=2)
    X = torch.tensor(rng.poisson(rng.gamma(1.0, 900.0, (10, 2)) @ W) + 1.0)
    noise, signatures = estimate_count_noise(X), torch.tensor(W)
    for kind, rival in (("l1", "l2"), ("l2", "l1")):
        alone = choose_penalty(X, signatures, noise, kind, seed=0).curve["held_out"]
        strongest = alone.index[-1]
        beside = choose_penalty(X, signatures, noise, rival, seed=0, other=strongest).curve
        assert beside["held_out"].iloc[0] == alone.iloc[-1]
        assert alone.iloc[-1] - alone.iloc[0] > 1e-3
