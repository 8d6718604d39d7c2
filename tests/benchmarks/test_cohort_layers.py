"""Layers with learned parameters: what they are before any training."""

import numpy as np
import torch

from cohort_layers import PLAIN, evidence_of, layer, tensors
from dnmf.kernels.gamma_poisson import CHANNEL_COUNT, improve, start


def test_a_layer_that_has_learned_nothing_is_a_round_of_the_package():
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(12, 0.5), 3)
    X = rng.poisson(rng.gamma(0.5, 400.0, (20, 3)) @ W + 1).astype(np.float64)
    first = start(X, np.full(W.shape, CHANNEL_COUNT), W, shape=0.3)
    counts = torch.from_numpy(X)[None]
    plain = {name: torch.tensor(value, dtype=torch.float64) for name, value in PLAIN.items()}

    A, E, a, g = layer(counts, *tensors([first]), plain)
    # The package keeps the concentrations of a signature in a round.
    kept = torch.full_like(g, CHANNEL_COUNT)
    E = E - g[..., None] + CHANNEL_COUNT

    expected = improve(X, first, rounds=1)
    np.testing.assert_allclose(A[0], expected.counts, rtol=1e-3)
    np.testing.assert_allclose(E[0], expected.concentrations, rtol=1e-3)
    np.testing.assert_allclose(a[0], expected.shapes, rtol=1e-3)
    evidence = evidence_of(counts, A, E, a, kept).item()
    np.testing.assert_allclose(evidence, expected.evidence, atol=0.01)
