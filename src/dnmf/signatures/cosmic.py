"""COSMIC's signatures as they are shipped, by name, for a genome build and an assay."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import groupby

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.signatures.catalog import SignatureSet
from dnmf.signatures.channels import ChannelSchema
from dnmf.signatures.opportunity import convert_signatures
from dnmf.signatures.shipped import (
    BUILDS,
    DEFAULT_REFERENCE,
    EXOME,
    FAMILIES,
    SHIPPED,
    SHIPPED_FILES,
    available_references,
    default_reference,
    name_parts,
    reference_name,
    shipped_reference,
)

GENOME = "genome"
ASSAYS = (GENOME, EXOME)


def cosmic_signatures(
    names: Sequence[str], build: str | None, assay: str | None, channels: ChannelSchema | None
) -> list[SignatureSet]:
    """Return the shipped references of these names, and the named signatures of the default one."""
    usual = channels.family if channels is not None and default_reference(channels) else FAMILIES[0]
    found = []
    for parts, group in groupby(names, key=name_parts):
        signatures = list(group)
        if parts is not None:
            found += [_load(name, parts["family"] or usual, build, assay) for name in signatures]
            continue
        families = {_family_of(name): name for name in signatures}
        known = [family for family in families if family]
        if len(known) > 1:
            raise ChannelMismatchError(
                f"{' and '.join(families[family] for family in known)} have different channels. Give signatures of "
                "one class."
            )
        if not known and len(names) == 1:
            raise _no_reference(names[0])
        whole = _load(DEFAULT_REFERENCE, known[0] if known else usual, build, assay)
        found.append(_select(whole, signatures))
    return found


def _family_of(signature: str) -> str:
    """Return the family that the name of a signature begins with, such as SBS of SBS7a; empty if none."""
    match = re.match(rf"({'|'.join(FAMILIES)})\d", signature.strip(), re.IGNORECASE)
    return match[1].upper() if match else ""


def _no_reference(name: str) -> InputDataError:
    shipped = {own.lower(): own for own in available_references()}
    near = get_close_matches(name.lower(), shipped, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(shipped[own] for own in near)}? " if near else ""
    return InputDataError(
        f"no reference {name!r}. {hint}Expected {', '.join(f'cosmic-{version}' for version in SHIPPED)} or another "
        f"name of dnmf references, the path of a file of signatures, or names of signatures of {DEFAULT_REFERENCE} "
        "separated by commas, e.g. SBS1,SBS5."
    )


def _select(whole: SignatureSet, names: Sequence[str]) -> SignatureSet:
    """Return the named signatures; the error for others says which shipped references have them."""
    try:
        return whole.select(names)
    except InputDataError as error:
        missing = {name.strip().lower() for name in names} - {name.lower() for name in whole.names}
        others = [
            reference
            for reference, (_, family, _) in SHIPPED_FILES.items()
            if family == whole.schema.family
            and missing & {name.lower() for name in shipped_reference(reference).names}
        ]
        hint = f" It is in {', '.join(others)}: load that whole reference instead."
        raise InputDataError(f"{error}{hint if others else ''}") from error


def _load(name: str, family: str, build: str | None, assay: str | None) -> SignatureSet:
    """Return a reference by name, for a build and assay; an exome that is not shipped is converted from its genome."""
    parts = name_parts(name) or {}
    for option, own, wanted in (("build", parts["build"], build), ("assay", parts["assay"], assay)):
        if own is not None and wanted is not None and own.lower() != wanted.lower():
            raise InputDataError(
                f"{name} is a reference for {own}, but --{option} is {wanted}. Leave one of the two out."
            )
    version = str(parts["version"])
    targets = SHIPPED[version].get(family)
    if targets is None:
        having = [reference_name(other, family) for other, own in SHIPPED.items() if family in own]
        raise InputDataError(
            f"COSMIC {version} has no {family} signatures here: give {' or '.join(having)}."
        )
    usual = BUILDS[0] if BUILDS[0] in targets else targets[0]
    target = target_name(parts["build"] or build or usual, parts["assay"] or assay or GENOME)
    if target in targets:
        return shipped_reference(reference_name(version, family, target))
    source = target.removesuffix(f"-{EXOME}")
    if family != FAMILIES[0]:
        raise InputDataError(
            f"{reference_name(version, family)}: these signatures are here for {', '.join(targets)}, not for "
            f"{target}, and only SBS signatures can be converted. Leave --build and --assay out to use them."
        )
    genome = reference_name(version, family, source)
    return convert_signatures(shipped_reference(genome), source, target)


def target_name(build: str, assay: str) -> str:
    """Return a build and assay in one word, e.g. ``GRCh37-exome``."""
    own = {name.lower(): name for name in BUILDS}.get(build.lower())
    if own is None or assay.lower() not in ASSAYS:
        raise InputDataError(
            f"build {build} and assay {assay}: expected a build of {', '.join(BUILDS)} and an assay of "
            f"{', '.join(ASSAYS)}."
        )
    return f"{own}-{EXOME}" if assay.lower() == EXOME else own
