"""Names of former versions: understood until version 0.3, or answered with what to do instead."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.refit.record import Method

NO_MODELS = (
    "networks are no longer trained or chosen: one network takes every reference. What was training data is now the "
    "prior: give the table of exposures as --prior FILE of dnmf refit, or as prior= in Python."
)
GOES = "the former name goes with version 0.3"
AUTO = f"the method auto is now called network: it answers every sample; {GOES}"
_FORMER_PRIORS = ("tumour_type", "cohort")


def current_options(
    method: str, prior: str | Path | pd.DataFrame | None, former: Mapping[str, object]
) -> tuple[Method, str | Path | pd.DataFrame | None]:
    """Return method and prior by their names of today; ``former`` holds keyword arguments of former versions."""
    unknown = [name for name in former if name not in (*_FORMER_PRIORS, "model")]
    if unknown:
        raise TypeError(f"refit_exposures() got an unexpected keyword argument {unknown[0]!r}")
    if former.get("model") is not None:
        raise InputDataError(f"model={former['model']!r}: {NO_MODELS}")
    for name in _FORMER_PRIORS:
        if former.get(name) is not None:
            _say(f"{name} is now called prior; {GOES}")
            if prior is not None:
                raise InputDataError(f"give prior alone: {name} is its former name")
            prior = str(former[name])
    if method == "auto":
        _say(AUTO)
        method = "network"
    return cast(Method, method), prior


def _say(what: str) -> None:
    warnings.warn(f"refit_exposures: {what}.", DeprecationWarning, stacklevel=4)
