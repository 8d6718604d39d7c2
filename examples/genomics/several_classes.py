"""
Substitutions, doublets and indels together
===========================================

A process leaves its marks in several classes of mutations. Tobacco smoke makes SBS4, but also the doublets of DBS2
and the deletions of ID3; ultraviolet light makes SBS7a, DBS1 and ID13. Each class is refitted with its own reference,
and the classes can support each other.
"""

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from dnmf import MutationCatalog, load_reference, refit_exposures, simulate_cohort
from dnmf.classes import ClassAnswers, answer_classes, save_classes
from dnmf.plotting import exposure_colours

N_EACH = 12

# %%
# **Three kinds of tumours**, with how many mutations of each class, and by which signatures. The catalogs are
# simulated. Those of your own come from variant files by :func:`dnmf.count_variants` (:doc:`variants_to_report`) or
# from :func:`dnmf.read_catalog`.

KINDS = {
    "smoker": {
        "SBS4": 6000,
        "SBS5": 3000,
        "SBS1": 400,
        "DBS2": 90,
        "DBS9": 10,
        "ID3": 300,
        "ID1": 60,
    },
    "skin": {
        "SBS7a": 9000,
        "SBS5": 2000,
        "SBS1": 300,
        "DBS1": 150,
        "DBS9": 10,
        "ID13": 60,
        "ID1": 60,
    },
    "other": {"SBS5": 2500, "SBS1": 800, "DBS9": 12, "ID1": 90, "ID2": 60},
}
rng = np.random.default_rng(0)
catalogs = []
for name in ("SBS", "DBS", "ID"):
    reference = load_reference(f"cosmic-v3.4-{name}")
    counts = []
    for kind, exposures in KINDS.items():
        own = {known: n for known, n in exposures.items() if known in reference.names}
        drawn = rng.gamma(4, 0.25, (N_EACH, len(own))) * list(own.values())
        shares, total = pd.DataFrame(drawn, columns=list(own)), sum(own.values())
        catalog, _ = simulate_cohort(
            reference,
            N_EACH,
            mutations=(total / 2, total * 2),
            exposures=shares,
            random_state=rng,
        )
        counts.append(catalog.counts.rename(index=lambda sample, kind=kind: f"{kind} {sample}"))
    catalogs.append(MutationCatalog(pd.concat(counts), schema=reference.schema))
for catalog in catalogs:
    print(catalog, f"median {catalog.burdens.median():.0f} mutations a sample")

# %%
# **One answer for each class.** On the command line this is one run: ``dnmf refit SBS96.tsv DBS78.tsv ID83.tsv -o
# OUT``, or ``dnmf refit calls/ --genome hg38.fa -o OUT`` from variants. For SBS the prior is that of tumours of all
# types; for doublets and indels it is the cohort itself.

results, left_out = answer_classes(catalogs, refit_exposures)
for name, result in results.items():
    print(name, "-", result.prior_in_words)

# %%
# **Shares by class**, the mean of each kind of tumour:

figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
for ax, (name, result) in zip(axes, results.items(), strict=True):
    means = result.shares.groupby(result.shares.index.str.split().str[0], sort=False).mean()
    shown = means.loc[:, means.max() > 0.03]
    shown.plot.bar(
        stacked=True,
        ax=ax,
        rot=0,
        width=0.75,
        color=exposure_colours(shown.columns),
        edgecolor="white",
    )
    ax.set(title=name, xlabel="")
    ax.legend(fontsize=9, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
axes[0].set_ylabel("mean share of a sample's mutations")
axes[0].yaxis.set_major_formatter(PercentFormatter(1))

# %%
# **Do the classes agree?** A sample that smoke has marked should say so in all three. How many samples of each kind
# have the signature, by its probability of presence:

marks = {"SBS96": ["SBS4", "SBS7a"], "DBS78": ["DBS2", "DBS1"], "ID83": ["ID3", "ID13"]}
present = pd.concat([results[name].present[marks[name]] for name in marks], axis=1)
print(present.groupby(present.index.str.split().str[0], sort=False).sum().to_string())

# %%
# Doublets are few, and a sample with a handful of them has wide intervals: its SBS and ID say more. Where classes
# disagree, look at the intervals first.

doublets = results["DBS78"]
few = doublets.fit["mutations"].idxmin()
one = pd.DataFrame(
    {
        "mutations": doublets.exposures.loc[few],
        "from": doublets.exposure_lower.loc[few],
        "to": doublets.exposure_upper.loc[few],
        "presence": doublets.presence.loc[few],
    }
)
print(f"{few}, {doublets.fit.loc[few, 'mutations']:.0f} doublets")
print(one[one["to"] >= 0.5].round(2).to_string())

# %%
# **One folder, one page.** Each class gets a folder as a run of its own would write it, and ``report.html`` shows all
# of them.

with TemporaryDirectory() as folder:
    page = save_classes(ClassAnswers(results, left_out, "simulated tumours"), f"{folder}/results")
    print(sorted(path.name for path in page.parent.iterdir()))
