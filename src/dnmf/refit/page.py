"""The page of a refit: what is shown, as plain values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dnmf import __version__
from dnmf.criteria import LOW_COSINE
from dnmf.plotting import signature_colours
from dnmf.refit.figures import RefitPictures, shown_exposures
from dnmf.refit.findings import refit_findings
from dnmf.report.template import gradient, render_template

if TYPE_CHECKING:
    from dnmf.refit.result import RefitResult

_MOST_ROWS, _TOP, _LEAST = 5000, 4, 0.01
_PRESENT_SHARE = 0.05
_METHOD_WORDS = {
    "network": "an unfolded Kullback-Leibler network that was trained on simulated samples of known exposures "
    "(shares, presence and intervals calibrated on held-out tumours; finished by maximum likelihood where there are "
    "many mutations)",
    "kl": "Poisson maximum likelihood over all signatures, solved to a certificate",
    "nnls": "non-negative least squares over all signatures, scaled to each sample's mutations",
    "sparse": "backward elimination and forward selection by relative L2 error (0.01, 0.05) from non-negative least "
    "squares, then Poisson maximum likelihood over the selected signatures",
}


@dataclass(frozen=True)
class RefitSignatureRow:
    """One row of the table of signatures."""

    name: str
    share: float
    samples: int
    median: float


@dataclass(frozen=True)
class RefitSampleRow:
    """One row of the table of samples; ``mix`` is a CSS gradient of its signatures."""

    name: str
    mutations: float
    cosine: float
    p_value: float
    unassigned: float
    certificate: float
    method: str
    main: str
    mix: str
    advice: str


def render_refit_page(
    result: "RefitResult", record: dict[str, Any], pictures: RefitPictures
) -> str:
    """Return the page of a refit as HTML: one file that loads nothing from anywhere."""
    return render_template("dnmf.refit", "refit.html.j2", _content(result, record, pictures))


def _content(
    result: "RefitResult", record: dict[str, Any], pictures: RefitPictures
) -> dict[str, Any]:
    filled = result.fit[result.fit["mutations"] > 0]
    total = float(filled["mutations"].sum())
    samples = _sample_rows(result)
    shown = shown_exposures(result)
    return {
        "title": record["input"]["name"] or "an unnamed catalog",
        "record": record,
        "reference": result.reference.source or "the reference",
        "n_reference": len(result.reference.names),
        "n_samples": len(result.fit),
        "median_cosine": float(filled["cosine"].median()) if len(filled) else None,
        "median_mutations": float(filled["mutations"].median()) if len(filled) else 0.0,
        "low_cosine": LOW_COSINE,
        "n_bad": int((filled["p_value"] < 0.001).sum()),
        "unassigned": float(result.unassigned.sum()) / max(total, 1.0),
        "methods_used": list(filled["method"].value_counts().items()),
        "findings": refit_findings(result),
        "pictures": pictures,
        "signatures": _signature_rows(result),
        "legend": list(zip(shown.columns, signature_colours(shown.shape[1]), strict=True)),
        "samples": sorted(samples, key=lambda row: row.p_value)[:_MOST_ROWS]
        if len(samples) > _MOST_ROWS
        else samples,
        "with_presence": result.presence is not None,
        "threshold": result.presence_threshold,
        "model_notes": result.model_notes,
        "methods": _methods_text(result),
    }


def _signature_rows(result: "RefitResult") -> list[RefitSignatureRow]:
    """Return the signatures that some sample has, most mutations first."""
    mutations = np.maximum(result.fit["mutations"].to_numpy(), 1)
    total = float(result.fit["mutations"].sum()) or 1.0
    rows = []
    for name in result.exposures.columns:
        values = result.exposures[name].to_numpy()
        shares = values / mutations
        carriers = _called(result, str(name), shares)
        if carriers.any() or values.sum() >= _LEAST * total:
            rows.append(
                RefitSignatureRow(
                    name=str(name),
                    share=float(values.sum()) / total,
                    samples=int(carriers.sum()),
                    median=float(np.median(shares[carriers])) if carriers.any() else 0.0,
                )
            )
    return sorted(rows, key=lambda row: -row.share)


def _called(result: "RefitResult", name: str, shares: np.ndarray) -> np.ndarray:
    """Return which samples have a signature: by presence where it is known, else by 5 % of the mutations."""
    called: np.ndarray = shares > _PRESENT_SHARE
    if result.presence is not None:
        rows = result.fit.index.get_indexer(result.presence.index)
        called[rows] = result.presence[name].to_numpy() > result.presence_threshold
    return called


def _sample_rows(result: "RefitResult") -> list[RefitSampleRow]:
    shown = shown_exposures(result)
    colours = signature_colours(shown.shape[1])
    names = list(result.exposures.columns)
    tables = [frame.to_numpy() for frame in (result.exposures, result.lower, result.upper)]
    rows = []
    for index, fit in enumerate(result.fit.to_dict("records")):
        scale = max(float(fit["mutations"]), 1.0)
        values, lower, upper = (table[index] / scale for table in tables)
        largest = [j for j in np.argsort(-values, kind="stable")[:_TOP] if values[j] >= _LEAST]
        rows.append(
            RefitSampleRow(
                name=str(result.fit.index[index]),
                mutations=float(fit["mutations"]),
                cosine=float(fit["cosine"]),
                p_value=float(fit["p_value"]),
                unassigned=float(fit["unassigned"]),
                certificate=float(fit["certificate"]),
                method=str(fit["method"]),
                main=", ".join(
                    f"{names[j]} {values[j]:.0%} ({100 * lower[j]:.0f}–{100 * upper[j]:.0f})"
                    for j in largest
                ),
                mix=gradient(shown.to_numpy()[index] / scale, colours),
                advice=str(fit["advice"]),
            )
        )
    return rows


def _methods_text(result: "RefitResult") -> str:
    """Return one paragraph for a methods section."""
    filled = result.fit[result.fit["mutations"] > 0]
    used = [
        f"{count:,} by {_METHOD_WORDS[str(name)]}"
        for name, count in filled["method"].value_counts().items()
    ]
    model = f" The network is {result.model}" if (filled["method"] == "network").any() else ""
    if model and result.parameters["cohort"]:
        model += f", told the tumour type {result.parameters['cohort']}"
    return (
        f"{len(result.reference.names)} known signatures ({result.reference.source or 'a file'}) were refitted to "
        f"{len(filled):,} samples with {filled['mutations'].sum():,.0f} mutations with dnmf {__version__}: "
        f"{'; '.join(used)}.{model + '.' if model else ''} Exposures are in mutations; what the reference does not "
        "explain beyond chance is left unassigned where the goodness-of-fit test has p < 0.05. Intervals are 90 % "
        "intervals. The certificate bounds, in nats, how far the exposures' log-likelihood is below the highest that "
        "any mixture of the reference reaches."
    )
