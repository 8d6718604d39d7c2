"""References by name, from files, or as a list of signatures, for a genome build and an assay."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pandas as pd

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.signatures.catalog import SignatureSet
from dnmf.signatures.channels import ChannelSchema, few
from dnmf.signatures.cosmic import ASSAYS, GENOME, cosmic_signatures, target_name
from dnmf.signatures.io import read_signatures
from dnmf.signatures.opportunity import (
    TARGETS,
    convert_signatures,
    restrict_signatures,
    with_usual_builds,
)
from dnmf.signatures.shipped import (
    ARTEFACTS,
    BUILDS,
    DEFAULT_REFERENCE,
    how_to_give_reference,
    name_parts,
)

_ALL_ARTEFACTS = ("artefacts", "artifacts")
_FILE_ENDINGS = (".txt", ".tsv", ".csv", ".gz")

Reference = SignatureSet | str | Path


def load_reference(
    reference: Reference | Sequence[Reference] = DEFAULT_REFERENCE,
    *,
    build: str | None = None,
    assay: str | None = None,
    genome: str | Path | None = None,
    made_for: str | None = None,
    exclude: str | Sequence[str] = (),
    channels: ChannelSchema | None = None,
) -> SignatureSet:
    """Return reference signatures by name, from files, or a choice of them, for a genome build and assay.

    Parameters
    ----------
    reference : SignatureSet, str, Path or a sequence of these
        One of ``available_references()``, in upper or lower case, perhaps with a build and assay of its own; or the
        path of a file in any layout of ``read_signatures``; or names of signatures of COSMIC v3.4 (``"SBS1"``,
        ``"DBS2"``, ``"ID6"``, ``"CN9"``, ``"SV4"``); or several of all these, as a sequence or separated by commas:
        ``"SBS1,SBS5,SBS40a"``, ``"denovo.tsv,SBS1,SBS5"``. A shipped name goes before a file of that name.
    build : str, optional
        ``"GRCh37"`` or ``"GRCh38"``, in any spelling, such as ``"hg38"``; by default the one in the name, else GRCh37,
        else the one that is shipped.
    assay : str, optional
        ``"genome"``, ``"exome"``, or the path of a BED file with the regions of a panel; by default the one in the
        name, else genome.
    genome : path, optional
        FASTA file of the genome, in which the sites of the regions are counted.
    made_for : str, optional
        What signatures of your own (a file or a SignatureSet) were made for: ``"GRCh37"``, ``"GRCh38"``,
        ``"GRCh37-exome"`` or ``"GRCh38-exome"``. With it they are converted to ``build`` and ``assay``; without it they
        are used as they are.
    exclude : str or sequence of str
        Names of signatures to leave out, perhaps separated by commas; ``"artefacts"`` stands for those that COSMIC
        lists as possible sequencing artefacts, as far as they are in the reference.
    channels : ChannelSchema, optional
        Of the data: a name such as ``cosmic-v3.4`` means the signatures of this class, and a reference of another
        class is refused.

    Returns
    -------
    SignatureSet
        For a choice of signatures: in the order given.

    Raises
    ------
    InputDataError
        If there is no such reference, file or signature (the message says what is near), a name comes twice, nothing
        is left, options contradict each other or the name, a build or assay is not shipped for the class,
        signatures are to be converted without ``made_for``, or regions and genome do not belong together.
    ChannelMismatchError
        If the reference has other channels than the data (the message says which to give), its parts have different
        channels, or a conversion is asked for of other signatures than SBS96.

    Warns
    -----
    DoubtfulDataWarning
        For regions, see `restrict_signatures`.

    Examples
    --------
    >>> len(load_reference("cosmic-v3.4")), len(load_reference("cosmic-v3.4-ID"))
    (86, 23)
    >>> load_reference("cosmic-v3.4", build="GRCh38").source
    'COSMIC v3.4 SBS, GRCh38'
    >>> load_reference("SBS5,SBS1", assay="exome").names
    ['SBS5', 'SBS1']
    >>> len(load_reference(exclude="SBS5,artefacts"))
    66
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
    wanted = GENOME if regions is not None else assay
    items = list(_items(reference))
    if made_for is not None and all(isinstance(item, str) for item in items):
        raise InputDataError(
            f"{reference} is not a file, so dnmf knows what it was made for: leave --made-for {made_for} out."
        )
    # Known signatures beside those of a file are for the same sites, unless the options say which.
    own_build, _, own_assay = (made_for or "").partition("-")
    known = build or own_build or None, wanted or own_assay or None
    parts: list[SignatureSet] = []
    for is_known, group in groupby(items, key=lambda item: isinstance(item, str)):
        if is_known:
            parts += cosmic_signatures([str(item) for item in group], *known, channels)
        else:
            parts += [_converted(item, build, wanted, made_for) for item in group]
    chosen = _joined(parts)
    if channels is not None and chosen.schema != channels:
        raise ChannelMismatchError(
            f"{chosen.source or 'the reference'}: has {chosen.schema.name} channels, the data have {channels.name}. "
            f"{how_to_give_reference(channels)}"
        )
    chosen = _without(chosen, exclude)
    if regions is None or genome is None:
        return chosen
    return restrict_signatures(chosen, regions, genome, build=chosen.target or BUILDS[0])


def _items(reference: Reference | Sequence[Reference]) -> Iterable[Reference]:
    """Yield the parts of a reference: names of references and signatures as text, the path of every file, sets."""
    if isinstance(reference, SignatureSet | Path):
        yield reference
        return
    if not isinstance(reference, str):
        for part in reference:
            yield from _items(part)
        return
    name = with_usual_builds(reference)
    if name_parts(name):
        yield name
    elif _exists(reference.strip()):
        yield Path(reference.strip())
    elif "," in reference:
        for part in reference.split(","):
            if part.strip():
                yield from _items(part)
    elif "/" in name or "\\" in name or name.lower().endswith(_FILE_ENDINGS):
        yield Path(reference.strip())
    else:
        yield reference.strip()


def _exists(name: str) -> bool:
    try:
        return bool(name) and Path(name).exists() and not Path(name).is_dir()
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


def _converted(
    given: Reference, build: str | None, assay: str | None, made_for: str | None
) -> SignatureSet:
    """Return signatures of one's own, in a file or in memory, for a build and assay."""
    own = given if isinstance(given, SignatureSet) else read_signatures(given)
    where = own.source or "the signatures"
    if made_for is None:
        if build is None and assay is None:
            return own
        asked = " ".join(f"--{k} {v}" for k, v in (("build", build), ("assay", assay)) if v)
        raise InputDataError(
            f"{where}: signatures of your own are used as they are, so {asked} cannot be asked for, unless --made-for "
            f"says what they were made for ({', '.join(TARGETS)})."
        )
    source = {name.lower(): name for name in TARGETS}.get(made_for.lower())
    if source is None:
        raise InputDataError(f"made for {made_for}: expected one of {', '.join(TARGETS)}.")
    own_build, _, own_assay = source.partition("-")
    target = target_name(build or own_build, assay or own_assay or GENOME)
    return (
        replace(own, target=source) if source == target else convert_signatures(own, source, target)
    )


def _joined(parts: Sequence[SignatureSet]) -> SignatureSet:
    """Return one set of all signatures, in order; refuse other channels and names that come twice."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        raise InputDataError("no signature is named. Give a reference, e.g. SBS1,SBS5.")
    first, owners = parts[0], dict.fromkeys(parts[0].names, parts[0].source)
    for part in parts[1:]:
        if part.schema != first.schema:
            raise ChannelMismatchError(
                f"{first.source} has {first.schema.name} channels, {part.source} has {part.schema.name}. Give "
                "signatures of one class."
            )
        twice = [name for name in part.names if name in owners]
        if twice:
            raise InputDataError(
                f"{few(twice)}: in {owners[twice[0]] or 'one set'} and again in {part.source or 'another'}. Give each "
                "signature once; rename or leave out one of the two."
            )
        owners.update(dict.fromkeys(part.names, part.source))
    targets = {part.target: part.opportunity for part in parts if part.target}
    target, opportunity = targets.popitem() if len(targets) == 1 else ("", None)
    return SignatureSet(
        pd.concat([part.profiles for part in parts]),
        " and ".join(dict.fromkeys(part.source or "signatures in memory" for part in parts)),
        first.schema,
        target,
        opportunity,
    )


def _without(chosen: SignatureSet, exclude: str | Sequence[str]) -> SignatureSet:
    """Return all signatures but those that are named, or that COSMIC takes for possible artefacts."""
    given = exclude.split(",") if isinstance(exclude, str) else list(exclude)
    names = {name.strip() for name in given} - {""}
    artefacts = {name for name in names if name.lower() in _ALL_ARTEFACTS}
    out = set(chosen.select(sorted(names - artefacts)).names) if names - artefacts else set()
    out |= {name for name in chosen.names if artefacts and name.upper() in ARTEFACTS}
    kept = [name for name in chosen.names if name not in out]
    if not kept:
        raise InputDataError(
            f"{chosen.source or 'the reference'}: nothing is left without {few(sorted(names))}. Exclude less."
        )
    return chosen if len(kept) == len(chosen) else chosen.select(kept)
