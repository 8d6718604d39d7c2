"""Kullback-Leibler exposures by damped second-order steps, on the entries that are not zero; dense, sparse, masked."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from dnmf.kernels._kl_descent_numba import kl_descend_dense, kl_descend_sparse
from dnmf.kernels.coordinate import is_compiled_for

# Halvings of a step on a device, where rows are not looked at one by one; a row that needs more stays where it is.
MAX_HALVINGS = 8


def kl_descend(
    X: Tensor | Any,
    W: Tensor,
    start: Tensor,
    *,
    mass: Tensor | None = None,
    steps: int = 1,
    sweeps: int = 1,
    tol: float | None = None,
) -> Tensor:
    """Lower ``sum_c (h W)_c - x_c log (h W)_c`` over h >= 0 for every sample by damped second-order steps.

    The model ``sum_j mass_j h_j - sum_c x_c (log r_c + d_c / r_c - d_c^2 / (2 r_c^2))`` with ``d = (h' - h) W`` is
    lowered by sweeps of coordinate descent, which can leave zero and reach it; then h moves there as far as the cost
    falls all the way, so that it never rises.

    Parameters
    ----------
    X : (n, f) tensor or scipy csr matrix
        Counts; only those that are not zero cost time.
    W, start : (k, f), (n, k)
        Dictionary, and exposures under which every count that is not zero is possible.
    mass : (1, k) or (n, k), optional
        What a unit of each component adds to the total of a sample; default the sums of the rows of W. With masked
        entries, which are zero in X, the sum over those that are known.
    steps, sweeps : int
        Most steps, and sweeps in each.
    tol : float, optional
        End a sample when its cost is certified to be within so much of the minimum, in nats.

    Returns
    -------
    (n, k) tensor
        In the dtype of W. A sample without counts gets zeros.

    Notes
    -----
    Hsieh and Dhillon 2011 (coordinate Newton steps); Hien and Gillis 2021, J. Sci. Comput. 87:93, compare algorithms.
    """
    mass = W.sum(dim=1)[None] if mass is None else mass
    if not is_compiled_for(W):
        return _descend_on_device(X, W, start, mass, steps, sweeps)
    H = start.clone(memory_format=torch.contiguous_format)
    # A tolerance in the precision of the numbers: steps beyond it would be rounding.
    tolerance = -1.0 if tol is None else tol
    limits = (steps, sweeps, tolerance)
    masses = mass.contiguous().numpy()
    if isinstance(X, Tensor):
        kl_descend_dense(X.numpy(), W.contiguous().numpy(), masses, H.numpy(), *limits)
    else:
        Wt = np.ascontiguousarray(W.mT.numpy())
        kl_descend_sparse(X.data, X.indices, X.indptr, Wt, masses, H.numpy(), *limits)
    return H


def _descend_on_device(
    X: Tensor, W: Tensor, H: Tensor, mass: Tensor, steps: int, sweeps: int
) -> Tensor:
    for _ in range(steps):
        spectrum = H @ W
        possible = spectrum > 0
        inverse = torch.where(possible, 1 / spectrum, 0.0)
        rest = X * inverse
        second = rest * inverse
        curvature = second @ W.square().mT
        target = H.mT.clone(memory_format=torch.contiguous_format)
        for _ in range(sweeps):
            for j in range(len(W)):
                slope = mass[:, j] - rest @ W[j]
                step = torch.where(curvature[:, j] > 0, -slope / curvature[:, j], -target[j])
                step = torch.maximum(step, -target[j])
                target[j] += step
                rest = rest - step[:, None] * (second * W[j])
        change = target.mT - H
        change_of_spectrum = change @ W
        linear = (mass * change).sum(dim=1)
        t = torch.ones_like(linear)
        for _ in range(MAX_HALVINGS):
            t = torch.where(_rises(X, spectrum, change_of_spectrum, linear, t), 0.5 * t, t)
        t = torch.where(_rises(X, spectrum, change_of_spectrum, linear, t), 0.0, t)
        H = (H + t[:, None] * change).clamp(min=0)
    return H * (X > 0).any(dim=1)[:, None]


def _rises(X: Tensor, spectrum: Tensor, change: Tensor, linear: Tensor, t: Tensor) -> Tensor:
    """Whether the cost rises after a part ``t`` of the change, or a count has become impossible."""
    now = spectrum + t[:, None] * change
    slope = linear - torch.where(now > 0, X * change / now, 0.0).sum(dim=1)
    impossible = ((now <= 0) & (spectrum > 0) & (X > 0)).any(dim=1)
    return (slope > 0) | impossible
