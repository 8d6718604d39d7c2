"""What the sentences of `docs/explanation/cohorts.md` say."""

from figures.cohorts import (
    GUIDED,
    NOISES,
    blind_rows,
    first_draw,
    held,
    looked_at_once,
    named,
    names,
)
from figures.form import fixed, only, results
from figures.pages import Says

CONSTANTS = "0.8; 0.9; 0.95; 0.1; 1.25; 2.5; 0.05; 0.01; 0.02; 0.03; 0.85; 0.93; 1 %; 5 %; 90 %"
CONSTANTS += "; 1,000; 3,000; 10,000; 100,000; 2.5 times"


def learned(part: str, method: str, column: str, than: str) -> tuple[float, float]:
    """Return the mean difference to another way, and its standard error, over cohorts."""
    rows = only(results("cohort_unrolled"), part=part)
    key = "seed" if part == "invented" else "cohort"
    means = rows.groupby([key, "method"])[column].mean().unstack()
    difference = means[method] - means[than]
    return difference.mean(), difference.sem()


def novel(noise: str) -> float:
    """Return how many of the signatures that are taken out one at a time are found."""
    rows = only(looked_at_once(), method=GUIDED, noise=noise, removed="one")
    return float(rows["removed_found"].sum())


def named_novel(*, lacking: bool) -> tuple[str, str]:
    """Return how many signatures the second layer calls novel, of those that the reference lacks or has."""
    rows = only(named("choice", "as it is"), number="true")
    if lacking:
        rows = rows[rows["removed"] != "none"]
        return str(rows["removed_found"].sum()), str(rows["taken_out_extracted"].sum())
    rows = only(rows, removed="none")
    return str(rows["false_novel"].sum()), str(rows["given_true"].sum())


def recall(rule: str) -> str:
    """Return the recall of the second layer by a rule, Poisson counts, reference complete."""
    rows = only(named("choice", rule), noise="poisson", removed="none", number="true")
    return fixed(names(rows)[0])


def says() -> list[Says]:
    sigprofiler = names(blind_rows("sigprofiler, cosmic"))
    ours = {noise: blind_rows("dnmf, true_k", noise).mean(numeric_only=True) for noise in NOISES}
    rest = "package 140"
    cosine, evidence = "learned for cosine 20", "learned for evidence 20"
    finished = {way: f"{way}, package 120" for way in (cosine, evidence, "one layer for cosine 20")}
    restarts = [
        learned("choice", finished[w], "tpr", rest)
        for w in (cosine, "one layer for cosine 20", evidence)
    ]
    lacks = [
        learned("choice", finished[w], "lack", rest) for w in (cosine, "one layer for cosine 20")
    ]
    best = [
        learned("choice", finished[w], "best_tpr", rest)
        for w in (cosine, "one layer for cosine 20", evidence)
    ]
    longer = [
        only(results("cohort_unrolled"), part="choice", method=m)["tpr"].mean()
        for m in (rest, "package 640")
    ]
    test = only(results("cohort_intervals"), part="test", removed="one")
    return [
        Says(
            "SigProfilerExtractor with decomposition, Poisson, nothing taken out: recall {}, "
            "precision {}.",
            *map(fixed, sigprofiler),
        ),
        Says(
            "at the true k has TPR {} and PPV {}, and guided recall {} and precision {}.",
            *(fixed(first_draw("dnmf, true_k")[c].mean()) for c in ("tpr_90", "ppv_90")),
            *map(fixed, names(first_draw(GUIDED))),
        ),
        Says(
            "At the true k, over-dispersed: TPR {}, PPV {}; perturbed profiles: TPR {}, PPV {}",
            *(fixed(ours[noise][c]) for noise in ("nb", "perturbed") for c in ("tpr_90", "ppv_90")),
        ),
        Says(
            "TPR higher by {}, standard error {}.",
            *map(fixed, learned("invented", cosine, "tpr", "package 20")),
        ),
        Says(
            "the difference in TPR is {}, standard error {} over cohorts",
            *map(fixed, learned("choice", cosine, "tpr", "package 20")),
        ),
        Says(
            "fewer signatures than 20 plain rounds ({}, standard error {})",
            *map(fixed, learned("choice", evidence, "tpr", "package 20")),
        ),
        Says(
            "nothing is better or faster: {} ({}) for layers learned for the cosine, {} ({}) for "
            "one layer, {} ({}) for",
            *(fixed(number) for pair in restarts for number in pair),
        ),
        Says(
            "(by {} and {} nats, standard errors {} and {})",
            *(fixed(-mean, 0) for mean, _ in lacks),
            *(fixed(error, 0) for _, error in lacks),
        ),
        Says(
            "the best by evidence: {} ({}), {} ({}), {} ({}).",
            *(fixed(number) for pair in best for number in pair),
        ),
        Says("from 140 to 640, TPR rises from {} to {}", *map(fixed, longer)),
        Says(
            "Over-dispersed counts: precision {}, the aim",
            fixed(names(only(looked_at_once(), method=GUIDED, noise="nb", removed="none"))[1]),
        ),
        Says(
            "One taken out: found in {} and {} of 28, where three quarters were aimed at; {} of "
            "28 where",
            *(f"{novel(noise):.0f}" for noise in ("poisson", "nb", "perturbed")),
        ),
        Says(
            "of the signatures that the reference lacks {} of {} stay novel",
            *named_novel(lacking=True),
        ),
        Says("nothing taken out, {} of {} are called novel, too", *named_novel(lacking=False)),
        Says("recall is the same ({}, Poisson)", recall("two at most")),
        Says("to gain only 0.01 raises it to {}", recall("third gains 0.01")),
        Says("the aim was 0.97"),
        Says("where 0.78 and 0.80 were aimed at"),
        Says(
            "Blind: {} and {} at the true number",
            *(fixed(ours["poisson"][c]) for c in ("tpr_90", "ppv_90")),
        ),
        Says(
            "differs from the true one by {}, most",
            fixed(blind_rows("dnmf, chosen")["k_error"].mean(), 1),
        ),
        Says(
            "SigProfilerExtractor differs by {}: its",
            fixed(blind_rows("sigprofiler, chosen")["k_error"].mean(), 1),
        ),
        Says(
            "hold the truth in {} of all channels, but in {} of those of at least 1 %, and {} of "
            "their exposures",
            *(
                fixed(held(test, group))
                for group in ("channels", "channels_large", "exposures_novel")
            ),
        ),
    ]
