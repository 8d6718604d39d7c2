"""The guard of what leaves a kernel: no NaN, no infinity."""

from torch import Tensor

from dnmf.exceptions import InputDataError


def finite(solver: str, values: Tensor) -> Tensor:
    """Return the values, or raise an InputDataError where the numbers of the problem were beyond their precision."""
    if not bool(values.isfinite().all()):
        raise InputDataError(
            f"{solver}: the answer is beyond the range of {values.dtype}: the data or the signatures are too large or "
            "too small. Scale them."
        )
    return values
