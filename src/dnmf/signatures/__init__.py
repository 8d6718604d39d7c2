"""Catalogs of mutations and their signatures: tables, files, references, matching, simulation.

Rows are samples or signatures, columns are channels.
"""

from dnmf.signatures.builds import choose_reference
from dnmf.signatures.catalog import MutationCatalog, SignatureSet
from dnmf.signatures.channels import SBS96, ChannelSchema
from dnmf.signatures.io import read_catalog, read_exposures, read_signatures
from dnmf.signatures.matching import match_to_reference
from dnmf.signatures.opportunity import convert_signatures, restrict_signatures
from dnmf.signatures.reference import (
    ARTEFACTS,
    available_references,
    example_catalog,
    load_reference,
)
from dnmf.signatures.simulate import simulate_catalog, simulate_cohort
from dnmf.signatures.write import write_catalog, write_exposures, write_signatures

__all__ = [
    "ARTEFACTS",
    "SBS96",
    "ChannelSchema",
    "MutationCatalog",
    "SignatureSet",
    "available_references",
    "choose_reference",
    "convert_signatures",
    "example_catalog",
    "load_reference",
    "match_to_reference",
    "read_catalog",
    "read_exposures",
    "read_signatures",
    "restrict_signatures",
    "simulate_catalog",
    "simulate_cohort",
    "write_catalog",
    "write_exposures",
    "write_signatures",
]
