"""Which numbers of signatures a catalog allows."""

from collections.abc import Sequence
from numbers import Integral

from dnmf.exceptions import InputDataError
from dnmf.extraction.candidate import LEAST_SAMPLES
from dnmf.signatures import MutationCatalog


def check_numbers(n_signatures: int | Sequence[int], catalog: MutationCatalog) -> list[int]:
    """Return the numbers of signatures in order, or say why they are not possible for a catalog.

    Raises
    ------
    InputDataError
        A number is not one, or is beyond the data; there are several for fewer than 5 samples; or
        the catalog holds no mutations.
    """
    where = catalog.source or "the catalog"
    given = list(n_signatures) if isinstance(n_signatures, Sequence) else [n_signatures]
    if not given:
        raise InputDataError("no number of signatures was given: name at least one.")
    for number in given:
        if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
            raise InputDataError(
                f"the number of signatures must be a whole number, 1 or more; got {number!r}."
            )
    counts = catalog.counts.to_numpy(dtype=float)
    n_filled = int((counts.sum(axis=1) > 0).sum())
    if n_filled == 0:
        raise InputDataError(
            f"{where}: none of the {counts.shape[0]} samples has any mutation; nothing to extract."
        )
    most = min(n_filled, counts.shape[1])
    if max(given) > most:
        raise InputDataError(
            f"{where}: {max(given)} signatures were asked for, but {n_filled} samples with "
            f"mutations and {counts.shape[1]} channels allow at most {most}. Ask for fewer "
            "signatures."
        )
    numbers = sorted({int(number) for number in given})
    if len(numbers) > 1 and n_filled < LEAST_SAMPLES:
        raise InputDataError(
            f"{where}: {n_filled} samples with mutations are too few to tell how many signatures "
            f"there are: at least {LEAST_SAMPLES} are needed, better 20 or more. Give one number "
            "of signatures, or refit known ones."
        )
    return numbers
