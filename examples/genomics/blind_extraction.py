"""
A blind extraction: how many signatures, and what they are made of
===================================================================

Without the reference the data have to say how many signatures there are. This page shows a cohort of 40 tumours in
which six signatures act, two of them always together: what is found, how the number is chosen, and what the doubt is.
"""

import numpy as np
import pandas as pd

from dnmf import extract_signatures, load_reference, plot_signatures, simulate_cohort
from dnmf.plotting import plot_intervals, plot_selection

N_TUMOURS = 40
N_RESTARTS = 10
NUMBERS = range(3, 8)

# %%
# **The cohort.** SBS1 and SBS5 are in all tumours, SBS4 (tobacco) and SBS18 in some. SBS2 and SBS13 are both made by
# APOBEC enzymes. Here every tumour has them in the same proportion.

rng = np.random.default_rng(0)
exposures = pd.DataFrame(
    {
        "SBS1": rng.gamma(2, 1, N_TUMOURS),
        "SBS5": rng.gamma(3, 1, N_TUMOURS),
        "SBS4": rng.gamma(2, 3, N_TUMOURS) * (rng.random(N_TUMOURS) < 0.5),
        "SBS18": rng.gamma(2, 2, N_TUMOURS) * (rng.random(N_TUMOURS) < 0.4),
    }
)
apobec = rng.gamma(2, 2, N_TUMOURS) * (rng.random(N_TUMOURS) < 0.5)
exposures["SBS2"], exposures["SBS13"] = 0.55 * apobec, 0.45 * apobec
reference = load_reference("cosmic-v3.4")
catalog, truth = simulate_cohort(
    reference, N_TUMOURS, mutations=(2000, 20_000), exposures=exposures, random_state=1
)

# %%
# **The extraction** tries every number in the range, each with resampled restarts. On the command line: ``dnmf
# extract CATALOG -k 3:7 -o OUT``, by default with 20 restarts.

result = extract_signatures(
    catalog, NUMBERS, n_restarts=N_RESTARTS, reference=reference, random_state=0
)
print(result)

# %%
# **The choice.** Two questions are asked of each number. *Does it predict?* Signatures of four fifths of the tumours
# predict channels of the others; the left curve falls while signatures are missing. *Is it stable?* The silhouette
# says how much closer a signature is to its own versions in other restarts than to other signatures. The rule takes
# the smallest stable number that predicts within one standard error of the best.

plot_selection(result.selection.table, result.selection.choice.n_components)

# %%
# **The doubt about each signature.** ``silhouette`` and ``halves`` (the cosine between the versions that two halves
# of the samples give) say how repeatable it is. The lines through the bars are 5th and 95th percentiles over
# restarts. They say how repeatable a bar is, not how right: an error that all restarts share is not in them.

print(result.verdicts.round(3).to_string())
plot_signatures(
    result.signatures,
    reference_matches=result.matches,
    reference=reference,
    intervals=(result.signature_lower, result.signature_upper),
)

# %%
# Two processes that always act together are one signature for any method that sees the spectra alone, so five would
# have been the answer here. The rule took six, and the verdict says that the sixth is *unstable*: its versions in
# other restarts are nearer to other signatures than to each other. Such a signature is no finding. The findings say
# so, too:

for finding in result.findings:
    print(f"{finding.level}: {finding.title}")

# %%
# **One less.** From four to five signatures the error of prediction (``difference``, to the best stable number) falls
# by 0.65, from five to six by 0.014: little is lost with five. All five are stable. SBS96D is a mixture, as it should
# be: APOBEC's two signatures.

columns = ["difference", "standard_error", "stable", "silhouette", "least_silhouette"]
print(result.selection.table[columns].round(3).to_string())
five = extract_signatures(catalog, 5, n_restarts=N_RESTARTS, reference=reference, random_state=0)
print(five.verdicts.round(3).to_string())

# %%
# **The second layer** says what each signature is made of: one known signature, two or three, or none of these
# (novel). The APOBEC signature is taken apart into SBS2 and SBS13.

parts = five.layer.decomposition.parts
print(parts.round(3).to_string(index=False))

# %%
# **Exposures to the known signatures**, with 90 % intervals, then come from a refit. Their error is the part of the
# mutations that goes to the wrong signature:

refit = five.layer.refit
found = refit.exposures.reindex(columns=reference.names, fill_value=0.0)
error = (found - truth).abs().sum(axis=1) / 2 / truth.sum(axis=1)
print(f"median error {error.median():.1%}, largest {error.max():.1%}")
plot_intervals(refit.exposures, refit.exposure_lower, refit.exposure_upper)

# %%
# A guided extraction (:func:`dnmf.guided_extraction`) finds more of what is there in real cohorts, because it knows
# the reference from the start. A blind one is for cohorts whose signatures may be unknown: :doc:`/genomics/blind`
# says when, and :doc:`/explanation/cohorts` how both were measured.
