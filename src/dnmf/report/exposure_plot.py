"""What a page's script draws of exposures."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dnmf.report.names import printable, shortened


def plot_data(exposures: pd.DataFrame, colours: Sequence[str], unit: str) -> dict[str, Any]:
    """Return exposures as JSON can hold them: to three digits, and whole ones from 1,000.

    Parameters
    ----------
    exposures : DataFrame (n, k)
        Samples, in the order of the page's table, by the signatures that are drawn.
    colours : sequence of str
        Of each signature.
    unit : str
        Of the exposures.

    Returns
    -------
    dict
        ``samples``, their ``totals``, ``signatures`` (name and colour of each), ``values`` (of each signature, those of
        all samples), and ``unit``.

    Examples
    --------
    >>> table = pd.DataFrame({"SBS1": [0.12345, 2000.4]}, index=["a", "b"])
    >>> plot_data(table, ["#0072B2"], "mutations")["values"]
    [[0.123, 2000]]
    """
    names = [_name(name) for name in exposures.columns]
    return {
        "unit": unit,
        "samples": [_name(sample) for sample in exposures.index],
        "totals": [_short(total) for total in exposures.sum(axis=1)],
        "signatures": [list(pair) for pair in zip(names, colours, strict=True)],
        "values": [
            [_short(value) for value in column] for column in exposures.to_numpy().T.tolist()
        ],
    }


def _name(name: object) -> str:
    return printable(shortened(str(name)))


def _short(value: float) -> float:
    if value >= 1000:
        return round(value)
    short = float(f"{value:.3g}")
    return int(short) if short.is_integer() else short
