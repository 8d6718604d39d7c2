"""The best of several starts."""

import numpy as np
import pytest
import torch

from dnmf.engine.chunks import LocalChunks
from dnmf.engine.least_squares import factorise
from dnmf.engine.race import factorise_from_best
from dnmf.engine.samples import as_samples
from dnmf.kernels import Frobenius


@pytest.mark.parametrize("order", [[0, 1], [1, 0], [0]])
def test_a_good_start_wins_wherever_it_stands(order):
    rng = np.random.default_rng(0)
    W = rng.gamma(0.3, size=(3, 12))
    X = rng.gamma(0.5, size=(60, 3)) @ W + 0.05 * rng.random((60, 12))
    starts = [torch.from_numpy(W), torch.ones(3, 12, dtype=torch.float64)]
    chunks = LocalChunks(as_samples(X, chunk_rows=25))
    calls = []
    found = factorise_from_best(
        factorise,
        chunks,
        [starts[i] for i in order],
        objective=Frobenius(),
        callback=lambda i, cost: calls.append(i),
    )
    alone = factorise(chunks, starts[0])
    assert found.cost[-1] <= alone.cost[-1] * 1.01
    assert calls == list(range(1, found.n_iter + 1))
