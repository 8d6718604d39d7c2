"""Thresholds that a user meets in tables, pages or advice: each once, with its unit and its reason."""

LOW_COSINE = 0.9
"""Cosine of a spectrum and its reconstruction below which a sample is marked as not explained.

Alexandrov et al. use the same bound."""

SHOWN_SHARE = 0.005
"""Share of a sample's mutations below which a page does not show a signature."""

LISTED_SHARE = 0.01
"""Share of mutations below which a page lists no signature that is not called present."""

# ---------------------------------------------------------------- refit
PRESENT_MUTATIONS = 10.0
"""Mutations from which a signature counts as present in a sample, as in the field's evaluations of refits."""

PRESENCE_THRESHOLD = 0.5
"""Probability above which a refit network calls a signature present, unless its card names another."""

PRESENT_SHARE = 0.05
"""Share of a sample's mutations above which a signature counts as present where no network gave a probability."""

P_UNASSIGNED = 0.05
"""p-value of the goodness of fit below which mutations stay unassigned: above it chance explains them."""

P_BAD_FIT = 0.001
"""p-value of the goodness of fit below which counting noise cannot explain the fit.

A refit network then takes the sample for fewer mutations, and its advice says so."""

MUCH_UNASSIGNED = 0.05
"""Unassigned share of a sample's mutations above which a bad fit points to a signature that the reference lacks."""

FEW_MUTATIONS = 50
"""Mutations of a sample below which a refit's intervals should be read instead of its estimates."""

MANY_SIGNATURES = 20
"""Signatures above which a refit without a network spreads mutations over signatures that are not there."""

MOST_FOR_LIKELIHOOD = 10
"""Signatures up to which likelihood alone replaces a missing network; with more, signatures are selected first.

Measured on tumours and evenly drawn mixtures: up to ten, likelihood has the smaller error and the truer intervals; from
twenty on selection has (0.28 instead of 0.47 for tumours with 500 mutations and 67 signatures)."""

MIN_EVIDENCE = 10.0
"""Difference of information criteria above which selected signatures replace the network's exposures.

"Very strong" evidence in Kass and Raftery 1995."""

P_EXPLAINED = 0.1
"""p-value of the goodness of fit above which selected signatures may replace the network's exposures.

Counts that vary more than Poisson counts are explained by no mixture; a selection would fit their noise."""

EXCHANGEABLE_COSINE = 0.7
"""Cosine of two signatures above which a sample may be unable to tell them apart."""

EXCHANGEABLE_SHARE = 0.05
"""Share of a sample's mutations above which it is worth saying that a signature might be another one."""

EXCHANGEABLE_NATS = 1.353
"""Loss of log-likelihood, in nats, below which all of one signature may be another: half of 1.645 squared.

The 90 % interval of how the mutations divide between the two then contains both ends."""
