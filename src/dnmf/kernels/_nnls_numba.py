"""Compiled loops over right-hand sides: non-negative least squares by block principal pivoting.

Everything here works on float64 arrays of a *scaled* problem (unit diagonal of the Gram matrix), releases the GIL and
never calls BLAS, so rows can be spread over threads without changing a single bit of the result.
"""

import numpy as np

from dnmf.compilation import compiled

# Relative sizes below which a number counts as zero. Dual feasibility is looser than primal: a gradient is a difference
# of sums over k terms, an entry of the solution is not.
PRIMAL_TOLERANCE = 1e-13
DUAL_TOLERANCE = 1e-11
# Pivots of a unit-diagonal Gram matrix below this mark a linearly dependent component.
RANK_TOLERANCE = 1e-12
MAX_EXCHANGES = 60
# No row of a factor is known. A NumPy integer: numba compiles a function anew for every plain constant.
NONE = np.int64(0)


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _solve_passive(gram, moments, members, size, known, factor, solution):
    """Cholesky solve on the passive set, of whose factor the first ``known`` rows are there already.

    Returns the number of rows of the factor: fewer than ``size`` when the components are linearly dependent.
    """
    for a in range(size):
        row = members[a]
        if a >= known:
            pivot = gram[row, row]
            for b in range(a):
                total = gram[row, members[b]]
                for c in range(b):
                    total -= factor[a, c] * factor[b, c]
                # The diagonal holds reciprocals: no division in the inner loops.
                total *= factor[b, b]
                factor[a, b] = total
                pivot -= total * total
            if pivot <= RANK_TOLERANCE * gram[row, row]:
                return a
            factor[a, a] = 1.0 / np.sqrt(pivot)
        value = moments[row]
        for c in range(a):
            value -= factor[a, c] * solution[c]
        solution[a] = value * factor[a, a]
    for a in range(size - 1, -1, -1):
        value = solution[a] * factor[a, a]
        solution[a] = value
        for b in range(a):
            solution[b] -= factor[a, b] * value
    return size


@compiled(inline="always")
def _list_members(passive, members, known):
    """List the passive set; return its size, and how many of the first ``known`` members are the same as before."""
    size, shared = NONE, NONE
    for i in range(passive.size):
        if passive[i]:
            if shared == size and size < known and members[size] == i:
                shared += 1
            members[size] = i
            size += 1
    return size, shared


@compiled(fastmath={"reassoc", "contract", "nsz"})
def _gradients(gram, moments, members, size, solution, gradients):
    for i in range(moments.size):
        gradients[i] = -moments[i]
    for a in range(size):
        row, value = members[a], solution[a]
        for i in range(moments.size):
            gradients[i] += gram[row, i] * value


@compiled(inline="always")
def _pivot_blocks(
    gram, moments, passive, members, known, factor, solution, gradients, infeasible, scale
):
    """Exchange blocks of infeasible variables (Kim and Park 2011).

    Returns whether it got there, and how many rows of the factor belong to the last members.
    """
    k = moments.size
    fewest, patience = k + 1, 3
    for _ in range(MAX_EXCHANGES):
        size, known = _list_members(passive, members, known)
        known = _solve_passive(gram, moments, members, size, known, factor, solution)
        if known < size:
            return False, known
        if size < k:
            _gradients(gram, moments, members, size, solution, gradients)
        largest = 0.0
        for a in range(size):
            largest = max(largest, abs(solution[a]))
        count = 0
        a = 0
        for i in range(k):
            if passive[i]:
                wrong = solution[a] < -PRIMAL_TOLERANCE * largest
                a += 1
            else:
                wrong = gram[i, i] > 0.0 and gradients[i] < -DUAL_TOLERANCE * scale
            infeasible[i] = wrong
            if wrong:
                count += 1
        if count == 0:
            return True, known
        flip_all = True
        if count < fewest:
            fewest, patience = count, 3
        elif patience > 0:
            patience -= 1
        else:
            flip_all = False  # Murty's rule: one variable at a time cannot cycle
        for i in range(k - 1, -1, -1):
            if infeasible[i]:
                passive[i] = not passive[i]
                if not flip_all:
                    break
    return False, known


@compiled()
def _active_set(gram, moments, passive, members, factor, solution, current, blocked):
    """Lawson and Hanson's method: slower, but it never holds dependent components together."""
    k = moments.size
    scale = 0.0
    for i in range(k):
        scale = max(scale, abs(moments[i]))
    passive[:] = False
    blocked[:] = False
    current[:] = 0.0
    size = NONE
    for _ in range(10 * k + 10):
        best, entering = DUAL_TOLERANCE * scale, -1
        for i in range(k):
            if passive[i] or blocked[i] or gram[i, i] <= 0.0:
                continue
            descent = moments[i]
            for a in range(size):
                descent -= gram[i, members[a]] * current[members[a]]
            if descent > best:
                best, entering = descent, i
        if entering < 0:
            break
        passive[entering] = True
        size, _ = _list_members(passive, members, 0)
        if _solve_passive(gram, moments, members, size, NONE, factor, solution) < size:
            passive[entering] = False
            blocked[entering] = True
            size, _ = _list_members(passive, members, 0)
            continue
        moved = False
        while True:
            step = 1.0
            for a in range(size):
                i = members[a]
                if solution[a] <= 0.0:
                    fraction = current[i] / (current[i] - solution[a]) if current[i] > 0.0 else 0.0
                    step = min(step, fraction)
            for a in range(size):
                i = members[a]
                current[i] += step * (solution[a] - current[i])
            if step == 1.0:
                moved = True
                break
            for a in range(size):
                i = members[a]
                if solution[a] <= 0.0 and current[i] <= PRIMAL_TOLERANCE * scale:
                    current[i] = 0.0
                    passive[i] = False
            before = size
            size, _ = _list_members(passive, members, 0)
            if size == before or size == 0:
                break
            if _solve_passive(gram, moments, members, size, NONE, factor, solution) < size:
                break
        if moved:
            blocked[:] = False
        if not passive[entering]:
            blocked[entering] = (
                True  # rounding sent it straight back: do not try it again from here
            )
    return size


@compiled(slow=True)
def nnls_rows_in_order(gram, moments, passive, order, solutions):
    """Fill ``solutions`` (q, k) with argmin_{h >= 0} 1/2 h G h - c h for every row c of ``moments``.

    ``gram`` has unit diagonal (or zero, for an empty component); ``passive`` (q, k) holds the starting supports and
    is overwritten with the final ones. Rows are visited in the order ``order``: where a support begins like that of the
    row before, so does its factor, which is then computed once. The order decides on time only.
    """
    k = moments.shape[1]
    members = np.empty(k, np.int64)
    factor = np.empty((k, k))
    solution = np.empty(k)
    gradients = np.empty(k)
    infeasible = np.empty(k, np.bool_)
    current = np.empty(k)
    known = NONE
    for r in order:
        solutions[r, :] = 0.0
        largest, scale = -np.inf, 0.0
        for i in range(k):
            largest = max(largest, moments[r, i])
            scale = max(scale, abs(moments[r, i]))
        if largest <= 0.0:
            passive[r, :] = False
            continue
        for i in range(k):
            if gram[i, i] <= 0.0:
                passive[r, i] = False
        solved, known = _pivot_blocks(
            gram,
            moments[r],
            passive[r],
            members,
            known,
            factor,
            solution,
            gradients,
            infeasible,
            scale,
        )
        size, _ = _list_members(passive[r], members, 0)
        if not solved:
            size = _active_set(
                gram, moments[r], passive[r], members, factor, solution, current, infeasible
            )
            for a in range(size):
                solution[a] = current[members[a]]
            known = NONE
        for a in range(size):
            solutions[r, members[a]] = max(solution[a], 0.0)


@compiled(inline="always")
def nnls_rows(gram, moments, passive, solutions):
    """Solve the rows as they come, see :func:`nnls_rows_in_order`."""
    nnls_rows_in_order(gram, moments, passive, np.arange(len(moments)), solutions)


@compiled()
def nnls_rows_own_gram(grams, moments, passive, solutions):
    """Solve rows that have a Gram matrix each: ``grams`` (q, k, k), see :func:`nnls_rows_in_order`."""
    for r in range(len(moments)):
        row = slice(r, r + 1)
        nnls_rows(grams[r], moments[row], passive[row], solutions[row])
