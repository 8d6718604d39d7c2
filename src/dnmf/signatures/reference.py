"""The reference signatures and the example catalog that are shipped with the package.

COSMIC mutational signatures and the 21 breast cancer genomes come from SigProfilerAssignment 1.1.5;
see NOTICE.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.signatures.catalog import MutationCatalog, SignatureSet
from dnmf.signatures.channels import ChannelSchema
from dnmf.signatures.io import read_signatures
from dnmf.signatures.layout import arrange_channels
from dnmf.signatures.table import parse_table

DEFAULT_REFERENCE = "cosmic-v3.4"
# The reference that the default stands for, by the channels of the data.
_DEFAULTS = {"SBS96": DEFAULT_REFERENCE}
# The references that COSMIC lists as possible sequencing artefacts.
ARTEFACTS = frozenset(f"SBS{number}" for number in (27, 43, *range(45, 61), 95))

_FILES = {
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
    return sorted([*_FILES, *_ALIASES])


def default_reference(schema: ChannelSchema) -> str | None:
    """Return the name of the shipped reference to take for these channels; None if there is none."""
    return _DEFAULTS.get(schema.name)


def how_to_give_reference(schema: ChannelSchema) -> str:
    """Return a sentence that says which reference fits these channels."""
    default = default_reference(schema)
    if default is not None:
        return f"Give a reference of {schema.name} signatures, such as {default}."
    return f"dnmf ships no reference of {schema.name} signatures: give a file of them (--reference FILE)."


def load_reference(reference: str | Path | Sequence[str]) -> SignatureSet:
    """Return reference signatures by name, from a file, or a choice of them.

    Parameters
    ----------
    reference : str, Path or sequence of str
        One of ``available_references()``, in upper or lower case; or the path of a file in any
        layout of ``read_signatures``; or names of signatures of the default reference, COSMIC v3.4
        on GRCh37, as a sequence or separated by commas (``"SBS1,SBS5,SBS40a"``). A shipped name
        goes before a file of that name.

    Returns
    -------
    SignatureSet
        For a choice of signatures: in the order given.

    Raises
    ------
    InputDataError
        If there is no such reference, file or signature. The message says what is near.

    Examples
    --------
    >>> len(load_reference("cosmic-v3.4"))
    86
    >>> load_reference("SBS5,SBS1").names
    ['SBS5', 'SBS1']
    """
    if isinstance(reference, Path):
        return read_signatures(reference)
    if not isinstance(reference, str):
        return _choose([str(name) for name in reference])
    name = reference.strip()
    known = {own.lower(): own for own in available_references()}
    if name.lower() in known:
        return _shipped(known[name.lower()])
    if _is_file_name(name):
        return read_signatures(name)
    if "," in name or name.lower().startswith("sbs"):
        return _choose([part for part in name.split(",") if part.strip()])
    near = get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(known[own] for own in near)}? " if near else ""
    raise InputDataError(
        f"no reference {reference!r}. {hint}Expected one of {', '.join(known.values())}, the path "
        f"of a file of signatures, or names of signatures of {DEFAULT_REFERENCE} separated by "
        "commas, e.g. SBS1,SBS5."
    )


def example_catalog() -> MutationCatalog:
    """Return the counts of 21 breast cancer genomes (Nik-Zainal et al. 2012).

    Examples
    --------
    >>> example_catalog()
    MutationCatalog(21 samples x SBS96, source='21 breast cancer genomes (Nik-Zainal et al. 2012)')
    """
    schema, frame = _packaged("breast_21_sbs96.txt.gz", item="sample")
    source = "21 breast cancer genomes (Nik-Zainal et al. 2012)"
    return MutationCatalog(frame, source, schema)


def _shipped(name: str) -> SignatureSet:
    file_name = _FILES[_ALIASES.get(name, name)]
    _, version, family, *target = file_name.removesuffix(".txt.gz").split("_")
    schema, frame = _packaged(file_name, item="signature")
    return SignatureSet(frame, f"COSMIC {version} {family}, {' '.join(target)}", schema)


def _packaged(file_name: str, *, item: str) -> tuple[ChannelSchema, pd.DataFrame]:
    content = resources.files("dnmf.signatures").joinpath("data", file_name).read_bytes()
    table = parse_table(content, source=file_name)
    schema, names, values = arrange_channels(table, None, item=item, unit="a number >= 0")
    return schema, pd.DataFrame(values, index=pd.Index(names), columns=pd.Index(schema.labels))


def _is_file_name(name: str) -> bool:
    if "/" in name or "\\" in name or name.lower().endswith((".txt", ".tsv", ".csv", ".gz")):
        return True
    try:
        return bool(name) and Path(name).exists()
    except OSError:  # a list of many signatures is too long for a file name
        return False


def _choose(names: Sequence[str]) -> SignatureSet:
    default = _shipped(DEFAULT_REFERENCE)
    try:
        return default.select(names)
    except InputDataError as error:
        raise InputDataError(f"{error}{_found_elsewhere(names, default)}") from error


def _found_elsewhere(names: Sequence[str], default: SignatureSet) -> str:
    """Say which other shipped references have the names that the default one lacks."""
    own = {name.lower() for name in default.names}
    wanted = {name.strip().lower() for name in names} - own
    others = [
        name
        for name in _FILES
        if wanted and wanted & {found.lower() for found in _shipped(name).names}
    ]
    if not others:
        return ""
    return f" It is in {', '.join(others)}: load that whole reference instead."
