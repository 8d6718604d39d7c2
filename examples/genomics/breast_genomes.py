"""
The 21 breast cancer genomes, step by step
==========================================

Which signatures does a cohort have, how sure is each of them, and what remains open? The catalog is that of 21 breast
cancer genomes (Nik-Zainal et al. 2012) with 183,916 mutations. It comes with the package.
"""

from textwrap import fill

from dnmf import example_catalog, guided_extraction, plot_catalog, plot_exposures
from dnmf.plotting import plot_intervals

catalog = example_catalog()
print(catalog)

# %%
# **Look at the spectra first.** A channel is a substitution with the base before and behind it. PD4120a has a very
# high number of C>T and C>G after a T, the work of APOBEC enzymes. PD4199a has the same peaks with a tenth of the
# mutations. PD4109a has them on a flat ground.

plot_catalog(catalog, ["PD4120a", "PD4199a", "PD4109a"])

# %%
# **A guided extraction** asks each signature of the reference whether the cohort is explained worse without it, and
# then whether anything is left that none of them explains. On the command line this is ``dnmf extract CATALOG -o
# OUT``.

result = guided_extraction(catalog, "cosmic-v3.4")
print(result)

# %%
# **Known and novel.** All signatures that were found are known; no novel one raised the evidence enough. The
# signatures differ in how much speaks for them:

columns = ["nats", "half", "samples", "mutations", "share", "largest_sample", "cosine"]
print(result.evidence[columns].round({"mutations": 0}).round(2).to_string())

# %%
# * ``nats`` is the evidence: by how much the logarithm of the evidence of the whole cohort falls without the
#   signature, whatever the others do in its place. Below 10 nats it is weak, from 60 on strong. SBS13 with thousands
#   of nats is beyond doubt; SBS97 is not.
# * ``half`` is the same in the half of the samples that needs the signature less. A value near 0 says that this half
#   does without.
# * ``largest_sample`` is the largest part of a signature's mutations that one sample has. SBS97 has all of them in
#   one genome, PD4120a, and may describe that genome rather than a process.
# * ``cosine`` compares the profile of the reference with what these data show of it. SBS3 is a little off: another
#   process may hide behind the name.
#
# **Would another do as well?** The spectra do not decide between these pairs. Tissue and treatment may:

print(result.equivalents.round(2).to_string(index=False))

# %%
# **Exposures** are the mutations that each signature explains in each sample, sorted here by the largest signature.

# sphinx_gallery_thumbnail_number = 2
plot_exposures(result.exposures)

# %%
# **Intervals.** Each exposure has a 90 % interval. In the picture every panel is a signature, every point a genome,
# and the bar is the interval. SBS2 and SBS13 have spectra of their own, and most of their intervals span less than
# ten percentage points. SBS3 and SBS40a are flat and can imitate each other: theirs span about twenty. Read those as
# ranges.

refit = result.refit
plot_intervals(refit.exposures, refit.exposure_lower, refit.exposure_upper)

# %%
# One genome in numbers: exposures in mutations, with the ends of the interval and the probability that the signature
# is present.

sample = "PD4109a"
table = refit.exposures.loc[[sample]].T.set_axis(["mutations"], axis=1)
table["from"], table["to"] = refit.exposure_lower.loc[sample], refit.exposure_upper.loc[sample]
table["presence"] = refit.presence.loc[sample]
print(table[table["to"] >= 0.5].round({"mutations": 0, "from": 0, "to": 0, "presence": 2}))

# %%
# **What to know before using it.** The result says it in words, cautions first. The report begins with the same.

for finding in result.findings:
    print(f"{finding.level}: {finding.title}\n{fill(finding.text, 95)}\n")

# %%
# Real spectra differ from the profiles of the reference by more than chance would move them, and with thousands of
# mutations a genome that shows: 19 of these 21 have a p-value below 0.001. Large exposures stand. Small ones may be
# errors of a profile.
#
# ``result.save("results")`` writes tables, figures, the network for new samples and one page, ``report.html``. How
# well such an extraction does where the answer is known is told on :doc:`its own page </explanation/cohorts>`.
