"""
Which signature made a mutation?
================================

Exposures are of a sample; often the question is about one mutation, perhaps in a gene that drives the tumour. The
sample's exposures and the signatures give a probability, and the intervals of the exposures give a range.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from dnmf import example_catalog, refit_exposures, signature_probabilities
from dnmf.plotting import exposure_colours

SAMPLES = ["PD4199a", "PD4109a"]

# %%
# **Exposures of two breast cancer genomes**, from a refit with what is expected of breast cancer:

result = refit_exposures(example_catalog(), prior="Breast-AdenoCA")
print(result.shares.loc[SAMPLES, result.present.loc[SAMPLES].any()].T.round(3).to_string())

# %%
# **The probability** that a mutation of a sample, in channel c, comes from signature j is
#
# .. math:: P(j \mid c) = \frac{h_j W_{jc}}{\sum_i h_i W_{ic}}
#
# with the exposures h and the profiles W. ``lower`` and ``upper`` are the 5th and 95th percentile over exposures that
# agree with the refit.

table = signature_probabilities(result, SAMPLES)
print(table.head().round(3).to_string())

# %%
# **Two hot spots of PIK3CA.** E545K is a C>T after T, before A: the channel T[C>T]A, that of APOBEC. H1047R is A>G
# between C and T; on the strand of the pyrimidine that is the channel A[T>C]G. In PD4199a, which has most of APOBEC,
# SBS2 is all but certain to make mutations of the first channel. In PD4109a others make a part of them:

hot_spots = {"E545K": "T[C>T]A", "H1047R": "A[T>C]G"}
for name, channel in hot_spots.items():
    own = table[(table["channel"] == channel) & (table["upper"] >= 0.02)]
    print(f"PIK3CA {name}, {channel}")
    print(own.drop(columns="channel").round(2).to_string(index=False), "\n")

# %%
# The picture has a panel a tumour, for both channels the signatures with their probabilities (bars) and ranges
# (lines).

names = table.loc[
    table["channel"].isin(hot_spots.values()) & (table["upper"] >= 0.1), "signature"
].unique()
colours = dict(zip(names, exposure_colours(names), strict=True))
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
for ax, sample in zip(axes, SAMPLES, strict=True):
    for place, channel in enumerate(hot_spots.values()):
        own = (
            table[(table["sample"] == sample) & (table["channel"] == channel)]
            .set_index("signature")
            .reindex(names)
        )
        x = place * (len(names) + 1) + np.arange(len(names))
        ax.bar(x, own["probability"], color=[colours[name] for name in names], width=0.8)
        ax.vlines(x, own["lower"], own["upper"], color="black", linewidth=1)
    ax.set_xticks(
        [place * (len(names) + 1) + (len(names) - 1) / 2 for place in range(2)],
        [f"{name}\n{channel}" for name, channel in hot_spots.items()],
    )
    ax.set_title(sample)
axes[0].set(ylabel="probability of the signature", ylim=(0, 1))
axes[0].yaxis.set_major_formatter(PercentFormatter(1))
bars = [plt.Rectangle((0, 0), 1, 1, color=colours[name]) for name in names]
axes[1].legend(bars, names, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

# %%
# **What to remember.** The probabilities are given that one of the signatures made the mutation; what the reference
# lacks is not among the answers. A probability is about mutations of this channel in this sample, not about the gene:
# selection keeps the mutation, whatever made it. Ranges are wide where flat signatures share a channel.
#
# For every variant of a VCF: ``dnmf refit calls/ --genome hg38.fa --per-mutation -o OUT``, in Python
# :func:`dnmf.variant_signatures`. :doc:`/explanation/refit_measured` says how often the ranges hold the truth.
