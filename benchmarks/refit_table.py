"""Refit of tumours never used in training: fitting error, presence, intervals and false alarms, beside the classics.

    python benchmarks/refit_table.py EXPOSURES.csv [--model NAME] [--seeds 3] [--parts table foreign speed] [--out DIR]

Writes, by the model's reference, refit_table (one row a method and setting), refit_foreign (one row a signature that
the reference lacks) and refit_speed (to be measured on an idle machine). About five CPU minutes.
"""

import argparse
import csv
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dnmf.kernels import exact_exposures, kl_exposures
from dnmf.kernels.selection import selected_exposures
from dnmf.refit import RefitCard, TumourExposures, load_refit_model, read_tumour_exposures
from dnmf.refit.estimate import estimate_exposures, forward_in_chunks
from dnmf.refit.evaluation import fitting_error
from dnmf.refit.methods import selected_shares
from dnmf.refit.network import RefitNetwork
from dnmf.signatures import load_reference
from dnmf.signatures.simulate import Noise, draw_counts
from refit_evaluation import (
    TestSet,
    coverage_scores,
    draw_test_set,
    drop_below,
    presence_scores,
)

COUNTS = (100, 2_000, 50_000)
FOREIGN_FROM = ("cosmic-v3.4-GRCh38", "cosmic-v3.6-GRCh38")
FOREIGN_SHARE, FOREIGN_COUNT, FALSE_ALARMS = 0.2, 2_000, 0.05


@dataclass(frozen=True)
class Setting:
    """What the test samples look like."""

    mutations: int
    noise: Noise = "multinomial"
    drop_small: bool = True
    prior: str = "tumours"


def draw(
    setting: Setting, tumours: TumourExposures, W: np.ndarray, seed: int, size: int = 100
) -> TestSet:
    """Draw ``size`` samples of each of eight tumour types, or eight times as many evenly drawn mixtures."""
    if setting.prior == "tumours":
        return draw_test_set(
            tumours,
            W,
            setting.mutations,
            noise=setting.noise,
            keep_small=not setting.drop_small,
            seed=seed,
            size=size,
        )
    rng = np.random.default_rng([seed, setting.mutations, 7])
    shares = np.zeros((8 * size, len(W)))
    for row in shares:
        chosen = rng.choice(len(W), rng.integers(3, 7), replace=False)
        row[chosen] = rng.dirichlet(np.ones(len(chosen)))
    if setting.drop_small:
        shares = drop_below(shares, setting.mutations)
    counts = draw_counts(setting.mutations * shares @ W, setting.noise, rng)
    return TestSet(counts, shares, np.zeros(8 * size, dtype=np.int64), size)


def classic_methods(
    W: torch.Tensor, tumours: TumourExposures
) -> dict[str, Callable[[TestSet, int], np.ndarray]]:
    """Shares by method; none of them is told the tumour type, except the oracle, which knows everything."""

    def likelihood(test: TestSet, mutations: int) -> np.ndarray:
        return kl_exposures(torch.tensor(test.counts), W, tol=1e-3).H.numpy()

    def posterior_mean(test: TestSet, prior: np.ndarray, mutations: int) -> np.ndarray:
        prior = drop_below(prior, mutations)
        spectra = prior @ W.numpy()
        log_likelihood = test.counts @ np.log(spectra + 1e-12).T
        weight = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
        return weight / weight.sum(axis=1, keepdims=True) @ prior

    def nnls(test: TestSet, mutations: int) -> np.ndarray:
        return exact_exposures(torch.tensor(test.counts), W).numpy()

    def dropped(exposures: np.ndarray) -> np.ndarray:
        return exposures * ((exposures >= 10) | (exposures >= exposures.max(axis=1, keepdims=True)))

    def sparse(test: TestSet, mutations: int) -> np.ndarray:
        return selected_shares(test.counts, W.numpy()) * test.counts.sum(axis=1, keepdims=True)

    training, test_part = tumours.part("training"), tumours.part("test")
    shares = tumours.shares.astype(np.float64)
    return {
        "sparse (dnmf)": sparse,
        "sparse, least squares (as published)": lambda t, n: selected_exposures(
            torch.tensor(t.counts), W
        ).numpy(),
        "nnls": nnls,
        "nnls, below 10 mutations dropped": lambda t, n: dropped(nnls(t, n)),
        "kl": likelihood,
        "kl, below 10 mutations dropped": lambda t, n: dropped(likelihood(t, n)),
        "empirical Bayes, training tumours": lambda t, n: posterior_mean(t, shares[training], n),
        "oracle: posterior mean over the test tumours": lambda t, n: posterior_mean(
            t, shares[test_part], n
        ),
    }


def score(weights: np.ndarray, test: TestSet, called: np.ndarray) -> dict[str, float]:
    error = fitting_error(weights / weights.sum(axis=1, keepdims=True), test.shares)
    scores = presence_scores(called, test.shares > 0, test.size)
    return {"fitting_error": error.mean(), "median_error": np.median(error), **scores}


def network_rows(
    network: RefitNetwork, card: RefitCard, test: TestSet
) -> dict[str, dict[str, float]]:
    rows = {}
    X = torch.tensor(test.counts, dtype=torch.float32)
    types = torch.tensor(test.types)
    for label, given in (("network", 0 * types), ("network, cohort given", types)):
        if label != "network" and not types.any():
            continue
        threshold = card.presence_threshold
        found = estimate_exposures(network, X, given, presence_threshold=threshold)
        called = found.presence > threshold
        rows[label] = score(found.shares, test, called)
        rows[label] |= coverage_scores(test.shares, found.lower, found.upper, called)
        rows[label]["false_alarms"] = float((found.p_value < FALSE_ALARMS).mean())
        raw = forward_in_chunks(network, X, given)
        rows[label + ", unfinished"] = score(raw.shares.double().numpy(), test, called)
    return rows


def table(
    network: RefitNetwork,
    card: RefitCard,
    tumours: TumourExposures,
    settings: list[Setting],
    seeds: int,
) -> list[dict[str, Any]]:
    W = network.W.double()
    methods = classic_methods(W, tumours)
    rows = []
    for setting in settings:
        collected: dict[str, list[dict[str, float]]] = {}
        for seed in range(seeds):
            test = draw(setting, tumours, W.numpy(), seed)
            found = network_rows(network, card, test)
            for name, method in methods.items():
                if seed > 0 and name.startswith("kl"):
                    continue  # the slowest, and far behind
                weights = np.maximum(method(test, setting.mutations), 0) + 1e-300
                total = test.counts.sum(axis=1, keepdims=True)
                shares = weights / weights.sum(axis=1, keepdims=True)
                found[name] = score(weights, test, shares * total >= 10)
            for name, scores in found.items():
                collected.setdefault(name, []).append(scores)
        for name, scores in collected.items():
            mean = {key: float(np.mean([s[key] for s in scores])) for key in scores[0]}
            mean["fitting_error_sd_of_seeds"] = float(np.std([s["fitting_error"] for s in scores]))
            rows.append({"method": name, **setting.__dict__, "seeds": len(scores), **mean})
            print({k: round(v, 4) if isinstance(v, float) else v for k, v in rows[-1].items()})
    return rows


def foreign_rows(
    network: RefitNetwork, card: RefitCard, tumours: TumourExposures
) -> list[dict[str, Any]]:
    """How often a signature that the reference lacks is noticed, by its name."""
    W = network.W.double().numpy()
    known = {*card.signatures, *card.renamed_signatures.values()}
    known |= {"SBS22a", "SBS40a"} if "SBS40" in known else set()
    rows, seen = [], set()
    for reference in FOREIGN_FROM:
        other = load_reference(reference)
        for name, profile in zip(other.names, other.profiles.to_numpy(), strict=True):
            if name in known or name in seen:
                continue
            seen.add(name)
            rng = np.random.default_rng(len(seen))
            test = draw_test_set(tumours, W, FOREIGN_COUNT, seed=len(seen), size=25)
            spectra = (1 - FOREIGN_SHARE) * test.shares @ W + FOREIGN_SHARE * profile
            counts = rng.multinomial(FOREIGN_COUNT, spectra / spectra.sum(axis=1, keepdims=True))
            X = torch.tensor(counts, dtype=torch.float32)
            clean = estimate_exposures(network, torch.tensor(test.counts, dtype=torch.float32))
            detected = (estimate_exposures(network, X).p_value < FALSE_ALARMS).mean()
            unit = W / np.linalg.norm(W, axis=1, keepdims=True)
            nearest = float((unit @ profile / np.linalg.norm(profile)).max())
            row = {"signature": name, "from": reference, "nearest_cosine": nearest}
            row |= {"detected": float(detected), "samples": len(X)}
            row["false_alarms"] = float((clean.p_value < FALSE_ALARMS).mean())
            rows.append(row)
            print(row)
    return rows


def speed(network: RefitNetwork, tumours: TumourExposures) -> list[dict[str, Any]]:
    """Milliseconds per sample, 10,000 samples, one thread."""
    rows = []
    for mutations in COUNTS:
        test = draw_test_set(tumours, network.W.double().numpy(), mutations, size=1250)
        X = torch.tensor(test.counts, dtype=torch.float32)
        estimate_exposures(network, X[:600])
        for name, run in (
            ("network", lambda X=X: forward_in_chunks(network, X, None)),
            ("network, finished, intervals and tests", lambda X=X: estimate_exposures(network, X)),
            ("kl", lambda X=X: kl_exposures(X[:1000], network.W)),
        ):
            began = time.process_time()
            run()
            spent = time.process_time() - began
            size = 1000 if name == "kl" else len(X)
            rows.append(
                {"method": name, "mutations": mutations, "ms_per_sample": 1e3 * spent / size}
            )
            print(rows[-1])
    return rows


def write(path: Path, rows: list[dict[str, Any]], card: RefitCard) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    stamp = {"model": card.name, "commit": commit, "torch": torch.__version__}
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*columns, *stamp])
        writer.writeheader()
        for row in rows:
            rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(rounded | stamp)


def main() -> None:
    """Parse arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exposures", type=Path)
    parser.add_argument("--model", default="refit-cosmic-v3-GRCh38")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--parts", nargs="*", default=["table", "foreign", "speed"])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network, card = load_refit_model(arguments.model)
    tumours = read_tumour_exposures(arguments.exposures, card.signatures)
    settings = [Setting(n) for n in COUNTS]
    settings += [Setting(n, noise="negative-binomial") for n in COUNTS]
    settings += [Setting(n, drop_small=False) for n in COUNTS]
    settings += [Setting(n, prior="3 to 6 signatures at random") for n in COUNTS]
    suffix = card.name.removeprefix("refit-")
    for part, measured in (
        ("table", lambda: table(network, card, tumours, settings, arguments.seeds)),
        ("foreign", lambda: foreign_rows(network, card, tumours)),
        ("speed", lambda: speed(network, tumours)),
    ):
        if part in arguments.parts:
            write(arguments.out / f"refit_{part}_{suffix}.csv", measured(), card)


if __name__ == "__main__":
    main()
