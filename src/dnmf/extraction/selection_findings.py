"""What restarts say about a result: how clear the number of signatures is, and which signatures are unstable."""

from collections.abc import Iterator

from dnmf.criteria import STABLE_MEAN_SILHOUETTE, TIED_STANDARD_ERRORS
from dnmf.extraction.choice import standard_errors
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.verdicts import UNSTABLE
from dnmf.report.findings import Finding, listing


def choice_summary(result: ExtractionRecord) -> str:
    """Return, in two to five sentences, which number was chosen, which others predict as well, and what is unstable."""
    assert result.selection is not None
    assert result.verdicts is not None
    choice, table = result.selection.choice, result.selection.table
    k = choice.n_signatures
    unstable = [str(name) for name in result.verdicts.index[result.verdicts["verdict"] == UNSTABLE]]
    if unstable:
        are, them = ("is", "it") if len(unstable) == 1 else ("are", "them")
        stability = (
            f"{listing(unstable, 8)} {are} unstable: confirm {them} before building on {them}."
        )
    else:
        stability = "All of its signatures are stable over restarts." if k > 1 else "It is stable."
    if len(table) == 1:
        given = "the only one finished so far" if result.unfinished else "given, not chosen"
        return f"The number of signatures, {k}, was {given}. {stability}"
    sentences = [f"{k} signatures were chosen of {table.index.min()} to {table.index.max()}"]
    tied = [str(other) for other in choice.tied if table.loc[other, "stable"]]
    tied_unstable = [str(other) for other in choice.tied if not table.loc[other, "stable"]]
    if tied:
        sentences[0] += (
            f", but {listing(tied, 8)} would predict unseen counts about as well: the data do not decide between them."
        )
    else:
        sentences[0] += (
            ", and the choice is clear: no other stable number predicts unseen counts as well within "
            f"{standard_errors(TIED_STANDARD_ERRORS)}."
        )
    if tied_unstable and choice.stable:
        sentences.append(
            f"{listing(tied_unstable, 8)} predict as well, but their signatures differ from restart to restart."
        )
    if choice.at_boundary:
        boundary = "largest" if choice.at_boundary == "high" else "smallest"
        sentences.append(
            f"It is the {boundary} number that was tried: the best may lie beyond. Extend the range."
        )
    if not choice.stable:
        sentences.append(
            "No number that was tried is stable over restarts (mean silhouette of "
            f"{STABLE_MEAN_SILHOUETTE:g} or more)."
        )
    return " ".join([*sentences, stability])


def selection_findings(result: ExtractionRecord) -> Iterator[Finding]:
    """Yield what restarts have shown that a reader should know."""
    if result.unfinished:
        numbers = listing([str(k) for k in result.unfinished], 8)
        yield Finding(
            "caution",
            "These results are partial",
            f"{numbers} signatures were asked for, too, and are not finished. Repeat the command of the extraction to "
            "finish them; the choice may change.",
        )
    if result.selection is None or result.verdicts is None:
        return
    choice = result.selection.choice
    if choice.at_boundary or not choice.stable:
        yield Finding("caution", "The number of signatures is not settled", choice_summary(result))
    elif choice.tied:
        yield Finding("note", "The number of signatures is not clear-cut", choice_summary(result))
    for name, row in result.verdicts[result.verdicts["verdict"] == UNSTABLE].iterrows():
        known = row["halves"] == row["halves"]
        halves = f", cosine between halves of the samples {row['halves']:.2f}" if known else ""
        yield Finding(
            "caution",
            f"{name} is unstable",
            f"Its silhouette over restarts is {row['silhouette']:.2f}{halves}: resampled counts or half of the samples "
            "give another signature. Try fewer signatures, or more samples.",
        )
