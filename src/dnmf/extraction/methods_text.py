"""What was done, in the words of a methods section."""

from typing import Any

from dnmf import __version__
from dnmf.criteria import (
    ALTERNATIVE_COSINE_LOSS,
    CHOICE_STANDARD_ERRORS,
    INTERVAL_PERCENTILES,
    MIXTURE_COSINE,
    MIXTURE_COSINE_GAINS,
)
from dnmf.estimators import PaperDNMF
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.second_layer import SecondLayer
from dnmf.search.cohort import MOST_MUTATIONS
from dnmf.search.held_out import CHANNEL_FOLDS
from dnmf.selection.candidate import SAMPLE_FOLDS
from dnmf.selection.choice import standard_errors
from dnmf.selection.counts import stable_silhouette
from dnmf.signatures import SignatureSet


def methods_text(result: ExtractionRecord) -> str:
    """Return one paragraph that says exactly how signatures and exposures came about."""
    settings: dict[str, Any] = result.model.get_params(deep=False)
    counts = result.catalog.counts
    filled = int((counts.sum(axis=1) > 0).sum())
    k = len(result.signatures.names)
    steps = [f"{phase} {len(costs):,}" for phase, costs in result.history.items()]
    parameters = [f"{name}={value}" for name, value in settings.items() if name != "dictionary"]
    counted = not result.catalog.why_not_counts
    amount = f" with {counts.to_numpy().sum():,.0f} mutations" if counted else ""
    sentences = [
        f"{k} mutational {'signature was' if k == 1 else 'signatures were'} extracted de novo from "
        f"{filled:,} {'sample' if filled == 1 else 'samples'}{amount} in "
        f"{counts.shape[1]} channels with dnmf {__version__} ({type(result.model).__name__}, "
        f"random state {settings.get('random_state')}, {settings['dtype']} on {settings['device']}).",
        *_how(result, settings),
        f"Penalties on the exposures: l1 = {settings['l1_reg']:g} mutations, l2 = {settings['l2_reg']:g}.",
        f"Recorded steps: {', '.join(steps)}.",
        f"Parameters of dnmf.{type(result.model).__name__}: {', '.join(parameters)}.",
        f"Exposures are those of the network, in {'mutations' if counted else 'the unit of the catalog'}, for "
        "signatures scaled to sum to 1; where those of a sample summed to more than it has, they were scaled down to "
        "it. Signatures are named by their share of all mutations. The fit of a sample is the cosine between its "
        "spectrum and the sum of its signatures times its exposures.",
    ]
    if result.layer is not None and result.reference is not None:
        sentences += _second_layer(result.layer, result.reference)
    sentences.append(
        "Unfolded NMF for mutational signatures: Nasser, Eldar and Sharan 2021, Deep unfolding for non-negative "
        "matrix factorisation with application to mutational signature analysis."
    )
    return " ".join(sentences)


def _how(result: ExtractionRecord, settings: dict[str, Any]) -> list[str]:
    layers = f"{settings['n_layers']} unfolded layers"
    if isinstance(result.model, PaperDNMF):
        return [
            f"A network of {layers}, all weights starting at {settings['weight_init']:g}, was trained end to end; in "
            "each epoch the dictionary was solved from the network's exposures by exact non-negative least squares "
            f"(order “{settings['dictionary_order']}”)."
        ]
    if result.selection is not None:
        found = _restarts(result)
    else:
        least_squares = "alternating exact non-negative least squares"
        search = "maximising the Poisson likelihood" if settings["layer"] == "kl" else least_squares
        found = f"First the dictionary of signatures was found from the data by {search}."
    if len(result.model.history_["network"]):
        trained = "trained towards the exact exposures for them, on the samples and on jittered copies of them."
    elif settings["n_steps"] == 0:
        trained = "not trained."
    else:
        trained = "not trained, since as it was its exposures were as good as the exact ones."
    return [found, f"A network of {layers} was built from the signatures and {trained}"]


def _restarts(result: ExtractionRecord) -> str:
    assert result.selection is not None
    table, restarts = result.selection.table, result.parameters["n_restarts"]
    several = len(table) > 1
    noise = result.selection.noise
    numbers = (
        f"each of {len(table)} numbers of signatures" if several else "this number of signatures"
    )
    rule = (
        f" The number is the smallest with a mean silhouette of at least {stable_silhouette(noise):g} whose held-out "
        f"deviance under bi-cross-validation ({SAMPLE_FOLDS} folds of samples, {CHANNEL_FOLDS} of channels) is within "
        f"{standard_errors(CHOICE_STANDARD_ERRORS)} of the best such."
        if several
        else ""
    )
    low, high = INTERVAL_PERCENTILES
    if noise.counting:
        how = (
            "variational Bayes under a Gamma-Poisson model, with a shape of the exposures and a concentration of the "
            "channels learned for each signature, samples scaled down to at most "
            f"{MOST_MUTATIONS:,.0f} mutations; those with the most evidence after further steps on the data were taken"
        )
    else:
        how = (
            "alternating exact non-negative least squares weighted by the noise, first under a sparse prior on the "
            "exposures; their matched consensus was refined on the data"
        )
    return (
        f"For {numbers}, signatures were found in the data and in {restarts} resampled versions of them by "
        f"{how}.{rule} Intervals of signatures and exposures are {low:g}th to {high:g}th "
        "percentiles over the resampled restarts, each with counts resampled anew for the exposures."
    )


def _second_layer(layer: SecondLayer, reference: SignatureSet) -> list[str]:
    second, third = MIXTURE_COSINE_GAINS
    made_of = (
        f"Each signature was decomposed into at most three of the {len(reference.names)} signatures of "
        f"{reference.source or 'the reference'}, all single ones and pairs having been tried: a second reference had "
        f"to raise the cosine by {second:g}, a third by {third:g}; of the mixtures that came within "
        f"{ALTERNATIVE_COSINE_LOSS:g} of the best the one was taken that adds the fewest references to those of the "
        f"other signatures. Those that no mixture explains with a cosine of at least {MIXTURE_COSINE:g} are novel."
    )
    if layer.refit is None:
        return [made_of]
    return [
        made_of,
        "Exposures of the second layer, their 90 % intervals and presence are a refit of these references, at their "
        f"profiles in the reference, and the novel signatures; its prior: {layer.refit.prior_in_words}.",
    ]
