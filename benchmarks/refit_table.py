"""Refit of tumours that guided nothing, in many settings: fitting error, presence, intervals and false alarms.

    python benchmarks/refit_table.py EXPOSURES.csv [--part choice|test] [--seeds 3] [--rows SETTING ...] [--out DIR]
        [--model FILE] [--sigprofiler PYTHON]

Writes refit_table.csv: a row for each setting, number of mutations, method and prior; rows of settings that are not
measured again stay. All methods answer the same samples, on one thread. --model FILE measures another model than
the packaged one: the settings "absent" are meant for one that was trained without Liver-HCC, Skin-Melanoma and
ColoRect-AdenoCA. --sigprofiler PYTHON (of an environment with SigProfilerAssignment) adds that tool on the first draw.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.threads import one_thread
from refit_answers import Answer, Group, answers, scores
from refit_protocol import options, write_rows
from refit_settings import SETTINGS, Setting, Source
from refit_sigprofiler import sigprofiler_answer

KEYS = ("setting", "mutations", "method", "prior", "part", "model")
SHOWN = {
    "f1": "F1",
    "coverage_present": "present",
    "coverage_called": "called",
    "artefact_share": "artefacts",
    "signatures_a_sample": "signatures",
    "alarms_p_reference": "p_reference",
    "alarms_p_answer": "p_answer",
    "ms_per_sample": "ms",
}


def measure(
    setting: Setting,
    source: Source,
    mutations: int,
    seeds: int,
    model: Path | None,
    sigprofiler: Path | None,
) -> list[dict[str, object]]:
    """Return a row for each method and prior, the mean over draws."""
    collected: dict[tuple[str, str], list[dict[str, float]]] = {}
    for seed in range(seeds):
        groups = setting.draw(source, mutations, seed)
        found = answers(groups, model=model, networks_only=setting.networks_only)
        if sigprofiler is not None and seed == 0 and not setting.networks_only:
            found |= _sigprofiler(groups, sigprofiler)
        for key, answer in found.items():
            collected.setdefault(key, []).append(scores(groups, answer))
    rows: list[dict[str, object]] = []
    for (method, prior), draws in collected.items():
        row: dict[str, object] = {"method": method, "prior": prior, "seeds": len(draws)}
        row |= {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}
        row["fitting_error_sd_of_seeds"] = float(np.std([draw["fitting_error"] for draw in draws]))
        row["samples"] = int(sum(draw["samples"] for draw in draws))
        rows.append(row)
    return rows


def _sigprofiler(groups: list[Group], python: Path) -> dict[tuple[str, str], list[Answer]]:
    found = [Answer(*sigprofiler_answer(group.reference, group.counts, python)) for group in groups]
    return {("SigProfilerAssignment", ""): found}


def show(rows: list[dict[str, object]]) -> None:
    """Print the errors of all methods by number of mutations, and the other scores of the network."""
    table = pd.DataFrame(rows)
    print(f"\n{table['setting'].iloc[0]}: fitting error")
    error = table.pivot(index=["method", "prior"], columns="mutations", values="fitting_error")
    print(error.sort_values(error.columns[0]).round(4).to_string())
    network = table[table["method"] == "network"].set_index(["prior", "mutations"])
    print(network[list(SHOWN)].rename(columns=SHOWN).round(3).to_string(), flush=True)


def main() -> None:
    """Parse arguments and measure."""
    parser = options(str(__doc__))
    parser.add_argument(
        "--rows", nargs="+", choices=SETTINGS, default=list(SETTINGS), metavar="SETTING"
    )
    parser.add_argument("--model", type=Path, help="file of another model than the packaged")
    parser.add_argument("--sigprofiler", type=Path, metavar="PYTHON")
    arguments = parser.parse_args()
    source = Source(arguments.exposures, arguments.part)
    model = arguments.model
    stamp = {"part": source.part, "model": "packaged" if model is None else model.name}
    for name in arguments.rows:
        rows: list[dict[str, object]] = []
        for mutations in SETTINGS[name].counts:
            with one_thread():
                measured = measure(
                    SETTINGS[name], source, mutations, arguments.seeds, model, arguments.sigprofiler
                )
            rows += [{"setting": name, "mutations": mutations, **row} for row in measured]
        write_rows(arguments.out / "refit_table.csv", rows, KEYS, **stamp)
        show(rows)


if __name__ == "__main__":
    main()
