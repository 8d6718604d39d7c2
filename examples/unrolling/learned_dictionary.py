"""
A dictionary for a task
=======================

Images of digits are coded by 16 non-negative components, and a linear classifier reads the codes. The usual
components are those that reconstruct the images best. Here they are also trained for the classifier, by gradients
through the exact solution: :class:`dnmf.unfolding.ExactNNLS` (task-driven dictionary learning, Mairal, Bach and Ponce
2012).
"""

# %%
# Data, and components that reconstruct best
# ------------------------------------------
# A third of the images is kept for the test. The start is an ordinary factorisation of the others.

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from dnmf import DNMF
from dnmf.unfolding import ExactNNLS

EPOCHS = 40
N_COMPONENTS = 16

images, digits = load_digits(return_X_y=True)
parts = train_test_split(images / 16, digits, test_size=0.3, random_state=0, stratify=digits)
X, X_new, y, y_new = (torch.tensor(part) for part in parts)
W = torch.tensor(DNMF(N_COMPONENTS, max_iter=1000, tol=1e-4).fit(X).components_)
W = W / W.norm(dim=1, keepdim=True)

# %%
# Training
# --------
# The dictionary is a weight like any other. After each step it is made non-negative again, and rows longer than 1 are
# shortened, or codes would shrink to nothing beside the penalty.


def train(codes, classifier):
    weights = [p for p in [*codes.parameters(), *classifier.parameters()] if p.requires_grad]
    optimiser = torch.optim.Adam(weights, lr=1e-2)
    order = torch.Generator().manual_seed(0)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(X), generator=order).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(classifier(codes(X[rows])), y[rows]).backward()
            optimiser.step()
            codes.project_nonnegative_()
            with torch.no_grad():
                codes.dictionary /= codes.dictionary.norm(dim=1, keepdim=True).clamp(min=1)


# %%
# The classifier is trained twice: with the dictionary as it is, and together with the dictionary.

right, dictionaries = {}, {}
for name, learned in (("best to reconstruct", False), ("learned for the task", True)):
    codes = ExactNNLS(W, l2_reg=0.01).requires_grad_(learned)
    classifier = nn.Linear(N_COMPONENTS, 10, dtype=X.dtype)
    nn.init.zeros_(classifier.weight)
    nn.init.zeros_(classifier.bias)
    train(codes, classifier)
    with torch.no_grad():
        right[name] = float((classifier(codes(X_new)).argmax(dim=1) == y_new).double().mean())
    dictionaries[name] = codes.dictionary.detach()
    print(f"{name:21} {right[name]:.1%} of the test images are read right")

# %%
# The components
# --------------
# Each tile is one component; bright pixels have large weights.

figure, axes = plt.subplots(1, 2, figsize=(8, 4.4), layout="constrained")
for ax, (name, dictionary) in zip(axes, dictionaries.items(), strict=True):
    tiles = dictionary.reshape(4, 4, 8, 8)
    tiles = nn.functional.pad(tiles / tiles.amax(dim=(2, 3), keepdim=True), (1, 1, 1, 1), value=0.4)
    ax.imshow(tiles.permute(0, 2, 1, 3).reshape(40, 40).numpy(), cmap="magma")
    ax.set_title(f"{name}: {right[name]:.1%} right")
    ax.axis("off")
plt.show()

# %%
# One split and one seed. A classifier that reads the pixels themselves is not limited to 16 numbers and does better;
# the point is what training changes at equal size. How the gradients arise, and where codes have a kink:
# :doc:`/unrolling/exact`.
