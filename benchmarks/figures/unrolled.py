"""`docs/explanation/unrolled.md`: rules of unrolled factorisation, trained and not."""

import pandas as pd

from figures.form import NONE, digits, fixed, least_and_most, markdown, one, only, results
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


def blind() -> str:
    lines = [
        ["the common dictionary, exact", *(cell(t, FLOOR, v, None) for t, v in BLIND_TASKS)],
        [f"{ALTERNATING}, 100 iterations", *(cell(t, ALTERNATING, v, 100) for t, v in BLIND_TASKS)],
    ]
    for depth in (10, 100):
        for method in BLIND:
            cells = [cell(task, method, value, depth) for task, value in BLIND_TASKS]
            lines.append([f"{RULES[method]}, {depth} layers", *cells])
    return markdown(["", "toy: H", "toy: W", "unmixing: H", "unmixing: W"], lines)


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


def over(
    task: str, method: str, floor: float, layers: int | None = 10, value: str = "error"
) -> float:
    return float(means(task, method, value, layers)[True] / floor)


def says() -> list[Says]:
    few = means("paper's set", "exact", layers=None)[False]
    learned = [
        over("paper's set", m, few, DEPTHS.get(m, 10))
        for m in ("mu", "projected-gradient", "exact", "admm")
    ]
    ridge = over("paper's set", "ridge", few, None)
    alternating = {(t, v): means(t, ALTERNATING, v, 100)[False] for t, v in BLIND_TASKS}
    ratios = {(t, v): over(t, "admm", floor, 10, v) for (t, v), floor in alternating.items()}
    exposures = [ratios[t, v] for t, v in BLIND_TASKS if v == "error"]
    dictionary = [ratios[t, v] for t, v in BLIND_TASKS if v != "error"]
    seconds = [means(t, "admm", "train_seconds")[True] for t in ("blind toy", "blind unmixing")]
    twenty = [
        over("blind toy", "admm", alternating["blind toy", v], 20, v)
        for v in ("error", "dictionary_error")
    ]
    untrained = max(
        max(gains(m, d)[:1], default=0) for m in SPOKEN.values() for d in (10, 100, None)
    )
    best = max(gains(m, 10)[-1] for m in SPOKEN.values() if len(gains(m, 10)) == 2)
    return [
        Says("(error {} of that of exact least squares)", fixed(min(learned))),
        Says("(speech: {} dB more)", fixed(best - untrained, 1)),
        Says(
            "have {} to {} of the error of exact least squares, ridge regression {}",
            *least_and_most(learned),
            fixed(ridge),
        ),
        Says(
            "Ten trained ADMM layers have {} to {} of the error of alternating least squares in "
            "the exposures, {} to {} in the "
            "dictionary, and learned it in {} to {} seconds; twenty have {} and {} on the toy",
            *least_and_most(exposures),
            *least_and_most(dictionary),
            *least_and_most(seconds, 0),
            *map(fixed, twenty),
        ),
        Says("Training is worth {} dB over the best untrained answer", fixed(best - untrained, 1)),
        Says(
            "the cost of `kl` was {} on the GPU and {} on the threads",
            *(
                fixed(one(results("devices"), "cost", what="epoch, kl", device=device), 0)
                for device in ("cuda", "cpu")
            ),
        ),
    ]
