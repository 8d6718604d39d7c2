"""What is compared between numbers of components is measured on the same samples and counts."""

import numpy as np
import pytest
import torch
from torch import Tensor

from dnmf.search.count_noise import estimate_count_noise
from dnmf.selection.candidate import finish_candidate
from dnmf.selection.counts import CountModel


@pytest.mark.usefixtures("quick_search")
def test_every_number_of_components_is_judged_on_the_same_folds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The choice pairs the held-out deviances sample by sample: folds and held-out counts must not depend on k."""
    rng = np.random.default_rng(0)
    profiles = torch.tensor(rng.dirichlet(np.ones(12), size=3))
    X = torch.tensor(rng.poisson(rng.gamma(1.0, 500.0, (11, 3)) @ profiles.numpy()) + 1.0)
    seen: list[tuple[Tensor, Tensor]] = []

    def watched(self: CountModel, rows: Tensor, W: Tensor, generator: torch.Generator) -> Tensor:
        seen.append((rows, torch.rand(3, generator=generator)))
        return torch.ones(len(rows))

    monkeypatch.setattr(CountModel, "held_out", watched)
    model = CountModel(estimate_count_noise(X))
    for k in (2, 3):
        finish_candidate(X, [profiles[:k]] * 2, model, seed=7)
    n_folds = len(seen) // 2
    assert torch.cat([rows for rows, _ in seen[:n_folds]]).shape == X.shape
    for number, (rows, drawn) in enumerate(seen):
        assert torch.equal(rows, seen[number % n_folds][0])
        assert torch.equal(drawn, seen[number % n_folds][1])
