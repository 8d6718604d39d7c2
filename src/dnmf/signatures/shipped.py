"""The reference signatures and the example catalog that are shipped with the package.

COSMIC mutational signatures and the 21 breast cancer genomes come from SigProfilerAssignment 1.1.5;
see NOTICE.
"""

import gzip
import re
from importlib import resources

import pandas as pd

from dnmf.signatures.catalog import MutationCatalog, SignatureSet
from dnmf.signatures.channels import ChannelSchema
from dnmf.signatures.layout import arrange_channels
from dnmf.signatures.table import parse_table

DEFAULT_REFERENCE = "cosmic-v3.4"
ARTEFACTS = frozenset(f"SBS{number}" for number in (27, 43, *range(45, 61), 95))
"""The references that COSMIC lists as possible sequencing artefacts: SBS27, SBS43, SBS45 to SBS60 and SBS95."""

BUILDS = ("GRCh37", "GRCh38")
EXOME = "exome"
_SUBSTITUTIONS = "SBS"
_TARGETS = ("GRCh37", "GRCh37-exome", "GRCh38", "GRCh38-exome")
_OTHER_FAMILIES = {
    "DBS": _TARGETS,
    "ID": ("GRCh37",),
    "CN": ("GRCh37",),
    "SV": ("GRCh38",),
}
# What is shipped: builds and exomes, by version and family of signatures.
SHIPPED: dict[str, dict[str, tuple[str, ...]]] = {
    "v3": {_SUBSTITUTIONS: BUILDS},
    "v3.4": {_SUBSTITUTIONS: _TARGETS, **_OTHER_FAMILIES},
    "v3.6": {_SUBSTITUTIONS: BUILDS, **_OTHER_FAMILIES},
}
FAMILIES = (_SUBSTITUTIONS, *_OTHER_FAMILIES)
_PUBLISHED_CLASSES = {"SBS96", "DBS78", "ID83", "CN48", "SV32"}
"""The classes of channels that COSMIC's signatures have; SBS288 and others are of a family, and yet not published."""

_NAME = re.compile(
    rf"cosmic-(?P<version>{'|'.join(map(re.escape, SHIPPED))})(?:-(?P<family>{'|'.join(FAMILIES)}))?"
    rf"(?:-(?P<build>{'|'.join(BUILDS)}))?(?:-(?P<assay>{EXOME}))?",
    re.IGNORECASE,
)


def reference_name(version: str, family: str, *target: str) -> str:
    """Return the name of a reference: ``cosmic-v3.4-DBS-GRCh37-exome``; the family SBS is left out."""
    return "-".join(["cosmic", version, *([] if family == _SUBSTITUTIONS else [family]), *target])


SHIPPED_FILES = {
    reference_name(version, family, target): (version, family, target)
    for version, families in SHIPPED.items()
    for family, targets in families.items()
    for target in targets
}
"""The version, family and target of every reference that is shipped, by its full name."""


def name_parts(name: str) -> dict[str, str | None] | None:
    """Return version, family, build and assay of the name of a reference; None if it is no such name.

    Parts that are left out are None.

    Examples
    --------
    >>> name_parts("cosmic-v3.6-dbs-exome")
    {'version': 'v3.6', 'family': 'DBS', 'build': None, 'assay': 'exome'}
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    usual = {own.lower(): own for own in (*SHIPPED, *FAMILIES, *BUILDS, EXOME)}
    return {
        part: None if own is None else usual[own.lower()] for part, own in match.groupdict().items()
    }


def available_references() -> list[str]:
    """Return the names of the references that are shipped, sorted.

    A name is ``cosmic-VERSION-FAMILY-BUILD-exome``. Without the family it means the signatures of the
    data's class, or else of single substitutions (SBS); without a build GRCh37, or the only one that
    is shipped; without ``exome`` the genome. ``cosmic-v3.4`` is ``cosmic-v3.4-GRCh37``.

    Examples
    --------
    >>> [name for name in available_references() if "v3.4-ID" in name]
    ['cosmic-v3.4-ID', 'cosmic-v3.4-ID-GRCh37']
    """
    short = {
        reference_name(version, family, *([EXOME] if target.endswith(EXOME) else []))
        for version, family, target in SHIPPED_FILES.values()
    }
    return sorted({*SHIPPED_FILES, *short})


def example_catalog() -> MutationCatalog:
    """Return the counts of 21 breast cancer genomes (Nik-Zainal et al. 2012).

    Examples
    --------
    >>> example_catalog()
    MutationCatalog(21 samples x SBS96, source='21 breast cancer genomes (Nik-Zainal et al. 2012)')
    """
    frame, schema = _packaged("breast_21_sbs96.txt.gz")
    source = "21 breast cancer genomes (Nik-Zainal et al. 2012)"
    return MutationCatalog(frame, source, schema)


def default_reference(schema: ChannelSchema) -> str | None:
    """Return the name of the shipped reference to take for these channels; None if there is none.

    Parameters
    ----------
    schema : ChannelSchema
        The channels.
    """
    if schema.name not in _PUBLISHED_CLASSES:
        return None
    return DEFAULT_REFERENCE + ("" if schema.family == _SUBSTITUTIONS else f"-{schema.family}")


def how_to_give_reference(schema: ChannelSchema) -> str:
    """Return sentences that say which reference fits these channels.

    Parameters
    ----------
    schema : ChannelSchema
        The channels.
    """
    default = default_reference(schema)
    if default is not None:
        return f"Give a reference of {schema.name} signatures, such as {default}."
    or_sbs96 = ", or the SBS96 matrix as the data" if schema.family == _SUBSTITUTIONS else ""
    return (
        f"COSMIC has no {schema.name} signatures: give a file of them as the reference (--reference FILE){or_sbs96}. "
        "`dnmf extract -k` also takes --reference none."
    )


def shipped_reference(name: str) -> SignatureSet:
    """Return the reference of a full name, one of ``SHIPPED_FILES``."""
    version, family, target = SHIPPED_FILES[name]
    words = target.split("-")
    frame, schema = _packaged(f"COSMIC_{version}_{family}_{'_'.join(words)}.txt.gz")
    return SignatureSet(frame, f"COSMIC {version} {family}, {' '.join(words)}", schema, target)


def _packaged(file_name: str) -> tuple[pd.DataFrame, ChannelSchema]:
    content = resources.files("dnmf.signatures").joinpath("data", file_name).read_bytes()
    table = parse_table(gzip.decompress(content), source=file_name)
    return arrange_channels(table, None, item="row", unit="a number >= 0")
