"""Hyperspectral unmixing: how much of each material is in a pixel, learned from pixels whose abundances are known.

Every pixel of a synthetic scene mixes three materials, its brightness varies by 20 %, and there is noise, 20 dB below.
`SupervisedDNMF` learns abundances that sum to one from 1,000 labelled pixels. Beside it: least squares with abundances
that sum to one and the true spectra, and ridge regression with the same labels.

    python examples/factorisation/hyperspectral_unmixing.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import RidgeCV

from dnmf import SupervisedDNMF
from dnmf.kernels import exact_exposures

N_MATERIALS, N_BANDS = 3, 120
SUM_WEIGHT = 1e3  # of the equation that abundances sum to one, relative to a band


def spectra(rng: np.random.Generator) -> np.ndarray:
    """Smooth reflectances that resemble each other."""
    wavelength = np.linspace(0, 1, N_BANDS)
    common = 0.25 + 0.3 * wavelength
    bands = np.zeros((N_MATERIALS, N_BANDS))
    for _ in range(6):
        centre, width = rng.random((N_MATERIALS, 1)), rng.uniform(0.05, 0.2, (N_MATERIALS, 1))
        height = rng.normal(0, 0.12, (N_MATERIALS, 1))
        bands += height * np.exp(-(((wavelength - centre) / width) ** 2))
    return np.clip(common + bands, 0.02, 1)


def scene(side: int, rng: np.random.Generator) -> np.ndarray:
    """Abundances (side, side, materials) in patches with soft borders."""
    fields = [gaussian_filter(rng.normal(size=(side, side)), side / 12) for _ in range(N_MATERIALS)]
    weights = np.exp(2.5 * np.stack(fields, axis=-1) / np.std(fields))
    return weights / weights.sum(axis=-1, keepdims=True)


def seen(abundances: np.ndarray, materials: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pixels as the sensor gives them."""
    clean = abundances @ materials * (1 + 0.2 * rng.normal(size=(len(abundances), 1))).clip(0.1)
    return (clean + 0.1 * np.sqrt(np.mean(clean**2)) * rng.normal(size=clean.shape)).clip(0)


def constrained(pixels: np.ndarray, materials: np.ndarray) -> np.ndarray:
    """Least squares with abundances >= 0 that sum to one, which is one more equation of large weight."""
    ones = np.ones((len(pixels), 1)), np.ones((len(materials), 1))
    X, W = (
        np.hstack([part, SUM_WEIGHT * one])
        for part, one in zip((pixels, materials), ones, strict=True)
    )
    return exact_exposures(torch.tensor(X), torch.tensor(W)).numpy()


def main(
    side: int = 60, epochs: int = 50, picture: Path = Path("hyperspectral_unmixing.png")
) -> dict[str, float]:
    """Return the root mean square error of the abundances of the scene, method by method."""
    rng = np.random.default_rng(0)
    materials = spectra(rng)
    labels = rng.dirichlet(np.ones(N_MATERIALS), size=1000)
    labelled = seen(labels, materials, rng)
    truth = scene(side, rng).reshape(-1, N_MATERIALS)
    pixels = seen(truth, materials, rng)

    model = SupervisedDNMF(sum_to_one=True, max_epochs=epochs, random_state=0)
    model.fit(labelled, labels)
    ridge = RidgeCV(np.logspace(-4, 2, 13)).fit(labelled, labels)
    answers = {
        "constrained least squares": constrained(pixels, materials),
        "ridge regression": ridge.predict(pixels).clip(0),
        "SupervisedDNMF": model.transform(pixels),
    }
    errors = {
        name: float(np.sqrt(np.mean((answer - truth) ** 2))) for name, answer in answers.items()
    }
    for name, error in errors.items():
        print(f"{name:26} rmse of abundances {error:.4f}")

    shown = {"truth": truth} | answers
    figure, axes = plt.subplots(
        N_MATERIALS, len(shown), figsize=(9, 6.8), sharex=True, sharey=True, layout="constrained"
    )
    for column, (name, table) in zip(axes.T, shown.items(), strict=True):
        title = name if name == "truth" else f"{name}\nrmse {errors[name]:.3f}"
        column[0].set_title(title, fontsize=9)
        for material, ax in enumerate(column):
            image = ax.imshow(table[:, material].reshape(side, side), vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
    for material, ax in enumerate(axes[:, 0]):
        ax.set_ylabel(f"material {material + 1}")
    figure.colorbar(image, ax=axes, label="abundance", shrink=0.6)
    figure.savefig(picture, dpi=120)
    plt.close(figure)
    return errors


if __name__ == "__main__":
    main()
