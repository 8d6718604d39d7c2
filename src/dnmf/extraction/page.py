"""The page of a run: what is shown, as plain values, and its rendering."""

from typing import Any

import numpy as np
import pandas as pd

from dnmf import criteria
from dnmf.criteria import CLOSE_MATCH_COSINE, GOOD_MATCH_COSINE, LOW_COSINE, SHOWN_SHARE
from dnmf.extraction.figures import LAYER_PREFIX
from dnmf.extraction.findings import findings
from dnmf.extraction.methods_text import methods_text
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.second_layer import SecondLayer
from dnmf.extraction.selection_findings import choice_summary
from dnmf.plotting.exposures import drawn_exposures
from dnmf.refit import RefitResult
from dnmf.refit.page import exposure_content
from dnmf.report.exposure_plot import plot_data
from dnmf.report.pictures import Picture
from dnmf.report.template import Place, gradient, render_template
from dnmf.selection.choice import standard_errors
from dnmf.selection.counts import stable_silhouette
from dnmf.signatures.decomposition import NOVEL

_MAX_SAMPLE_ROWS = 5000
_WORST_SAMPLES = 10
# Channels and signatures that a row names.
_NAMED_PARTS = 3
_NAMED_ALTERNATIVES = 3
_LAYER_PLACE = Place(prefix="layer-", folder="decomposed/", words=", second layer")


def render_page(
    result: ExtractionRecord, record: dict[str, Any], pictures: dict[str, Picture]
) -> str:
    """Return the page of a run as HTML: one file that loads nothing from anywhere."""
    return render_template(
        ["dnmf.extraction", "dnmf.refit"], "report.html.j2", _content(result, record, pictures)
    )


def _content(
    result: ExtractionRecord, record: dict[str, Any], pictures: dict[str, Picture]
) -> dict[str, Any]:
    filled = result.fit[result.fit["mutations"] > 0]
    counted = not result.catalog.why_not_counts
    drawn, colours = drawn_exposures(result.exposures)
    samples = _sample_rows(result, drawn, colours)
    by_cosine = sorted(samples, key=lambda row: row["cosine"])
    return {
        "counted": counted,
        "title": record["input"]["name"] or "an unnamed catalog",
        "record": record,
        "n_samples": len(result.fit),
        "n_channels": len(result.signatures.schema),
        "n_filled": len(filled),
        "n_good": int((filled["cosine"] >= LOW_COSINE).sum()),
        "criteria": criteria,
        "standard_errors": standard_errors,
        "percentiles": "{:g}th to the {:g}th".format(*criteria.INTERVAL_PERCENTILES),
        "median_cosine": float(filled["cosine"].median()) if len(filled) else None,
        "median_mutations": float(filled["mutations"].median()) if len(filled) else 0.0,
        "reference": None if result.reference is None else result.reference.source,
        "findings": findings(result),
        "selection": _selection(result),
        "signatures": _signature_rows(
            result, pictures, dict(zip(drawn.columns, colours, strict=True))
        ),
        "layer": _layer(result.layer, result.unstable, pictures),
        "pictures": pictures,
        "plot": plot_data(drawn, colours, "mutations" if counted else "total")
        if len(samples) <= _MAX_SAMPLE_ROWS
        else None,
        "dominant": _dominance(result),
        "untrained": [name for name, costs in result.history.items() if len(costs) == 0],
        "worst": [row for row in by_cosine if row["mutations"] > 0][:_WORST_SAMPLES],
        "samples": by_cosine[:_MAX_SAMPLE_ROWS] if len(samples) > _MAX_SAMPLE_ROWS else samples,
        "methods": methods_text(result),
    }


def _signature_rows(
    result: ExtractionRecord, pictures: dict[str, Picture], colours: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the rows of the table of signatures; ``colour`` is that in the picture of the exposures, if any."""
    totals = result.exposures.sum(axis=0)
    overall = float(totals.sum()) or 1.0
    matches = result.matches.set_index("found").to_dict("index")
    names = result.signatures.names
    verdicts = result.verdicts
    channels = result.signatures.profiles.columns
    profiles = result.signatures.profiles.to_numpy()
    rows = []
    for index, name in enumerate(names):
        match = matches.get(name)
        peaks = np.argsort(-profiles[index], kind="stable")[:_NAMED_PARTS]
        rows.append(
            {
                "name": name,
                "colour": colours.get(name, ""),
                "share": float(totals[name]) / overall,
                "peaks": ", ".join(f"{channels[j]} {profiles[index, j]:.1%}" for j in peaks),
                "picture": pictures[name],
                "match": match,
                "grade": "" if match is None else grade(match["cosine"], match["assigned"]),
                "verdict": None if verdicts is None else dict(verdicts.loc[name]),
            }
        )
    return rows


def _layer(
    layer: SecondLayer | None, unstable: list[str], pictures: dict[str, Picture]
) -> dict[str, Any] | None:
    """Return the content of the second layer; None without a reference."""
    if layer is None:
        return None
    decomposition = layer.decomposition
    listed = decomposition.alternatives.groupby("found")["references"].agg(list).to_dict()
    rows: list[dict[Any, Any]] = decomposition.summary.reset_index().to_dict("records")
    for row in rows:
        row["others"] = listed.get(row["found"], [])[:_NAMED_ALTERNATIVES]
        row["unstable"] = row["found"] in unstable
        row["grade"] = grade(row["cosine"], row["kind"] != NOVEL)
    content: dict[str, Any] = {
        "known": layer.known,
        "novel": layer.novel,
        "rows": rows,
        "refit": None,
    }
    if layer.refit is not None:
        own = {
            name.removeprefix(LAYER_PREFIX): drawn
            for name, drawn in pictures.items()
            if name.startswith(LAYER_PREFIX)
        }
        content["refit"] = exposure_content(layer.refit, own, _LAYER_PLACE)
        content["signatures"] = _layer_signatures(
            layer, layer.refit, dict(content["refit"]["legend"])
        )
    return content


def _layer_signatures(
    layer: SecondLayer, refit: RefitResult, colours: dict[str, str]
) -> list[dict[str, Any]]:
    """Return share, samples and origin of every known and novel signature."""
    total = float(refit.fit["mutations"].sum()) or 1.0
    present, parts = refit.present, layer.decomposition.parts
    return [
        {
            "name": name,
            "novel": name in layer.novel,
            "colour": colours.get(name, ""),
            "share": float(refit.exposures[name].sum()) / total,
            "samples": int(present[name].sum()),
            "median_share": float(refit.shares[name][present[name]].median())
            if present[name].any()
            else 0.0,
            "origin": [
                (str(found), f"{share:.0%}")
                for found, share in parts[parts["reference"] == name][["found", "share"]].to_numpy()
            ],
        }
        for name in layer.signatures.names
    ]


def grade(cosine: float, assigned: bool) -> str:
    """Return the style class in which a page shows the cosine of a match."""
    if not assigned:
        return "none"
    if cosine >= CLOSE_MATCH_COSINE:
        return "close"
    return "good" if cosine >= GOOD_MATCH_COSINE else "fair"


def _sample_rows(
    result: ExtractionRecord, drawn: pd.DataFrame, colours: list[str]
) -> list[dict[str, Any]]:
    """Return the rows of the table of samples; ``mix`` is a CSS gradient of the shares of the signatures drawn."""
    names = list(result.exposures.columns)
    rows: list[dict[Any, Any]] = result.fit.rename_axis("name").reset_index().to_dict("records")
    tables = (result.exposures.to_numpy(), drawn.to_numpy())
    for row, exposures, parts in zip(rows, *tables, strict=True):
        total = exposures.sum() or 1.0
        shares = exposures / total
        largest = np.argsort(-shares, kind="stable")[:_NAMED_PARTS]
        shown = [(names[j], f"{shares[j]:.0%}") for j in largest if shares[j] >= SHOWN_SHARE]
        size = row["mutations"]
        amount = f"{size:.3g}" if result.catalog.why_not_counts else f"{size:,.0f}"
        mix = gradient(parts / total, colours)
        row |= {"main": shown, "mix": mix, "amount": amount, "advice": ""}
    return rows


def _selection(result: ExtractionRecord) -> dict[str, Any] | None:
    """Return the content of the section on the number of signatures; None without restarts."""
    if result.selection is None:
        return None
    choice, table = result.selection.choice, result.selection.table
    return {
        "rows": table.reset_index().to_dict("records"),
        "marks": dict.fromkeys(choice.tied, "tied") | {choice.n_components: "chosen"},
        "several": len(table) > 1,
        "summary": choice_summary(result),
        "stable_silhouette": f"{stable_silhouette(result.selection.noise):g}",
        "restarts": result.parameters["n_restarts"],
        "penalties": [
            (name.removesuffix("_reg"), chosen.value, list(chosen.curve.itertuples()))
            for name, chosen in result.penalties.items()
        ],
    }


def _dominance(result: ExtractionRecord) -> list[tuple[str, int]]:
    """Return each signature that is the largest of some sample, and of how many, most first."""
    filled = result.exposures[result.exposures.sum(axis=1) > 0]
    counts: pd.Series[int] = filled.idxmax(axis=1).value_counts()
    return [(str(name), int(count)) for name, count in counts.items()]
