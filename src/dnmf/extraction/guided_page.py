"""The page of a guided extraction as plain values for its template."""

from collections.abc import Collection
from typing import Any

import numpy as np

from dnmf import __version__, criteria
from dnmf.extraction.guided_findings import (
    by_mutations,
    evidence_in_words,
    found_in_words,
    guided_findings,
    near_equivalents,
    rest_on_one_sample,
)
from dnmf.extraction.guided_record import GuidedRecord
from dnmf.extraction.page import grade
from dnmf.refit.page import exposure_content
from dnmf.report.pictures import Picture
from dnmf.report.template import OWN_PAGE, Place, render_template
from dnmf.search.cohort import MOST_MUTATIONS
from dnmf.search.cohort_trials import KNOWN_COST, NOVEL_COST

# Channels that the description of a profile names.
_NAMED_CHANNELS = 3
_ROOMS = ("dnmf.extraction", "dnmf.refit")


def render_guided_page(
    result: GuidedRecord,
    record: dict[str, Any],
    pictures: dict[str, Picture],
    thumbnails: dict[str, Picture],
    beside: Collection[str] = (),
) -> str:
    """Return the page of a guided extraction as HTML: one file that loads nothing from anywhere.

    ``beside`` names the files in its folder that are not of the extraction.
    """
    content = _content(result, pictures, thumbnails, OWN_PAGE) | {
        "title": record["input"]["name"] or "an unnamed catalog",
        "record": record,
        "beside": beside,
        "reference": result.reference.source or "the reference",
        "n_references": len(result.reference),
        "found": found_in_words(result),
        "known": by_mutations(result.evidence).query("kind == 'known'").index.tolist(),
        "findings": guided_findings(result),
        "methods": guided_methods_text(result),
    }
    return render_template(_ROOMS, "guided.html.j2", content)


def render_guided_sections(
    result: GuidedRecord,
    pictures: dict[str, Picture],
    thumbnails: dict[str, Picture],
    place: Place,
) -> str:
    """Return the sections of the page as HTML, for a page with others."""
    content = _content(result, pictures, thumbnails, place)
    return render_template(_ROOMS, "guided_sections.html.j2", content)


def _content(
    result: GuidedRecord,
    pictures: dict[str, Picture],
    thumbnails: dict[str, Picture],
    place: Place,
) -> dict[str, Any]:
    exposures = exposure_content(result.refit, pictures, place)
    return exposures | {
        "novel": _novel_rows(result),
        "signatures": _signature_rows(result, thumbnails, dict(exposures["legend"])),
        "halves": bool(result.evidence["half"].notna().any()),
    }


def _signature_rows(
    result: GuidedRecord, thumbnails: dict[str, Picture], colours: dict[str, str]
) -> list[dict[Any, Any]]:
    """Return the columns of ``evidence`` and a signature's name, colour, picture, evidence in words and equivalents.

    The colour is that in the picture of the exposures; empty if the signature is too small to be drawn there.
    """
    table = result.evidence.assign(alone=rest_on_one_sample(result.evidence))
    rows: list[dict[Any, Any]] = (
        by_mutations(table).rename_axis("name").reset_index().to_dict("records")
    )
    for row in rows:
        name = row["name"]
        row |= {
            "colour": colours.get(name, ""),
            "picture": thumbnails[name],
            "peaks": _peaks(result, name),
            "words": evidence_in_words(row["nats"]),
            "equivalents": near_equivalents(result, name),
        }
    return rows


def _novel_rows(result: GuidedRecord) -> list[dict[Any, Any]]:
    """Return the columns of ``matches`` of the novel signatures, their evidence and highest channels."""
    rows: list[dict[Any, Any]] = result.matches.to_dict("records")
    evidence = result.evidence.to_dict("index")
    for row in rows:
        name = row["found"]
        row |= {
            **{column: evidence[name][column] for column in ("mutations", "samples", "nats")},
            "name": name,
            "peaks": _peaks(result, name),
            "words": evidence_in_words(evidence[name]["nats"]),
            "grade": grade(row["cosine"], row["assigned"]),
        }
    return rows


def _peaks(result: GuidedRecord, name: str) -> str:
    """Return the highest channels of a signature, with their probabilities."""
    profile = result.signatures.profiles.loc[name]
    highest = np.argsort(-profile.to_numpy(), kind="stable")[:_NAMED_CHANNELS]
    return ", ".join(f"{profile.index[j]} {profile.iloc[j]:.1%}" for j in highest)


def guided_methods_text(result: GuidedRecord) -> str:
    """Return one paragraph for a methods section."""
    filled = result.refit.fit[result.refit.fit["mutations"] > 0]
    return (
        f"Which of the {len(result.reference)} known signatures ({result.reference.source or 'a file'}) a cohort of "
        f"{len(filled):,} samples with {filled['mutations'].sum():,.0f} mutations in {len(result.signatures.schema)} "
        f"channels has, and whether it has others, was decided with dnmf {__version__} by the evidence of a "
        "Gamma-Poisson model: exposures have Gamma distributions whose shapes are learned for each signature, so "
        "that a signature may be in all samples or in a few. It is fitted by variational Bayes, profiles of known "
        "signatures being free to differ from the reference as much as the data support. For this choice counts "
        "were divided by the dispersion of their sample, and those of samples with more than "
        f"{MOST_MUTATIONS:,.0f} mutations were scaled down to as many. Known signatures "
        f"were eliminated while the evidence did not fall by more than {KNOWN_COST:g} nats for each, and those left "
        "out were tried again; each has the name of the reference that its profile in the data is closest to. Novel "
        f"signatures were added one at a time while each raised the evidence by more than {NOVEL_COST:g} nats; after "
        "each the known ones were eliminated anew. Last, known ones were exchanged for others like them while the "
        "evidence rose. Intervals of novel signatures are those of the posterior of their profile whatever the "
        "exposures are, with factors chosen on simulated cohorts. Exposures, their 90 % intervals and presence are a "
        "refit of the signatures that were found, at their profiles in the reference; the intervals are widened by "
        "what novel profiles may be off. "
        f"Its prior: {result.refit.prior_in_words}. What the signatures "
        f"do not explain beyond chance is left unassigned where a test of fit has p < {criteria.P_UNASSIGNED:g}. For "
        "new samples, an unfolded network was built from the same signatures."
    )
