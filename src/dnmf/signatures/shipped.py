"""The reference signatures and the example catalog that are shipped with the package.

COSMIC mutational signatures and the 21 breast cancer genomes come from SigProfilerAssignment 1.1.5;
see NOTICE.
"""

from importlib import resources

import pandas as pd

from dnmf.signatures.catalog import MutationCatalog, SignatureSet
from dnmf.signatures.channels import SBS96
from dnmf.signatures.layout import arrange_channels
from dnmf.signatures.table import parse_table

DEFAULT_REFERENCE = "cosmic-v3.4"
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
    frame = _packaged("breast_21_sbs96.txt.gz", item="sample")
    return MutationCatalog(frame, source="21 breast cancer genomes (Nik-Zainal et al. 2012)")


def shipped_reference(name: str) -> SignatureSet:
    """Return the reference of one of ``available_references()``."""
    full = _ALIASES.get(name, name)
    _, version, build, *exome = full.split("-")
    source = f"COSMIC {version} SBS, {' '.join([build, *exome])}"
    return SignatureSet(_packaged(SHIPPED_FILES[full], item="signature"), source=source)


def _packaged(file_name: str, *, item: str) -> pd.DataFrame:
    content = resources.files("dnmf.signatures").joinpath("data", file_name).read_bytes()
    table = parse_table(content, source=file_name)
    names, values = arrange_channels(table, SBS96, item=item, unit="a number >= 0")
    return pd.DataFrame(values, index=pd.Index(names), columns=pd.Index(SBS96.labels))
