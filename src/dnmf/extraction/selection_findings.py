"""What restarts say about a result: how clear the number of signatures is, and which signatures are unstable."""

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from dnmf.criteria import TIED_STANDARD_ERRORS
from dnmf.extraction.record import ExtractionRecord
from dnmf.report.findings import Finding, listing
from dnmf.selection.choice import Choice, standard_errors
from dnmf.selection.counts import stable_silhouette

CLEAR = "clear"


def _standing(choice: Choice, table: pd.DataFrame) -> str:
    """Return how clear a choice is: the one condition of what the page says about it."""
    if choice.at_boundary or not choice.stable:
        return "not settled"
    rivals, unstable_rivals = _rivals(choice, table)
    if rivals:
        return "not clear-cut"
    return "clear only among stable numbers" if unstable_rivals else CLEAR


def _rivals(choice: Choice, table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the other numbers that predict as well: those that the rule could have chosen, and the unstable rest."""
    stable = [k for k in choice.tied if table.loc[k, "stable"] or not choice.stable]
    return [str(k) for k in stable], [str(k) for k in choice.tied if k not in stable]


def choice_summary(result: ExtractionRecord) -> str:
    """Return, in two to five sentences, which number was chosen, which others predict as well, and what is unstable."""
    assert result.selection is not None
    assert result.verdicts is not None
    choice, table = result.selection.choice, result.selection.table
    k = choice.n_components
    unstable = result.unstable
    if unstable:
        are, them = ("is", "it") if len(unstable) == 1 else ("are", "them")
        stability = (
            f"{listing(unstable, 8)} {are} unstable: confirm {them} before building on {them}."
        )
    elif not choice.stable:
        stability = (
            f"Its mean silhouette over restarts is {table['silhouette'][k]:.2f}, though none of its signatures "
            "alone is unstable."
        )
    else:
        stability = "All of its signatures are stable over restarts." if k > 1 else "It is stable."
    if len(table) == 1:
        given = "the only one finished so far" if result.unfinished else "given, not chosen"
        return f"The number of signatures, {k}, was {given}. {stability}"
    rivals, unstable_rivals = _rivals(choice, table)
    within = f"unseen counts as well within {standard_errors(TIED_STANDARD_ERRORS)}."
    sentences = [
        f"{k} {'signature was' if k == 1 else 'signatures were'} chosen of {table.index.min()} to {table.index.max()}"
    ]
    if rivals:
        sentences[0] += (
            f", but {listing(rivals, 8)} would predict unseen counts about as well: the data do not decide between "
            "them."
        )
    elif _standing(choice, table) == CLEAR:
        sentences[0] += f", and the choice is clear: no other number predicts {within}"
    else:
        sentences[0] += f": no other {'stable ' if choice.stable else ''}number predicts {within}"
    if unstable_rivals:
        predict, their = ("predicts", "its") if len(unstable_rivals) == 1 else ("predict", "their")
        sentences.append(
            f"{listing(unstable_rivals, 8)} {predict} as well, but {their} signatures differ from restart to restart."
        )
    if choice.at_boundary:
        boundary = "largest" if choice.at_boundary == "high" else "smallest"
        sentences.append(
            f"It is the {boundary} number that was tried: the best may lie beyond. Extend the range."
        )
    if not choice.stable:
        sentences.append(
            "No number that was tried is stable over restarts (mean silhouette of "
            f"{stable_silhouette(result.selection.noise):g} or more)."
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
    standing = _standing(choice, result.selection.table)
    if standing != CLEAR:
        level: Literal["caution", "note"] = "caution" if standing == "not settled" else "note"
        yield Finding(level, f"The number of signatures is {standing}", choice_summary(result))
    for name, row in result.verdicts.loc[result.unstable].iterrows():
        known = row["halves"] == row["halves"]
        halves = f", cosine between halves of the samples {row['halves']:.2f}" if known else ""
        yield Finding(
            "caution",
            f"{name} is unstable",
            f"Its silhouette over restarts is {row['silhouette']:.2f}{halves}: resampled counts or half of the samples "
            "give another signature. Try fewer signatures, or more samples.",
        )
