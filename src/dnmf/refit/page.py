"""The page of a refit as plain values for its template."""

from typing import Any

import numpy as np
import pandas as pd

from dnmf import __version__, criteria
from dnmf.plotting import signature_colours
from dnmf.refit.figures import shown_exposures
from dnmf.refit.findings import refit_findings
from dnmf.refit.record import RefitRecord
from dnmf.report.pictures import Picture
from dnmf.report.template import gradient, render_template

_MAX_ROWS, _MAX_SIGNATURES = 5000, 4
_METHOD_WORDS = {
    "network": "an unfolded Kullback-Leibler network that was trained on simulated samples of known exposures "
    "(shares, presence and intervals calibrated on held-out tumours; finished by maximum likelihood where there are "
    "many mutations)",
    "kl": "Poisson maximum likelihood over all signatures, solved to a certificate",
    "nnls": "non-negative least squares over all signatures, scaled to each sample's mutations",
    "sparse": "backward elimination and forward selection by relative L2 error (0.01, 0.05) from non-negative least "
    "squares, then Poisson maximum likelihood over the selected signatures",
}


def render_refit_page(
    result: RefitRecord, record: dict[str, Any], pictures: dict[str, Picture]
) -> str:
    """Return the page of a refit as HTML: one file that loads nothing from anywhere."""
    return render_template("dnmf.refit", "refit.html.j2", _content(result, record, pictures))


def _content(
    result: RefitRecord, record: dict[str, Any], pictures: dict[str, Picture]
) -> dict[str, Any]:
    filled = result.fit[result.fit["mutations"] > 0]
    shown = shown_exposures(result)
    samples = _sample_rows(result, shown)
    return {
        "title": record["input"]["name"] or "an unnamed catalog",
        "record": record,
        "reference": result.reference.source or "the reference",
        "result": result,
        "median_cosine": float(filled["cosine"].median()),
        "median_mutations": float(filled["mutations"].median()),
        "criteria": criteria,
        "n_bad": int((filled["p_value"] < criteria.P_BAD_FIT).sum()),
        "unassigned": float(result.unassigned.sum() / filled["mutations"].sum()),
        "methods_used": list(filled["method"].value_counts().items()),
        "findings": refit_findings(result),
        "pictures": pictures,
        "signatures": list(result.summary().itertuples()),
        "legend": list(zip(shown.columns, signature_colours(shown.shape[1]), strict=True)),
        "samples": sorted(samples, key=lambda row: float(row["p_value"]))[:_MAX_ROWS]
        if len(samples) > _MAX_ROWS
        else samples,
        "with_presence": result.presence is not None,
        "methods": _methods_text(result),
    }


def _sample_rows(result: RefitRecord, shown: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the columns of ``fit`` and a sample's name, largest signatures, and colours as a CSS gradient."""
    colours = signature_colours(shown.shape[1])
    names = list(result.exposures.columns)
    rows: list[dict[Any, Any]] = result.fit.rename_axis("name").reset_index().to_dict("records")
    tables = (result.exposures, result.exposure_lower, result.exposure_upper, shown)
    for row, *exposures in zip(rows, *(table.to_numpy() for table in tables), strict=True):
        scale = max(row["mutations"], 1.0)
        shares, lower, upper, drawn = (values / scale for values in exposures)
        largest = [
            (names[j], f"{shares[j]:.0%} ({100 * lower[j]:.0f}–{100 * upper[j]:.0f})")
            for j in np.argsort(-shares, kind="stable")[:_MAX_SIGNATURES]
            if shares[j] >= criteria.LISTED_SHARE
        ]
        row |= {"main": largest, "mix": gradient(drawn, colours)}
    return rows


def _methods_text(result: RefitRecord) -> str:
    """Return one paragraph for a methods section."""
    filled = result.fit[result.fit["mutations"] > 0]
    used = [
        f"{count:,} by {_METHOD_WORDS[str(name)]}"
        for name, count in filled["method"].value_counts().items()
    ]
    model = f" The network is {result.model}" if (filled["method"] == "network").any() else ""
    if model and result.parameters["tumour_type"]:
        model += f", given the tumour type {result.parameters['tumour_type']}"
    return (
        f"{len(result.reference.names)} known signatures ({result.reference.source or 'a file'}) were refitted to "
        f"{len(filled):,} samples with {filled['mutations'].sum():,.0f} mutations with dnmf {__version__}: "
        f"{'; '.join(used)}.{model + '.' if model else ''} Exposures are in mutations; what the reference does not "
        f"explain beyond chance is left unassigned where the goodness-of-fit test has p < {criteria.P_UNASSIGNED:g}. "
        "Intervals are 90 % intervals. The certificate bounds, in nats, how far the exposures' log-likelihood is below "
        "the highest that any mixture of the reference reaches."
    )
