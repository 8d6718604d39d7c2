"""A dictionary for a task: learned through exact non-negative least squares, for the classifier that reads the codes.

Images of digits are coded by 16 non-negative components. Left in the picture: components that reconstruct best. Right:
the same ones after training with the classifier, by gradients through `ExactNNLS` (Mairal, Bach and Ponce 2012).

    python examples/unrolling/learned_dictionary.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from dnmf.kernels import nmf_anls, successive_projection
from dnmf.unfolding import ExactNNLS

N_COMPONENTS = 16


def train(codes: nn.Module, classifier: nn.Module, X: Tensor, y: Tensor, *, epochs: int) -> None:
    """Train all weights that want a gradient; the dictionary stays non-negative, its rows no longer than 1."""
    weights = [p for p in [*codes.parameters(), *classifier.parameters()] if p.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=1e-2)
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(X), generator=order).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(classifier(codes(X[rows])), y[rows]).backward()
            optimiser.step()
            codes.project_nonnegative_()
            with torch.no_grad():
                codes.dictionary /= codes.dictionary.norm(dim=1, keepdim=True).clamp(min=1)


def main(epochs: int = 40, picture: Path = Path("learned_dictionary.png")) -> tuple[float, float]:
    """Return the share of unseen digits that are read right, with the first dictionary and the learned one."""
    images, digits = load_digits(return_X_y=True)
    parts = train_test_split(images / 16, digits, test_size=0.3, random_state=0, stratify=digits)
    X, X_new, y, y_new = (torch.tensor(part) for part in parts)
    W = nmf_anls(X, successive_projection(X, N_COMPONENTS)).W
    W = W / W.norm(dim=1, keepdim=True)

    shares, pictures = [], []
    for learned in (False, True):
        codes = ExactNNLS(W, l2_reg=0.01).requires_grad_(learned)
        classifier = nn.Linear(N_COMPONENTS, 10, dtype=X.dtype)
        nn.init.zeros_(classifier.weight)
        nn.init.zeros_(classifier.bias)
        train(codes, classifier, X, y, epochs=epochs)
        with torch.no_grad():
            right = classifier(codes(X_new)).argmax(dim=1) == y_new
        shares.append(right.double().mean().item())
        pictures.append(codes.dictionary.detach())
    print(
        f"unseen digits read right, best to reconstruct: {shares[0]:.1%}; learned: {shares[1]:.1%}"
    )

    figure, axes = plt.subplots(1, 2, figsize=(8, 4.4), layout="constrained")
    titles = ("best to reconstruct", "learned for the task")
    for ax, title, share, dictionary in zip(axes, titles, shares, pictures, strict=True):
        tiles = dictionary.reshape(4, 4, 8, 8)
        tiles = nn.functional.pad(tiles / tiles.amax(dim=(2, 3), keepdim=True), (1, 1, 1, 1))
        ax.imshow(tiles.permute(0, 2, 1, 3).reshape(40, 40).numpy(), cmap="magma")
        ax.set_title(f"{title}: {share:.1%} right")
        ax.axis("off")
    figure.savefig(picture, dpi=120)
    plt.close(figure)
    return shares[0], shares[1]


if __name__ == "__main__":
    main()
