"""
A rule of your own
==================

Projected gradient steps with a learned length for each component, in ten lines, trained towards exact codes. A rule
is a class with two methods. :class:`dnmf.unfolding.Unfolded` makes a network of it, takes care of its start, scale
and batches, and the network can be trained, compiled and exported like those of the package.
"""

# %%
# The rule
# --------
# :math:`H \leftarrow \max(H - s \odot (H G - C), 0)` with :math:`G = W W^T`, :math:`C = X W^T` and a length ``s`` for
# each component. As it starts, ``s`` is the step of the classic algorithm.

import matplotlib.pyplot as plt
import torch

from dnmf.kernels import exact_exposures
from dnmf.unfolding import Unfolded, UnfoldedLayer

EPOCHS = 300
N_SAMPLES, N_FEATURES, N_COMPONENTS, N_LAYERS = 400, 40, 8, 10


class LearnedSteps(UnfoldedLayer):
    nonnegative = ("step",)

    @classmethod
    def from_dictionary(cls, W):
        return cls(step=W.new_ones(len(W)) / torch.linalg.matrix_norm(W @ W.mT, 2))

    def forward(self, state, problem):
        return (state - self.step * (state @ problem.gram - problem.moments)).clamp(min=0)


# %%
# A problem
# ---------
# Components are bumps that overlap, codes are sparse, and there is a little noise. The exact codes are known:
# :func:`dnmf.kernels.exact_exposures` computes them.

generator = torch.Generator().manual_seed(0)
place = torch.linspace(0, 1, N_FEATURES, dtype=torch.float64)
centres = torch.linspace(0.1, 0.9, N_COMPONENTS, dtype=torch.float64)
W = torch.exp(-(((place - centres[:, None]) / 0.12) ** 2))
W = W / W.sum(dim=1, keepdim=True)


def draw(n):
    codes = torch.rand(n, len(W), generator=generator, dtype=W.dtype).pow(4)
    noise = torch.randn(n, W.shape[1], generator=generator, dtype=W.dtype)
    return (codes @ W + 3e-3 * noise).clamp(min=0)


X, X_new = draw(N_SAMPLES), draw(N_SAMPLES)
H, H_new = exact_exposures(X, W), exact_exposures(X_new, W)

# %%
# Training
# --------
# The error is that of new samples, after every layer.


@torch.no_grad()
def errors(network):
    return [float((h - H_new).norm() / H_new.norm()) for h in network.iterates(X_new)]


network = Unfolded.from_dictionary(W, N_LAYERS, layer=LearnedSteps)
before = errors(network)
optimiser = torch.optim.Adam(network.parameters(), lr=0.5)
for _ in range(EPOCHS):
    optimiser.zero_grad()
    (network(X) - H).square().sum().backward()
    optimiser.step()
    network.project_nonnegative_()
after = errors(network)
print(f"error after {N_LAYERS} layers, as it starts: {before[-1]:.4f}; trained: {after[-1]:.4f}")

# %%

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.semilogy(before, "o-", label="classic step")
ax.semilogy(after, "s-", label="own rule, trained")
ax.set(xlabel="layer", ylabel="relative error of the codes of new samples")
ax.legend()
plt.show()

# %%
# More layers of the classic step arrive at the exact codes as well: training saves layers. What a rule may use, and
# what it cannot: :doc:`/unrolling/own_rules`. How to read such a comparison: :doc:`/unrolling/fair`.
