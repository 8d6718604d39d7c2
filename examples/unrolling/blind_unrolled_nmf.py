"""
Both factors by trained layers
==============================

The dictionary is not known, but others like it are. A library of spectra exists, the instrument sees them through its
own response, and each data set has variants of them. Ten layers update exposures and dictionary, and are trained on
data sets whose factors are known (NALMU, multiplicative steps with learned factors: Kervazo, Chetoui and Cohen 2024).
"""

# %%
# Data sets
# ---------
# Each has 50 samples and a dictionary of its own. 96 are for training, 32 new ones for the test.

import matplotlib.pyplot as plt
import numpy as np
import torch

from dnmf.unfolding import UnfoldedNMF, factor_loss

EPOCHS = 60
N_COMPONENTS, N_FEATURES, N_SAMPLES, N_LAYERS = 4, 30, 50, 10

rng = np.random.default_rng(0)
place = np.linspace(0, 1, N_FEATURES)
centres = np.linspace(0.15, 0.85, N_COMPONENTS)[:, None]
library = np.exp(-(((place - centres) / 0.15) ** 2)) + 0.05
response = 1 + 0.6 * np.sin(9 * place + np.arange(N_COMPONENTS)[:, None])


def draw(n):
    """Data sets X (n, samples, features), their exposures and their dictionaries."""
    W = library * response * rng.lognormal(0, 0.1, size=(n, *library.shape))
    H = rng.gamma(1.0, 1.0, size=(n, N_SAMPLES, N_COMPONENTS))
    X = H @ W
    X = np.maximum(X + 0.01 * X.mean() * rng.normal(size=X.shape), 0)
    return torch.tensor(X), torch.tensor(H), torch.tensor(W)


X, H, W = draw(96)
X_new, H_new, W_new = draw(32)

# %%
# Training
# --------
# The search starts from the library. The loss counts both factors after every layer
# (:func:`dnmf.unfolding.factor_loss`). Before training, the layers are the classic algorithm.


@torch.no_grad()
def errors(network):
    """Relative error of exposures and dictionary of the new data sets, at the start and after every layer."""
    return [
        (float((at.H - H_new).norm() / H_new.norm()), float((at.W - W_new).norm() / W_new.norm()))
        for at in network.iterates(X_new)
    ]


network = UnfoldedNMF.from_dictionary(torch.tensor(library), N_LAYERS, rule="nalmu")
curves = {"classic algorithm": errors(network)}
optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
order = torch.Generator().manual_seed(0)
for _ in range(EPOCHS):
    for batch in torch.randperm(len(X), generator=order).split(16):
        optimiser.zero_grad()
        iterates = network.iterates(X[batch])
        factor_loss(iterates, H[batch], W[batch], [1 / N_LAYERS] * N_LAYERS).backward()
        optimiser.step()
        network.project_nonnegative_()
curves["trained layers"] = errors(network)
for name, curve in curves.items():
    print(f"{name:18} error of exposures {curve[-1][0]:.3f}, of dictionary {curve[-1][1]:.3f}")

# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for factor, (ax, title) in enumerate(zip(axes, ("exposures", "dictionary"), strict=True)):
    for name, curve in curves.items():
        ax.plot([layer[factor] for layer in curve], "o-", markersize=4, label=name)
    ax.set(xlabel="layer", title=title, ylim=(0, None))
axes[0].set_ylabel("relative error on new data sets")
axes[1].legend()
plt.show()

# %%
# The first new data set
# ----------------------

with torch.no_grad():
    found = network(X_new[:1]).W[0]
figure, axes = plt.subplots(1, N_COMPONENTS, figsize=(9, 2.6), sharey=True, layout="constrained")
for ax, start, true, ours in zip(axes, library, W_new[0], found, strict=True):
    ax.plot(start, color="0.7", label="library")
    ax.plot(true, color="black", label="true")
    ax.plot(ours, "--", color="C1", label="found")
    ax.set(xlabel="feature")
axes[0].set_ylabel("component")
axes[0].legend(fontsize=8)
plt.show()

# %%
# Other rules, and alternating least squares beside them: :doc:`/unrolling/both_factors` and
# :doc:`/explanation/unrolled`.
