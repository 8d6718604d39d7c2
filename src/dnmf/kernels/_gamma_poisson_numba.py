"""Compiled loops over samples: exposures of the Gamma-Poisson model, by variational Bayes.

The posterior of an exposure is ``Gamma(A, 1 + b)``. Signatures of a sample that explain less than ``INERT_COUNT``
mutations keep their prior (``A = a``): they cost the same closed form in every sample, and no time.
"""

import math

import numpy as np

from dnmf.compilation import compiled
from dnmf.kernels._component_numba import LEAST_MEAN, RELAXATION, REORDERED, digamma, exp_digamma

# Mutations of a sample below which a signature is left at its prior.
INERT_COUNT = 1e-3
# Expected exposure below which a signature explains nothing.
LEAST_EXPOSURE = 1e-12
# Change of a count in one step, in standard deviations of the sample's total, below which a sample has converged.
CONVERGED = 1e-3
# No signature, no steps. As NumPy integers: numba compiles a function anew for every plain constant.
NONE, NO_STEPS = np.int64(-1), np.int64(0)


@compiled(fastmath=REORDERED)
def _improve(x, eW, A, a, b, excluded, steps, members, eh, q):
    """Improve the posterior counts ``A`` (k,) of one sample; return its evidence and how many signatures are active.

    Afterwards ``members`` and ``eh`` hold the active signatures and their expected exposures, ``q`` (f,) the ratio
    ``x / sum eh eW``.
    """
    k, f = eW.shape
    scale = 1.0 / (1.0 + b)
    size, total, mutations = 0, 0.0, 0.0
    for c in range(f):
        mutations += x[c]
    tolerance = CONVERGED * math.sqrt(mutations + 1.0)
    for j in range(k):
        if j == excluded:
            A[j] = 0.0
            continue
        total += a[j]
        e = exp_digamma(A[j]) * scale
        if e > LEAST_EXPOSURE:
            members[size], eh[size] = j, e
            size += 1
        else:
            A[j] = a[j]
    for step in range(steps + 1):
        for c in range(f):
            q[c] = 0.0
        for i in range(size):
            row, e = eW[members[i]], eh[i]
            for c in range(f):
                q[c] += e * row[c]
        if step == steps:
            break
        for c in range(f):
            q[c] = x[c] / max(q[c], LEAST_MEAN)
        kept, largest = 0, 0.0
        for i in range(size):
            j = members[i]
            row, gain = eW[j], 0.0
            for c in range(f):
                gain += row[c] * q[c]
            explained = eh[i] * gain
            largest = max(largest, abs(a[j] + explained - A[j]))
            if explained < INERT_COUNT:
                A[j] = a[j]
                continue
            # Over-relaxed, but never below a part of the plain step.
            moved = A[j] + RELAXATION * (a[j] + explained - A[j])
            A[j] = max(moved, a[j] + 0.3 * explained)
            members[kept], eh[kept] = j, exp_digamma(A[j]) * scale
            kept += 1
        size = kept
        if largest < tolerance:
            steps = step + 1
    evidence = total * math.log(b * scale)
    for c in range(f):
        if x[c] > 0:
            mean = max(q[c], LEAST_MEAN)
            evidence += x[c] * math.log(mean)
            q[c] = x[c] / mean
        else:
            q[c] = 0.0
    for i in range(size):
        j = members[i]
        evidence += math.lgamma(A[j]) - math.lgamma(a[j]) - (A[j] - a[j]) * digamma(A[j])
    return evidence, size


@compiled(fastmath=REORDERED)
def improve_samples(X, eW, A, a, b, steps, attributed, active, log_exposures):
    """Improve ``A`` (n, k) in place by ``steps`` steps; return the evidence bound of all samples in nats.

    Adds nothing: ``attributed`` (k, f) becomes ``sum_n eh_nk x_nc / R_nc`` (times ``eW`` the counts attributed to each
    channel of each signature), ``active`` (k,) in how many samples a signature is active, ``log_exposures`` (k,) the
    sum of ``psi(A)`` over those.
    """
    n, f = X.shape
    k = len(a)
    members, eh, q = np.empty(k, dtype=np.int64), np.empty(k), np.empty(f)
    attributed[:], active[:], log_exposures[:] = 0.0, 0.0, 0.0
    evidence = 0.0
    for sample in range(n):
        one, size = _improve(X[sample], eW, A[sample], a, b[sample], NONE, steps, members, eh, q)
        evidence += one
        for i in range(size):
            j, e = members[i], eh[i]
            active[j] += 1.0
            log_exposures[j] += digamma(A[sample, j])
            row = attributed[j]
            for c in range(f):
                row[c] += e * q[c]
    return evidence


@compiled(fastmath=REORDERED)
def deletion_gains(X, eW, A, a, b, substitutes, candidates, steps, gains):
    """Fill ``gains`` (m,) with the change of the evidence when each of the ``candidates`` (m,) is deleted alone.

    Its mutations in a sample go half to the sample's active signatures by responsibility, half to its ``substitutes``
    (k, k), a mixture of the others that resembles it; then ``steps`` steps with the same shapes and rates.
    """
    n, f = X.shape
    k = len(a)
    members, eh, q = np.empty(k, dtype=np.int64), np.empty(k), np.empty(f)
    trial = np.empty(k)
    for position in range(len(candidates)):
        gains[position] = 0.0
    for sample in range(n):
        scale_log = math.log(b[sample] / (1.0 + b[sample]))
        before = np.nan
        for position in range(len(candidates)):
            j = candidates[position]
            moved = A[sample, j] - a[j]
            if moved < INERT_COUNT:
                gains[position] -= a[j] * scale_log
                continue
            if math.isnan(before):
                for i in range(k):
                    trial[i] = A[sample, i]
                before, _ = _improve(
                    X[sample], eW, trial, a, b[sample], NONE, NO_STEPS, members, eh, q
                )
            others = 0.0
            for i in range(k):
                if i != j:
                    others += A[sample, i] - a[i]
            for i in range(k):
                kept = A[sample, i] - a[i]
                share = 0.5 * kept / others if others > 0 else 0.0
                part = 0.5 if others > 0 else 1.0
                trial[i] = a[i] + kept + moved * (share + part * substitutes[j, i])
            after, _ = _improve(X[sample], eW, trial, a, b[sample], j, steps, members, eh, q)
            gains[position] += after - before
