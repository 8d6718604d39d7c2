"""
How many components, and how sure
=================================

:func:`dnmf.select_n_components` on spectra that mix four known components: first with little noise, then with so much
that the data no longer tell. The second case shows how doubt looks.
"""

# %%
# Four components
# ---------------
# Two of the four spectra resemble each other. A measurement mixes them, and has noise of equal size in all channels.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np

from dnmf import select_n_components
from dnmf.metrics import match_components
from dnmf.plotting import plot_selection

N_RESTARTS = 8
NUMBERS = range(2, 7)
N_SAMPLES, N_CHANNELS = 40, 40

rng = np.random.default_rng(0)
channel = np.arange(N_CHANNELS)
centres, widths = np.array([[8], [20], [24], [33]]), np.array([[3], [3], [3], [2]])
components = np.exp(-(((channel - centres) / widths) ** 2))
exposures = rng.gamma(0.5, size=(N_SAMPLES, 4))
clean = exposures @ components
little, much = (
    (clean + noise * clean.std() * rng.normal(size=clean.shape)).clip(0) for noise in (0.05, 2.0)
)

figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for number, spectrum in enumerate(components, start=1):
    axes[0].plot(channel, spectrum, label=f"component {number}")
axes[0].set(xlabel="channel", ylabel="intensity", title="components", ylim=(0, 1.5))
axes[0].legend(fontsize=8, ncols=2)
axes[1].plot(channel, much[0], label="much noise")
axes[1].plot(channel, little[0], label="little noise")
axes[1].set(xlabel="channel", ylabel="intensity", title="the first sample")
axes[1].legend(fontsize=8)
plt.show()

# %%
# Little noise: a clear answer
# ----------------------------
# Every number is fitted to resampled data, and asked two things: do the components come back (silhouettes, right), and
# are held-out entries predicted (left)? The suggestion is the smallest number whose components come back and which
# predicts within one standard error of the best.

clear = select_n_components(little, NUMBERS, n_restarts=N_RESTARTS, noise="gaussian")
print(f"suggested {clear.suggested}, as good {clear.choice.tied}, stable {clear.choice.stable}")
print(clear.table[["difference", "standard_error", "stable", "silhouette"]].round(3))
plot_selection(clear.table, clear.suggested, figure=plt.figure(figsize=(10.4, 3.6)))
plt.show()

# %%
# Much noise: doubt
# -----------------
# The same four components, with noise of twice the standard deviation of the data. No number is stable, several
# predict as well, and the suggestion is the smallest that was tried: the answer is that these data do not tell.

doubtful = select_n_components(much, NUMBERS, n_restarts=N_RESTARTS, noise="gaussian")
choice = doubtful.choice
print(f"suggested {doubtful.suggested}, as good {choice.tied}, stable {choice.stable}")
print(f"at the {choice.at_boundary} end of the range")
print(doubtful.table[["difference", "standard_error", "stable", "silhouette"]].round(3))
plot_selection(doubtful.table, doubtful.suggested, figure=plt.figure(figsize=(10.4, 3.6)))
plt.show()

# %%
# What doubt looks like
# ---------------------
# Compare what was found with the truth, which only a simulation has. Components with low silhouettes are another
# mixture in every restart, and here indeed unlike the true ones.

for name, selection in (("little noise", clear), ("much noise", doubtful)):
    found = selection.chosen
    rows, columns, cosines = match_components(found.components, components)
    print(f"{name}: {selection.suggested} components")
    for row, column, cosine in zip(rows, columns, cosines, strict=True):
        silhouette = found.silhouette[row]
        print(f"  true component {column + 1}: cosine {cosine:.2f}, silhouette {silhouette:.2f}")

# %%
# Report the suggestion together with ``choice.tied``, and widen the range where ``choice.at_boundary`` is not empty.
# How often the suggestion is right is measured in :doc:`/explanation/selection`; missing entries and data beyond
# memory are in :doc:`/estimators/components`.
