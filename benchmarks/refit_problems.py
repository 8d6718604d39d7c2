"""Random refit problems: what the refit network learns from, and is calibrated on.

A problem is a group of samples with a reference, a prior and a number of mutations of their own. References are
COSMIC's with all or some of their signatures, other names, invented signatures, altered channels, weights as of panels;
also those of doublets and indels, and invented ones of any size. Exposures are those of tumours, mixed and jittered, of
types that the prior knows or not, or evenly drawn, or of invented cohorts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnmf.criteria import present_from
from dnmf.refit.evidence import Evidence, best_fit, gather_evidence, reported
from dnmf.refit.tumours import TumourExposures
from dnmf.signatures import load_reference

Array = NDArray[np.float64]

GROUP_SAMPLES = 48
COUNTS = (8.0, 200_000.0)
# No problem uses cosmic-v3 or v3.6: they are kept to measure references that training never saw.
SBS_REFERENCES = ("cosmic-v3.4-GRCh37", "cosmic-v3.4-GRCh38", "cosmic-v3.4-GRCh37-exome")
OTHER_REFERENCES = ("cosmic-v3.4-DBS-GRCh37", "cosmic-v3.4-ID-GRCh37")
KINDS = {
    "all types": 0.24,
    "some types": 0.18,
    "types that the prior lacks": 0.15,
    "even": 0.14,
    "no prior": 0.12,
    "own cohort": 0.10,
    "invented cohort": 0.07,
}
MOST_KNOWN = 900


@dataclass(frozen=True)
class Problem:
    """A group of samples: the network's input, and what is true of the seen signatures.

    ``shares`` and ``present`` are (n, K), ``missed`` (n,) the share of signatures that are not seen, ``foreign`` (n,)
    whether a sample holds a signature that the reference lacks, ``dispersed`` whether counts vary more than Poisson
    counts. ``twin`` is the evidence of the same samples with one mutation in a hundred exchanged, or None.
    """

    kind: str
    evidence: Evidence
    shares: NDArray[np.float32]
    present: NDArray[np.bool_]
    missed: NDArray[np.float32]
    foreign: NDArray[np.bool_]
    mutations: float
    dispersed: bool
    twin: Evidence | None


class Problems:
    """Draws problems from the tumours of a part of the split, the same for the same seed.

    Parameters
    ----------
    tumours : TumourExposures
        Exposures under the names of COSMIC v3.4.
    part : (m,) bool
        Which tumours may be used.
    seed : int
        Of all problems.
    calm : bool
        For calibration: shares hardly jittered, and no invented names or signatures.
    """

    def __init__(
        self,
        tumours: TumourExposures,
        part: NDArray[np.bool_],
        *,
        bank_part: NDArray[np.bool_] | None = None,
        seed: int = 0,
        calm: bool = False,
    ):
        shares = tumours.shares.astype(np.float64)
        self.shares = shares / shares.sum(axis=1, keepdims=True)
        self.types = tumours.types
        self.part, self.bank_part = np.flatnonzero(part), bank_part
        self.seed, self.calm = seed, calm
        self.references = {
            name: load_reference(name).profiles.to_numpy(dtype=float)
            for name in (*SBS_REFERENCES, *OTHER_REFERENCES)
        }

    def draw(self, index: int, kind: str | None = None, mutations: float | None = None) -> Problem:
        """Return the problem of this index."""
        rng = np.random.default_rng([self.seed, index])
        low, high = np.log(COUNTS)
        position = (index * 0.6180339887498949 + self.seed * 0.37) % 1.0
        N = float(
            np.round(np.exp(low + (high - low) * position)) if mutations is None else mutations
        )
        kind = kind or str(rng.choice(list(KINDS), p=list(KINDS.values())))
        if kind == "invented cohort":
            W, truth, known = self._invented(rng)
        else:
            W, truth, known = self._of_tumours(rng, kind)
        W, truth, known = self._altered(rng, W, truth, known)
        dropped = rng.random() < 0.8
        truth = reported(truth, N) if dropped else truth
        if kind == "own cohort":
            known = self._answers(rng, W, known, N, dropped)
        known = known[known.sum(axis=1) > 0] if len(known) else known
        known = reported(known, N) if len(known) else known
        known = known[rng.permutation(len(known))[:MOST_KNOWN]]
        foreign = rng.random(len(truth)) < 0.15
        spectra = truth @ W
        for row in np.flatnonzero(foreign):
            part = rng.uniform(0.05, 0.5)
            spectra[row] = (1 - part) * spectra[row] + part * self._foreign(rng, W)
        X, dispersed = _counts(rng, N, spectra)
        X = np.where(X.sum(axis=1, keepdims=True) > 0, X, X + spectra * N)
        evidence = gather_evidence(X, W, best_fit(X, W), known)
        twin = None
        if index % 2 == 0 and not self.calm:
            other = _exchanged(rng, X)
            twin = gather_evidence(other, W, best_fit(other, W), known)
        seen = evidence.seen.numpy()
        shares = np.take_along_axis(truth, seen, axis=1)
        least = present_from(np.full(len(X), N))[:, None]
        return Problem(
            kind=kind,
            evidence=evidence,
            shares=shares.astype(np.float32),
            present=shares >= least,
            missed=(1 - shares.sum(axis=1)).astype(np.float32),
            foreign=foreign,
            mutations=N,
            dispersed=dispersed,
            twin=twin,
        )

    def _of_tumours(self, rng: np.random.Generator, kind: str) -> tuple[Array, Array, Array]:
        W = self.references[str(rng.choice(SBS_REFERENCES))]
        part = self.part
        names = np.unique(self.types[part])
        if kind == "some types":
            chosen = rng.choice(names, rng.integers(1, 3), replace=False)
            part = part[np.isin(self.types[part], chosen)]
        if kind == "types that the prior lacks":
            chosen = rng.choice(names, min(3, len(names) - 1), replace=False)
            absent = np.isin(self.types[part], chosen)
            targets, bank = part[absent], part[~absent]
        else:
            target = rng.random(len(part)) < 0.25
            target[rng.integers(len(part))] = True
            targets, bank = part[target], part[~target]
        if self.bank_part is not None:
            bank = np.flatnonzero(self.bank_part & np.isin(self.types, np.unique(self.types[bank])))
        truth = self._crossed(rng, targets, GROUP_SAMPLES)
        known = self.shares[bank]
        if kind == "own cohort":
            known = self._crossed(rng, targets, int(rng.integers(30, 160)))
        elif len(bank) and rng.random() < 0.5:
            known = self._crossed(rng, bank, max(int(rng.uniform(0.3, 1.0) * len(bank)), 20))
        if kind == "no prior" or (kind == "even" and rng.random() < 0.5):
            known = known[:0]
        if kind == "even":
            truth = _even(rng, GROUP_SAMPLES, len(W))
        listed = np.arange(len(W))
        if kind == "some types" and rng.random() < 0.6:
            used = np.flatnonzero((self.shares[part] > 0).any(axis=0))
            listed = np.union1d(used, rng.choice(len(W), rng.integers(0, 4), replace=False))
        elif rng.random() < 0.3:
            listed = np.sort(rng.choice(len(W), rng.integers(8, len(W)), replace=False))
        truth, known = truth[:, listed], known[:, listed]
        lost = truth.sum(axis=1) < 0.2
        truth[lost] = _even(rng, int(lost.sum()), len(listed))
        known = known[known.sum(axis=1) > 0.5]
        truth /= truth.sum(axis=1, keepdims=True)
        return W[listed], truth, known / known.sum(axis=1, keepdims=True)

    def _crossed(self, rng: np.random.Generator, rows: NDArray[np.int_], n: int) -> Array:
        """Return ``n`` exposures like those of these tumours: partly mixed within a type, jittered, some surprising."""
        one = rows[rng.integers(len(rows), size=n)]
        shares = self.shares[one].copy()
        for i, row in enumerate(one):
            same = rows[self.types[rows] == self.types[row]]
            other = self.shares[same[rng.integers(len(same))]]
            if rng.random() < 0.2 and not self.calm:
                swap = rng.random(shares.shape[1]) < 0.5
                shares[i, swap] = other[swap]
            a = 0.5 * rng.random() ** 4
            shares[i] = (1 - a) * shares[i] + a * other
            if rng.random() < 0.06 and not self.calm:
                shares[i, rng.integers(shares.shape[1])] += rng.uniform(0.05, 0.5)
        shares *= np.exp((0.1 if self.calm else 0.3) * rng.standard_normal(shares.shape))
        total = shares.sum(axis=1, keepdims=True)
        shares = np.where(total > 0, shares, self.shares[one])
        return shares / shares.sum(axis=1, keepdims=True)

    def _invented(self, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Return a reference of any size, and exposures of a few invented types, each with signatures of its own."""
        if rng.random() < 0.5:
            W = self.references[str(rng.choice(OTHER_REFERENCES))]
        else:
            f = int(rng.choice([32, 48, 78, 83, 96, 150]))
            W = rng.dirichlet(
                np.full(f, rng.choice([0.03, 0.1, 0.3])), size=int(rng.integers(3, 50))
            )
        k = len(W)
        rows = []
        for _ in range(int(rng.integers(1, 6))):
            own = rng.choice(k, min(k, int(rng.integers(3, 11))), replace=False)
            prevalence = rng.beta(1, 1, len(own)) * 0.9 + 0.05
            size, spread = rng.normal(0, 1, len(own)), rng.uniform(0.3, 1.0)
            amount = np.exp(size + spread * rng.standard_normal((100, len(own))))
            amount *= rng.random((100, len(own))) < prevalence
            amount[np.arange(100), rng.integers(len(own), size=100)] += 1e-3
            shares = np.zeros((100, k))
            shares[:, own] = amount
            rows.append(shares / shares.sum(axis=1, keepdims=True))
        together = rng.permutation(np.concatenate(rows))
        known = together[GROUP_SAMPLES:]
        return W, together[:GROUP_SAMPLES], known[:0] if rng.random() < 0.5 else known

    def _altered(
        self, rng: np.random.Generator, W: Array, truth: Array, known: Array
    ) -> tuple[Array, Array, Array]:
        """Return the problem with other names, invented signatures, altered channels or weights of channels."""
        W, k, f = W.copy(), *W.shape
        if not self.calm:
            if rng.random() < 0.25:
                order = rng.permutation(k)
                truth, known = truth[:, order], known[:, order]
            if rng.random() < 0.12:
                new = rng.choice(k, max(k // 3, 1), replace=False)
                W[new] = rng.dirichlet(np.full(f, rng.choice([0.03, 0.1, 0.3, 1.0])), size=len(new))
            if rng.random() < 0.13:
                W *= np.exp(0.3 * rng.standard_normal(W.shape))
        if rng.random() < 0.4:
            spread = rng.uniform(0.2, 1.0)
            weights = np.exp(spread * rng.standard_normal(f))
            if f == 96:
                weights = np.exp(spread * rng.standard_normal(32))[np.arange(96) % 32]
            W = W * weights
            mass = W.sum(axis=1)
            truth = truth * mass
            if rng.random() < 0.5:
                known = known * mass
        W = np.maximum(W, 1e-12)
        W /= W.sum(axis=1, keepdims=True)
        truth = truth / truth.sum(axis=1, keepdims=True)
        return W, truth, known / np.maximum(known.sum(axis=1, keepdims=True), 1e-300)

    def _answers(
        self, rng: np.random.Generator, W: Array, truth: Array, N: float, dropped: bool
    ) -> Array:
        """Return what one or two passes without the network answer for other samples of the cohort."""
        truth = reported(truth, N) if dropped else truth
        X, _ = _counts(rng, N, truth @ W)
        X = X[X.sum(axis=1) > 0]
        fit, known = best_fit(X, W), np.zeros((0, len(W)))
        own: NDArray[np.int64] | None = None
        for _ in range(int(rng.integers(1, 3))):
            evidence = gather_evidence(X, W, fit, known, own=own)
            mean, presence = evidence.known[:, 0].numpy(), evidence.known[:, 2].numpy()
            mean = np.where((presence > 0.3) | (mean >= mean.max(axis=1, keepdims=True)), mean, 0)
            known = np.zeros((len(X), len(W)))
            np.put_along_axis(known, evidence.seen.numpy(), mean, axis=1)
            known /= known.sum(axis=1, keepdims=True)
            own = np.arange(len(X))
        return known

    def _foreign(self, rng: np.random.Generator, W: Array) -> Array:
        """Return a profile that the reference lacks."""
        f = W.shape[1]
        if f == 96 and rng.random() < 0.7:
            profiles = self.references[SBS_REFERENCES[0]]
            unit = W / np.linalg.norm(W, axis=1, keepdims=True)
            cosine = (profiles / np.linalg.norm(profiles, axis=1, keepdims=True) @ unit.T).max(
                axis=1
            )
            others = np.flatnonzero(cosine < 0.95)
            if len(others):
                return np.asarray(profiles[rng.choice(others)])
        return rng.dirichlet(np.full(f, rng.choice([0.05, 0.15, 0.5])))


def _even(rng: np.random.Generator, n: int, k: int) -> Array:
    shares = np.zeros((n, k))
    for row in shares:
        own = rng.choice(k, min(k, int(rng.integers(1, 8))), replace=False)
        row[own] = rng.dirichlet(np.ones(len(own)))
    return shares


def _counts(rng: np.random.Generator, N: float, spectra: Array) -> tuple[Array, bool]:
    """Return counts, and whether they vary more than Poisson counts: four in ten groups, by channel or by profile."""
    means = N * spectra / spectra.sum(axis=1, keepdims=True)
    draw = rng.random()
    if draw > 0.6:
        spread = np.exp(rng.uniform(np.log(0.003), np.log(0.2)))
        if draw < 0.8:
            means = means * rng.gamma(1 / spread, spread, size=means.shape)
        else:
            means = means * np.exp(np.sqrt(spread) * rng.standard_normal(means.shape[1]))
    return rng.poisson(means).astype(np.float64), draw > 0.6


def _exchanged(rng: np.random.Generator, X: Array) -> Array:
    """Return counts of which one mutation in a hundred is exchanged for another of the sample's own spectrum."""
    other = X.copy()
    for row in other:
        spectrum = row / row.sum()
        gone = np.minimum(rng.multinomial(rng.poisson(0.01 * row.sum()), spectrum), row)
        row += rng.multinomial(int(gone.sum()), spectrum) - gone
    return other
