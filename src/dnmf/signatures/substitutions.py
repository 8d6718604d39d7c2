"""The classes of single-base substitutions: in their trinucleotide, by strand of the gene, in five bases."""

import re
from collections.abc import Iterable, Sequence
from itertools import product

from dnmf.signatures.channels import ChannelGroup, ChannelLayer, ChannelSchema
from dnmf.signatures.spellings import joined, read_substitutions, substitution

_SBS_SPELLINGS = (
    re.compile(r"(?P<five>[ACGT])\[(?P<ref>[ACGT])>(?P<alt>[ACGT])\](?P<three>[ACGT])"),
    # SignatureAnalyzer's four letters: reference, alternative, 5' base, 3' base.
    re.compile(r"(?P<ref>[ACGT])(?P<alt>[ACGT])(?P<five>[ACGT])(?P<three>[ACGT])"),
    re.compile(
        r"(?P<ref>[ACGT])>(?P<alt>[ACGT])[,;:|_]?(?P<five>[ACGT])(?P<middle>[ACGT])(?P<three>[ACGT])"
    ),
    re.compile(
        r"(?P<five>[ACGT])(?P<middle>[ACGT])(?P<three>[ACGT])[,;:|_]?(?P<ref>[ACGT])>(?P<alt>[ACGT])"
    ),
)


_STRANDED_SPELLINGS = (
    re.compile(
        r"(?P<strand>[TUBN])[\W_](?P<five>[ACGT])[\W_](?P<ref>[CT])[\W_](?P<alt>[ACGT])[\W_](?P<three>[ACGT])"
    ),
    re.compile(
        r"(?P<strand>[TUBN])[\W_](?P<ref>[CT])>(?P<alt>[ACGT])[,;:|_]?(?P<five>[ACGT])(?P<middle>[CT])(?P<three>[ACGT])"
    ),
)


def _parse_sbs96(parts: Sequence[str]) -> str | None:
    """Read one SBS96 label; a purine reference is turned to the pyrimidine of the other strand.

    >>> _parse_sbs96(["A[A>C]G"]), _parse_sbs96(["ACAG"]), _parse_sbs96(["G>T", "TGT"])
    ('C[T>G]T', 'C[T>G]T', 'A[C>A]A')
    """
    bases = _bases(parts, _SBS_SPELLINGS)
    return None if bases is None else substitution(**bases)


def _read_sbs96(labels: Sequence[str]) -> Sequence[str | None]:
    """Read labels as `read_substitutions` does, unless most begin with a strand: one strand has not all mutations."""
    texts = [joined([label]) for label in labels]
    stranded = sum(any(own.match(text) for own in _STRANDED_SPELLINGS) for text in texts)
    return [None] * len(labels) if 2 * stranded > len(labels) else read_substitutions(labels)


def _bases(parts: Sequence[str], spellings: Iterable[re.Pattern[str]]) -> dict[str, str] | None:
    """Return the named parts of a label in the first spelling that fits; None if they contradict each other."""
    text = joined(parts)
    match = next(filter(None, (spelling.fullmatch(text) for spelling in spellings)), None)
    if match is None:
        return None
    bases = match.groupdict()
    consistent = bases["ref"] != bases["alt"] and bases.pop("middle", bases["ref"]) == bases["ref"]
    return bases if consistent else None


_SBS_COLOURS = {
    "C>A": "#03BDEF",
    "C>G": "#010101",
    "C>T": "#E42926",
    "T>A": "#CBCACA",
    "T>C": "#A2CF63",
    "T>G": "#ECC7C5",
}
_NEIGHBOURS = tuple(product("ACGT", repeat=2))
_SBS96_LABELS = tuple(
    f"{five}[{change}]{three}" for change in _SBS_COLOURS for five, three in _NEIGHBOURS
)

SBS96 = ChannelSchema(
    name="SBS96",
    labels=_SBS96_LABELS,
    parse=_parse_sbs96,
    parse_all=_read_sbs96,
    label_widths=(1, 2),
    accepted="A[C>A]A, two columns C>A and ACA, ACA>AAA, A.C.A.A, or any other that names the bases of all 96",
    file_order=tuple(sorted(_SBS96_LABELS)),
    groups=tuple(
        ChannelGroup(change, colour, tuple(five + change[0] + three for five, three in _NEIGHBOURS))
        for change, colour in _SBS_COLOURS.items()
    ),
    unit="subs",
)
"""The 96 single-base substitutions in their trinucleotide context, in plot (PCAWG) order.

Files are written in the order of SigProfiler matrices and COSMIC downloads: sorted as text."""

_STRANDS = {
    "T": ChannelLayer("transcribed strand", "#014666"),
    "U": ChannelLayer("untranscribed strand", "#E42926"),
    "N": ChannelLayer("outside genes", "#D9DCE0", behind=True),
    "B": ChannelLayer("genes on both strands", "#9AA1A9", behind=True),
}


def _parse_stranded(parts: Sequence[str]) -> str | None:
    """Read a strand and a substitution of a pyrimidine: the strand is told of the pyrimidine.

    >>> _parse_stranded(["T:A[C>A]A"]), _parse_stranded(["U", "C>A", "ACA"]), _parse_stranded(["N.A.C.A.A"])
    ('T:A[C>A]A', 'U:A[C>A]A', 'N:A[C>A]A')
    >>> _parse_stranded(["T:A[G>A]A"]) is None
    True
    """
    bases = _bases(parts, _STRANDED_SPELLINGS)
    return None if bases is None else "{strand}:{five}[{ref}>{alt}]{three}".format_map(bases)


def _stranded(name: str, strands: str) -> ChannelSchema:
    """Return the class of the 96 substitutions on each of the strands, in this order."""
    return ChannelSchema(
        name=name,
        labels=tuple(f"{strand}:{label}" for strand in strands for label in SBS96.labels),
        parse=_parse_stranded,
        label_widths=(1, 2, 3),
        accepted="T:A[C>A]A, or up to three columns T, C>A and ACA, with a pyrimidine as the reference",
        file_order=tuple(f"{strand}:{label}" for strand in strands for label in SBS96.file_order),
        groups=SBS96.groups,
        layers=tuple(_STRANDS[strand] for strand in strands),
        unit="subs",
    )


SBS384 = _stranded("SBS384", "TUBN")
"""The 96 substitutions by strand: pyrimidine on the transcribed (T) or untranscribed strand (U), in genes on
both strands (B), outside of genes (N)."""

SBS288 = _stranded("SBS288", "TUN")
"""As SBS384, with half of the mutations in genes on both strands added to T and half to U."""

_FIVE_BASES_SPELLINGS = (
    re.compile(
        r"(?P<five>[ACGT]{2})[\W_](?P<ref>[ACGT])[\W_](?P<alt>[ACGT])[\W_](?P<three>[ACGT]{2})"
    ),
    re.compile(
        r"(?P<ref>[ACGT])>(?P<alt>[ACGT])[,;:|_]?(?P<five>[ACGT]{2})(?P<middle>[ACGT])(?P<three>[ACGT]{2})"
    ),
    re.compile(
        r"(?P<five>[ACGT]{2})(?P<middle>[ACGT])(?P<three>[ACGT]{2})[,;:|_]?(?P<ref>[ACGT])>(?P<alt>[ACGT])"
    ),
    # Six letters of ICAMS: the five bases, and the alternative of the middle one.
    re.compile(r"(?P<five>[ACGT]{2})(?P<ref>[ACGT])(?P<three>[ACGT]{2})(?P<alt>[ACGT])"),
)


def _parse_sbs1536(parts: Sequence[str]) -> str | None:
    """Read one SBS1536 label; a purine reference is turned to the pyrimidine of the other strand.

    >>> _parse_sbs1536(["CA[A>C]GG"]), _parse_sbs1536(["C>A", "AACTT"]), _parse_sbs1536(["AACTTA"])
    ('CC[T>G]TG', 'AA[C>A]TT', 'AA[C>A]TT')
    """
    bases = _bases(parts, _FIVE_BASES_SPELLINGS)
    return None if bases is None else substitution(**bases)


_SBS1536_LABELS = tuple(
    f"{five}{label}{three}" for five, three in _NEIGHBOURS for label in SBS96.labels
)

SBS1536 = ChannelSchema(
    name="SBS1536",
    labels=_SBS1536_LABELS,
    parse=_parse_sbs1536,
    label_widths=(1, 2),
    accepted="AA[C>A]AA, or two columns C>A and AACAA, on either strand",
    file_order=tuple(sorted(_SBS1536_LABELS)),
    groups=SBS96.groups,
    layers=tuple(ChannelLayer(f"{five}…{three}") for five, three in _NEIGHBOURS),
    unit="subs",
)
"""The single-base substitutions with two neighbours on each side."""
