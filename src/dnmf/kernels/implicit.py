"""Exact solutions as steps of torch, with their derivatives by the implicit function theorem.

To ``torch.compile`` and ``torch.export`` each is one opaque operator. In it a compiled solver runs on the processor, in
float64; its answer goes back to the device and dtype that it came from.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dnmf.exceptions import InputDataError
from dnmf.kernels._implicit_numba import kl_solve_on_supports, solve_on_supports
from dnmf.kernels.kl import kl_exposures
from dnmf.kernels.nnls import nnls

Operator = Callable[..., Tensor]


def differentiable_nnls(gram: Tensor, moments: Tensor) -> Tensor:
    """Return :func:`dnmf.kernels.nnls`, ``h = argmin_{h >= 0} 1/2 h G h^T - c h^T`` of every row c, with gradients.

    With P the components in use, ``h_P = c_P G_PP^-1``. For a gradient g that arrives at h, and v zero off P with
    ``v_P = g_P G_PP^-1``::

        gradient to c:  v            gradient to G:  -1/2 (v^T h + h^T v), summed over rows

    Both are differentiable again. Shapes (k, k), (q, k) -> (q, k), as there.

    Raises
    ------
    InputDataError
        If a component asks to grow without bound: its square is 0 in the precision of the numbers.
    ValueError
        As :func:`dnmf.kernels.nnls`.
    """
    return _NNLS.apply(gram, moments)


def solve_on_support(gram: Tensor, state: Tensor, target: Tensor) -> Tensor:
    """Return the z that are zero where ``state`` is not positive, and solve ``z G = t`` where it is.

    The smallest z of those that solve it best, where components of the support depend on each other linearly. Shapes
    (k, k), (q, k), (q, k) -> (q, k). Differentiable in G and t.
    """
    return _SolveOnSupport.apply(gram, state, target)


def differentiable_kl_exposures(X: Tensor, W: Tensor) -> Tensor:
    """Return the exposures of :func:`dnmf.kernels.kl_exposures`, as exact as float64 allows, with gradients.

    With ``r = h W``, P the components in use, A the Hessian ``A_jl = sum_c W_jc W_lc x_c / r_c^2``, g the gradient that
    arrives at h, and v zero off P with ``v_P = g_P A_PP^-1``, or the smallest of those that solve it best::

        gradient to x:  (v W) / r    gradient to W:  v^T (x / r - 1) - h^T ((v W) x / r^2), summed over rows

    Differentiable once. Shapes (n, f), (k, f) -> (n, k). Errors as there.
    """
    return _KLExposures.apply(X, W)


def kl_solve_on_support(X: Tensor, W: Tensor, H: Tensor, target: Tensor) -> Tensor:
    """Return the v of :func:`differentiable_kl_exposures` for the gradients ``target``, H being the exact exposures.

    Shapes (n, f), (k, f), (n, k), (n, k) -> (n, k). Not differentiable.
    """
    return _KLSolveOnSupport.apply(X, W, H, target)


# ── the operators ────────────────────────────────────────────────────────────────────────────────────────────────────


def _opaque(name: str, fake: Operator) -> Callable[[Operator], Operator]:
    """Return a decorator that makes one operator of a function, whose result is of the shape that ``fake`` gives."""

    def make(function: Operator) -> Operator:
        operator = torch.library.custom_op(f"dnmf::{name}", function, mutates_args=())
        operator.register_fake(fake)
        return operator

    return make


@_opaque("nnls", lambda gram, moments: torch.empty_like(moments))
def _nnls(gram: Tensor, moments: Tensor) -> Tensor:
    massless = gram.diagonal() < torch.finfo(gram.dtype).tiny
    unbounded = massless & (moments > 0).any(dim=0)
    if bool(unbounded.any()):
        raise InputDataError(
            f"component {int(unbounded.nonzero()[0])} of the dictionary is too small: its square is 0. Scale it."
        )
    return nnls(gram, moments)


@_opaque("solve_on_support", lambda gram, state, target: torch.empty_like(target))
def _solve(gram: Tensor, state: Tensor, target: Tensor) -> Tensor:
    G, T = _array(gram), _array(target)
    on = np.ascontiguousarray(_array(state) > 0)
    inverse_norms = _inverse_or_zero(np.sqrt(np.clip(np.diagonal(G), 0.0, None)))
    scaled_gram = np.ascontiguousarray(G * inverse_norms[:, None] * inverse_norms)
    scaled_target = np.multiply(T, inverse_norms, order="C")
    solutions, dependent = np.empty_like(T), np.empty(len(T), np.bool_)
    solve_on_supports(scaled_gram, scaled_target, on, np.lexsort(on.T[::-1]), solutions, dependent)
    solutions *= inverse_norms
    for row in np.flatnonzero(dependent):
        members = on[row]
        inverse = np.linalg.pinv(G[np.ix_(members, members)], hermitian=True)
        solutions[row, members] = T[row, members] @ inverse
    return torch.from_numpy(solutions).to(target)


@_opaque("kl_exposures", lambda X, W: X.new_empty(X.shape[0], W.shape[0]))
def _kl_exposures(X: Tensor, W: Tensor) -> Tensor:
    x, dictionary = X.to(torch.float64), W.to(torch.float64)
    result = kl_exposures(x, dictionary, tol=0.0)
    # One more Newton step on the support, so that the gradient at the answer is zero to the last digits.
    ratio, _, _ = _ratio(x, result.H, dictionary)
    slope = dictionary.sum(dim=1) - ratio @ dictionary.mT
    polished = (result.H - _kl_solve(x, dictionary, result.H, slope)).clamp(min=0)
    return torch.where(result.converged.to(X.device)[:, None], polished, result.H).to(X.dtype)


@_opaque("kl_solve_on_support", lambda X, W, H, target: torch.empty_like(target))
def _kl_solve(X: Tensor, W: Tensor, H: Tensor, target: Tensor) -> Tensor:
    x, dictionary, h, T = (_array(values) for values in (X, W, H, target))
    mass = dictionary.sum(axis=1)
    inverse_mass = _inverse_or_zero(mass)
    unit = np.ascontiguousarray(dictionary * inverse_mass[:, None])
    solutions, on = np.empty_like(T), np.empty(T.shape, np.bool_)
    dependent = np.empty(len(T), np.bool_)
    kl_solve_on_supports(x, unit, h * mass, T * inverse_mass, on, solutions, dependent)
    solutions *= inverse_mass
    for row in np.flatnonzero(dependent):
        members = on[row]
        weighted = dictionary[members] * (np.sqrt(x[row]) * _inverse_or_zero(h[row] @ dictionary))
        inverse = np.linalg.pinv(weighted @ weighted.T, hermitian=True)
        solutions[row, members] = T[row, members] @ inverse
    return torch.from_numpy(solutions).to(target)


def _array(values: Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.detach().to("cpu", torch.float64).numpy())


def _inverse_or_zero(values: np.ndarray) -> np.ndarray:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def _ratio(X: Tensor, h: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return x / r, 0 for features that no component of the sample produces; which are produced; a safe r."""
    reconstruction = h @ W
    possible = reconstruction > 0
    safe = torch.where(possible, reconstruction, 1.0)
    return torch.where(possible, X, 0.0) / safe, possible, safe


# ── their gradients, and batches for torch.vmap ──────────────────────────────────────────────────────────────────────


class _NNLS(torch.autograd.Function):
    @staticmethod
    def forward(gram: Tensor, moments: Tensor) -> Tensor:
        return _nnls(gram, moments)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        gram, h = ctx.saved_tensors
        v = solve_on_support(gram, h, gradient)
        return _minus_symmetric(v, h), v

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        return _as_rows(_NNLS.apply, 0, info.batch_size, in_dims, inputs)


class _SolveOnSupport(torch.autograd.Function):
    @staticmethod
    def forward(gram: Tensor, state: Tensor, target: Tensor) -> Tensor:
        return _solve(gram, state, target)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], inputs[1], output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor]:
        gram, state, z = ctx.saved_tensors
        v = solve_on_support(gram, state, gradient)
        return _minus_symmetric(v, z), None, v

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        return _as_rows(_SolveOnSupport.apply, 0, info.batch_size, in_dims, inputs)


class _KLExposures(torch.autograd.Function):
    @staticmethod
    def forward(X: Tensor, W: Tensor) -> Tensor:
        return _kl_exposures(X, W)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        X, W, h = ctx.saved_tensors
        v = kl_solve_on_support(X, W, h, gradient)
        ratio, possible, safe = _ratio(X, h, W)
        change = torch.where(possible, v @ W, 0.0) / safe
        return change, v.mT @ (ratio - 1) - h.mT @ (change * ratio)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        return _as_rows(_KLExposures.apply, 1, info.batch_size, in_dims, inputs)


class _KLSolveOnSupport(torch.autograd.Function):
    @staticmethod
    def forward(X: Tensor, W: Tensor, H: Tensor, target: Tensor) -> Tensor:
        return _kl_solve(X, W, H, target)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, ...]:
        raise NotImplementedError("the exact Poisson solution is differentiable once, not twice")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> tuple[Tensor, int]:
        return _as_rows(_KLSolveOnSupport.apply, 1, info.batch_size, in_dims, inputs)


def _minus_symmetric(v: Tensor, h: Tensor) -> Tensor:
    product = v.mT @ h
    return -0.5 * (product + product.mT)


def _as_rows(
    operator: Operator,
    shared: int,
    size: int,
    in_dims: tuple[int | None, ...],
    inputs: tuple[Tensor, ...],
) -> tuple[Tensor, int]:
    """Apply an operator, whose rows are independent, to a batch: as more rows, where all share the dictionary.

    ``shared`` is the number of the argument that all rows have in common. Where that has a batch dimension itself, the
    problems are solved one after the other.
    """
    batches = [
        values.expand(size, *values.shape) if dim is None else values.movedim(dim, 0)
        for values, dim in zip(inputs, in_dims, strict=True)
    ]
    if in_dims[shared] is not None:
        return torch.stack([operator(*parts) for parts in zip(*batches, strict=True)]), 0
    rows = [
        inputs[number] if number == shared else values.flatten(0, 1)
        for number, values in enumerate(batches)
    ]
    return operator(*rows).unflatten(0, (size, -1)), 0


# What torch.export leaves of a layer is the operator alone: it is trained through these.
for _operator, _step in (
    (_nnls, _NNLS),
    (_solve, _SolveOnSupport),
    (_kl_exposures, _KLExposures),
    (_kl_solve, _KLSolveOnSupport),
):
    if hasattr(_operator, "register_autograd"):
        _operator.register_autograd(_step.backward, setup_context=_step.setup_context)
