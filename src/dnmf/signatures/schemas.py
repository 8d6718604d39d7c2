"""The classes of mutation channels that dnmf knows, in the order and colours of SigProfiler.

A new class is one more `ChannelSchema` here (of single substitutions: in `dnmf.signatures.substitutions`), and in
``SCHEMAS``; its references are entered in `dnmf.signatures.shipped`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dnmf.signatures.channels import ChannelGroup, ChannelSchema
from dnmf.signatures.spellings import COMPLEMENT, joined, read_doublets, read_indels
from dnmf.signatures.substitutions import SBS96, SBS288, SBS384, SBS1536

_DBS_COLOURS = {
    "AC": "#03BDEF",
    "AT": "#0366CC",
    "CC": "#A2CF63",
    "CG": "#016601",
    "CT": "#FF9999",
    "GC": "#E42926",
    "TA": "#FFB266",
    "TC": "#FF8001",
    "TG": "#CC99FF",
    "TT": "#4C0199",
}
# Both bases change: nine alternatives, but six where the reference is its own reverse complement.
_DBS_ALTERNATIVES = {
    "AC": "CA CG CT GA GG GT TA TG TT",
    "AT": "CA CC CG GA GC TA",
    "CC": "AA AG AT GA GG GT TA TG TT",
    "CG": "AT GC GT TA TC TT",
    "CT": "AA AC AG GA GC GG TA TC TG",
    "GC": "AA AG AT CA CG TA",
    "TA": "AT CG CT GC GG GT",
    "TC": "AA AG AT CA CG CT GA GG GT",
    "TG": "AA AC AT CA CC CT GA GC GT",
    "TT": "AA AC AG CA CC CG GA GC GG",
}
_DBS78_LABELS = tuple(
    f"{ref}>{alt}" for ref, alts in _DBS_ALTERNATIVES.items() for alt in alts.split()
)
_DBS_SPELLING = re.compile(r"([ACGT]{2})(?:>NN)?[>,_]?([ACGT]{2})")


def _parse_dbs78(parts: Sequence[str]) -> str | None:
    """Read one DBS78 label on either strand.

    >>> _parse_dbs78(["AC>CA"]), _parse_dbs78(["GT_TG"]), _parse_dbs78(["GT", "TG"])
    ('AC>CA', 'AC>CA', 'AC>CA')
    """
    match = _DBS_SPELLING.fullmatch(joined(parts))
    if match is None:
        return None
    here = ">".join(match.groups())
    there = ">".join(bases.translate(COMPLEMENT)[::-1] for bases in match.groups())
    return next((label for label in (here, there) if label in _DBS78_LABELS), None)


DBS78 = ChannelSchema(
    name="DBS78",
    labels=_DBS78_LABELS,
    parse=_parse_dbs78,
    parse_all=lambda labels: read_doublets(labels, _DBS78_LABELS),
    label_widths=(1, 2),
    accepted="AC>CA, AC_CA, ACCA or two columns AC and CA, on either strand",
    groups=tuple(
        ChannelGroup(f"{ref}>NN", _DBS_COLOURS[ref], tuple(alts.split()))
        for ref, alts in _DBS_ALTERNATIVES.items()
    ),
    unit="double subs",
)
"""The 78 substitutions of two neighbouring bases."""

# Per section of the plot: pattern of the labels, what replaces ``{}`` with its colour, captions above and below.
_LENGTH, _REPEATS = "Homopolymer length", "Number of repeat units"
_ID_SECTIONS = (
    ("1:Del:{}:", {"C": "#FDBE6F", "T": "#FF8002"}, "1 bp deletion", _LENGTH),
    ("1:Ins:{}:", {"C": "#B0DD8B", "T": "#36A12E"}, "1 bp insertion", _LENGTH),
    (
        "{}:Del:R:",
        {"2": "#FDCAB5", "3": "#FC8A6A", "4": "#F14432", "5": "#BC191A"},
        "Deletion at repeats (length in bp)",
        _REPEATS,
    ),
    (
        "{}:Ins:R:",
        {"2": "#D0E1F2", "3": "#94C4DF", "4": "#4A98C9", "5": "#1764AB"},
        "Insertion at repeats (length in bp)",
        _REPEATS,
    ),
    (
        "{}:Del:M:",
        {"2": "#E2E2EF", "3": "#B6B6D8", "4": "#8683BD", "5": "#62409B"},
        "Microhomology deletion",
        "Microhomology length",
    ),
)


def _id_numbers(kind: str) -> range:
    """Return the last numbers of the labels that start with ``kind``; 5 stands for 5 and more.

    Deletions with microhomology: its length, from 1, shorter than the deletion. Others: how many
    further copies of the deleted or inserted bases follow.
    """
    if not kind.endswith("M:"):
        return range(6)
    size = int(kind[0])
    return range(1, 6 if size == 5 else size)


def _id_tick(kind: str, number: int) -> str:
    """Return what SigProfiler writes under a bar: deletions at repeats count the deleted copy, too."""
    shown = number + ("Del" in kind and not kind.endswith("M:"))
    return f"{shown}+" if number == 5 else str(shown)


def _id_groups() -> Iterator[tuple[str, ChannelGroup]]:
    """Yield the start of the labels of every group, and the group."""
    for pattern, colours, above, below in _ID_SECTIONS:
        for part, colour in colours.items():
            kind = pattern.format(part)
            ticks = tuple(_id_tick(kind, number) for number in _id_numbers(kind))
            header = "5+" if part == "5" else part
            yield kind, ChannelGroup(header, colour, ticks, above, below)


_ID83_LABELS = tuple(f"{kind}{number}" for kind, _ in _id_groups() for number in _id_numbers(kind))
ID83 = ChannelSchema(
    name="ID83",
    labels=_ID83_LABELS,
    parse=lambda parts: read_indels([":".join(parts)])[0],
    parse_all=read_indels,
    label_widths=(1, 2, 3, 4),
    accepted="1:Del:C:0, DEL_C_1_0, C_deletion_1 and others that tell kind, size, base or surroundings, and copies",
    groups=tuple(group for _, group in _id_groups()),
    upright_ticks=True,
    unit="indels",
)
"""The 83 small insertions and deletions: by length, by repeat or microhomology."""

_WORDS = re.compile(r"\d+|[A-Z]+")
# A unit that both ends of a range have is often written once: 1Mb-10Mb, 1-10Mb.
_UNIT_TWICE = re.compile(r"(\d)([KM]B)([\W_]+\d+)\2")


def _parse_by_words(
    labels: Sequence[str], others: Mapping[str, str]
) -> Callable[[Sequence[str]], str | None]:
    """Return a reader of labels that differ from these in case, in what stands between words and numbers, in words.

    ``others`` are the words of the labels by what else they are called; none for a word that says nothing.

    >>> parse = _parse_by_words(["3-4:LOH:>40Mb", "9+:het:1Mb-10Mb"], {"HETEROZYGOUS": "HET"})
    >>> parse(["X3.4.LOH..40Mb"]), parse(["9+", "Heterozygous", "1-10Mb"]), parse(["3-4:LOH"])
    ('3-4:LOH:>40Mb', '9+:het:1Mb-10Mb', None)
    """

    def words_of(text: str) -> tuple[str, ...]:
        words = _WORDS.findall(_UNIT_TWICE.sub(r"\1\3\2", text.upper()))
        return tuple(word for own in words for word in others.get(own, own).split())

    known = {words_of(label): label for label in labels}

    def parse(parts: Sequence[str]) -> str | None:
        words = words_of(":".join(parts))
        return known.get(words[1:] if words[:1] == ("X",) else words)  # R puts X before digits

    return parse


_CN_SIZES = ("0-100kb", "100kb-1Mb", "1Mb-10Mb", "10Mb-40Mb", ">40Mb")
_CN_LOST_SIZES = ("0-100kb", "100kb-1Mb", ">1Mb")
# Shades by size of the segment, by total copy number; the strip has the last of them.
_CN_SHADES = {
    "0": ("#F0F8FF", "#787CE6", "#0000CD"),
    "1": ("#EBEBEB", "#C5C5C5", "#9F9F9F", "#797979", "#545454"),
    "2": ("#F5FFFA", "#C0E2C3", "#8BC48E", "#56A858", "#228B22"),
    "3-4": ("#FFF0F5", "#DEBDEB", "#BE8BE1", "#9D58D7", "#7D26CD"),
    "5-8": ("#FFFAF0", "#F2DCB3", "#E6BF78", "#D9A23C", "#CD8500"),
    "9+": ("#FFE4E1", "#E2ADBC", "#C47798", "#A84074", "#8B0A50"),
}
# What was lost, how it is called in pictures, and the total copy numbers it occurs with.
_CN_STATES = (
    ("homdel", "Homdel", ("0",), _CN_LOST_SIZES),
    (
        "LOH",
        "LOH (total copy number)",
        ("1", "2", "3-4", "5-8", "9+"),
        _CN_SIZES,
    ),
    ("het", "Heterozygous (total copy number)", ("2", "3-4", "5-8", "9+"), _CN_SIZES),
)
_CN48_LABELS = tuple(
    f"{copies}:{state}:{size}"
    for state, _, numbers, sizes in _CN_STATES
    for copies in numbers
    for size in sizes
)

CN48 = ChannelSchema(
    name="CN48",
    labels=_CN48_LABELS,
    parse=_parse_by_words(
        _CN48_LABELS,
        {"HOM": "", "HOMOZYGOUS": "", "DEL": "HOMDEL", "DELETION": "HOMDEL", "HETEROZYGOUS": "HET"},
    ),
    label_widths=(1, 3),
    accepted="3-4:LOH:>40Mb, or with other marks between its parts",
    groups=tuple(
        ChannelGroup(copies, _CN_SHADES[copies][-1], sizes, caption, shades=_CN_SHADES[copies])
        for _, caption, numbers, sizes in _CN_STATES
        for copies in numbers
    ),
    unit="segments",
)
"""The 48 classes of copy number segments: total copy number, what was lost, and length."""

_SV_SIZES = ("1-10Kb", "10-100Kb", "100Kb-1Mb", "1Mb-10Mb", ">10Mb")
# Per kind: in the label, on the strip with its colour, lengths, shades by length.
_SV_KINDS: tuple[tuple[str, str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("del", "Del", "#800000", _SV_SIZES, ("#FFF0F5", "#FFB6C1", "#DB7093", "#FF69B4", "#FF1493")),
    ("tds", "Tds", "#FF8C00", _SV_SIZES, ("#FAF0E6", "#F4A460", "#CD853F", "#A0522D", "#8B4513")),
    ("inv", "Inv", "#6A5ACD", _SV_SIZES, ("#D8BFD8", "#DDA0DD", "#BA55D3", "#8A2BE2", "#663399")),
    ("trans", "T", "#696969", ("",), ()),
)
_SV32_LABELS = tuple(
    "_".join(filter(None, (where, kind, size)))
    for where in ("clustered", "non-clustered")
    for kind, _, _, sizes, _ in _SV_KINDS
    for size in sizes
)

SV32 = ChannelSchema(
    name="SV32",
    labels=_SV32_LABELS,
    parse=_parse_by_words(
        _SV32_LABELS,
        {
            **dict.fromkeys(("DELETION", "DELETIONS"), "DEL"),
            "TANDEM": "",
            **dict.fromkeys(("TD", "DUP", "DUPLICATION", "DUPLICATIONS"), "TDS"),
            **dict.fromkeys(("NONCLUSTERED", "UNCLUSTERED"), "NON CLUSTERED"),
            **dict.fromkeys(("INVERSION", "INVERSIONS"), "INV"),
            **dict.fromkeys(("TRANSLOCATION", "TRANSLOCATIONS", "TRA"), "TRANS"),
        },
    ),
    label_widths=(1, 3),
    accepted="clustered_del_1-10Kb, or with other marks between its parts",
    groups=tuple(
        ChannelGroup(header, colour, sizes, where, shades=shades)
        for where in ("Clustered", "Non-clustered")
        for _, header, colour, sizes, shades in _SV_KINDS
    ),
    unit="rearrangements",
)
"""The 32 classes of rearrangements: clustered or not, kind, and length."""

SCHEMAS = (SBS96, DBS78, ID83, CN48, SV32, SBS384, SBS288, SBS1536)
"""Every class that is recognised by its labels; one that has all channels of another stands before it."""


def detect_schema(labels: Iterable[str | Sequence[str]]) -> ChannelSchema | None:
    """Return the class of which most labels are channels (of several the smallest), or None if none is of any.

    Parameters
    ----------
    labels : iterable of str or of label parts
        In any order and spelling of a known class; others do not count.

    Examples
    --------
    >>> detect_schema(["AC>CA", "AC>CG"]).name
    'DBS78'
    >>> detect_schema(["SBS1", "SBS5"]) is None
    True
    """
    spellings = list(labels)
    known = [(schema.n_known(spellings), -len(schema), schema) for schema in SCHEMAS]
    n_known, _, found = max(known, key=lambda own: own[:2])
    return found if n_known else None
