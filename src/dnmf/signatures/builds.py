"""Choosing a shipped reference by genome build and assay."""

import warnings
from pathlib import Path

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures.catalog import SignatureSet
from dnmf.signatures.opportunity import TARGETS, convert_signatures, restrict_signatures
from dnmf.signatures.reference import DEFAULT_REFERENCE, available_references, load_reference

BUILDS, ASSAYS = ("GRCh37", "GRCh38"), ("genome", "exome")


def choose_reference(
    reference: str = DEFAULT_REFERENCE,
    *,
    build: str | None = None,
    assay: str | None = None,
    genome: str | Path | None = None,
    made_for: str | None = None,
) -> SignatureSet:
    """Return a reference for a genome build and assay.

    Parameters
    ----------
    reference : str
        What ``load_reference`` understands. A name may hold a build and assay of its own; a list of signatures is
        taken from the default reference of the build and assay.
    build : str, optional
        ``"GRCh37"`` or ``"GRCh38"``; by default the one in the name, else GRCh37.
    assay : str, optional
        ``"genome"``, ``"exome"``, or the path of a BED file with the regions of a panel; by default the one in the
        name, else genome.
    genome : path, optional
        FASTA file of the genome, in which the sites of the regions are counted.
    made_for : str, optional
        What the signatures of a file were made for: ``"GRCh37"``, ``"GRCh38"`` or ``"GRCh37-exome"``. With it they are
        converted to ``build`` and ``assay``; without it a file is used as it is.

    Raises
    ------
    InputDataError
        If options contradict each other or the name, a file is to be converted from nobody knows what, or regions and
        genome do not belong together.

    Warns
    -----
    DoubtfulDataWarning
        For an exome of GRCh38: the sites of GRCh37's exome are used. Exomes that COSMIC does not publish are converted
        from the genome's profiles, see `convert_signatures`. For regions, see `restrict_signatures`.

    Examples
    --------
    >>> choose_reference("cosmic-v3.4", build="GRCh38").source
    'COSMIC v3.4 SBS, GRCh38'
    >>> choose_reference("SBS1,SBS5", assay="exome").names
    ['SBS1', 'SBS5']
    """
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
    wanted = ASSAYS[0] if regions is not None else assay
    chosen, chosen_build = _by_build_and_assay(reference, build, wanted, made_for)
    if regions is None or genome is None:
        return chosen
    return restrict_signatures(chosen, regions, genome, build=chosen_build)


def _regions(assay: str | None) -> Path | None:
    """Return the BED file that an assay is, if it is one."""
    if assay is None or assay.lower() in ASSAYS:
        return None
    if not assay.lower().endswith((".bed", ".bed.gz")):
        raise InputDataError(
            f"assay {assay}: expected {', '.join(ASSAYS)} or a file of regions that ends in .bed or .bed.gz."
        )
    if not Path(assay).is_file():
        raise InputDataError(f"assay {assay}: no such file. Check the path.")
    return Path(assay)


def _by_build_and_assay(
    reference: str, build: str | None, assay: str | None, made_for: str | None
) -> tuple[SignatureSet, str]:
    """Return a reference for a shipped build and assay, and the build."""
    names = {name.lower(): name for name in available_references()}
    known = names.get(reference.strip().lower())
    if known is not None:
        chosen, full = None, _full_name(known, build, assay)
    else:
        chosen = load_reference(reference)
        if not chosen.source.startswith("COSMIC"):
            return _converted_file(chosen, reference, build, assay, made_for)
        full = _full_name(DEFAULT_REFERENCE, build, assay)
    if made_for is not None:
        raise InputDataError(
            f"{reference} is not a file, so dnmf knows what it was made for: leave --made-for {made_for} out."
        )
    whole = _load(full)
    return whole if chosen is None else whole.select(chosen.names), full.split("-")[2]


def _converted_file(
    chosen: SignatureSet, path: str, build: str | None, assay: str | None, made_for: str | None
) -> tuple[SignatureSet, str]:
    if made_for is None:
        if build is None and assay is None:
            return chosen, BUILDS[0]
        given = " ".join(f"--{k} {v}" for k, v in (("build", build), ("assay", assay)) if v)
        raise InputDataError(
            f"{path}: a file is used as it is, so {given} cannot be asked for, unless --made-for says what its "
            f"signatures were made for ({', '.join(TARGETS)})."
        )
    source = {name.lower(): name for name in TARGETS}.get(made_for.lower())
    if source is None:
        raise InputDataError(f"made for {made_for}: expected one of {', '.join(TARGETS)}.")
    own_build, _, own_assay = source.partition("-")
    full = _full_name(DEFAULT_REFERENCE, build or own_build, assay or own_assay or ASSAYS[0])
    target = full.removeprefix(f"{DEFAULT_REFERENCE}-")
    if target not in TARGETS:
        _warn_of_exome(path, target)
        target = "GRCh37-exome"
    converted = chosen if source == target else convert_signatures(chosen, source, target)
    return converted, target.split("-")[0]


def _load(full: str) -> SignatureSet:
    """Return a reference by its full name; an exome that is not shipped is converted from its genome."""
    if full in available_references():
        return load_reference(full)
    genome = full.removesuffix("-exome")
    build = genome.rsplit("-", 1)[1]
    if build != "GRCh37":
        _warn_of_exome(genome, f"{build}-exome")
    return convert_signatures(load_reference(genome), build, "GRCh37-exome")


def _warn_of_exome(reference: str, target: str) -> None:
    warnings.warn(
        f"{reference} is converted with the sites of the GRCh37 exome, taken to be those of {target}'s.",
        DoubtfulDataWarning,
        stacklevel=4,
    )


def _full_name(name: str, build: str | None, assay: str | None) -> str:
    """Return the full name of a reference, e.g. ``cosmic-v3.4-GRCh37-exome``."""
    parts = name.split("-")
    version, rest = "-".join(parts[:2]), parts[2:]
    own_build = next((part for part in rest if part in BUILDS), None)
    own_assay = "exome" if "exome" in rest else None
    for option, own, wanted in (("build", own_build, build), ("assay", own_assay, assay)):
        if own is not None and wanted is not None and own.lower() != wanted.lower():
            raise InputDataError(
                f"{name} is a reference for {own}, but --{option} is {wanted}. Leave one of the two out."
            )
    builds = {own.lower(): own for own in BUILDS}
    chosen_build = own_build or builds.get((build or BUILDS[0]).lower())
    chosen_assay = (own_assay or assay or ASSAYS[0]).lower()
    if chosen_build is None or chosen_assay not in ASSAYS:
        raise InputDataError(
            f"build {build or 'GRCh37'} and assay {assay or 'genome'}: expected a build of {', '.join(BUILDS)} and an "
            f"assay of {', '.join(ASSAYS)}."
        )
    return f"{version}-{chosen_build}" + ("-exome" if chosen_assay == "exome" else "")
