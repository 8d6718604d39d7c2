"""
A reference of your own, and what a missing signature does
==========================================================

A refit explains samples by the signatures that it is given. This page gives it a list, finds out that one is missing,
finds that one in the data, and adds it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

from dnmf import (
    guided_extraction,
    load_reference,
    match_to_reference,
    plot_signatures,
    refit_exposures,
    simulate_catalog,
    write_signatures,
)

N_SAMPLES = 40

# %%
# **The samples** have four signatures. One of them, SBS22a, is that of aristolochic acid, a plant poison. Suppose
# that nobody has thought of it.

cosmic = load_reference("cosmic-v3.4")
catalog, truth = simulate_catalog(
    cosmic.select(["SBS1", "SBS5", "SBS40a", "SBS22a"]),
    N_SAMPLES,
    mean_burden=3000,
    sparsity=0.4,
    random_state=0,
)

# %%
# **A list** of names is a reference: here what this tissue is expected to have. ``prior="none"``, because the tumours
# of the other priors may be unlike these.

expected = load_reference("SBS1,SBS2,SBS5,SBS13,SBS40a")
first = refit_exposures(catalog, expected, prior="none")

# %%
# **Two p-values** say how a sample fits. ``p_reference``: can any mixture of the list explain it? ``p_answer``: do
# these exposures? Small ones in many samples mean that something is missing, and ``unassigned`` is the part of the
# mutations that nothing explains. The samples are told apart here by whether they really have SBS22a.

has_it = truth["SBS22a"] > 0.05 * truth.sum(axis=1)
print(
    first.fit.groupby(has_it.rename("has SBS22a"))[
        ["p_reference", "p_answer", "unassigned"]
    ].median()
)
for finding in first.findings:
    print(f"{finding.level}: {finding.title}")

# %%
# **What is missing?** A guided extraction with the same list finds what is left over.

found = guided_extraction(catalog, expected)
print(found)
plot_signatures(found.signatures.select(found.novel))

# %%
# Is it one that COSMIC knows? :func:`dnmf.match_to_reference` compares it with all of them.

novel = found.signatures.select(found.novel)
print(match_to_reference(novel, cosmic).round(3).to_string())

# %%
# **Add it.** Signatures of your own are files in any usual layout, and a reference may be a list of files and names.
# On the command line: ``dnmf refit catalog.tsv --reference denovo.tsv,SBS1,SBS2,SBS5,SBS13,SBS40a -o OUT``.

with TemporaryDirectory() as folder:
    path = Path(folder) / "denovo.tsv"
    write_signatures(novel, path)
    own = load_reference([path, "SBS1,SBS2,SBS5,SBS13,SBS40a"])
print(", ".join(own.names))
second = refit_exposures(catalog, own, prior="none")

# %%
# **Before and after**, for each sample:

# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for result, label, colour in (
    (first, "without it", "#D55E00"),
    (second, "with the novel one", "#0072B2"),
):
    axes[0].plot(
        np.sort(result.fit["p_answer"].clip(lower=1e-12)),
        "o",
        label=label,
        color=colour,
        markersize=4,
    )
    axes[1].plot(
        truth["SBS5"], result.exposures["SBS5"], "o", color=colour, markersize=4, label=label
    )
axes[0].set(
    yscale="log", xlabel="samples, ordered", ylabel="p: this answer explains it\n(1e-12: or less)"
)
axes[0].axhline(0.001, color="0.6", linewidth=1)
axes[1].axline((0, 0), slope=1, color="0.6", linewidth=1)
axes[1].set(xlabel="true SBS5, mutations", ylabel="estimated SBS5, mutations")
axes[0].legend(frameon=False)

# %%
# The missing signature had made the others wrong, too. A new signature is an observation about these samples, though,
# not yet a process: look for it in other cohorts before naming it. :doc:`/explanation/refit_measured` says how often
# a missing signature is noticed.

names, errors = ["SBS1", "SBS5", "SBS40a"], {}
for label, result in (("without", first), ("with", second)):
    wrong = (result.exposures[names] - truth[names]).abs().sum(axis=1)
    errors[label] = (wrong / truth[names].sum(axis=1).clip(lower=1)).median()
    print(f"{label} it: median error of {', '.join(names)} {errors[label]:.1%}")
