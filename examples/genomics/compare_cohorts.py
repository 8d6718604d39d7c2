"""
Compare two cohorts
===================

Do two groups of tumours differ in their signatures? Three mistakes are common: to compare numbers of mutations where
shares are meant, to take exposures as if they were measured exactly, and to test many signatures as if they were one.
Here the differences are known.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter
from scipy.stats import false_discovery_control, permutation_test

from dnmf import (
    MutationCatalog,
    example_catalog,
    load_reference,
    refit_exposures,
    simulate_cohort,
)
from dnmf.refit.draws import exposure_draws

N_SAMPLES = 60
N_DRAWS = 300

# %%
# **Two cohorts** with exposures like those of breast cancer genomes. In B the exposures to SBS2 and SBS13 (APOBEC)
# are three times as high. B was also sequenced deeper, so that about three times as many mutations of every kind are
# seen.

names = ["SBS1", "SBS2", "SBS3", "SBS5", "SBS8", "SBS13", "SBS18"]
reference = load_reference("cosmic-v3.4")
genomes = refit_exposures(example_catalog(), reference.select(names), method="kl").exposures
genomes = genomes.drop(index="PD4120a")
more_apobec = genomes.assign(SBS2=3 * genomes["SBS2"], SBS13=3 * genomes["SBS13"])
cohorts, truths = {}, {}
for name, exposures, mutations, seed in (
    ("A", genomes, (300, 1500), 1),
    ("B", more_apobec, (900, 4500), 2),
):
    cohorts[name], truths[name] = simulate_cohort(
        reference, N_SAMPLES, mutations=mutations, exposures=exposures, random_state=seed
    )

# %%
# **Equal depth.** Where fewer mutations are seen, more of a refit comes from the prior, and rare signatures are
# called less often. Then a difference of depth looks like one of tumours. So each mutation of B is kept with a
# probability of 1/3; B as it was is refitted, too, to see what happens without this step.

rng = np.random.default_rng(0)
deep = cohorts["B"].counts
cohorts["B, thinned"] = MutationCatalog(
    pd.DataFrame(rng.binomial(deep.astype(int), 1 / 3), deep.index, deep.columns)
)

# %%
# **Refit all in the same way**: one reference, one method, one prior that knows nothing of the groups. With
# ``prior="cohort"`` each group would be drawn towards its own mean, and a difference would be partly of our making.
# On the command line: ``dnmf refit CATALOG -o OUT``.

results = {name: refit_exposures(catalog) for name, catalog in cohorts.items()}

# %%
# **Shares, not numbers.** In numbers of mutations nearly every signature is higher in B, because more is seen of
# each. Shares of a sample's mutations do not depend on depth. They sum to 1, though: where one rises the others fall.

mean_numbers = pd.DataFrame({name: result.exposures.mean() for name, result in results.items()})
mean_shares = pd.DataFrame({name: result.shares.mean() for name, result in results.items()})
tested = mean_shares.index[mean_shares.max(axis=1) >= 0.01]
print(mean_numbers.loc[tested].round(0).astype(int).to_string())
print(mean_shares.loc[tested].round(3).to_string())

# %%
# **How sure is each sample?** An exposure has an interval. :func:`~dnmf.refit.draws.exposure_draws` returns exposures
# of a sample that agree with its refit: with intervals, presence, and with which signatures its counts tell apart. A
# difference of means is then computed many times, each time with another draw for each sample and with other samples
# of the cohort (drawn with replacement).


def share_draws(result):
    """Return shares (draws, samples, signatures) that agree with a refit."""
    drawn = []
    for sample in result.exposures.index:
        exposures = exposure_draws(
            *(
                table.loc[sample].to_numpy()
                for table in (
                    result.exposures,
                    result.exposure_lower,
                    result.exposure_upper,
                    result.presence,
                )
            ),
            result.reference.profiles.to_numpy(),
            result.fit.loc[sample, "mutations"],
            dispersion=result.fit.loc[sample, "dispersion"],
            n_draws=N_DRAWS,
            random=rng,
        )
        drawn.append(exposures / result.fit.loc[sample, "mutations"])
    return np.stack(drawn, axis=1)


def mean_draws(result):
    """Return mean shares (draws, signatures) of a cohort whose samples are drawn with replacement."""
    shares = share_draws(result)
    chosen = rng.integers(shares.shape[1], size=shares.shape[:2])
    return np.take_along_axis(shares, chosen[:, :, None], axis=1).mean(axis=1)


differences = pd.DataFrame(
    mean_draws(results["B, thinned"]) - mean_draws(results["A"]), columns=reference.names
)[tested]

# %%
# **A test for each signature, corrected for their number.** If the labels A and B meant nothing, exchanging them
# would change nothing: that is what a permutation test asks. Of several signatures some have a small p-value by
# chance. The procedure of Benjamini and Hochberg keeps the expected share of false discoveries below the level.


def adjusted_p(name):
    def difference(a, b, axis):
        return b.mean(axis=axis) - a.mean(axis=axis)

    samples = [results[cohort].shares[tested].to_numpy() for cohort in ("A", name)]
    test = permutation_test(samples, difference, n_resamples=2000, vectorized=True, rng=1)
    return false_discovery_control(test.pvalue)


true_shares = {name: truth.div(truth.sum(axis=1), axis=0).mean() for name, truth in truths.items()}
table = pd.DataFrame(
    {
        "truth": (true_shares["B"] - true_shares["A"])[tested],
        "difference": (mean_shares["B, thinned"] - mean_shares["A"])[tested],
        "from": differences.quantile(0.05),
        "to": differences.quantile(0.95),
        "adjusted p": adjusted_p("B, thinned"),
        "not thinned": adjusted_p("B"),
    }
)
print(table.round(4).to_string())

# %%
# **Reading it.** A point is the estimated difference of mean shares, the line its 90 % interval, the diamond the
# truth. SBS2 and SBS13 are found, and the intervals hold the truth. SBS1, SBS5 and SBS18 fall although these
# processes are the same in both groups: where APOBEC takes a larger share, less is left. Without equal depth, SBS40a
# would have been a discovery, a signature that none of these tumours has.

figure, ax = plt.subplots(figsize=(8, 0.45 * len(table) + 1.2), layout="constrained")
rows = np.arange(len(table))[::-1]
ax.axvline(0, color="0.7", linewidth=1)
ax.hlines(rows, table["from"], table["to"], color="#56B4E9", linewidth=5)
ax.plot(table["difference"], rows, "o", color="#0072B2", label="estimate")
ax.plot(table["truth"], rows, "D", markerfacecolor="none", color="black", label="truth")
ax.set_yticks(rows, table.index)
ax.set_xlabel("mean share in B minus mean share in A, percentage points")
ax.xaxis.set_major_formatter(PercentFormatter(1, symbol=""))
ax.legend(frameon=False)
