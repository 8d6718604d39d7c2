"""Blind unrolled NMF: both factors from the data alone, by layers that were trained on problems with known factors.

The search starts from a library of spectra, but the instrument sees them through its own response, and each data set
has variants of them. Each of ten layers updates exposures and dictionary, by the multiplicative rule with learned
factors (NALMU: Kervazo, Chetoui and Cohen 2024); the loss counts both factors after every layer. As they start, the
layers are the classic algorithm.

    python examples/unrolling/blind_unrolled_nmf.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from dnmf.unfolding import Factors, UnfoldedNMF, factor_loss

N_COMPONENTS, N_FEATURES, N_SAMPLES, N_LAYERS = 4, 30, 50, 10


def draw(n: int, typical: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Data sets X (n, samples, features), their exposures and their dictionaries."""
    W = typical * rng.lognormal(0, 0.1, size=(n, *typical.shape))
    H = rng.gamma(1.0, 1.0, size=(n, N_SAMPLES, N_COMPONENTS))
    X = H @ W
    X = np.maximum(X + 0.01 * X.mean() * rng.normal(size=X.shape), 0)
    return torch.tensor(X), torch.tensor(H), torch.tensor(W)


@torch.no_grad()
def errors(iterates: list[Factors], H: Tensor, W: Tensor) -> list[tuple[float, float]]:
    """Relative error of exposures and dictionary, at the start and after every layer."""
    return [
        (float((at.H - H).norm() / H.norm()), float((at.W - W).norm() / W.norm()))
        for at in iterates
    ]


def main(
    epochs: int = 60, picture: Path = Path("blind_unrolled_nmf.png")
) -> dict[str, tuple[float, float]]:
    """Return the errors of both factors on new data sets: classic algorithm, and trained layers."""
    rng = np.random.default_rng(0)
    place = np.linspace(0, 1, N_FEATURES)
    centres = np.linspace(0.15, 0.85, N_COMPONENTS)[:, None]
    library = np.exp(-(((place - centres) / 0.15) ** 2)) + 0.05
    response = 1 + 0.6 * np.sin(9 * place + np.arange(N_COMPONENTS)[:, None])
    X, H, W = draw(96, library * response, rng)
    X_new, H_new, W_new = draw(32, library * response, rng)

    network = UnfoldedNMF.from_dictionary(torch.tensor(library), N_LAYERS, rule="nalmu")
    curves = {"classic algorithm": errors(network.iterates(X_new), H_new, W_new)}
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    weights = [1 / N_LAYERS] * N_LAYERS
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for batch in torch.randperm(len(X), generator=order).split(16):
            optimiser.zero_grad()
            factor_loss(network.iterates(X[batch]), H[batch], W[batch], weights).backward()
            optimiser.step()
            network.project_nonnegative_()
    curves["trained layers"] = errors(network.iterates(X_new), H_new, W_new)
    for name, curve in curves.items():
        print(f"{name:18} error of exposures {curve[-1][0]:.3f}, of dictionary {curve[-1][1]:.3f}")

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for ax, factor in zip(axes, (0, 1), strict=True):
        for name, curve in curves.items():
            ax.plot([layer[factor] for layer in curve], "o-", markersize=4, label=name)
        ax.set(xlabel="layer", title=("exposures", "dictionary")[factor], ylim=(0, None))
    axes[0].set_ylabel("relative error on new data sets")
    axes[1].legend()
    figure.savefig(picture, dpi=120)
    plt.close(figure)
    return {name: curve[-1] for name, curve in curves.items()}


if __name__ == "__main__":
    main()
