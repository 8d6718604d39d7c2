"""The page of several classes as plain values for its template."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from dnmf import __version__
from dnmf.classes.answers import ClassAnswers
from dnmf.extraction import GuidedResult
from dnmf.extraction.guided_findings import evidence_in_words, found_in_words
from dnmf.extraction.guided_page import guided_methods_text
from dnmf.refit import RefitResult
from dnmf.refit.page import methods_text
from dnmf.report.findings import Finding, listing
from dnmf.report.pictures import Picture
from dnmf.report.template import render_template
from dnmf.signatures import ChannelSchema
from dnmf.variants.reasons import reasons

TITLES = {
    "SBS": "single base substitutions",
    "DBS": "doublet base substitutions",
    "ID": "small insertions and deletions",
    "CN": "copy numbers",
    "SV": "rearrangements",
}
_NAMED_SIGNATURES = 6


def render_classes_page(
    answers: ClassAnswers,
    record: dict[str, Any],
    sections: Mapping[str, str],
    spectra: Mapping[str, Picture],
    beside: Collection[str] = (),
) -> str:
    """Return the page of several classes as HTML: one file that loads nothing from anywhere.

    Parameters
    ----------
    sections : mapping
        HTML of the sections about each result, by the name of its class.
    spectra : mapping
        The spectrum of all samples of each class, by the name of the class.
    beside : collection of str
        Names of the files of the count.
    """
    rows = [
        class_row(name, result)
        | {
            "picture": spectra[name],
            "findings": result.findings,
            "sections": Markup(sections[name]),
            "methods": _methods(result),
        }
        for name, result in answers.results.items()
    ]
    guided = any(isinstance(result, GuidedResult) for result in answers.results.values())
    own = joint_findings(answers)
    content = {
        "title": answers.source,
        "record": record,
        "beside": beside,
        "guided": guided,
        "classes": rows,
        "left_out": answers.left_out,
        "findings": own,
        "n_findings": len(own) + sum(len(row["findings"]) for row in rows),
        "n_samples": len(
            {name for r in answers.results.values() for name in r.catalog.counts.index}
        ),
        "counts": answers.counts,
        "reasons": [] if answers.counts is None else reasons(answers.counts.variants),
        "methods": _counting_text(answers),
    }
    return render_template(
        ["dnmf.classes", "dnmf.extraction", "dnmf.refit"], "classes.html.j2", content
    )


def class_row(name: str, result: RefitResult | GuidedResult) -> dict[str, Any]:
    """Return what the overview shows of a class, page and terminal alike."""
    refit = result.refit if isinstance(result, GuidedResult) else result
    total = float(refit.fit["mutations"].sum())
    half_widths = (refit.exposure_upper - refit.exposure_lower) / 2
    shares = half_widths.div(refit.fit["mutations"].clip(lower=1), axis=0).to_numpy()
    present = shares[refit.present.to_numpy()]
    if isinstance(result, GuidedResult):
        names = [*result.known, *result.novel]
        weakest = result.evidence["nats"].idxmin() if names else None
        nats = float(result.evidence["nats"].min()) if names else 0.0
        found, evidence = (
            found_in_words(result),
            f"{weakest}: {nats:,.0f} nats, {evidence_in_words(nats)}",
        )
    else:
        names = [str(signature) for signature in refit.summary().index]
        found, evidence = f"{len(names)} {'signature' if len(names) == 1 else 'signatures'}", ""
    return {
        "name": name,
        "title": class_title(result.catalog.schema),
        "samples": int((refit.fit["mutations"] > 0).sum()),
        "of_samples": len(refit.fit),
        "mutations": total,
        "found": found,
        "names": listing(names, _NAMED_SIGNATURES),
        "unassigned": float(refit.unassigned.sum()) / max(total, 1.0),
        # Of the signatures that are present, as a share of a sample's mutations; NaN if none is.
        "half_width": float(np.median(present)) if len(present) else float("nan"),
        "evidence": evidence,
        "cautions": sum(finding.level == "caution" for finding in result.findings),
        "notes": sum(finding.level == "note" for finding in result.findings),
        "reference": result.reference.source or "the reference",
    }


def class_title(schema: ChannelSchema) -> str:
    """Return what a class is, in words."""
    return TITLES.get(schema.family, f"{len(schema)} channels")


def joint_findings(answers: ClassAnswers) -> list[Finding]:
    """Return what to know about the run as a whole, cautions first."""
    doubts = dict.fromkeys(
        [*answers.warnings, *(answers.counts.warnings if answers.counts else ())]
    )
    return [
        *(Finding("caution", "Warning about the input", text) for text in doubts),
        *(
            Finding("note", f"{name} has no answer", text[:1].upper() + text[1:])
            for name, text in answers.left_out.items()
        ),
    ]


def _methods(result: RefitResult | GuidedResult) -> str:
    return guided_methods_text(result) if isinstance(result, GuidedResult) else methods_text(result)


def _counting_text(answers: ClassAnswers) -> str:
    """Return a paragraph on how classes were counted, for a methods section."""
    each = "Each class was answered by itself; its methods are in its section."
    if answers.counts is None:
        return each
    options, genome = answers.counts.parameters, answers.counts.genome
    where = f" in the genome {genome['name']}" if genome else ""
    both = options.get("doublets") == "both"
    return (
        f"Variants were counted with dnmf {__version__}{where}. Alleles are trimmed and indels left-aligned. Two "
        f"adjacent substitutions of a sample are a doublet{', whose halves' if both else ' and no'} "
        f"{'are substitutions, too' if both else 'substitutions'}; three or more are counted in no class. Duplicates "
        f"count once. {each}"
    )
