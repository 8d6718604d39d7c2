"""
A cohort with a known answer: check a pipeline
==============================================

Before a pipeline is trusted with tumours, give it samples of which the answer is known. This page simulates a cohort,
runs a guided extraction, and measures what it found, missed and invented, and whether its intervals hold. Any other
tool can be checked in the same way: the catalog is a table in the field's layout.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from dnmf import guided_extraction, load_reference, refit_exposures, simulate_cohort

N_SAMPLES = 80
NAMES = ["SBS1", "SBS2", "SBS3", "SBS5", "SBS13", "SBS17b", "SBS18", "SBS44"]

# %%
# **The cohort.** Each sample has three to six of eight signatures, and 200 to 20,000 mutations, with Poisson noise
# (``noise="negative-binomial"`` varies more, as real counts do). On the command line: ``dnmf simulate``, then
# ``dnmf extract DIR/catalog.tsv -o OUT``.

reference = load_reference("cosmic-v3.4")
catalog, truth = simulate_cohort(
    reference.select(NAMES),
    N_SAMPLES,
    mutations=(200, 20_000),
    random_state=0,
)

# %%
# **The pipeline** that is checked. It is not told which signatures there are.

result = guided_extraction(catalog, reference)
print(result)

# %%
# **Signatures**: recall is the part of the true ones that was found, precision the part of what was found that is
# true.

found, true = set(result.signatures.names), set(NAMES)
print(f"missed: {sorted(true - found) or 'none'}; invented: {sorted(found - true) or 'none'}")
print(f"recall {len(found & true) / len(true):.0%}, precision {len(found & true) / len(found):.0%}")

# %%
# **Samples**: the same of the calls "this sample has this signature", where a signature counts as there with 5 % of
# the mutations.

columns = sorted(found | true)
present = result.refit.present.reindex(columns=columns, fill_value=False)
there = truth.reindex(columns=columns, fill_value=0.0).gt(0.05 * truth.sum(axis=1), axis=0)
right = (present & there).to_numpy().sum()
print(
    f"recall {right / there.to_numpy().sum():.0%}, precision {right / present.to_numpy().sum():.0%}"
)

# %%
# **Exposures**: the part of a sample's mutations that goes to the wrong signature. For comparison: a likelihood fit
# of all 86 signatures, which nobody told what the cohort has.


def error(exposures):
    every = sorted(set(exposures) | set(truth))
    given, right = (table.reindex(columns=every, fill_value=0.0) for table in (exposures, truth))
    share, true_share = (table.div(table.sum(axis=1), axis=0) for table in (given, right))
    return (share - true_share).abs().sum(axis=1) / 2


errors = pd.DataFrame(
    {
        "guided extraction": error(result.exposures),
        "all 86, likelihood alone": error(
            refit_exposures(catalog, reference, method="kl").exposures
        ),
    }
)
mutations = pd.cut(
    catalog.burdens, [0, 1000, 5000, np.inf], labels=["< 1,000", "1,000 to 5,000", "> 5,000"]
)
print(errors.groupby(mutations.rename("mutations"), observed=True).median().round(3).to_string())

figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, colour in zip(errors, ("#0072B2", "#D55E00"), strict=True):
    ax.plot(catalog.burdens, errors[name], "o", color=colour, markersize=4, label=name)
ax.set(
    xscale="log", xlabel="mutations of the sample", ylabel="mutations given to\nthe wrong signature"
)
ax.yaxis.set_major_formatter(PercentFormatter(1))
ax.legend(frameon=False)

# %%
# **Intervals**: how many of the 90 % intervals of signatures that are present hold the truth?

lower, upper = (
    table.reindex(columns=NAMES, fill_value=0.0)
    for table in (result.refit.exposure_lower, result.refit.exposure_upper)
)
held = ((lower <= truth) & (truth <= upper)).to_numpy()[truth.to_numpy() > 0]
print(f"{held.mean():.0%} of {held.size}")

# %%
# A simulated cohort is kinder than a real one: its profiles are exactly those of the reference, and its samples are
# mixtures drawn evenly. What passes here can still fail on tumours; what fails here will. :doc:`/explanation/cohorts`
# has such measurements on harder cohorts, with other programs beside.
