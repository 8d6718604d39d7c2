"""The reference signatures and the example catalog that are shipped with the package.

COSMIC mutational signatures and the 21 breast cancer genomes come from SigProfilerAssignment 1.1.5;
see NOTICE.
"""

import gzip
from importlib import resources

import pandas as pd

from dnmf.signatures.catalog import MutationCatalog, SignatureSet
from dnmf.signatures.channels import ChannelSchema
from dnmf.signatures.layout import arrange_channels
from dnmf.signatures.table import parse_table

DEFAULT_REFERENCE = "cosmic-v3.4"
# The reference that the default stands for, by the family of its signatures.
DEFAULTS = {"SBS": DEFAULT_REFERENCE}
# The references that COSMIC lists as possible sequencing artefacts.
ARTEFACTS = frozenset(f"SBS{number}" for number in (27, 43, *range(45, 61), 95))

SHIPPED_FILES = {
    "cosmic-v3-GRCh37": "COSMIC_v3_SBS_GRCh37.txt.gz",
    "cosmic-v3-GRCh38": "COSMIC_v3_SBS_GRCh38.txt.gz",
    "cosmic-v3.4-GRCh37": "COSMIC_v3.4_SBS_GRCh37.txt.gz",
    "cosmic-v3.4-GRCh37-exome": "COSMIC_v3.4_SBS_GRCh37_exome.txt.gz",
    "cosmic-v3.4-GRCh38": "COSMIC_v3.4_SBS_GRCh38.txt.gz",
    "cosmic-v3.6-GRCh37": "COSMIC_v3.6_SBS_GRCh37.txt.gz",
    "cosmic-v3.6-GRCh38": "COSMIC_v3.6_SBS_GRCh38.txt.gz",
}
_ALIASES = {
    "cosmic-v3": "cosmic-v3-GRCh37",
    "cosmic-v3.4": "cosmic-v3.4-GRCh37",
    "cosmic-v3.4-exome": "cosmic-v3.4-GRCh37-exome",
    "cosmic-v3.6": "cosmic-v3.6-GRCh37",
}


def available_references() -> list[str]:
    """Return every name that ``load_reference`` accepts, sorted.

    A name without a genome build means GRCh37: ``cosmic-v3.4`` is ``cosmic-v3.4-GRCh37``, and
    ``cosmic-v3.4-exome`` is ``cosmic-v3.4-GRCh37-exome``.
    """
    return sorted([*SHIPPED_FILES, *_ALIASES])


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
    """Return the name of the shipped reference to take for these channels; None if there is none."""
    return DEFAULTS.get(schema.family)


def how_to_give_reference(schema: ChannelSchema) -> str:
    """Return sentences that say which reference fits these channels."""
    default = default_reference(schema)
    if default is not None:
        return f"Give a reference of {schema.name} signatures, such as {default}."
    return (
        f"dnmf ships no reference of {schema.name} signatures. A file of them can be given as the reference "
        "(--reference FILE)."
    )


def shipped_reference(name: str) -> SignatureSet:
    """Return the reference of one of ``available_references()``."""
    file_name = SHIPPED_FILES[_ALIASES.get(name, name)]
    _, version, family, *target = file_name.removesuffix(".txt.gz").split("_")
    frame, schema = _packaged(file_name)
    return SignatureSet(frame, f"COSMIC {version} {family}, {' '.join(target)}", schema)


def _packaged(file_name: str) -> tuple[pd.DataFrame, ChannelSchema]:
    content = resources.files("dnmf.signatures").joinpath("data", file_name).read_bytes()
    table = parse_table(gzip.decompress(content), source=file_name)
    return arrange_channels(table, None, item="row", unit="a number >= 0")
