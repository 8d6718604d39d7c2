"""The paper's claims, each counted twice: against the baseline it was made with, and against the best we could build.

The rule is the same for all: a claim that holds on at least nine tenths of the sets against the strong baseline is
confirmed; one that does so only against the baseline of the paper is confirmed against a weak baseline; any other is
not.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from paper.cells import LEARNED
from paper.datasets import BREAST
from paper.plan import PENALTIES
from paper.select import at_all_depths, by_set, simulated

SHARE = 0.9
PLATEAU = 0.1  # deeper networks that lower the error by less than this part have reached it
TENFOLD = 5.0  # times that count as "an order of magnitude faster"
ALIKE = 1.5  # ratio of times that count as similar
EARLY = 50  # iterations that count as "a few"

CONFIRMED = "confirmed"
WEAK = "confirmed only against a weak baseline"
NOT = "not confirmed"


@dataclass(frozen=True)
class Claim:
    """A claim with what was counted.

    Attributes
    ----------
    source, text : str
        Where and what the paper says.
    weak, strong : (int, int)
        On how many, of how many sets or cases, it holds: against the paper's baseline, and against the strong one.
    numbers : str
        The comparison behind the second, in words.
    """

    source: str
    text: str
    weak: tuple[int, int]
    strong: tuple[int, int]
    numbers: str

    @property
    def verdict(self) -> str:
        """What the counts say."""
        return verdict_of(self.weak, self.strong)


def verdict_of(weak: tuple[int, int], strong: tuple[int, int]) -> str:
    """Return the verdict for two counts.

    Examples
    --------
    >>> verdict_of((12, 12), (0, 12))
    'confirmed only against a weak baseline'
    >>> verdict_of((12, 12), (11, 12))
    'confirmed'
    """
    if strong[1] and strong[0] >= SHARE * strong[1]:
        return CONFIRMED
    if weak[1] and weak[0] >= SHARE * weak[1]:
        return WEAK
    return NOT


def _count(lower: np.ndarray, higher: np.ndarray) -> tuple[int, int]:
    """On how many sets the first is lower, of those where both are known."""
    known = np.isfinite(lower) & np.isfinite(higher)
    return int((lower[known] < higher[known]).sum()), int(known.sum())


def _add(*counts: tuple[int, int]) -> tuple[int, int]:
    return sum(c[0] for c in counts), sum(c[1] for c in counts)


def _range(ratio: np.ndarray) -> str:
    """Say median and range of what is known."""
    known = ratio[np.isfinite(ratio)]
    if not known.size:
        return "not run"
    return f"median {np.median(known):.3g}, {known.min():.3g} to {known.max():.3g}"


def regularisation(results: pd.DataFrame) -> Claim:
    """Figure 3."""

    def error(protocol: str, penalty: str, inference: str, figure: str = "mean") -> np.ndarray:
        return simulated(
            by_set(
                results, protocol, "supervised", "dnmf", inference, penalty=penalty, figure=figure
            )
        )

    weak = _count(
        error("authors", LEARNED, "network", "reported"),
        error("authors", "1", "network", "reported"),
    )
    learned, none = error("paper", LEARNED, "network"), error("paper", "0", "network")
    return Claim(
        "3, figure 3",
        "supervised, the regularised variant performs best",
        weak,
        _count(learned, none),
        f"error with learned penalties over that without penalties, held out: {_range(learned / none)}",
    )


def depth(results: pd.DataFrame, experiment: str) -> Claim:
    """Figure 4: from 15 to 20 layers little changes."""
    penalty = LEARNED if experiment == "supervised" else "0"
    results = at_all_depths(results)

    def error(layers: int, inference: str) -> np.ndarray:
        return simulated(
            by_set(
                results, "authors", experiment, "dnmf", inference, penalty=penalty, layers=layers
            )
        )

    counts = []
    for inference in ("network", "network, held out"):
        ratio = error(20, inference) / error(15, inference)
        known = ratio[np.isfinite(ratio)]
        counts.append((int((known >= 1 - PLATEAU).sum()), len(known)))
    return Claim(
        "3, figure 4",
        f"{experiment}, the error is level after 10 to 15 layers",
        counts[0],
        counts[1],
        f"error at 20 layers over that at 15, held out: {_range(ratio)}; "
        f"at 20 over 10: {_range(error(20, inference) / error(10, inference))}",
    )


def supervised(results: pd.DataFrame) -> Claim:
    """Figure 5."""
    network = simulated(
        by_set(
            results, "authors", "supervised", "dnmf", "network", penalty=LEARNED, figure="reported"
        )
    )
    weak = _add(
        *(
            _count(
                network,
                simulated(
                    by_set(
                        results,
                        "authors",
                        "supervised",
                        "mu",
                        "mu 10",
                        penalty=penalty,
                        figure="reported",
                    )
                ),
            )
            for penalty in PENALTIES
        )
    )

    def ours(method: str, inference: str, penalty: str = "0") -> np.ndarray:
        return simulated(by_set(results, "ours", "supervised", method, inference, penalty=penalty))

    network = ours("dnmf of the paper", "network", LEARNED)
    parts = []
    for name in ("mu 10", "mu 100", "mu 1000", "exact"):
        baseline = ours("least squares", name)
        lower, known = _count(network, baseline)
        parts.append(f"{name}: lower on {lower} of {known}, ratio {_range(network / baseline)}")
    return Claim(
        "3, figure 5",
        "supervised DNMF outperforms MU for all penalties",
        weak,
        _count(network, ours("least squares", "mu 1000")),
        "DNMF against signatures regressed from the training pairs with " + "; ".join(parts),
    )


def unsupervised(results: pd.DataFrame, *, breast: bool) -> Claim:
    """Figures 6 and 7."""

    def values(protocol: str, method: str, inference: str, penalty: str, figure: str) -> np.ndarray:
        found = by_set(
            results, protocol, "unsupervised", method, inference, penalty=penalty, figure=figure
        )
        return found.reindex([BREAST]).to_numpy(float) if breast else simulated(found)

    weak, strong, parts = [], [], []
    for penalty in PENALTIES:
        theirs = values("authors", "dnmf", "network", penalty, "reported")
        weak.append(_count(theirs, values("authors", "mu", "mu 10", penalty, "reported")))
        network = values("ours", "dnmf of the paper", "network", penalty, "full")
        best = values("ours", "mu best of 10", "mu 100", penalty, "full")
        strong.append(_count(network, best))
        parts.append(
            f"λ = {penalty}: lower on {strong[-1][0]} of {strong[-1][1]}, ratio {_range(network / best)}"
        )
    return Claim(
        "3, figure 7" if breast else "3, figure 6",
        "unsupervised DNMF outperforms MU "
        + ("on the breast genomes" if breast else "on simulated data")
        + " for all penalties",
        _add(*weak),
        _add(*strong),
        "full held-out cost of DNMF over that of MU, best of 10 random starts, 100 iterations: "
        + "; ".join(parts),
    )


def training_cost(results: pd.DataFrame) -> Claim:
    """Figure 8: DNMF against the best of several random starts."""
    table = results[results["experiment"] == "training cost"]
    weak, strong, parts = [0, 0], [0, 0], []
    for penalty in PENALTIES:
        rows = table[table["penalty"] == penalty]
        if rows.empty:
            continue
        last = rows[rows["iteration"] == rows["iteration"].max()]
        network = last.loc[last["method"] == "dnmf", "full"].mean()
        mu = last[last["method"] == "mu"]
        equal_entries = mu["inference"] == "equal entries"
        equal = mu.loc[equal_entries, "full"].mean()
        random = mu[~equal_entries].groupby("fold")["full"]
        best, worst = random.min().mean(), random.max().mean()
        for count, baseline in ((weak, equal), (strong, best)):
            count[0] += bool(network < baseline)
            count[1] += 1
        parts.append(
            f"λ = {penalty}: DNMF {network:,.0f}, MU best random {best:,.0f} "
            f"(worst {worst:,.0f}), equal entries {equal:,.0f}"
        )
    return Claim(
        "3, figure 8",
        "DNMF trains to a lower cost than the best of several random starts of MU",
        (weak[0], weak[1]),
        (strong[0], strong[1]),
        "breast genomes, cost after 500, mean over the folds run: " + "; ".join(parts),
    )


def early_minimum(results: pd.DataFrame) -> Claim:
    """Figure 8: MU is at its minimum after a few iterations."""
    rows = results[(results["experiment"] == "training cost") & (results["method"] == "mu")]
    counts, falls = {True: [0, 0], False: [0, 0]}, []
    for (_, name, _), curve in rows.groupby(["penalty", "inference", "fold"]):
        early = curve.loc[curve["iteration"] == EARLY, "full"].min()
        last = curve.loc[curve["iteration"] == curve["iteration"].max(), "full"].min()
        count = counts[name == "equal entries"]
        count[0] += bool(last >= (1 - PLATEAU) * early)
        count[1] += 1
        if name != "equal entries":
            falls.append(last / early)
    return Claim(
        "3, figure 8",
        "MU converges to a local minimum after a few iterations",
        (counts[True][0], counts[True][1]),
        (counts[False][0], counts[False][1]),
        f"random starts, cost after 500 iterations over that after {EARLY}: {_range(np.array(falls))}",
    )


def run_time(results: pd.DataFrame) -> list[Claim]:
    """Section 2.5."""
    rows = results[results["experiment"] == "run time"]
    seconds = rows.pivot_table(index="set", columns="inference", values="seconds_infer")
    seconds = seconds.reindex(columns=["network", "mu 10", "mu 100", "exact"])
    network = seconds["network"].to_numpy(float)
    ten, hundred, exact = (seconds[c].to_numpy(float) for c in ("mu 10", "mu 100", "exact"))
    alike = int((np.maximum(network / ten, ten / network) <= ALIKE).sum())
    faster = int((hundred / network >= TENFOLD).sum())
    by_exact = int((exact / network >= TENFOLD).sum())
    n = len(seconds)
    return [
        Claim(
            "2.5",
            "10-layer inference takes as long as 10 iterations of MU",
            (alike, n),
            (alike, n),
            f"time of the network over that of 10 iterations: {_range(network / ten)}",
        ),
        Claim(
            "2.5",
            "10-layer inference is an order of magnitude faster than MU's",
            (faster, n),
            (by_exact, n),
            f"100 iterations over the network: {_range(hundred / network)}; exact NNLS, better than either, over "
            f"the network: {_range(exact / network)}",
        ),
    ]


def judge(results: pd.DataFrame) -> list[Claim]:
    """Return every claim of which there are results."""
    claims = [
        regularisation(results),
        depth(results, "supervised"),
        depth(results, "unsupervised"),
        supervised(results),
        unsupervised(results, breast=False),
        unsupervised(results, breast=True),
        early_minimum(results),
        training_cost(results),
        *run_time(results),
    ]
    return [claim for claim in claims if claim.strong[1]]
