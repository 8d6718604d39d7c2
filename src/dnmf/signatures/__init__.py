"""Catalogs of mutations and their signatures: tables, files, references, matching, simulation.

Rows are samples or signatures, columns are channels.
"""

from dnmf.signatures.catalog import MutationCatalog, SignatureSet
from dnmf.signatures.channels import ChannelGroup, ChannelLayer, ChannelSchema
from dnmf.signatures.decomposition import Decomposition, decompose_to_reference
from dnmf.signatures.io import read_catalog, read_exposures, read_signatures
from dnmf.signatures.matching import match_to_reference
from dnmf.signatures.opportunity import convert_signatures, restrict_signatures, seen_parts
from dnmf.signatures.references import load_reference
from dnmf.signatures.schemas import (
    CN48,
    DBS78,
    ID83,
    SV32,
    detect_schema,
)
from dnmf.signatures.shipped import (
    ARTEFACTS,
    available_references,
    default_reference,
    example_catalog,
    how_to_give_reference,
)
from dnmf.signatures.simulate import simulate_catalog, simulate_cohort
from dnmf.signatures.substitutions import SBS96, SBS288, SBS384, SBS1536
from dnmf.signatures.write import write_catalog, write_exposures, write_signatures

__all__ = [
    "ARTEFACTS",
    "CN48",
    "DBS78",
    "ID83",
    "SBS96",
    "SBS288",
    "SBS384",
    "SBS1536",
    "SV32",
    "ChannelGroup",
    "ChannelLayer",
    "ChannelSchema",
    "Decomposition",
    "MutationCatalog",
    "SignatureSet",
    "available_references",
    "convert_signatures",
    "decompose_to_reference",
    "default_reference",
    "detect_schema",
    "example_catalog",
    "how_to_give_reference",
    "load_reference",
    "match_to_reference",
    "read_catalog",
    "read_exposures",
    "read_signatures",
    "restrict_signatures",
    "seen_parts",
    "simulate_catalog",
    "simulate_cohort",
    "write_catalog",
    "write_exposures",
    "write_signatures",
]
