"""`docs/explanation/supervised.md`: `SupervisedDNMF` beside likelihood, ridge, a perceptron and empirical Bayes."""

from figures.form import fixed, markdown, only, results
from figures.pages import Says
from paper.datasets import short_name

CONSTANTS = "1.000"
METHODS = {
    "dnmf": "**`SupervisedDNMF`**",
    "perceptron": "perceptron of its size",
    "empirical bayes": "empirical Bayes",
    "ridge": "ridge",
    "kl, regressed": "likelihood, regressed signatures",
    "nnls, regressed": "NNLS, regressed",
}


def counts() -> str:
    lines = []
    for name in ("many.types_sa.sa.96", "pancreas_sp.sp"):
        for mutations in ("50", "200", "1000", "5000", "50000", "own"):
            rows = only(results("supervised"), set=name, mutations=mutations)
            ratios = [only(rows, method=method)["ratio"].mean() for method in METHODS]
            label = "own totals" if mutations == "own" else fixed(float(mutations), 0)
            lines.append([short_name(name), label, *(fixed(value, 3) for value in ratios)])
    return markdown(["set", "N", *METHODS.values()], lines)


CASES = {
    "30 dB": (30, 0.0, "sample"),
    "20 dB": (20, 0.0, "sample"),
    "20 dB, gains of spectra vary by 20 %": (20, 0.2, "spectrum"),
    "20 dB, gains of samples vary by 20 %": (20, 0.2, "sample"),
}
ANSWERS = {
    "least squares": "NNLS, regressed",
    "ridge": "ridge",
    "fully constrained": "FCLS",
    "SupervisedDNMF": "**`SupervisedDNMF`**",
    "sum_to_one": "with `sum_to_one`",
}


def unmixing() -> str:
    lines = []
    for label, (decibels, gain, of) in CASES.items():
        rows = only(results("supervised_unmixing"), decibels=decibels, gain=gain, gain_of=of)
        errors = [only(rows, method=method)["error"].mean() for method in ANSWERS]
        lines.append([label, *(fixed(value, 4) for value in errors)])
    return markdown(["noise", *ANSWERS.values()], lines)


def says() -> list[Says]:
    exact = only(results("supervised"), mutations="none", method="dnmf")
    return [Says("on all twelve sets: at most {} times its error", fixed(exact["ratio"].max(), 3))]
