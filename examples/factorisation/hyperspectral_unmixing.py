"""
Hyperspectral unmixing with labelled pixels
===========================================

How much of each material is in a pixel, learned from pixels whose abundances are known. Every pixel of a synthetic
scene mixes three materials, its brightness varies by 20 %, and there is noise, 20 dB below.
:class:`dnmf.SupervisedDNMF` learns abundances that sum to one from 1,000 labelled pixels. Beside it: least squares
with abundances that sum to one and the true spectra, and ridge regression with the same labels.

Without labels :class:`dnmf.DNMF` finds spectra and abundances from the pixels alone:
:doc:`/gallery/factorisation/missing_entries`. Both take a table of pixels × bands: ``cube.reshape(-1, n_bands)``.
"""

# %%
# A scene
# -------
# Smooth spectra that resemble each other; abundances in patches with soft borders.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import RidgeCV

from dnmf import SupervisedDNMF
from dnmf.kernels import exact_exposures

SIDE = 60  # pixels
EPOCHS = 20
N_MATERIALS, N_BANDS = 3, 120

rng = np.random.default_rng(0)
band = np.linspace(0, 1, N_BANDS)
materials = np.zeros((N_MATERIALS, N_BANDS))
for _ in range(6):
    centre, width = rng.random((N_MATERIALS, 1)), rng.uniform(0.05, 0.2, (N_MATERIALS, 1))
    materials += rng.normal(0, 0.12, (N_MATERIALS, 1)) * np.exp(-(((band - centre) / width) ** 2))
materials = np.clip(0.25 + 0.3 * band + materials, 0.02, 1)


def seen(abundances):
    """Pixels as the sensor gives them."""
    clean = abundances @ materials * (1 + 0.2 * rng.normal(size=(len(abundances), 1))).clip(0.1)
    return (clean + 0.1 * np.sqrt(np.mean(clean**2)) * rng.normal(size=clean.shape)).clip(0)


labels = rng.dirichlet(np.ones(N_MATERIALS), size=1000)
labelled = seen(labels)
fields = [gaussian_filter(rng.normal(size=(SIDE, SIDE)), SIDE / 12) for _ in range(N_MATERIALS)]
truth = np.exp(2.5 * np.stack(fields, axis=-1) / np.std(fields)).reshape(-1, N_MATERIALS)
truth = truth / truth.sum(axis=1, keepdims=True)
pixels = seen(truth)

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, spectrum in enumerate(materials, start=1):
    ax.plot(range(1, N_BANDS + 1), spectrum, label=f"material {name}")
ax.set(xlabel="band", ylabel="reflectance", ylim=(0, None))
ax.legend()
plt.show()

# %%
# Three answers
# -------------
# That abundances sum to one is an equation more, of large weight.

SUM_WEIGHT = 1e3
with_sum = [
    torch.tensor(np.hstack([part, np.full((len(part), 1), SUM_WEIGHT)]))
    for part in (pixels, materials)
]
model = SupervisedDNMF(sum_to_one=True, max_epochs=EPOCHS, random_state=0)
answers = {
    "constrained least squares": exact_exposures(*with_sum).numpy(),
    "ridge regression": RidgeCV(np.logspace(-4, 2, 13))
    .fit(labelled, labels)
    .predict(pixels)
    .clip(0),
    "SupervisedDNMF": model.fit(labelled, labels).transform(pixels),
}
errors = {name: float(np.sqrt(np.mean((H - truth) ** 2))) for name, H in answers.items()}
for name, error in errors.items():
    print(f"{name:26} root mean square error of the abundances {error:.4f}")

# %%

shown = {"truth": truth} | answers
figure, axes = plt.subplots(
    N_MATERIALS, len(shown), figsize=(9, 6.8), sharex=True, sharey=True, layout="constrained"
)
for column, (name, table) in zip(axes.T, shown.items(), strict=True):
    title = name if name == "truth" else f"{name}\nerror {errors[name]:.3f}"
    column[0].set_title(title, fontsize=9)
    for material, ax in enumerate(column):
        image = ax.imshow(table[:, material].reshape(SIDE, SIDE), vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
for material, ax in enumerate(axes[:, 0], start=1):
    ax.set_ylabel(f"material {material}")
figure.colorbar(image, ax=axes, label="abundance", shrink=0.6)
plt.show()

# %%
# Least squares with the true spectra is misled by the brightness. Where brightness is even, all three are alike: when
# to learn, and when not, is measured in :doc:`/explanation/supervised`. How to use it: :doc:`/estimators/supervised`.
