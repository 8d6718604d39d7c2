"""
A panel with about 50 mutations a sample
========================================

What can be known of the signatures of a tumour when a panel or an exome shows 50 of its mutations? Some things well,
others not at all. Here the answer is known, so that both can be seen.
"""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from dnmf import example_catalog, load_reference, refit_exposures, simulate_cohort

N_SAMPLES = 300

# %%
# **The samples.** Exposures like those of 21 breast cancer genomes, 30 to 80 mutations each. A panel has other sites
# than the genome, so the signatures must be those of its regions. Here they are COSMIC's for exomes. For a panel give
# its regions: ``load_reference("cosmic-v3.4", assay="panel.bed", genome="hg19.fa")``.

BREAST = "SBS1,SBS2,SBS3,SBS5,SBS8,SBS13,SBS18,SBS40a"
genomes = refit_exposures(example_catalog(), BREAST, method="kl").exposures
reference = load_reference("cosmic-v3.4", assay="exome")
catalog, truth = simulate_cohort(
    reference, N_SAMPLES, mutations=(30, 80), exposures=genomes, random_state=1
)
print(f"{len(catalog.counts)} samples, median {catalog.burdens.median():.0f} mutations")

# %%
# **Four refits.** ``kl`` is the likelihood alone: all 86 signatures share what few explain. The others have a prior,
# which says what is expected of tumours. The error is the part of a sample's mutations that goes to the wrong
# signature.


def mean_error(result):
    share, true_share = (
        table.div(table.sum(axis=1), axis=0) for table in (result.exposures, truth)
    )
    return (share - true_share).abs().sum(axis=1).mean() / 2


results = {
    "likelihood alone, 86 signatures": refit_exposures(catalog, reference, method="kl"),
    "likelihood alone, the 8 that are there": refit_exposures(
        catalog, reference.select(BREAST.split(",")), method="kl"
    ),
    "prior: tumours of all types": refit_exposures(catalog, reference),
    "prior: breast cancer": refit_exposures(catalog, reference, prior="Breast-AdenoCA"),
}
errors = pd.Series({name: mean_error(result) for name, result in results.items()})
print(errors.round(2).to_string())

# %%
# With a whole catalogue of signatures the likelihood is lost in samples this small. Told exactly which eight
# signatures there are it does best, but who can tell that of a tumour? A prior comes close to it without being told.
# It has to fit: for cell lines or treated tumours there is ``prior="none"``. See :func:`dnmf.refit_exposures` and
# :doc:`/genomics/refit`. On the command line: ``dnmf refit CATALOG --assay exome --prior Breast-AdenoCA -o OUT``.

result = results["prior: breast cancer"]
figure, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
bars = ax.barh(errors.index[::-1], errors[::-1], color=["#0072B2", "#56B4E9", "#999999", "#999999"])
ax.bar_label(bars, fmt="{:.0%}", padding=3)
ax.set(xlabel="mutations given to the wrong signature, mean over samples", xlim=(0, 1))
ax.xaxis.set_major_formatter(PercentFormatter(1))

# %%
# **One sample.** The estimate is one number; the interval is what 50 mutations allow. ``presence`` is the probability
# that the signature gives at least 10 mutations or 5 % of the sample.

sample = catalog.burdens.sub(50).abs().idxmin()
one = pd.DataFrame(
    {
        "truth": truth.loc[sample],
        "estimate": result.exposures.loc[sample],
        "from": result.exposure_lower.loc[sample],
        "to": result.exposure_upper.loc[sample],
        "presence": result.presence.loc[sample],
    }
)
print(one[(one["truth"] > 0) | (one["estimate"] > 0)].round(1).to_string())

# %%
# **Do the intervals hold?** Of the signatures that have at least 10 mutations in a sample, so many have their true
# exposure within the 90 % interval:

large = truth.to_numpy() >= 10
held = (result.exposure_lower <= truth) & (truth <= result.exposure_upper)
print(f"{held.to_numpy()[large].mean():.0%} of {large.sum()} intervals hold the truth")

# %%
# **What is certain, and what is not.** APOBEC (SBS2 and SBS13 together) has a spectrum like no other: its share is
# known even from 50 mutations. SBS3 is flat, as SBS5, SBS8 and SBS40a are: what one loses the others gain. The sum of
# the four is known better than each. (The points are in columns because the samples have the shares of 21 genomes.)

# sphinx_gallery_thumbnail_number = 2
groups = {"APOBEC: SBS2 + SBS13": ["SBS2", "SBS13"], "SBS3": ["SBS3"]}
groups["flat: SBS3 + SBS5 + SBS8 + SBS40a"] = ["SBS3", "SBS5", "SBS8", "SBS40a"]
figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True, layout="constrained")
for ax, (name, members) in zip(axes, groups.items(), strict=True):
    x = truth[members].sum(axis=1) / truth.sum(axis=1)
    y = result.shares[members].sum(axis=1)
    ax.plot([0, 1], [0, 1], color="0.6", linewidth=1)
    ax.plot(x, y, "o", color="#0072B2", markersize=4, alpha=0.5, markeredgewidth=0)
    ax.set_title(f"{name}\ncorrelation {np.corrcoef(x, y)[0, 1]:.2f}", fontsize=10)
    ax.set_xlabel("true share of the sample")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
axes[0].set_ylabel("estimated share")

# %%
# **Averages of many samples** lose the chance, but not what the prior prefers. Those of signatures with a spectrum of
# their own are right. Of the flat ones the prior expects SBS5 most, which takes over what SBS8 and SBS40a lose. Again
# the sum is right, and a mean exposure to SBS8 of zero is no proof that it is absent.

shares = truth.div(truth.sum(axis=1), axis=0)
means = pd.DataFrame({"truth": shares.mean(), "estimate": result.shares.mean()})
means.loc["sum of the flat ones"] = means.loc[groups["flat: SBS3 + SBS5 + SBS8 + SBS40a"]].sum()
print(means[means.max(axis=1) > 0.02].round(3).to_string())

# %%
# **Goodness of fit.** ``p_reference`` asks whether any mixture of the reference explains the counts, ``p_answer``
# whether these exposures do. With 50 mutations a test sees only gross errors: that it is silent does not prove the
# answer. ``p_answer`` is below 0.05 in about a tenth of the samples, where chance alone would give a twentieth: the
# prior moves some answers away from what the counts say.

print((result.fit[["p_reference", "p_answer"]] < 0.05).mean().round(3).to_string())

# %%
# **Advice.** Samples have a sentence on what to make of them. The most frequent ones:

advice = result.fit["advice"].str.replace(r"\(\d+\)", "(N)", regex=True).value_counts()
for text, samples in advice.head(3).items():
    print(fill(f"{samples} samples: {text}", 95))
