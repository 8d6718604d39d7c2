"""The page of a run: what is shown, as plain values, and its rendering."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dnmf.criteria import LOW_COSINE, SHOWN_SHARE
from dnmf.extraction.figures import Pictures
from dnmf.extraction.findings import expected_cosine, findings
from dnmf.extraction.methods_text import methods_text
from dnmf.extraction.selection_section import selection_content
from dnmf.plotting import signature_colours
from dnmf.report.pictures import Picture
from dnmf.report.template import gradient, render_template

if TYPE_CHECKING:
    from dnmf.extraction.result import ExtractionResult

_MOST_ROWS = 5000
_WORST = 10
_TOP = 3


@dataclass(frozen=True)
class SignatureRow:
    """One row of the table of signatures, with its picture."""

    name: str
    colour: str
    share: float
    peaks: str
    picture: Picture
    match: dict[str, Any] | None
    grade: str
    verdict: dict[str, Any] | None


@dataclass(frozen=True)
class SampleRow:
    """One row of the table of samples; ``mix`` is a CSS gradient of its signatures."""

    name: str
    mutations: float
    cosine: float
    expected: float
    l1: float
    l2: float
    kl: float
    main: str
    mix: str


def render_page(result: "ExtractionResult", record: dict[str, Any], pictures: Pictures) -> str:
    """Return the page of a run as HTML: one file that loads nothing from anywhere."""
    return render_template("dnmf.extraction", "report.html.j2", _content(result, record, pictures))


def _content(
    result: "ExtractionResult", record: dict[str, Any], pictures: Pictures
) -> dict[str, Any]:
    filled = result.fit[result.fit["mutations"] > 0]
    assigned = result.matches[result.matches["assigned"].astype(bool)]
    samples = _sample_rows(result)
    return {
        "title": record["input"]["name"] or "an unnamed catalog",
        "record": record,
        "n_samples": len(result.fit),
        "n_channels": len(result.signatures.schema),
        "n_filled": len(filled),
        "n_good": int((filled["cosine"] >= LOW_COSINE).sum()),
        "low_cosine": LOW_COSINE,
        "median_cosine": float(filled["cosine"].median()) if len(filled) else None,
        "median_mutations": float(filled["mutations"].median()) if len(filled) else 0.0,
        "reference": None if result.reference is None else result.reference.source,
        "n_references": assigned["reference"].nunique(),
        "n_assigned": len(assigned),
        "findings": findings(result),
        "selection": selection_content(result),
        "signatures": _signature_rows(result, pictures),
        "pictures": pictures,
        "dominant": _dominance(result),
        "untrained": [name for name, costs in result.history.items() if len(costs) == 0],
        "worst": sorted((row for row in samples if row.mutations > 0), key=lambda row: row.cosine)[
            :_WORST
        ],
        "samples": sorted(samples, key=lambda row: row.cosine)[:_MOST_ROWS]
        if len(samples) > _MOST_ROWS
        else samples,
        "methods": methods_text(result),
    }


def _signature_rows(result: "ExtractionResult", pictures: Pictures) -> list[SignatureRow]:
    totals = result.exposures.sum(axis=0)
    overall = float(totals.sum()) or 1.0
    matches = result.matches.set_index("found").to_dict("index")
    names = result.signatures.names
    colours = signature_colours(len(names))
    verdicts = result.verdicts
    channels = result.signatures.profiles.columns
    profiles = result.signatures.profiles.to_numpy()
    rows = []
    for index, name in enumerate(names):
        match = matches.get(name)
        peaks = np.argsort(-profiles[index], kind="stable")[:_TOP]
        rows.append(
            SignatureRow(
                name=name,
                colour=colours[index],
                share=float(totals[name]) / overall,
                peaks=", ".join(f"{channels[peak]} {profiles[index, peak]:.1%}" for peak in peaks),
                picture=pictures.signatures[index],
                match=None if match is None else {str(key): value for key, value in match.items()},
                grade="" if match is None else _grade(match["cosine"], match["assigned"]),
                verdict=None if verdicts is None else dict(verdicts.loc[name]),
            )
        )
    return rows


def _grade(cosine: float, assigned: bool) -> str:
    if not assigned:
        return "none"
    return "close" if cosine >= 0.95 else "good" if cosine >= 0.9 else "fair"


def _sample_rows(result: "ExtractionResult") -> list[SampleRow]:
    names = list(result.exposures.columns)
    colours = signature_colours(len(names))
    expected = expected_cosine(result).to_numpy()
    fit = result.fit[["mutations", "cosine", "relative_l1", "relative_l2", "kl_divergence"]]
    rows = []
    for index, numbers in enumerate(fit.to_numpy(dtype=float).tolist()):
        exposures = result.exposures.to_numpy()[index]
        parts = exposures / (exposures.sum() or 1.0)
        largest = [
            place
            for place in np.argsort(-parts, kind="stable")[:_TOP]
            if parts[place] >= SHOWN_SHARE
        ]
        mutations, cosine, l1, l2, kl = numbers
        rows.append(
            SampleRow(
                name=str(fit.index[index]),
                mutations=mutations,
                cosine=cosine,
                expected=float(expected[index]),
                l1=l1,
                l2=l2,
                kl=kl,
                main=", ".join(f"{names[place]} {parts[place]:.0%}" for place in largest),
                mix=gradient(parts, colours),
            )
        )
    return rows


def _dominance(result: "ExtractionResult") -> list[tuple[str, int]]:
    """Return each signature that is the largest of some sample, and of how many, most first."""
    filled = result.exposures[result.exposures.sum(axis=1) > 0]
    counts: pd.Series[int] = filled.idxmax(axis=1).value_counts()
    return [(str(name), int(count)) for name, count in counts.items()]
