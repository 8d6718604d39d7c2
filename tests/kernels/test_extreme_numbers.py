"""Numbers at the ends of a precision: a finite answer or a ValueError, never NaN or infinity."""

import re

import numpy as np
import pytest
import torch

from dnmf.kernels import (
    INIT_METHODS,
    Phase,
    exact_exposures,
    exact_signatures,
    initialize_factors,
    kl_exposures,
    nmf_anls,
    nmf_mu,
    nnls_kkt_residual,
)
from dnmf.kernels.selection import selected_exposures

SOLVERS = {
    "nnls": exact_exposures,
    "kl": lambda X, W: kl_exposures(X, W).H,
    "sparse": selected_exposures,
    "signatures": lambda X, W: exact_signatures(X, X @ W.mT),
    "mu": lambda X, W: nmf_mu(X, X.new_ones(len(X), len(W)), W, max_iter=3).H,
    "anls": lambda X, W: nmf_anls(X, W, phases=[Phase(3)]).H,
    **{
        method: lambda X, W, method=method: torch.cat(
            [factor.flatten() for factor in initialize_factors(X, 2, method)]
        )
        for method in INIT_METHODS
    },
}
EXPONENTS = {
    torch.float64: [-320, -200, -150, -100, 0, 100, 150, 200, 307],
    torch.float32: [-44, -38, -30, -15, 0, 15, 30, 37],
}
CASES = [(dtype, x, w) for dtype, both in EXPONENTS.items() for x in both for w in both]


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_answer_is_finite_or_refused(solver):
    rng = np.random.default_rng(0)
    values = rng.gamma(0.5, 1.0, (5, 6)), rng.gamma(0.5, 1.0, (2, 6))
    answers = 0
    for dtype, *exponents in CASES:
        # In two steps: 1e-320 itself has no digits.
        X, W = (
            torch.tensor(v * 10.0 ** (e / 2) * 10.0 ** (e / 2)).to(dtype)
            for v, e in zip(values, exponents, strict=True)
        )
        try:
            found = SOLVERS[solver](X, W)
        except ValueError as error:
            if not re.search("finite|Scale", str(error)):
                raise
        else:
            answers += 1
            assert found.isfinite().all(), (dtype, exponents)
    assert answers >= len(EXPONENTS)


def test_a_signature_whose_square_is_zero_is_not_passed_over():
    X, W = torch.ones(1, 3, dtype=torch.float64), torch.eye(3, dtype=torch.float64) * 1e-170
    with pytest.raises(ValueError, match="too small"):
        exact_exposures(X, W)
    W[1:] = 0
    W[0, 0] = 1e-100
    found = exact_exposures(X, W)
    assert nnls_kkt_residual(W @ W.mT, X @ W.mT, found).max() < 1e-9
