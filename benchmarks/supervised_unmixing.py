"""Abundances of three spectra learned from known ones: root mean square errors of SupervisedDNMF and classic answers.

python benchmarks/supervised_unmixing.py [--seeds 101 102]

2,000 pairs and 2,000 new samples of 156 bands: a bright, a rising and a dark smooth spectrum, even Dirichlet
abundances, Gaussian noise of 30 or 20 dB, gains that vary by 20 % from sample to sample or from spectrum to spectrum.
Writes supervised_unmixing.csv, a row for each case, seed and method.
"""

import argparse
import warnings

import numpy as np
import torch
from sklearn.linear_model import RidgeCV

from dnmf import SupervisedDNMF
from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels import exact_exposures, exact_signatures, simplex_exposures
from refit_protocol import RESULTS, write_rows

N_PAIRS, N_BANDS = 2000, 156
# Noise in decibels, standard deviation of the gain, what has a gain of its own.
CASES = ((30, 0.0, "sample"), (20, 0.0, "sample"), (20, 0.2, "spectrum"), (20, 0.2, "sample"))
KEYS = ("decibels", "gain", "gain_of", "seed", "method")


def spectra() -> np.ndarray:
    """Return three spectra alike those of soil, a tree and water; drawn once, with a seed of their own."""
    a = np.random.default_rng(89).uniform(0.5, 1.5, 8)
    t = np.linspace(0, 1, N_BANDS)

    def peak(at: float, width: float) -> np.ndarray:
        return np.exp(-0.5 * ((t - at) / width) ** 2)

    soil = a[6] * (0.15 * a[0] + 0.35 * a[1] * t + 0.05 * peak(0.6, 0.1))
    edge = 0.45 * a[2] / (1 + np.exp(-(t - 0.45) / (0.06 * a[3])))
    tree = 0.04 + 0.06 * peak(0.22, 0.04) + edge * (1 - 0.15 * peak(0.8, 0.05))
    water = 2 * a[5] * (0.05 * np.exp(-2 * t * a[4]) + 0.01)
    return np.stack([soil, tree, water])


def draw(rng: np.random.Generator, decibels: float, gain: float, of: str) -> tuple:
    W = spectra()
    y = rng.dirichlet(np.ones(len(W)), size=N_PAIRS)
    clean = y @ W
    if gain:
        shape = (N_PAIRS, 1) if of == "sample" else y.shape
        clean = (y * (1 + gain * rng.standard_normal(shape)).clip(0.1)) @ W
    size = np.sqrt(np.square(clean).mean() / 10 ** (decibels / 10))
    return (clean + size * rng.standard_normal(clean.shape)).clip(0), y


def answers(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    W, samples = exact_signatures(torch.tensor(X), torch.tensor(y)), torch.tensor(X_test)
    ridge = RidgeCV(np.logspace(-4, 3, 15)).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoubtfulDataWarning)
        default = SupervisedDNMF(random_state=seed).fit(X, y)
        summed = SupervisedDNMF(sum_to_one=True, random_state=seed).fit(X, y)
    return {
        "least squares": exact_exposures(samples, W).numpy(),
        "ridge": ridge.predict(X_test).clip(0),
        "fully constrained": simplex_exposures(samples, W).numpy(),
        "SupervisedDNMF": default.transform(X_test),
        "sum_to_one": summed.transform(X_test),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="*", type=int, default=(101, 102))
    chosen = parser.parse_args()
    for decibels, gain, of in CASES:
        for seed in chosen.seeds:
            rng = np.random.default_rng(seed)
            X, y = draw(rng, decibels, gain, of)
            X_test, y_test = draw(rng, decibels, gain, of)
            rows = [
                {"decibels": decibels, "gain": gain, "gain_of": of, "seed": seed, "method": method}
                | {"error": float(np.sqrt(np.square(found - y_test).mean()))}
                for method, found in answers(X, y, X_test, seed).items()
            ]
            write_rows(RESULTS / "supervised_unmixing.csv", rows, KEYS)
            print(*rows, sep="\n", flush=True)


if __name__ == "__main__":
    main()
