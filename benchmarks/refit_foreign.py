"""How often a signature that the reference lacks is noticed, at a fifth of 2,000 mutations.

    python benchmarks/refit_foreign.py EXPOSURES.csv [--part choice|test] [--seeds 3] [--out DIR] [--model FILE]

Writes refit_foreign.csv: a row for each test of fit and signature of COSMIC v3.4 and v3.6 that v3 lacks. "detected":
the p-value is below 0.05. "detected_at_rate": it is below what 5 % of samples without a foreign signature have.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.refit.evidence import reported
from dnmf.refit.methods import classic_exposures
from dnmf.refit.tumours import SUCCESSORS
from dnmf.signatures import SignatureSet, load_reference
from dnmf.signatures.simulate import draw_counts
from dnmf.threads import one_thread
from refit_answers import network
from refit_protocol import FALSE_ALARMS, Array, Tumours, options, write_rows
from refit_settings import MAIN, Source

FOREIGN_FROM = ("cosmic-v3.4-GRCh38", "cosmic-v3.6-GRCh38")
SHARE, MUTATIONS = 0.2, 2_000
SAMPLES_PER_TYPE, CLEAN_SAMPLES_PER_TYPE = 25, 100
TESTS = ("network, p_reference", "network, p_answer", "network, lower of both", "kl")


def foreign_signatures(reference: SignatureSet) -> dict[str, tuple[str, Array]]:
    """Return the profile of each signature that the reference lacks, and where it is from, by name."""
    known = {*reference.names, *(new for old, new in SUCCESSORS.items() if old in reference.names)}
    found: dict[str, tuple[str, Array]] = {}
    for name in FOREIGN_FROM:
        other = load_reference(name)
        for signature, profile in zip(other.names, other.profiles.to_numpy(), strict=True):
            if signature not in known and signature not in found:
                found[signature] = name, profile
    return found


def p_values(reference: SignatureSet, counts: Array, model: Path | None) -> dict[str, Array]:
    """Return the p-values (n,) of every test."""
    found = network(reference, counts, "pan-cancer", model)
    classic = classic_exposures(counts, reference.profiles.to_numpy(), "kl")
    both = found.p_reference, found.p_answer
    values = (*both, np.minimum(*both), classic.p_reference)
    return dict(zip(TESTS, values, strict=True))


def spectra(tumours: Tumours, W: Array, size: int, rng: np.random.Generator) -> Array:
    """Return the spectra (8 size, f) of tumours, their small contributions dropped."""
    return reported(tumours.draw(size, rng)[0], MUTATIONS) @ W


def measure(source: Source, seeds: int, model: Path | None) -> list[dict[str, object]]:
    """Return a row for each foreign signature and test."""
    reference = load_reference(MAIN)
    tumours, W = source.tumours(reference), reference.profiles.to_numpy()
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    clean = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, MUTATIONS])
        expected = MUTATIONS * spectra(tumours, W, CLEAN_SAMPLES_PER_TYPE, rng)
        clean.append(p_values(reference, draw_counts(expected, "multinomial", rng), model))
    nulls = {test: np.concatenate([draw[test] for draw in clean]) for test in TESTS}
    rows: list[dict[str, object]] = []
    for number, (name, (origin, profile)) in enumerate(foreign_signatures(reference).items()):
        mixed = []
        for seed in range(seeds):
            rng = np.random.default_rng([seed, MUTATIONS, number])
            known = spectra(tumours, W, SAMPLES_PER_TYPE, rng)
            expected = MUTATIONS * ((1 - SHARE) * known + SHARE * profile)
            mixed.append(p_values(reference, draw_counts(expected, "multinomial", rng), model))
        for test, null in nulls.items():
            found = np.concatenate([draw[test] for draw in mixed])
            rows.append(
                {
                    "signature": name,
                    "from": origin,
                    "nearest_cosine": float((unit @ profile / np.linalg.norm(profile)).max()),
                    "test": test,
                    "samples": len(found),
                    "detected": float((found < FALSE_ALARMS).mean()),
                    "false_alarms": float((null < FALSE_ALARMS).mean()),
                    "detected_at_rate": float((found < np.quantile(null, FALSE_ALARMS)).mean()),
                }
            )
    return rows


def main() -> None:
    """Parse arguments, measure, print means over signatures."""
    parser = options(str(__doc__))
    parser.add_argument("--model", type=Path, help="file of another model than the packaged one")
    arguments = parser.parse_args()
    with one_thread():
        rows = measure(
            Source(arguments.exposures, arguments.part), arguments.seeds, arguments.model
        )
    write_rows(
        arguments.out / "refit_foreign.csv",
        rows,
        ("signature", "test", "part"),
        part=arguments.part,
    )
    table = pd.DataFrame(rows)
    means = table.groupby("test", sort=False)[["detected", "false_alarms", "detected_at_rate"]]
    print(means.mean().round(4).to_string())
    hard = table[table["test"] == TESTS[2]].nsmallest(8, "detected")
    print(hard[["signature", "nearest_cosine", "detected"]].round(3).to_string(index=False))


if __name__ == "__main__":
    main()
