"""The answers about several classes of mutations."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.extraction import GuidedResult
from dnmf.recorded_warnings import recorded_warnings
from dnmf.refit import RefitResult
from dnmf.signatures import MutationCatalog
from dnmf.variants import VariantCounts

Result = TypeVar("Result", RefitResult, GuidedResult)
NO_MUTATIONS = "no sample has a mutation of this class."


@dataclass(frozen=True)
class ClassAnswers:
    """What a refit or a guided extraction found in each class.

    Attributes
    ----------
    results : dict
        By name of the class, such as ``SBS96``; refits or guided extractions, one or more.
    left_out : dict of str
        Why a class has no result, by its name.
    source : str
        Where the mutations come from.
    counts : VariantCounts or None
        What was counted, if variants were read.
    warnings : list of str
        About the input as a whole.
    """

    results: dict[str, RefitResult] | dict[str, GuidedResult]
    left_out: dict[str, str]
    source: str
    counts: VariantCounts | None = None
    warnings: list[str] = field(default_factory=list)


def answer_classes(
    catalogs: Iterable[MutationCatalog],
    answer: Callable[[MutationCatalog], Result],
    *,
    per_channel: float = 0.0,
) -> tuple[dict[str, Result], dict[str, str]]:
    """Return the answer about each class, and why there is none about others.

    Parameters
    ----------
    catalogs : iterable of MutationCatalog
        One of each class.
    answer : callable
        What loads the reference of a catalog and refits it, or extracts.
    per_channel : float
        Mutations for each channel that a class needs; one without any is never answered.

    Returns
    -------
    results, left_out : dict
        As in `ClassAnswers`; each result has the warnings of its own answer.

    Raises
    ------
    InputDataError
        No class can be answered; the message says why for each.

    Warns
    -----
    DoubtfulDataWarning
        A class has mutations, but no answer.
    """
    results: dict[str, Result] = {}
    left_out: dict[str, str] = {}
    for catalog in catalogs:
        name, mutations = catalog.schema.name, float(catalog.counts.to_numpy().sum())
        needed = per_channel * len(catalog.schema)
        if not mutations:
            left_out[name] = NO_MUTATIONS
        elif mutations < needed:
            left_out[name] = (
                f"all samples together have {mutations:,.0f} mutations, fewer than the {needed:,.0f} that are asked "
                f"for with {len(catalog.schema)} channels: too few to tell signatures apart."
            )
        else:
            try:
                with recorded_warnings() as messages:
                    result = answer(catalog)
                results[name] = replace(result, warnings=messages)
            except ChannelMismatchError as error:
                left_out[name] = f"{error}"
            except InputDataError as error:
                raise type(error)(f"{name}: {error}") from error
    if not results:
        reasons = "\n".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise InputDataError(f"no class can be answered.\n{reasons}")
    for text in unanswered(left_out):
        warnings.warn(text, DoubtfulDataWarning, stacklevel=2)
    return results, left_out


def unanswered(left_out: Mapping[str, str]) -> list[str]:
    """Return a warning of each class that has mutations, but no answer."""
    return [
        f"{name} has no answer: {reason}"
        for name, reason in left_out.items()
        if reason != NO_MUTATIONS
    ]
