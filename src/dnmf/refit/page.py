"""The page of a refit as plain values for its template."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from dnmf import __version__, criteria
from dnmf.plotting import exposure_colours
from dnmf.refit.figures import shown_exposures
from dnmf.refit.findings import refit_findings
from dnmf.refit.record import RefitRecord, Refitted
from dnmf.report.exposure_plot import plot_data
from dnmf.report.pictures import Picture
from dnmf.report.template import OWN_PAGE, Place, gradient, render_template

_MAX_ROWS, _MAX_SIGNATURES = 5000, 4
_METHOD_WORDS = {
    "network": "the posterior over mixtures of signatures under a prior (variational Bayes), refined by an unfolded "
    "Kullback-Leibler network whose parameters belong to no signature; counts were divided by their dispersion and "
    "signatures that are hardly present set to 0",
    "kl": "Poisson maximum likelihood over all signatures, solved to a certificate",
    "nnls": "non-negative least squares over all signatures, scaled to each sample's mutations",
    "sparse": "backward elimination and forward selection by relative L2 error (0.01, 0.05) from non-negative least "
    "squares, then Poisson maximum likelihood over the selected signatures",
}


def render_refit_page(
    result: RefitRecord,
    record: dict[str, Any],
    pictures: dict[str, Picture],
    beside: Collection[str] = (),
) -> str:
    """Return the page of a refit as HTML: one file that loads nothing from anywhere.

    ``beside`` names the files in its folder that are not of the refit.
    """
    content = _content(result, pictures, OWN_PAGE) | {
        "title": record["input"]["name"] or "an unnamed catalog",
        "record": record,
        "beside": beside,
        "reference": result.reference.source or "the reference",
        "findings": refit_findings(result),
        "methods": methods_text(result),
    }
    return render_template(["dnmf.refit"], "refit.html.j2", content)


def render_page_of_file(
    result: Refitted, record: dict[str, Any], summary: pd.DataFrame, *, has_presence: bool
) -> str:
    """Return the page of a refit of a file that was never in memory as a whole: nothing of single samples."""
    content = _fit_content(result) | {
        "result": result,
        "place": OWN_PAGE,
        "has_presence": has_presence,
        "signatures": list(summary.itertuples()),
        "title": record["input"]["name"],
        "record": record,
        "beside": (),
        "reference": result.reference.source or "the reference",
        "findings": refit_findings(result),
        "methods": methods_text(result),
    }
    return render_template(["dnmf.refit"], "refit_of_file.html.j2", content)


def render_refit_sections(result: RefitRecord, pictures: dict[str, Picture], place: Place) -> str:
    """Return the sections of the page as HTML, for a page with others."""
    return render_template(
        ["dnmf.refit"], "refit_sections.html.j2", _content(result, pictures, place)
    )


def _content(result: RefitRecord, pictures: dict[str, Picture], place: Place) -> dict[str, Any]:
    signatures = list(result.summary().itertuples())
    return exposure_content(result, pictures, place) | {"signatures": signatures}


def exposure_content(
    result: RefitRecord, pictures: dict[str, Picture], place: Place
) -> dict[str, Any]:
    """Return what the templates show of exposures, their intervals, their fit and the samples."""
    shown = shown_exposures(result)
    colours = exposure_colours(shown.columns)
    return _fit_content(result) | {
        "result": result,
        "place": place,
        "has_presence": result.presence is not None,
        "pictures": pictures,
        "legend": list(zip(shown.columns, colours, strict=True)),
        "plot": plot_data(shown, colours, "mutations") if len(shown) <= _MAX_ROWS else None,
        "samples": _sample_rows(result, shown),
    }


def _fit_content(result: Refitted) -> dict[str, Any]:
    filled = result.fit[result.fit["mutations"] > 0]
    mutations = filled["mutations"].astype(float)
    return {
        "median_cosine": float(filled["cosine"].median()),
        "median_mutations": float(mutations.median()),
        "criteria": criteria,
        "n_bad": int((filled["p_answer"] < criteria.P_BAD_FIT).sum()),
        "unassigned": float((filled["unassigned"] * mutations).sum() / mutations.sum()),
    }


def _sample_rows(result: RefitRecord, shown: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the columns of ``fit`` and a sample's name, largest signatures, and colours as a CSS gradient.

    Of more samples than a page can show, those that are explained least.
    """
    colours = exposure_colours(shown.columns)
    names = list(result.exposures.columns)
    places = np.arange(len(result.fit))
    if len(places) > _MAX_ROWS:
        places = np.argsort(result.fit["p_answer"].to_numpy(), kind="stable")[:_MAX_ROWS]
    fit = result.fit.iloc[places].rename_axis("name").reset_index()
    rows: list[dict[Any, Any]] = fit.to_dict("records")
    tables = (result.exposures, result.exposure_lower, result.exposure_upper, shown)
    parts = (table.iloc[places].to_numpy() for table in tables)
    for row, *exposures in zip(rows, *parts, strict=True):
        scale = max(row["mutations"], 1.0)
        shares, lower, upper, drawn = (values / scale for values in exposures)
        largest = [
            (names[j], f"{shares[j]:.0%} ({100 * lower[j]:.0f}–{100 * upper[j]:.0f})")
            for j in np.argsort(-shares, kind="stable")[:_MAX_SIGNATURES]
            if shares[j] >= criteria.LISTED_SHARE
        ]
        amount = f"{row['mutations']:,.0f}"
        row |= {"main": largest, "mix": gradient(drawn, colours), "amount": amount}
    return rows


def methods_text(result: Refitted) -> str:
    """Return one paragraph for a methods section."""
    filled = result.fit[result.fit["mutations"] > 0]
    prior = "" if result.prior is None else f" The prior: {result.prior_in_words}."
    return (
        f"{len(result.reference.names)} known signatures ({result.reference.source or 'a file'}) were refitted to "
        f"{len(filled):,} samples with {filled['mutations'].sum():,.0f} mutations with dnmf {__version__} by "
        f"{_METHOD_WORDS[result.parameters['method']]}.{prior} Exposures are in mutations; what the reference does not "
        f"explain beyond chance is left unassigned where a test of fit has p < {criteria.P_UNASSIGNED:g}. "
        "Intervals are 90 % intervals. The certificate bounds, in nats, how far the exposures' log-likelihood is below "
        "the highest that any mixture of the reference reaches."
    )
