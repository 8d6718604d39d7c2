"""What one choice of a reference and of a prior, made for several classes, means for each."""

import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from dnmf.criteria import MIN_COHORT_SAMPLES
from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.refit.prior import COHORT, NONE, PAN_CANCER, available_priors
from dnmf.signatures import SBS96, ChannelSchema, SignatureSet, load_reference, read_exposures
from dnmf.signatures.cosmic import ASSAYS
from dnmf.signatures.shipped import BUILDS, EXOME, FAMILIES, SHIPPED

_SIGNATURE = re.compile(rf"({'|'.join(FAMILIES)})\d", re.IGNORECASE)


def class_options(
    channels: ChannelSchema,
    reference: str = "cosmic-v3.4",
    *,
    build: str | None = None,
    assay: str | None = None,
    genome: str | Path | None = None,
    made_for: str | None = None,
    exclude: str = "",
    genome_build: str | None = None,
) -> dict[str, Any]:
    """Return the arguments of `load_reference` for one class from a choice that is made for several.

    Parameters
    ----------
    channels : ChannelSchema
        The class.
    reference, build, assay, genome, made_for, exclude
        As for `load_reference`. Of a list, and of ``exclude``, only signatures of the class are taken. What is known of
        single base substitutions only, builds, exomes and panels, is not asked of other classes.
    genome_build : str, optional
        Build of the genome in which the variants were counted: that of the reference, if ``build`` does not say. Empty
        for variants of a build that is not known.

    Raises
    ------
    ChannelMismatchError
        The reference has no signatures of the class.
    InputDataError
        As for `load_reference`.

    Warns
    -----
    DoubtfulDataWarning
        The profiles of the class cannot be converted to the assay, the reference is for another build than the genome,
        or that of the genome is not known; the reference is used as it is.
    """
    names = _of_class(reference, channels)
    if not names:
        raise ChannelMismatchError(f"the reference {reference} names no signature of this class.")
    on_regions = assay is not None and assay.lower() not in ASSAYS
    options: dict[str, Any] = {
        "reference": names,
        "genome": genome if on_regions else None,
        "made_for": made_for,
        "exclude": _of_class(exclude, channels),
        **known_sites(channels, build, assay),
    }
    build = options["build"]
    if genome_build is None or (genome_build in ("", *BUILDS) and not _has_builds(channels)):
        return options
    plain = options | {"assay": None, "genome": None, "channels": channels}
    if build is None and genome_build in ("", *BUILDS):
        # A name may have a build of its own, and a file is used as it is.
        with suppress(InputDataError):
            assumed = load_reference(**plain | {"build": genome_build or BUILDS[0]})
            if not genome_build:
                warnings.warn(
                    f"the build of the variants is not known: {assumed.target} is assumed for the reference. "
                    "Say which with --build.",
                    DoubtfulDataWarning,
                    stacklevel=2,
                )
            return options | {"build": genome_build or BUILDS[0]}
    if not genome_build:
        return options
    found = load_reference(**plain)
    if found.target and not found.target.startswith(genome_build):
        warnings.warn(
            f"the reference {found.source} is for {found.target}, the variants are of {genome_build}.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    return options


def known_sites(
    channels: ChannelSchema, build: str | None, assay: str | None
) -> dict[str, str | None]:
    """Return the arguments ``build`` and ``assay`` of `load_reference` as far as a class has references for them.

    Without references for the assay ``genome`` is None, too: no sites are counted.

    Parameters
    ----------
    channels : ChannelSchema
        The class.
    build, assay : str or None
        As for `dnmf.load_reference`.

    Warns
    -----
    DoubtfulDataWarning
        The profiles of the class cannot be converted to the assay.
    """
    has_builds = _has_builds(channels)
    known = {"build": build if has_builds else None, "assay": assay}
    if (
        channels == SBS96
        or assay is None
        or assay.lower() == ASSAYS[0]
        or (assay.lower() == EXOME and has_builds)
    ):
        return known
    sites = "an exome" if assay.lower() == EXOME else f"the regions of {Path(assay).name}"
    warnings.warn(
        f"{channels.name}: its signatures cannot be converted to {sites}; those of whole genomes are used. Where the "
        "regions have other sites than the genome, exposures are biased.",
        DoubtfulDataWarning,
        stacklevel=3,
    )
    return known | {"assay": None, "genome": None}


def class_prior(prior: str | None, reference: SignatureSet, n_samples: int) -> str | None:
    """Return the prior of the refit of one class from a choice that is made for several; None for the usual one.

    Parameters
    ----------
    prior : str or None
        The choice, as for `dnmf.refit_exposures`.
    reference : SignatureSet
        The signatures of the class.
    n_samples : int
        Samples with mutations of the class.

    Warns
    -----
    DoubtfulDataWarning
        The prior knows none of the class's signatures, or is a cohort of too few samples.
    """
    if prior is None or prior.strip().lower() == NONE:
        return prior
    if prior.strip().lower() == COHORT:
        if n_samples >= MIN_COHORT_SAMPLES:
            return prior
        warnings.warn(
            f"{reference.schema.name}: the prior cohort needs at least {MIN_COHORT_SAMPLES} samples with mutations, of "
            f"this class there are {n_samples}; the usual prior is used.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
        return None
    types = {name.lower() for name in (PAN_CANCER, *available_priors())}
    if prior.strip().lower() in types:
        known = reference.schema == SBS96
    else:
        known = bool(set(read_exposures(prior).columns) & set(reference.names))
    if known:
        return prior
    warnings.warn(
        f"{reference.schema.name}: the prior {prior} knows none of its signatures; the usual prior is used.",
        DoubtfulDataWarning,
        stacklevel=2,
    )
    return None


def _of_class(names: str, channels: ChannelSchema) -> str:
    """Return a list without the signatures that have the name of another class."""
    if "," not in names and not _SIGNATURE.match(names.strip()):
        return names
    kept = []
    for name in names.split(","):
        family = _SIGNATURE.match(name.strip())
        if family is None or Path(name.strip()).exists() or family[1].upper() == channels.family:
            kept.append(name)
    return ",".join(kept)


def _has_builds(channels: ChannelSchema) -> bool:
    """Whether signatures of a class are shipped for several builds and for exomes, not one profile for all."""
    return any(len(own.get(channels.family, ())) > 1 for own in SHIPPED.values())
