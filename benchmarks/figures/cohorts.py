"""`docs/explanation/cohorts.md`: extraction on cohorts as people have them."""

import pandas as pd

from figures.form import NONE, fixed, markdown, only, results

DATA = {
    "poisson": "Poisson",
    "nb": "over-dispersed",
    "perturbed": "perturbed profiles",
    "other": "reference v3.6, data v3",
}
REMOVED = ("none", "one", "half")
GUIDED, CRUDE = "dnmf, guided", "crude rule, guided"


def looked_at_once() -> pd.DataFrame:
    """Return the rows of the fourteen cohorts that nothing was chosen on, those of the peers too."""
    rows = pd.concat([results("cohort_extraction"), results("cohort_peers")])
    return only(rows, part="test")


def names(rows: pd.DataFrame) -> tuple[float, float]:
    """Return recall and precision of the names that are called, over all rows together."""
    recall = rows["recalled"].sum() / rows["given_true"].sum()
    return recall, rows["called_right"].sum() / rows["called"].sum()


def pair(values: tuple[float, float]) -> str:
    return ", ".join(map(fixed, values))


def guided() -> str:
    head = [
        "data",
        "taken out of the reference",
        "recall",
        "precision",
        "taken-out ones found",
        "cohorts with a false novel one",
        "TPR",
        "PPV",
        "crude rule: recall, precision",
    ]
    lines = []
    for noise, data in DATA.items():
        for removed in REMOVED if noise != "other" else ("none",):
            rows = only(looked_at_once(), noise=noise, removed=removed)
            ours, crude = only(rows, method=GUIDED), only(rows, method=CRUDE)
            found = f"{ours['removed_found'].sum():.0f} of {ours['taken_out'].sum():.0f}"
            false = f"{(ours['false_novel'] > 0).sum()} of {len(ours)}"
            scores = [fixed(ours["tpr_90"].mean()), fixed(ours["ppv_90"].mean())]
            called = map(fixed, names(ours))
            found = NONE if removed == "none" else found
            lines.append([data, removed, *called, found, false, *scores, pair(names(crude))])
    return markdown(head, lines)


BLIND = {
    "dnmf, true_k": "`dnmf`, true k",
    "sigprofiler, true_k": "SigProfilerExtractor, true k",
    "kl_nmf, true_k": "Kullback-Leibler NMF, true k",
    "minimum_volume, true_k": "minimum volume, true k",
    "sklearn, true_k": "scikit-learn, true k",
    "dnmf, chosen": "`dnmf -k 2:15`",
    "sigprofiler, chosen": "SigProfilerExtractor, true k - 4 to + 4",
    "kl_nmf, chosen": "Kullback-Leibler NMF, BIC",
}


def blind_rows(method: str, noise: str = "poisson") -> pd.DataFrame:
    return only(looked_at_once(), method=method, noise=noise, removed="none")


def first_draw(method: str) -> pd.DataFrame:
    """Return the rows of the draw of counts that every method had."""
    return only(blind_rows(method), seed=0)


def blind() -> str:
    head = [
        "method",
        "TPR",
        "PPV",
        "composite",
        "TPR at 0.95",
        "error of k",
        "share of mutations",
        "CPU seconds",
    ]
    lines = []
    for method, label in BLIND.items():
        mean = blind_rows(method).mean(numeric_only=True)
        scores = [fixed(mean[c]) for c in ("tpr_90", "ppv_90", "composite_90", "tpr_95")]
        error = NONE if "true_k" in method else fixed(mean["k_error"])
        # The run over all numbers gave its answer at the true number as well.
        seconds = NONE if method == "sigprofiler, true_k" else fixed(mean["seconds"], 0)
        lines.append([label, *scores, error, fixed(mean["explained"]), seconds])
    return markdown(head, lines)


def by_cohort() -> str:
    columns = {
        GUIDED: "`dnmf` guided",
        "sigprofiler, cosmic": "SigProfiler, COSMIC",
        "dnmf, true_k": "`dnmf`, true k",
        "sigprofiler, true_k": "SigProfiler, true k",
        "dnmf, chosen": "`dnmf -k 2:15`",
        "sigprofiler, chosen": "SigProfiler, chosen",
        "kl_nmf, true_k": "KL, true k",
    }
    rows = only(looked_at_once(), noise="poisson", removed="none", seed=0)
    rows = rows.assign(cell=rows["found_90"].astype(str) + " / " + rows["reported"].astype(str))
    table = rows.pivot(index=["cohort", "true"], columns="method", values="cell")
    lines = [[f"{name} ({true})", *row] for (name, true), row in table[list(columns)].iterrows()]
    return markdown(["cohort (true)", *columns.values()], lines)


RULES = {
    "as it is": "as it is: second gains 0.01, third 0.05; adequate from 0.9; loses 0.01 at most",
    "alone": "one reference alone",
    "two at most": "two at most",
    "third gains 0.03": "third gains 0.03",
    "third gains 0.01": "third gains 0.01",
    "second gains 0.02": "second gains 0.02",
    "second gains 0.05": "second gains 0.05",
    "always the closest": "always the closest mixture",
    "loses 0.02 at most": "loses 0.02 at most",
    "adequate 0.8": "adequate from 0.8",
    "adequate 0.85": "adequate from 0.85",
    "adequate 0.93": "adequate from 0.93",
    "adequate 0.95": "adequate from 0.95",
    "backward and forward": "backward from all references, then forward, as `refit --method "
    "sparse`; "
    "adequate from 0.8",
}
FEWER = (
    "alone",
    "as it is",
    "two at most",
    "third gains 0.03",
    "third gains 0.01",
    "backward and forward",
)


def named(part: str, rule: str) -> pd.DataFrame:
    return only(results("cohort_decomposition"), part=part, method=rule)


def stays(part: str, rule: str) -> str:
    """Return how many of the signatures that the reference lacks stay novel, and how many others are called so."""
    rows = named(part, rule)
    rows = rows[(rows["number"] == "true") & (rows["removed"] != "none")]
    right, of = rows["removed_found"].sum(), rows["taken_out_extracted"].sum()
    return f"{right} of {of}; {rows['false_novel'].sum()}"


def complete(part: str, rule: str, noise: str, number: str = "true") -> str:
    return pair(names(only(named(part, rule), noise=noise, removed="none", number=number)))


NOISES = ("poisson", "nb", "perturbed")


def table_of_rules(part: str, labels: dict[str, str], missing: tuple[int, ...] = ()) -> str:
    """Return a table of rules, also with so many signatures fewer than the true number."""
    head = ["rule", "Poisson: recall, precision", "over-dispersed", "perturbed"]
    lines = []
    for rule, label in labels.items():
        cells = [complete(part, rule, noise) for noise in NOISES]
        for number in missing:
            few = rule in FEWER
            cells.append(complete(part, rule, "poisson", f"true - {number}") if few else "")
        lines.append([label, *cells, stays(part, rule)])
    head += [f"Poisson, k - {n}" for n in missing]
    return markdown([*head, "missing ones called novel; others called novel"], lines)


def rules() -> str:
    return table_of_rules("choice", RULES, (3, 5))


def rules_once() -> str:
    return table_of_rules("test", {rule: rule for rule in ("as it is", "backward and forward")})


GROUPS = ("exposures", "exposures_beside_novel", "exposures_novel", "channels", "channels_large")


def held(rows: pd.DataFrame, group: str) -> float:
    total = rows[group].sum()
    return rows[f"{group}_held"].sum() / total if total else float("nan")


def intervals() -> str:
    head = [
        "data",
        "taken out of the reference",
        "exposures",
        "of known ones beside a novel one",
        "of novel ones",
        "channels",
        "of at least 1 %",
    ]
    lines = []
    for removed in ("none", "one"):
        for noise, data in DATA.items():
            rows = only(results("cohort_intervals"), part="test", noise=noise, removed=removed)
            if len(rows):
                lines.append([data, removed, *(fixed(held(rows, group)) for group in GROUPS)])
    return markdown(head, lines)


WAYS = {
    "over-relaxed 20": "20 over-relaxed",
    "package 20": "20 package",
    "learned for cosine 20": "20 learned for cosine",
    "learned for evidence 20": "20 learned for evidence",
    "one layer for cosine 20": "20 of one layer learned for cosine",
    "package 40": "40 package",
    "package 140": "140 package (a restart)",
    "learned for cosine 20, package 120": "20 learned for cosine, 120 package",
    "learned for evidence 20, package 120": "20 learned for evidence, 120 package",
    "one layer for cosine 20, package 120": "20 of one layer, 120 package",
    "package 640": "640 package (a restart that is polished)",
}


def layers() -> str:
    head = [
        "rounds",
        "invented: TPR",
        "PPV",
        "cosine",
        "lack",
        "COSMIC: TPR",
        "PPV",
        "cosine",
        "lack",
        "seconds",
    ]
    lines = []
    for method, label in WAYS.items():
        cells = []
        for part in ("invented", "choice"):
            mean = only(results("cohort_unrolled"), method=method, part=part).mean(
                numeric_only=True
            )
            cells += [f"{fixed(mean[c])} ({fixed(mean['best_' + c])})" for c in ("tpr", "ppv")]
            cells += [fixed(mean["cosine"]), fixed(mean["lack"], 0)]
        seconds = only(results("cohort_unrolled"), method=method, part="choice")["seconds"].mean()
        lines.append([label, *cells, fixed(seconds)])
    return markdown(head, lines)
