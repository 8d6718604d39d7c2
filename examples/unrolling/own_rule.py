"""A rule of one's own in ten lines: projected gradient with learned step lengths, trained on one's own data.

The rule is a class with two methods. `Unfolded` makes a network of it, takes care of its start, scale and batches, and
the network can be trained, compiled and exported like those of the package.

    python examples/unrolling/own_rule.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from dnmf.kernels import exact_exposures
from dnmf.unfolding import Problem, Unfolded, UnfoldedLayer

N_SAMPLES, N_FEATURES, N_COMPONENTS, N_LAYERS = 400, 40, 8, 10


class LearnedSteps(UnfoldedLayer):
    """A projected gradient step whose length is learned for each component: ``H <- max(H - step (H G - C), 0)``."""

    nonnegative = ("step",)

    @classmethod
    def from_dictionary(cls, W: Tensor) -> "LearnedSteps":
        return cls(step=W.new_ones(len(W)) / torch.linalg.matrix_norm(W @ W.mT, 2))

    def forward(self, state: Tensor, problem: Problem) -> Tensor:
        return (state - self.step * (state @ problem.gram - problem.moments)).clamp(min=0)


def draw(n: int, W: Tensor, generator: torch.Generator) -> Tensor:
    """Sparse codes times the dictionary, with noise."""
    codes = torch.rand(n, len(W), generator=generator, dtype=W.dtype).pow(4)
    noise = torch.randn(n, W.shape[1], generator=generator, dtype=W.dtype)
    return (codes @ W + 3e-3 * noise).clamp(min=0)


def main(epochs: int = 300, picture: Path = Path("own_rule.png")) -> tuple[float, float]:
    """Return the error of the codes of new samples with the rule as it starts, and as it is trained."""
    generator = torch.Generator().manual_seed(0)
    place = torch.linspace(0, 1, N_FEATURES, dtype=torch.float64)
    centres = torch.linspace(0.1, 0.9, N_COMPONENTS, dtype=torch.float64)
    W = torch.exp(-(((place - centres[:, None]) / 0.12) ** 2))  # bumps that overlap
    W = W / W.sum(dim=1, keepdim=True)
    X, X_new = (draw(N_SAMPLES, W, generator) for _ in range(2))
    H, H_new = (exact_exposures(samples, W) for samples in (X, X_new))

    network = Unfolded.from_dictionary(W, N_LAYERS, layer=LearnedSteps)
    with torch.no_grad():
        before = [(h - H_new).norm() / H_new.norm() for h in network.iterates(X_new)]
    optimiser = torch.optim.Adam(network.parameters(), lr=0.5)
    for _ in range(epochs):
        optimiser.zero_grad()
        (network(X) - H).square().sum().backward()
        optimiser.step()
        network.project_nonnegative_()
    with torch.no_grad():
        after = [(h - H_new).norm() / H_new.norm() for h in network.iterates(X_new)]
    print(
        f"error after {N_LAYERS} layers, as it starts: {before[-1]:.4f}; trained: {after[-1]:.4f}"
    )

    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    ax.semilogy(before, "o-", label="classic step")
    ax.semilogy(after, "s-", label="own rule, trained")
    ax.set(xlabel="layer", ylabel="relative error of the codes of new samples")
    ax.legend()
    figure.savefig(picture, dpi=120)
    plt.close(figure)
    return float(before[-1]), float(after[-1])


if __name__ == "__main__":
    main()
