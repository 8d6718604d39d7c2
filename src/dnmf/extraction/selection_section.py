"""The section of a report on how many signatures there are: its words and its table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dnmf.report.findings import Finding, listing

if TYPE_CHECKING:
    from dnmf.extraction.result import ExtractionResult

_UNSTABLE = "unstable"


@dataclass(frozen=True)
class NumberRow:
    """One row of the table of numbers of signatures; ``mark`` says what the rule makes of it."""

    n_signatures: int
    values: dict[str, float]
    mark: str


def selection_content(result: "ExtractionResult") -> dict[str, Any] | None:
    """Return what the section shows; None without restarts."""
    if result.selection is None:
        return None
    choice, table = result.selection.choice, result.selection.table
    marks = dict.fromkeys(choice.as_good, "as good") | {choice.n_signatures: "chosen"}
    rows = [
        NumberRow(
            int(k), {str(name): float(value) for name, value in row.items()}, marks.get(k, "")
        )
        for k, row in zip(table.index, table.to_dict("records"), strict=True)
    ]
    return {
        "rows": rows,
        "several": len(rows) > 1,
        "chosen": choice.n_signatures,
        "sentence": clarity(result),
        "restarts": result.parameters["n_restarts"],
        "penalties": [
            {
                "name": name.removesuffix("_reg"),
                "value": chosen.value,
                "rows": [
                    (float(value), *map(float, row))
                    for value, row in zip(
                        chosen.curve.index,
                        chosen.curve[["difference", "standard_error"]].to_numpy(),
                        strict=True,
                    )
                ],
            }
            for name, chosen in result.penalties.items()
        ],
    }


def clarity(result: "ExtractionResult") -> str:
    """Return how clear the choice of the number is, in a sentence or three."""
    assert result.selection is not None
    assert result.verdicts is not None
    choice, table = result.selection.choice, result.selection.table
    k = choice.n_signatures
    unstable = [
        str(name) for name in result.verdicts.index[result.verdicts["verdict"] == _UNSTABLE]
    ]
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
    tried = f"{int(table.index.min())} to {int(table.index.max())}"
    rivals = [str(other) for other in choice.as_good if table.loc[other, "stable"]]
    shaky = [str(other) for other in choice.as_good if not table.loc[other, "stable"]]
    if rivals:
        clear = (
            f"{k} signatures were chosen of {tried}, but {listing(rivals, 8)} would predict unseen counts about as "
            "well: the data do not decide between them."
        )
    else:
        clear = (
            f"{k} signatures were chosen of {tried}, and the choice is clear: no other stable number predicts unseen "
            "counts as well within two standard errors."
        )
    if shaky and choice.stable:
        clear += f" {listing(shaky, 8)} predict as well, but their signatures differ from restart to restart."
    if choice.at_end:
        end = "largest" if choice.at_end == "high" else "smallest"
        clear += (
            f" It is the {end} number that was tried: the best may lie beyond. Extend the range."
        )
    if not choice.stable:
        clear += (
            " No number that was tried is stable over restarts (mean silhouette of 0.8 or more)."
        )
    return f"{clear} {stability}"


def selection_findings(result: "ExtractionResult") -> Iterator[Finding]:
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
    if choice.at_end or not choice.stable:
        yield Finding("caution", "The number of signatures is not settled", clarity(result))
    elif choice.as_good:
        yield Finding("note", "The number of signatures is not clear-cut", clarity(result))
    for name, row in result.verdicts.iterrows():
        if row["verdict"] == _UNSTABLE:
            halves = (
                "" if row["halves"] != row["halves"] else f", cosine of halves {row['halves']:.2f}"
            )
            yield Finding(
                "caution",
                f"{name} is unstable",
                f"Silhouette over restarts {row['silhouette']:.2f}{halves}: resampled counts or half of the samples "
                "give another signature. Try fewer signatures, or more samples.",
            )
        elif row["verdict"] == "mixture of references":
            yield Finding(
                "caution",
                f"{name} is probably a mixture of references",
                f"{row['decomposition']} reach cosine {row['decomposition_cosine']:.2f} together, no single reference "
                "0.90. They occur together in these samples; more signatures, or more samples, may separate them.",
            )
