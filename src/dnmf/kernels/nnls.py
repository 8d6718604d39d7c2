"""Exact non-negative least squares for all right-hand sides at once, from the normal equations.

Both steps of alternating least squares, the inference of exposures and the dictionary step of unsupervised training are
this one problem: a Gram matrix shared by all rows, and one row of moments for each.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from dnmf.kernels._nnls_numba import nnls_rows_in_order, nnls_rows_own_gram
from dnmf.kernels.finite import finite

# Rows that one thread takes at a time; also the batch in which supports are guessed, so that it stays in cache.
CHUNK_ROWS = 2048
# Most steps of the guess, and components per step: supports of few components are guessed in fewer.
GUESS_ITERATIONS, COMPONENTS_PER_GUESS = 10, 4
GUESS_PENALTY = 0.3
GUESS_RELAXATION = 1.6


def nnls(
    gram: Float[Tensor, "k k"],
    moments: Float[Tensor, "q k"],
    *,
    start: Float[Tensor, "q k"] | None = None,
) -> Float[Tensor, "q k"]:
    """Solve ``argmin_{h >= 0} 1/2 h G h^T - c h^T`` exactly for every row ``c`` of ``moments``.

    Parameters
    ----------
    gram : (k, k)
        Symmetric positive semi-definite, e.g. ``W W^T``. Zero rows (empty components) and linearly dependent components
        are allowed: the former get 0, of the latter a vertex solution uses as few as it needs.
    moments : (q, k)
        One right-hand side a row, e.g. ``X W^T``. A linear penalty is subtracted from it.
    start : (q, k), optional
        A point whose support (entries > 0) is the first guess. A good one saves nearly all the work; a bad one costs
        time, never exactness. Without it the support is guessed by a few steps of ADMM.

    Returns
    -------
    (q, k) tensor
        The solutions, in the dtype and on the device of ``moments``; computed in float64. Detached: no gradient flows.

    Raises
    ------
    ValueError
        If an input or the answer is not finite, or there are no components.

    Notes
    -----
    Block principal pivoting (Kim and Park 2011, SIAM J. Sci. Comput. 33:3261), with Lawson and Hanson's active-set
    method for the rows where blocks cycle or are linearly dependent. Check a solution with :func:`nnls_kkt_residual`.

    Examples
    --------
    >>> gram = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    >>> nnls(gram, torch.tensor([[3.0, 3.0], [3.0, 0.0]], dtype=torch.float64))
    tensor([[1.0000, 1.0000],
            [1.5000, 0.0000]], dtype=torch.float64)
    """
    if not len(gram):
        raise ValueError("nnls: there are no components")
    G = gram.detach().to("cpu", torch.float64).numpy()
    C = moments.detach().to("cpu", torch.float64).numpy()
    if not (np.isfinite(G).all() and np.isfinite(C).all()):
        raise ValueError(
            "nnls: the Gram matrix and the moments must be finite: the data hold NaN or infinity, or are too large. "
            "Scale them."
        )
    # Unit diagonal: the tolerances of the solver then mean the same for components of any size.
    norms = np.sqrt(np.clip(np.diagonal(G), 0.0, None))
    inverse_norms = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    scaled_gram = np.ascontiguousarray(G * inverse_norms[:, None] * inverse_norms)
    scaled_moments = np.multiply(C, inverse_norms, order="C")
    support = None if start is None else (start.detach() > 0).cpu().numpy()

    solve = _RowSolver(scaled_gram, scaled_moments, support)
    chunks = [slice(a, a + CHUNK_ROWS) for a in range(0, len(C), CHUNK_ROWS)]
    workers = min(len(chunks), torch.get_num_threads())
    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(solve, chunks))
    else:
        for chunk in chunks:
            solve(chunk)
    with np.errstate(over="ignore"):  # finite() tells of it
        solutions = solve.solutions * inverse_norms
    return finite("nnls", torch.from_numpy(solutions).to(moments))


def nnls_own_gram(
    grams: Float[Tensor, "q k k"],
    moments: Float[Tensor, "q k"],
    *,
    start: Float[Tensor, "q k"] | None = None,
) -> Float[Tensor, "q k"]:
    """Solve :func:`nnls` where every row has a Gram matrix of its own, as samples with missing entries do."""
    G = grams.detach().to("cpu", torch.float64).numpy()
    C = moments.detach().to("cpu", torch.float64).numpy()
    norms = np.sqrt(np.clip(np.diagonal(G, axis1=1, axis2=2), 0.0, None))
    inverse_norms = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    scaled = G * inverse_norms[:, :, None] * inverse_norms[:, None, :]
    passive = C > 0 if start is None else (start.detach() > 0).cpu().numpy()
    solutions = np.empty_like(C)
    nnls_rows_own_gram(scaled, C * inverse_norms, np.ascontiguousarray(passive), solutions)
    return finite("nnls", torch.from_numpy(solutions * inverse_norms).to(moments))


class _RowSolver:
    """Solves slices of rows of one scaled problem; not a closure, which shape checks would compile at every call."""

    def __init__(self, gram: np.ndarray, moments: np.ndarray, support: np.ndarray | None) -> None:
        self.gram, self.moments, self.support = gram, moments, support
        self.solutions = np.empty_like(moments)
        if support is None:
            self.inverse = np.linalg.inv(gram + GUESS_PENALTY * np.eye(len(gram)))

    def __call__(self, rows: slice) -> None:
        moments = self.moments[rows]
        guess = self._guess_support(moments) if self.support is None else self.support[rows]
        passive = np.ascontiguousarray(guess)
        alike = np.lexsort(passive.T[::-1])
        nnls_rows_in_order(self.gram, moments, passive, alike, self.solutions[rows])

    def _guess_support(self, moments: np.ndarray) -> Bool[np.ndarray, "q k"]:
        """Return the likely support by a few steps of ADMM: matrix products only."""
        target = moments @ self.inverse
        state = target
        for _ in range(min(GUESS_ITERATIONS, len(self.gram) // COMPONENTS_PER_GUESS)):
            # state = exposure + scaled dual; |state| = exposure - dual, since one of the two is always zero.
            step = np.abs(state) @ self.inverse
            step *= GUESS_PENALTY
            step += target
            step *= GUESS_RELAXATION
            step += (1.0 - GUESS_RELAXATION) * np.maximum(state, 0.0)
            state = step + np.minimum(state, 0.0)
        return state > 0


def nnls_kkt_residual(
    gram: Float[Tensor, "*q k k"], moments: Float[Tensor, "q k"], solution: Float[Tensor, "q k"]
) -> Float[Tensor, " q"]:
    """Return how far each row is from optimal, relative to its own size: 0 at the optimum.

    ``max_i |min(h_i d_i, (h G - c)_i / d_i)| / max_i |c_i / d_i|`` with ``d_i = sqrt(G_ii)``

    An entry is optimal when it is zero with a non-negative gradient, or positive with a zero gradient; the smaller of
    entry and gradient measures the violation. It has no unit: scaling samples or components does not change it.
    Negative entries of ``solution`` are violations. Rows without any moment, and components without mass, give 0.

    Parameters
    ----------
    gram, moments, solution : (k, k) or (q, k, k), (q, k), (q, k)
        As for :func:`nnls` or :func:`nnls_own_gram`.

    Returns
    -------
    (q,) tensor
        At rounding level (about 1e-12) for an exact solution.

    Examples
    --------
    >>> gram, moments = torch.eye(2), torch.tensor([[1.0, -1.0]])
    >>> nnls_kkt_residual(gram, moments, torch.tensor([[1.0, 0.0]]))
    tensor([0.])
    >>> nnls_kkt_residual(gram, moments, torch.tensor([[0.5, 0.0]]))
    tensor([0.5000])
    """
    norms = gram.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt()
    inverse_norms = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms))
    product = solution @ gram if gram.ndim == 2 else (solution[:, None] @ gram)[:, 0]
    slope = (product - moments) * inverse_norms
    scale = (moments * inverse_norms).abs().amax(dim=1)
    violation = torch.minimum(solution * norms, slope).abs().amax(dim=1)
    return torch.where(scale > 0, violation / scale, violation)


def exact_exposures(
    X: Float[Tensor, "n f"],
    W: Float[Tensor, "k f"],
    *,
    l1_reg: float | Tensor = 0.0,
    l2_reg: float | Tensor = 0.0,
    start: Float[Tensor, "n k"] | None = None,
) -> Float[Tensor, "n k"]:
    """Return ``argmin_{H >= 0} 1/2 ||X - H W||^2 + l1_reg sum(H) + l2_reg/2 sum(H^2)``, exactly.

    Parameters
    ----------
    X, W : (n, f), (k, f)
        Counts (mutations) and signatures.
    l1_reg, l2_reg : float
        Penalties; ``l1_reg`` in mutations, comparable with ``X W^T``.
    start : (n, k), optional
        A warm start, see :func:`nnls`.

    Raises
    ------
    ValueError
        If a signature is so small that its square is 0, or as :func:`nnls`.
    """
    gram, moments = exposure_moments(X, W, l1_reg=l1_reg, l2_reg=l2_reg)
    tiny = torch.finfo(W.dtype).tiny
    if bool(((gram.diagonal() < tiny) & W.any(dim=1)).any()):
        raise ValueError("exact_exposures: a signature is too small: its square is 0. Scale it.")
    return nnls(gram, moments, start=start)


def exact_signatures(
    X: Float[Tensor, "n f"], H: Float[Tensor, "n k"], *, start: Float[Tensor, "k f"] | None = None
) -> Float[Tensor, "k f"]:
    """Return ``argmin_{W >= 0} 1/2 ||X - H W||^2``, exactly: the dictionary step.

    Only ``H^T H`` (k, k) and ``X^T H`` (f, k) enter, so its cost does not grow with the number of samples beyond those
    two products.

    Parameters
    ----------
    X, H : (n, f), (n, k)
        Data and exposures.
    start : (k, f), optional
        A warm start, see :func:`nnls`.
    """
    moments = X.mT @ H
    return nnls(H.mT @ H, moments, start=None if start is None else start.mT).mT


def exposure_moments(
    X: Float[Tensor, "*batch f"],
    W: Float[Tensor, "k f"],
    *,
    l1_reg: float | Tensor = 0.0,
    l2_reg: float | Tensor = 0.0,
) -> tuple[Float[Tensor, "k k"], Float[Tensor, "*batch k"]]:
    """Return the Gram matrix ``W W^T + diag(l2_reg)`` and the moments ``X W^T - l1_reg`` of the exposures.

    Parameters
    ----------
    X, W : (..., f), (k, f)
        Data and dictionary.
    l1_reg, l2_reg : float or tensor
        Penalties on the exposures, as for `exact_exposures`.
    """
    return exposure_gram(W, l2_reg=l2_reg), sample_moments(X, W, l1_reg=l1_reg)


def exposure_gram(W: Float[Tensor, "k f"], *, l2_reg: float | Tensor = 0.0) -> Float[Tensor, "k k"]:
    """Gram matrix ``W W^T + diag(l2_reg)``: what all samples share."""
    return W @ W.mT + l2_reg * torch.eye(len(W), dtype=W.dtype, device=W.device)


def sample_moments(
    X: Float[Tensor, "*batch f"], W: Float[Tensor, "k f"], *, l1_reg: float | Tensor = 0.0
) -> Float[Tensor, "*batch k"]:
    """Moments ``X W^T - l1_reg``: what differs between samples."""
    return X @ W.mT - l1_reg
