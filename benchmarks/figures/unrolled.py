"""`docs/explanation/unrolled.md`: rules of unrolled factorisation, trained and not."""

import pandas as pd

from figures.form import NONE, digits, fixed, least_and_most, markdown, one, only, results, times
from figures.pages import Says

CONSTANTS = "0.1; 10 %; 20 %; 0 dB; 20 dB; 1,024; 2,000; 5,000; 20,000"
RULES = {
    "mu": "the paper's mu",
    "nalmu": "NALMU",
    "weighted-mu": "weighted mu",
    "projected-gradient": "LISTA",
    "palm": "PALM",
    "lp-palm": "PALM, Lp thresholds",
    "admm": "ADMM",
}
KNOWN = ("mu", "nalmu", "projected-gradient", "palm", "admm", "exact", "ridge")
BLIND = ("nalmu", "weighted-mu", "palm", "lp-palm", "admm")
DEPTHS = {"exact": None, "ridge": None}
"""Methods that have no layers."""
BLIND_TASKS = [
    (t, v) for t in ("blind toy", "blind unmixing") for v in ("error", "dictionary_error")
]
FLOOR = "mean dictionary, exact"
ALTERNATING = "alternating least squares"


def rows() -> pd.DataFrame:
    """Return the rows of the draws on which nothing was chosen."""
    return only(results("unrolled"), seeds="test")


def means(
    task: str, method: str, value: str = "error", layers: int | None = 10
) -> "pd.Series[float]":
    """Return the mean over the draws, untrained (False) and trained (True), where there are such."""
    found = only(rows(), task=task, method=method, layers=layers)
    return found.groupby("trained")[value].mean().dropna()


def cell(task: str, method: str, value: str = "error", layers: int | None = 10) -> str:
    return " → ".join(map(digits, means(task, method, value, layers))) or NONE


def known() -> str:
    columns = (
        ("toy", ""),
        ("unmixing", ""),
        ("unmixing, gain varies", ""),
        ("unmixing, gain varies", " + sum"),
        ("paper's set", ""),
    )
    lines = []
    for method in KNOWN:
        depth = DEPTHS.get(method, 10)
        cells = [cell(task, method + suffix, layers=depth) for task, suffix in columns]
        seconds = means("toy", method, "train_seconds", depth)[True]
        lines.append([RULES.get(method, method), *cells, digits(seconds, 2)])
    head = [
        "",
        "toy",
        "unmixing",
        "unmixing, gain varies",
        "the same, with sum",
        "paper's set, 500 counts",
        "seconds",
    ]
    return markdown(head, lines)


def another() -> str:
    lines = [
        [RULES.get(method, method)]
        + [
            cell(task, method, "other_error", DEPTHS.get(method, 10))
            for task in ("toy", "unmixing")
        ]
        for method in KNOWN[:-1]
    ]
    return markdown(["", "toy", "unmixing"], lines)


def draws(
    task: str, method: str, value: str, layers: int | None, *, trained: bool = False
) -> "pd.Series[float]":
    """Return the error on each draw."""
    found = only(rows(), task=task, method=method, layers=layers, trained=trained)
    return found.set_index("seed")[value].sort_index().dropna()


def both_draws(task: str, method: str, value: str, layers: int | None) -> str:
    found = (draws(task, method, value, layers, trained=trained) for trained in (False, True))
    return " → ".join(times(map(digits, errors)) for errors in found if len(errors))


def blind() -> str:
    methods = [("the common dictionary, exact", FLOOR, None)]
    methods.append((f"{ALTERNATING}, 100 iterations", ALTERNATING, 100))
    methods += [(f"{RULES[m]}, {depth} layers", m, depth) for depth in (10, 100) for m in BLIND]
    tables = []
    for task in ("blind toy", "blind unmixing"):
        lines = [
            [label, *(both_draws(task, method, v, depth) for t, v in BLIND_TASKS if t == task)]
            for label, method, depth in methods
        ]
        tables.append(markdown([task.removeprefix("blind "), "H", "W"], lines))
    return "".join(tables)


SPOKEN = {
    "exact least squares": "exact",
    "exact Kullback-Leibler": "exact Poisson",
    "Deep NMF": "deep-nmf",
    "NALMU": "nalmu",
    "the paper's mu": "mu",
    "PALM": "palm",
    "ADMM": "admm",
}


def gains(method: str, layers: int | None) -> list[float]:
    """Return gains in dB, untrained and trained: what is recorded is their negative."""
    return [-loss for loss in means("speech", method, layers=layers)]


def speech() -> str:
    lines = [
        [
            label,
            *(" → ".join(map(fixed, gains(method, depth))) or NONE for depth in (10, 100, None)),
        ]
        for label, method in SPOKEN.items()
    ]
    return markdown(["", "10 layers", "100 layers, untrained", "exact"], lines)


def exact_layers() -> str:
    """Return seconds of a forward and a backward pass, and both over those of the first."""
    labels = {
        "ADMM, ten layers": "ten ADMM layers",
        "ExactNNLS": "`ExactNNLS`",
        "KL, ten layers": "ten Kullback-Leibler layers",
        "ExactPoisson": "`ExactPoisson`",
    }
    table = results("exact_layer").set_index("layer").loc[list(labels), ["forward", "backward"]]
    both = table.sum(axis=1) / table.iloc[0].sum()
    lines = [
        [labels[layer], *(digits(value, 2) for value in row), digits(both[layer], 2)]
        for layer, row in table.iterrows()
    ]
    return markdown(["", "forward", "backward", "both, over ten ADMM layers"], lines)


def on_a_gpu() -> str:
    """Return seconds of an epoch on 16 threads and on a GPU."""
    table = results("devices")
    table = table[table["what"].str.startswith("epoch")]
    seconds = table.pivot_table("seconds", "what", "device", sort=False)
    lines = [
        [str(what).removeprefix("epoch, "), *(digits(row[device]) for device in ("cpu", "cuda"))]
        for what, row in seconds.iterrows()
    ]
    return markdown(["epoch of ten layers", "16 threads", "GPU"], lines)


def over(task: str, method: str, floor: float, layers: int | None = 10) -> float:
    return float(means(task, method, layers=layers)[True] / floor)


def says() -> list[Says]:
    few = means("paper's set", "exact", layers=None)[False]
    learned = [
        over("paper's set", m, few, DEPTHS.get(m, 10))
        for m in ("mu", "projected-gradient", "exact", "admm")
    ]
    ridge = over("paper's set", "ridge", few, None)
    alternating = {(t, v): draws(t, ALTERNATING, v, 100) for t, v in BLIND_TASKS}
    ratios = {
        (t, v): draws(t, "admm", v, 10, trained=True) / floor
        for (t, v), floor in alternating.items()
    }
    exposures, dictionary = (
        pd.concat([ratios[t, v] for t, v in BLIND_TASKS if v == value])
        for value in ("error", "dictionary_error")
    )
    gained = pd.concat(
        draws(t, m, "error", 10) / draws(t, m, "error", 10, trained=True)
        for t in ("blind toy", "blind unmixing")
        for m in ("nalmu", "weighted-mu", "palm")
    )
    seconds = [means(t, "admm", "train_seconds")[True] for t in ("blind toy", "blind unmixing")]
    twenty = [
        draws("blind toy", "admm", v, 20, trained=True) / alternating["blind toy", v]
        for v in ("error", "dictionary_error")
    ]
    untrained = max(
        max(gains(m, d)[:1], default=0) for m in SPOKEN.values() for d in (10, 100, None)
    )
    best = max(gains(m, 10)[-1] for m in SPOKEN.values() if len(gains(m, 10)) == 2)
    return [
        Says("(error {} of that of exact least squares)", fixed(min(learned))),
        Says(
            "(ten ADMM layers: {} to {} of the error of alternating least squares, over both factors",
            *least_and_most([*exposures, *dictionary]),
        ),
        Says("(speech: {} dB more)", fixed(best - untrained, 1)),
        Says(
            "have {} to {} of the error of exact least squares, ridge regression {}",
            *least_and_most(learned),
            fixed(ridge),
        ),
        Says(
            "Ten trained ADMM layers have {} to {} of the error of alternating least squares in "
            "the exposures, {} to {} in the dictionary, and learned it in {} to {} seconds; twenty "
            "have {} to {} and {} to {} on the toy",
            *least_and_most(exposures),
            *least_and_most(dictionary),
            *least_and_most(seconds, 0),
            *least_and_most(twenty[0]),
            *least_and_most(twenty[1]),
        ),
        Says("updates gain a factor of {} to {} in the exposures", *least_and_most(gained, 1)),
        Says("Training is worth {} dB over the best untrained answer", fixed(best - untrained, 1)),
        Says(
            "the cost of `kl` was {} on the GPU and {} on the threads",
            *(
                fixed(one(results("devices"), "cost", what="epoch, kl", device=device), 0)
                for device in ("cuda", "cpu")
            ),
        ),
    ]
