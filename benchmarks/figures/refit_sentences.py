"""What the sentences of `docs/explanation/refit_measured.md` say."""

import json
from importlib import resources
from math import prod

import pandas as pd

from figures.form import fixed, least_and_most, only, percent, results
from figures.pages import Says
from figures.refit import METHODS, V3, both, error, rows, step

CONSTANTS = "0.05; 1 %; 2 %; 15 %; 90 %; 1,000; 2,000; 4,500; 200,000"


def prior_of_ten() -> tuple[str, str]:
    setting = "absent, cohort of 10"
    return fixed(error(setting, "cohort", 100), 3), fixed(error(setting, "none", 100), 3)


def held(*where: tuple[str, str]) -> pd.Series:
    """Return how often intervals of what is present hold the truth, for these settings and priors."""
    return pd.concat([rows(*one_of)["coverage_present"] for one_of in where])


def speed(prior: str, signatures: int) -> pd.Series:
    found = only(results("refit_speed"), method="network", prior=prior, signatures=signatures)
    return found.set_index("mutations")["ms_per_sample"]


def known_settings() -> list[tuple[str, str]]:
    """Return settings and priors of tumours like those of the prior, under any reference, type or list."""
    unlike = ("negative binomial", "all kept")
    tumours = [w for w in METHODS.values() if w[0] not in unlike and w != (V3, "none")]
    return [*tumours, ("v3.6-GRCh37", "pan-cancer"), ("type list", "type"), ("panel", "pan-cancer")]


def says_of_intervals() -> list[Says]:
    known = known_settings()
    absent = rows("absent", "none").set_index("mutations")["coverage_present"]
    few = rows("few", "pan-cancer")
    lacking = rows("absent", "other types")
    return [
        Says(
            "90 % intervals hold {} to {} % of the signatures that are present in tumours",
            *least_and_most(100 * held(*known), 0),
        ),
        Says(
            "and {} to {} % with an own cohort of 160",
            *least_and_most(100 * held(("absent", "cohort")), 0),
        ),
        Says(
            "{} % of what is present in absent types at 100 mutations without a prior ({} % at "
            "2,000), {} % with 10 to 19",
            percent(absent[100]),
            percent(absent[2_000]),
            percent(few["coverage_present"].mean()),
        ),
        Says(
            "{} to {} % of evenly drawn mixtures",
            *least_and_most(100 * held(("even", "none"), ("even", "pan-cancer")), 0),
        ),
        Says(
            "With negative-binomial counts they hold {} to {} %",
            *least_and_most(100 * held(("negative binomial", "pan-cancer")), 0),
        ),
        Says(
            "With 10, 15 and 19 mutations and all exposures kept the error is {}, {} and {} "
            "(`sparse`: {} to {})",
            *(fixed(error("few", "pan-cancer", n)) for n in (10, 15, 19)),
            *(fixed(error("few", None, n, "sparse")) for n in (10, 19)),
        ),
        Says(
            "and {} to {} % of the mutations go to possible artefacts",
            *least_and_most(100 * few["artefact_share"], 1),
        ),
        Says(
            "tumours of types that the prior lacks do so in {} to {} % of samples",
            *least_and_most(100 * lacking["alarms_p_answer"], 0),
        ),
    ]


def says_of_summaries() -> list[Says]:
    costs = [
        error(V3, "pan-cancer", n) / error(V3, "training tumours", n) - 1 for n in (100, 2_000)
    ]
    return [
        Says(
            "Summaries of the tumours instead of the tumours themselves cost {} % at 100 and {} % "
            "at 2,000 mutations",
            *map(percent, costs),
        ),
    ]


def says_of_parts() -> list[Says]:
    base, answer, alone = (
        "posterior with the pan-cancer prior",
        "and exact zeros: the answer",
        "posterior without prior",
    )
    undivided = "the answer, counts not divided by their dispersion"
    noisy = "negative binomial"
    return [
        Says(
            "The network and the zeros are worth {} % at 100 mutations and {} % of the error "
            "without a prior",
            percent(1 - step(answer, V3, 100) / step(base, V3, 100)),
            percent(1 - step("the answer without prior", V3, 100) / step(alone, V3, 100)),
        ),
        Says(
            "is worth {} % at 2,000 negative-binomial mutations and two thirds of the error at "
            "50,000 ({} without, {} with)",
            percent(1 - step(answer, noisy, 2_000) / step(undivided, noisy, 2_000)),
            fixed(step(undivided, noisy, 50_000), 3),
            fixed(step(answer, noisy, 50_000), 3),
        ),
    ]


def says_of_foreign() -> list[Says]:
    table = results("refit_foreign")
    answer, reference = (only(table, test=f"network, {p}") for p in ("p_answer", "p_reference"))
    least = answer.set_index("signature")["detected"].nsmallest(3)
    if set(least.index) != {"SBS40c", "SBS92", "SBS40b"}:
        raise LookupError(f"noticed least are {list(least.index)}")
    return [
        Says(
            "notices it in {} % of samples (p < 0.05), with {} % false alarms; the test "
            '"the reference can explain this sample" in {} %',
            percent(answer["detected"].mean()),
            percent(answer["false_alarms"].mean(), 1),
            percent(reference["detected"].mean()),
        ),
        Says(
            "{} signatures). Least noticed are SBS40c, SBS92 and SBS40b, in {} to {} %",
            str(answer["signature"].nunique()),
            *least_and_most(100 * least, 0),
        ),
    ]


def says_of_priors() -> list[Says]:
    return [
        Says(
            "none {} / {}, pan-cancer {} / {}, the type {} / {}.",
            *both(V3, "none"),
            *both(V3, "pan-cancer"),
            *both("type told", "type"),
        ),
        Says(
            "none {} / {}, other types {} / {}, the own cohort of 50 tumours {} / {}, of 160 {} / "
            "{}.",
            *both("absent", "none"),
            *both("absent", "other types"),
            *both("absent, cohort of 50", "cohort"),
            *both("absent", "cohort"),
        ),
        Says("the error at 100 mutations was {} instead of {} without a prior", *prior_of_ten()),
    ]


def size_of_network() -> tuple[str, str]:
    """Return how many numbers the network in the package has, and the size of its file."""
    content = (resources.files("dnmf.refit") / "data" / "refit.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    learned = [name for name in header if not name.startswith(("__metadata__", "calibration"))]
    shapes = [header[name]["shape"] for name in learned]
    return fixed(sum(map(prod, shapes)), 0), fixed(len(content) / 1000, 0)


def says_of_speed() -> list[Says]:
    table = results("refit_speed")
    whole = only(table, method="dnmf refit").set_index("samples")
    ratios = pd.concat([speed("cohort", k) / speed("pan-cancer", k) for k in (86, 20, 10)])
    sigprofiler = only(results("refit_table"), method="SigProfilerAssignment")["ms_per_sample"]
    seconds = whole["ms_per_sample"] * whole.index / 1000
    million = results("refit_of_file").iloc[0]
    return [
        Says(
            "{} to {} ms a sample for 86 signatures ({} to {} without a prior), {} to {} for 20, "
            "{} to {} for 10; with the own "
            "cohort as prior {} to {} times as long",
            *least_and_most(speed("pan-cancer", 86), 1),
            *least_and_most(speed("none", 86), 1),
            *least_and_most(speed("pan-cancer", 20), 1),
            *least_and_most(speed("pan-cancer", 10), 1),
            *least_and_most(ratios, 1),
        ),
        Says("SigProfilerAssignment took {} to {} ms", *least_and_most(sigprofiler, 0)),
        Says(
            "`dnmf refit` of 10,000 samples took {} seconds of processor time, all files "
            "included, and {} GB of memory",
            fixed(seconds[10_000], 0),
            fixed(whole["peak_mib"][10_000] / 1024, 1),
        ),
        Says(
            "of 100,000, before answers were averaged, {} seconds and {} GB of memory",
            fixed(seconds[100_000], 0),
            fixed(whole["peak_mib"][100_000] / 1024, 1),
        ),
        Says(
            "the command took {} MB, the worker {} MB",
            fixed(million["command_mb"], 0),
            fixed(million["worker_mb"], 0),
        ),
        Says("{} simulated samples, 15 signatures", fixed(million["samples"], 0)),
        Says("The network has {} parameters (a file of {} KB)", *size_of_network()),
        Says("It took {} minutes", fixed(million["seconds"] / 60, 0)),
    ]


def says() -> list[Says]:
    return [
        *says_of_intervals(),
        *says_of_summaries(),
        *says_of_parts(),
        *says_of_foreign(),
        *says_of_priors(),
        *says_of_speed(),
    ]
