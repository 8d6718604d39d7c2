"""References by name, from a file or as a list of signatures, for a genome build and an assay."""

import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.signatures.catalog import SignatureSet
from dnmf.signatures.channels import ChannelSchema
from dnmf.signatures.io import read_signatures
from dnmf.signatures.opportunity import (
    TARGETS,
    convert_signatures,
    restrict_signatures,
    with_usual_builds,
)
from dnmf.signatures.shipped import (
    DEFAULT_REFERENCE,
    DEFAULTS,
    SHIPPED_FILES,
    available_references,
    default_reference,
    how_to_give_reference,
    shipped_reference,
)

BUILDS = ("GRCh37", "GRCh38")
ASSAYS = GENOME, EXOME = ("genome", "exome")
_SHIPPED = {name.lower(): name for name in available_references()}


def load_reference(
    reference: SignatureSet | str | Path | Sequence[str] = DEFAULT_REFERENCE,
    *,
    build: str | None = None,
    assay: str | None = None,
    genome: str | Path | None = None,
    made_for: str | None = None,
    channels: ChannelSchema | None = None,
) -> SignatureSet:
    """Return reference signatures by name, from a file, or a choice of them, for a genome build and assay.

    Parameters
    ----------
    reference : SignatureSet, str, Path or sequence of str
        One of ``available_references()``, in upper or lower case, perhaps with a build and assay of its own; or the
        path of a file in any layout of ``read_signatures``; or names of signatures of the default reference,
        COSMIC v3.4, as a sequence or separated by commas (``"SBS1,SBS5,SBS40a"``). A shipped name goes before a file
        of that name.
    build : str, optional
        ``"GRCh37"`` or ``"GRCh38"``, in any spelling, such as ``"hg38"``; by default the one in the name, else GRCh37.
    assay : str, optional
        ``"genome"``, ``"exome"``, or the path of a BED file with the regions of a panel; by default the one in the
        name, else genome.
    genome : path, optional
        FASTA file of the genome, in which the sites of the regions are counted.
    made_for : str, optional
        What signatures of your own (a file or a SignatureSet) were made for: ``"GRCh37"``, ``"GRCh38"`` or
        ``"GRCh37-exome"``. With it they are converted to ``build`` and ``assay``; without it they are used as they are.
    channels : ChannelSchema, optional
        Of the data: the default reference is the one that is shipped for them, and one of others is refused.

    Returns
    -------
    SignatureSet
        For a choice of signatures: in the order given.

    Raises
    ------
    InputDataError
        If there is no such reference, file or signature (the message says what is near), options contradict each other
        or the name, signatures are to be converted without ``made_for``, or regions and genome do not belong together.
    ChannelMismatchError
        If the reference has other channels than the data. The message says which to give.

    Warns
    -----
    DoubtfulDataWarning
        For an exome of GRCh38: the sites of GRCh37's exome are used. Exomes that COSMIC does not publish are converted
        from the genome's profiles, see `convert_signatures`. For regions, see `restrict_signatures`.

    Examples
    --------
    >>> len(load_reference("cosmic-v3.4"))
    86
    >>> load_reference("cosmic-v3.4", build="GRCh38").source
    'COSMIC v3.4 SBS, GRCh38'
    >>> load_reference("SBS5,SBS1", assay="exome").names
    ['SBS5', 'SBS1']
    """
    build = None if build is None else with_usual_builds(build)
    made_for = None if made_for is None else with_usual_builds(made_for)
    regions = _regions(assay)
    if genome is not None and regions is None:
        raise InputDataError(
            f"the genome {genome} is only read to count the sites of regions: give --assay FILE.bed with it."
        )
    if regions is not None and genome is None:
        raise InputDataError(
            f"{regions}: what mutations look like there depends on how often each trinucleotide occurs in the regions. "
            "Give the genome they belong to, too: --genome FILE.fa (GRCh37 or GRCh38, as --build says)."
        )
    if channels is not None and reference == DEFAULT_REFERENCE:
        reference = default_reference(channels) or reference
    wanted = GENOME if regions is not None else assay
    if isinstance(reference, str):
        reference = reference.strip()
        usual = with_usual_builds(reference)
        reference = usual if usual.lower() in _SHIPPED else reference
    if isinstance(reference, Path) or (isinstance(reference, str) and _is_own_file(reference)):
        reference = read_signatures(reference)
    if isinstance(reference, SignatureSet):
        chosen, chosen_build = _converted(reference, build, wanted, made_for)
    else:
        chosen, chosen_build = _of_cosmic(reference, build, wanted, made_for)
    if channels is not None and chosen.schema != channels:
        raise ChannelMismatchError(
            f"{chosen.source or 'the reference'}: has {chosen.schema.name} channels, the data have {channels.name}. "
            f"{how_to_give_reference(channels)}"
        )
    if regions is None or genome is None:
        return chosen
    return restrict_signatures(chosen, regions, genome, build=chosen_build)


def _is_own_file(name: str) -> bool:
    """Whether a text is a path: no reference has this name, and it looks like a path or the file exists."""
    if name.lower() in _SHIPPED:
        return False
    if "/" in name or "\\" in name or name.lower().endswith((".txt", ".tsv", ".csv", ".gz")):
        return True
    try:
        return bool(name) and Path(name).exists()
    except OSError:  # a list of many signatures is too long for a file name
        return False


def _regions(assay: str | None) -> Path | None:
    """Return the BED file that an assay is, if it is one."""
    if assay is None or assay.lower() in ASSAYS:
        return None
    if not assay.lower().endswith((".bed", ".bed.gz")):
        raise InputDataError(
            f"assay {assay}: expected {', '.join(ASSAYS)} or a file of regions that ends in .bed or .bed.gz."
        )
    return Path(assay)


def _of_cosmic(
    reference: str | Sequence[str], build: str | None, assay: str | None, made_for: str | None
) -> tuple[SignatureSet, str]:
    """Return a shipped reference for a build and assay, or signatures of it, and the build."""
    known = _SHIPPED.get(reference.lower()) if isinstance(reference, str) else None
    names = None if known is not None else _listed(reference)
    if made_for is not None:
        raise InputDataError(
            f"{reference} is not a file, so dnmf knows what it was made for: leave --made-for {made_for} out."
        )
    full = _full_name(
        known or _default_of(names[0] if names else "") or DEFAULT_REFERENCE, build, assay
    )
    whole = _load(full)
    build = next(part for part in full.split("-") if part in BUILDS)
    return whole if names is None else _select(whole, names), build


def _default_of(signature: str) -> str | None:
    """Return the default reference of the family that the name of a signature starts with, such as SBS."""
    name = signature.strip().upper()
    return next((own for family, own in DEFAULTS.items() if name.startswith(family)), None)


def _listed(reference: str | Sequence[str]) -> list[str]:
    """Return the names of a list of signatures; refuse what is neither a list nor a shipped reference or file."""
    if not isinstance(reference, str):
        return [str(name) for name in reference]
    if "," in reference or _default_of(reference):
        return [part for part in reference.split(",") if part.strip()]
    near = get_close_matches(reference.lower(), _SHIPPED, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(_SHIPPED[name] for name in near)}? " if near else ""
    raise InputDataError(
        f"no reference {reference!r}. {hint}Expected one of {', '.join(_SHIPPED.values())}, the path "
        f"of a file of signatures, or names of signatures of {DEFAULT_REFERENCE} separated by "
        "commas, e.g. SBS1,SBS5."
    )


def _select(whole: SignatureSet, names: Sequence[str]) -> SignatureSet:
    """Return the named signatures; the error for others says which shipped references have them."""
    try:
        return whole.select(names)
    except InputDataError as error:
        missing = {name.strip().lower() for name in names} - {name.lower() for name in whole.names}
        others = [
            reference
            for reference in SHIPPED_FILES
            if missing & {name.lower() for name in shipped_reference(reference).names}
        ]
        hint = f" It is in {', '.join(others)}: load that whole reference instead."
        raise InputDataError(f"{error}{hint if others else ''}") from error


def _converted(
    own: SignatureSet, build: str | None, assay: str | None, made_for: str | None
) -> tuple[SignatureSet, str]:
    """Return signatures of one's own for a build and assay, and the build."""
    where = own.source or "the signatures"
    if made_for is None:
        if build is None and assay is None:
            return own, BUILDS[0]
        given = " ".join(f"--{k} {v}" for k, v in (("build", build), ("assay", assay)) if v)
        raise InputDataError(
            f"{where}: signatures of your own are used as they are, so {given} cannot be asked for, unless --made-for "
            f"says what they were made for ({', '.join(TARGETS)})."
        )
    source = {name.lower(): name for name in TARGETS}.get(made_for.lower())
    if source is None:
        raise InputDataError(f"made for {made_for}: expected one of {', '.join(TARGETS)}.")
    own_build, _, own_assay = source.partition("-")
    full = _full_name(DEFAULT_REFERENCE, build or own_build, assay or own_assay or GENOME)
    target = full.removeprefix(f"{DEFAULT_REFERENCE}-")
    if target not in TARGETS:
        _warn_of_exome(where, target)
        target = "GRCh37-exome"
    converted = own if source == target else convert_signatures(own, source, target)
    return converted, target.split("-")[0]


def _load(full: str) -> SignatureSet:
    """Return a reference by its full name; an exome that is not shipped is converted from its genome."""
    if full in SHIPPED_FILES:
        return shipped_reference(full)
    genome = full.removesuffix("-exome")
    build = genome.rsplit("-", 1)[1]
    if build != "GRCh37":
        _warn_of_exome(genome, f"{build}-exome")
    return convert_signatures(shipped_reference(genome), build, "GRCh37-exome")


def _warn_of_exome(reference: str, target: str) -> None:
    warnings.warn(
        f"{reference} is converted with the sites of the GRCh37 exome, taken to be those of {target}'s.",
        DoubtfulDataWarning,
        stacklevel=4,
    )


def _full_name(name: str, build: str | None, assay: str | None) -> str:
    """Return the full name of a reference, e.g. ``cosmic-v3.4-GRCh37-exome``."""
    parts = name.split("-")
    version = "-".join(part for part in parts if part not in (*BUILDS, EXOME))
    own_build = next((part for part in parts if part in BUILDS), None)
    own_assay = EXOME if EXOME in parts else None
    for option, own, wanted in (("build", own_build, build), ("assay", own_assay, assay)):
        if own is not None and wanted is not None and own.lower() != wanted.lower():
            raise InputDataError(
                f"{name} is a reference for {own}, but --{option} is {wanted}. Leave one of the two out."
            )
    builds = {own.lower(): own for own in BUILDS}
    chosen_build = own_build or builds.get((build or BUILDS[0]).lower())
    chosen_assay = (own_assay or assay or GENOME).lower()
    if chosen_build is None or chosen_assay not in ASSAYS:
        raise InputDataError(
            f"build {build or 'GRCh37'} and assay {assay or 'genome'}: expected a build of {', '.join(BUILDS)} and an "
            f"assay of {', '.join(ASSAYS)}."
        )
    return f"{version}-{chosen_build}" + ("-exome" if chosen_assay == EXOME else "")
