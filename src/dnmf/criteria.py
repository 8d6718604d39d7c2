"""Thresholds that a user meets in tables, pages or advice: each once, with its unit and its reason."""

import numpy as np
from numpy.typing import NDArray

LOW_COSINE = 0.9
"""Cosine of a spectrum and its reconstruction below which a sample is marked as not explained.

Alexandrov et al. use the same bound."""

SHOWN_SHARE = 0.005
"""Share of a sample's mutations below which a page does not show a signature."""

LISTED_SHARE = 0.01
"""Share of mutations below which a page lists no signature that is not called present."""

LARGEST_ENTRY = {"float64": 1e70, "float32": 1e8}
"""Largest entry of data and penalties, by precision: a product of four such numbers does not overflow.

The largest entry of a sample must also be at least one over it, so that no such product of it becomes 0."""

EXACT_RESIDUAL = {"float64": 1e-9, "float32": 1e-5}
"""Relative KKT residual up to which least-squares exposures count as exact, by precision.

Rounding leaves 1e-12 and 1e-6."""

EXACT_NATS = {"float64": 1e-10, "float32": 1e-5}
"""Nats, for each 1 of a sample's sum, that a likelihood can still gain up to which exposures count as exact.

A sample of 10,000 counts is then within 1e-6 nats of its maximum."""

# ---------------------------------------------------------------- comparison with references
MATCH_COSINE = 0.8
"""Cosine from which the closest reference counts as a match: the field's usual bound."""

GOOD_MATCH_COSINE = 0.9
"""Cosine from which a match is good: no mixture of references is considered."""

CLOSE_MATCH_COSINE = 0.95
"""Cosine from which a match is close: two profiles this similar are hard to tell apart by eye."""

MIXTURE_COSINE = 0.9
"""Cosine that a mixture of references, or one alone, must reach to explain a signature, which otherwise is novel.

With 0.85 fewer of the signatures that the reference lacks stay novel, with 0.93 or 0.95 more of those that it has do, a
quarter of them where profiles deviate from the reference: docs/explanation/cohorts.md."""

MIXTURE_COSINE_GAINS = (0.01, 0.05)
"""Cosines by which a second and a third reference must bring a mixture closer to a signature.

Further references always gain a little. A lower bound for the third names more that are not there, and hides novel
signatures."""

ALTERNATIVE_COSINE_LOSS = 0.01
"""Cosine that another mixture may lose against the best one to do almost as well.

Extracted signatures are not exact: the closest mixture is often not the true one, but the true one is this close."""

TIED_COSINE_DIGITS = 12
"""Cosines that agree to this many digits differ by rounding only and count as tied."""

# ---------------------------------------------------------------- extraction: number of signatures, stability
STABLE_MEAN_SILHOUETTE = 0.8
"""Mean silhouette over restarts from which a number of signatures is stable: the field's usual bound.

That of nearly noise-free counts."""

STABLE_MEAN_SILHOUETTE_OF_NOISY = 0.5
"""The same for counts with counting noise: the mean signature is half as far from its versions as from its neighbour.

Rare and flat signatures of real cohorts vary in restarts also where a number is right: a bound of 0.8 takes numbers so
small that a quarter of the signatures is lost that are found with this one."""

CHOICE_STANDARD_ERRORS = 1.0
"""Standard errors within which a simpler model predicts as well as the best (Breiman et al. 1984)."""

TIED_STANDARD_ERRORS = 2.0
"""Standard errors within which another number of signatures may be the better one: about 95 % of the normal law."""

MIN_SAMPLES_TO_CHOOSE = 5
"""Samples with mutations below which nothing is chosen by prediction: one for each fold."""

RESTART_MATCH_COSINE = 0.9
"""Cosine from which signatures of two restarts are the same one and are averaged: that of a good match."""

UNSTABLE_SILHOUETTE = 0.5
"""Silhouette below which a signature is unstable: its nearest neighbour is less than twice as far from its versions in
other restarts as these are from each other."""

UNSTABLE_SPLIT_HALF_COSINE = 0.8
"""Cosine between the versions of two halves of the samples below which a signature is unstable: no match."""

SPLIT_HALF_SAMPLES_PER_SIGNATURE = 10
"""Samples per signature below which halves say nothing: a signature that is there may be missed in one of them."""

INTERVAL_PERCENTILES = (5.0, 95.0)
"""Ends of intervals, in percent of the resampled restarts."""

# ---------------------------------------------------------------- extraction: findings
NEARLY_EQUAL_COSINE = 0.9
"""Cosine above which mutations divide arbitrarily between two extracted signatures."""

MIN_SAMPLES_PER_SIGNATURE = 5
"""Samples per signature below which processes that occur together are not told apart."""

LOW_MEDIAN_MUTATIONS = 200
"""Mutations of the median sample below which counting noise moves a sample's exposures by tens of percent."""

DOMINANT_SAMPLE_SHARE = 0.25
"""Share of all mutations above which one sample pulls signatures towards itself."""

ONE_SAMPLE_SIGNATURE_SHARE = 0.5
"""Share of a signature's mutations above which it rests on one sample."""

FALLING_COST_SHARE = 0.005
"""Share of the cost that the last tenth of the steps lowered, above which training had not settled."""

NOISE_STANDARD_DEVIATIONS = 5.0
"""Standard deviations below its mean within which counting noise alone explains a sample's cosine."""

# ---------------------------------------------------------------- guided extraction
CLEAR_EVIDENCE = 10.0
"""Nats of evidence from which it is clear that a cohort has a signature: odds of 20,000 to 1.

Real profiles differ a little from the reference, and each correction of one gains some nats."""

STRONG_EVIDENCE = 60.0
"""Nats of evidence from which it is strong: what a novel one must gain; duplicates of flat ones gain up to half."""

EQUIVALENT_NATS = 10.0
"""Nats within which another known signature could stand in the place of one: less than what is clear evidence."""

MIN_GUIDED_SAMPLES = 20
"""Samples with mutations below which a rare signature is missed, and a novel one rests on few."""

MIN_EXTRACTED_PER_CHANNEL = 1.0
"""Mutations of a cohort for each channel below which its signatures are not extracted beside those of other classes:
with fewer, most channels are empty and any profile fits."""

INTERVALS_HELD = {
    "exposures": 0.93,
    "exposures to novel signatures": 0.61,
    "channels of novel signatures": 0.88,
    "channels of at least 1 % of novel signatures": 0.65,
}
"""How often 90 % intervals of a guided extraction held the truth in simulated cohorts that guided no choice.

Exposures of signatures that are present, where the reference held all of them; novel ones where it lacked one."""

RESTARTS_HELD = {"channels of at least 1 %": (0.2, 0.52), "exposures": (0.15, 0.63)}
"""How often the 5th to 95th percentiles over resampled restarts held the truth: in the worst and the best of the sets.

The sets are simulated, the number of signatures is the true one; exposures are those of `PRESENT_MUTATIONS` or more."""

# ---------------------------------------------------------------- refit
EXOME_EVIDENCE = 10.0
"""Twice the log-likelihood that signatures of exomes gain over those of genomes, above which exomes are suspected.

"Very strong" evidence in Kass and Raftery 1995."""

PRESENT_MUTATIONS = 10.0
"""Mutations from which a signature counts as present in a sample, as in the field's evaluations of refits."""

PRESENT_SHARE = 0.05
"""Share of a sample's mutations from which a signature counts as present, too: of few mutations ten are many.

Where no probability is known, a signature counts as present above this share."""


def present_from(total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share from which a signature is present: ten mutations, or 5 % in samples with fewer than 200."""
    return np.asarray(np.minimum(PRESENT_MUTATIONS / np.maximum(total, 1e-9), PRESENT_SHARE))


PRESENT_IN_WORDS = f"{PRESENT_MUTATIONS:.0f} mutations or {PRESENT_SHARE:.0%} of the sample"
"""What a signature must contribute at least to be present."""

PRESENCE_THRESHOLD = 0.4
"""Probability above which a signature is called present."""

PRESENCE_RAMP = 0.1
"""How far from the threshold a probability of presence is until all or nothing of a signature's share is given."""

P_UNASSIGNED = 0.05
"""p-value of the goodness of fit below which mutations stay unassigned: above it chance explains them."""

P_BAD_FIT = 0.001
"""p-value of the goodness of fit below which counting noise cannot explain the fit."""

P_EXPLAINED = 0.05
"""p-value of the reference above which it can explain a sample, also one that the answer under a prior does not."""

MUCH_UNASSIGNED = 0.05
"""Unassigned share of a sample's mutations above which a bad fit points to a signature that the reference lacks."""

FEW_MUTATIONS = 50
"""Mutations of a sample below which a refit's intervals should be read instead of its estimates."""

MUCH_DISPERSION = 1.5
"""Dispersion from which it is worth saying that counts vary more than Poisson counts: 22 % wider intervals."""

MANY_SIGNATURES = 20
"""Signatures above which a refit without a prior spreads mutations over signatures that are not there."""

MOST_SAMPLES_AT_ONCE = 50_000
"""Samples of an AnnData file above which a refit holds some at a time, and its page shows none.

Answers of as many take 0.2 GB of memory; a page could not show them."""

EXCHANGEABLE_COSINE = 0.7
"""Cosine of two signatures above which a sample may be unable to tell them apart."""

EXCHANGEABLE_SHARE = 0.05
"""Share of a sample's mutations above which it is worth saying that a signature might be another one."""

MIN_COHORT_SAMPLES = 10
"""Samples with mutations below which a catalog is no prior of its own: ten are the fewest for which it was measured.

Their error is lower than without a prior, by a fifth at 100 mutations, and their intervals hold as much."""

MIN_PRIOR_ROWS = 16
"""Samples below which a table of exposures is no prior: as many are compared with each sample of a refit."""

MOST_PRIOR_ROWS = 2000
"""Samples of a table that are used as prior: each sample of a refit is compared with all of them, which takes time."""

MIN_PRIOR_SHARE = 0.5
"""Share of the mutations of a prior, and of each of its samples, that must belong to signatures of the reference."""

# ---------------------------------------------------------------- variants
OTHER_GENOME_SHARE = 0.05
"""Share of a file's variants whose reference bases the genome does not have, above which it is another genome.

By chance an unrelated genome has one base in four."""

MIN_ROWS_TO_JUDGE_GENOME = 20
"""Variants of a file below which that share says nothing. Files of fewer are judged together."""

MOST_SOMATIC = 500_000
"""Variants of a sample above which they look like those of the germline, of which a human genome has millions."""

KNOWN_VARIANTS_SHARE = 0.9
"""Share of a VCF's first rows with the ID of a known variant (rs...), above which they look like the germline's."""

NORMAL_CARRIES_SHARE = 0.2
"""Share of the rows in which the normal sample carries the variant, above which they look like the germline's."""

MIN_ROWS_TO_JUDGE_GERMLINE = 100
"""Rows of a file below which these shares say nothing."""
