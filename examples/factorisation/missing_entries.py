"""
Missing entries
===============

A scene of four materials in 40 bands, in which a quarter of the sensor's lines are dead, other ones in every band. The
model is fitted to what is known, fills what is not, and the number of components is told by entries that are held out.
"""

# %%
# A scene with dead lines
# -----------------------
# Every pixel is a sample, every band a feature. ``mask`` is True where an entry is missing; NaN says the same.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

from dnmf import DNMF

SIDE, N_BANDS, N_MATERIALS = 60, 40, 4
NUMBERS = [1, 2, 3, 4, 5, 6, 8]

rng = np.random.default_rng(0)
band = np.arange(N_BANDS)
materials = np.exp(-(((band - np.array([[6], [16], [25], [35]])) / 7) ** 2)) + 0.1
fields = [gaussian_filter(rng.normal(size=(SIDE, SIDE)), SIDE / 25) for _ in range(N_MATERIALS)]
abundances = np.exp(6 * np.stack(fields, axis=-1) / np.std(fields)).reshape(-1, N_MATERIALS)
abundances = abundances / abundances.sum(axis=1, keepdims=True)
truth = abundances @ materials
scene = (truth + 0.05 * rng.normal(size=truth.shape)).clip(0)
dead = rng.random((SIDE, N_BANDS)) < 0.25  # lines, bands
missing = np.broadcast_to(dead[:, None], (SIDE, SIDE, N_BANDS)).reshape(scene.shape)

# %%
# How many components
# -------------------
# A tenth of the known entries is held out from the fit and from the exposures. The error in them falls until there are
# enough components; then it rises, because more of them follow the noise of what is known.

held_out = ~missing & (rng.random(scene.shape) < 0.1)
errors = []
for k in NUMBERS:
    model = DNMF(k, init="separable", random_state=0).fit(scene, mask=missing | held_out)
    predicted = model.transform(scene, mask=missing | held_out) @ model.components_
    errors.append(float(np.sqrt(np.square(predicted - scene)[held_out].mean())))
    print(f"{k} components: error of held-out entries {errors[-1]:.4f}")
best = NUMBERS[int(np.argmin(errors))]

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(NUMBERS, errors, "o-")
ax.axvline(best, color="0.6", linestyle=":", label=f"least: {best} components")
ax.axhline(0.05, color="C1", linestyle="--", label="noise")
ax.set(xlabel="components", ylabel="error of held-out entries / radiance", ylim=(0, None))
ax.legend()
plt.show()

# %%
# Fill
# ----
# Beside it the usual repair: linear interpolation between the nearest living lines of the same band. The error is that
# of the dead lines, against the scene without noise.

model = DNMF(best, tol=1e-5, random_state=0).fit(scene, mask=missing)
by_model = model.transform(scene, mask=missing) @ model.components_
cube = scene.reshape(SIDE, SIDE, N_BANDS)
between = np.empty_like(cube)
for b in range(N_BANDS):
    alive = np.flatnonzero(~dead[:, b])
    for column in range(SIDE):
        between[:, column, b] = np.interp(range(SIDE), alive, cube[alive, column, b])
filled = {
    "interpolation": np.where(missing, between.reshape(scene.shape), scene),
    "DNMF": np.where(missing, by_model, scene),
}
for name, answer in filled.items():
    error = np.sqrt(np.square(answer - truth)[missing].mean())
    print(f"{name:13} error of the dead lines {error:.4f}")

shown = int(dead.sum(axis=0).argmax())  # the band with most dead lines
images = {"as recorded": np.where(missing, np.nan, scene)} | filled | {"without noise": truth}
figure, axes = plt.subplots(1, 4, figsize=(10, 3), sharey=True, layout="constrained")
for ax, (name, table) in zip(axes, images.items(), strict=True):
    image = ax.imshow(table[:, shown].reshape(SIDE, SIDE), vmin=0, vmax=truth[:, shown].max())
    ax.set(title=name, xlabel="column", xticks=[0, SIDE - 1], yticks=[0, SIDE - 1])
    ax.set_facecolor("white")
axes[0].set_ylabel("line")
figure.colorbar(image, ax=axes, label=f"radiance, band {shown + 1}")
plt.show()

# %%
# Filling works because bands tell of each other: each pixel's abundances follow from the bands that it has. Where
# features are not related in this way, or a sample lacks most of them, no factorisation helps. Masks, NaN, weights:
# :doc:`/estimators/data`; numbers of components: :doc:`/estimators/components`.
