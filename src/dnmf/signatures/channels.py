"""What a class of mutation channels is: names, order, spellings and how its spectra are drawn.

Several row orders of the same channels are in use, so rows are always matched by label, never by
position. The classes themselves are in `dnmf.signatures.schemas`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from dnmf.exceptions import ChannelMismatchError

_PLAIN_COLOUR = "#0072B2"
"""Colour of all bars of a schema without groups."""

_SHOWN = 5
"""How many labels an error message lists before it says 'and n more'."""


@dataclass(frozen=True)
class ChannelGroup:
    """Neighbouring channels that share a colour and a header in pictures.

    Parameters
    ----------
    header : str
        Written on the coloured strip over the bars of the group.
    colour : str
        Of the bars and the strip, ``"#rrggbb"``.
    ticks : tuple of str
        What is written under the bar of each channel.
    above, below : str
        Captions over the strip and under the ticks; groups next to each other with the same caption
        share it.
    shades : tuple of str
        Colours of the single bars, where they differ; their edges then have the colour of the group.
    """

    header: str
    colour: str
    ticks: tuple[str, ...]
    above: str = ""
    below: str = ""
    shades: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelLayer:
    """The channels of all groups once more: those of one strand, or of one pair of outer neighbours.

    Parameters
    ----------
    name : str
        What the channels have in common, for the key of pictures.
    colour : str
        Of its bars, which stand side by side with those of other layers; a layer without a colour is
        a row of a heat map.
    behind : bool
        Whether its bars stand behind those of other layers, on top of each other.
    """

    name: str
    colour: str = ""
    behind: bool = False


@dataclass(frozen=True)
class ChannelSchema:
    """A set of mutation channels in canonical order: spellings, order in files and plot style.

    Parameters
    ----------
    name : str
        What the field calls the set, e.g. ``"SBS96"``; de novo signatures are named after it:
        ``SBS96A``.
    labels : tuple of str
        Canonical labels in canonical order: the columns of every table in memory, and the order of
        the bars in pictures.
    parse : callable, optional
        Turns the label cells of one row into a canonical label, or None if they are not one. It
        gets one string per label column. The default accepts the canonical labels themselves.
    parse_all : callable, optional
        Turns all labels of a table, their cells joined by commas, into canonical labels (None where one is none), for
        spellings of which one alone can be read in two ways. Used where it knows at least as many as ``parse``.
    label_widths : tuple of int
        How many label columns a file may have: ``(1, 2)`` for ``A[C>A]A`` and ``C>A,ACA``.
    accepted : str
        The accepted spellings in words, for error messages.
    file_order : tuple of str
        The labels in the row order of files that are written; by default that of ``labels``.
    groups : tuple of ChannelGroup
        Plot style: their ticks stand for the labels in order. By default one group of one colour,
        without header.
    layers : tuple of ChannelLayer
        How often the channels of the groups are repeated: the labels are all of the first layer, then
        all of the second. By default once.
    upright_ticks : bool
        Whether ticks are short enough to be written upright; by default they are turned by 90
        degrees.
    unit : str
        What is counted, for the titles of spectra: ``"subs"``.

    Raises
    ------
    ValueError
        If the groups, once for each layer, do not have one tick for each label.

    Examples
    --------
    >>> from dnmf.signatures import SBS96
    >>> SBS96.canonical("t[g>t]t"), SBS96.canonical(("C>A", "ACA")), SBS96.canonical("SBS1")
    ('A[C>A]A', 'A[C>A]A', None)
    """

    name: str
    labels: tuple[str, ...] = field(repr=False)
    parse: Callable[[Sequence[str]], str | None] | None = field(
        default=None, repr=False, compare=False
    )
    parse_all: Callable[[Sequence[str]], Sequence[str | None]] | None = field(
        default=None, repr=False, compare=False
    )
    label_widths: tuple[int, ...] = field(default=(1,), repr=False, compare=False)
    accepted: str = field(default="the canonical labels", repr=False, compare=False)
    file_order: tuple[str, ...] = field(default=(), repr=False, compare=False)
    groups: tuple[ChannelGroup, ...] = field(default=(), repr=False, compare=False)
    layers: tuple[ChannelLayer, ...] = field(default=(), repr=False, compare=False)
    upright_ticks: bool = field(default=False, repr=False, compare=False)
    unit: str = field(default="mutations", repr=False, compare=False)
    _known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.file_order:
            object.__setattr__(self, "file_order", self.labels)
        object.__setattr__(self, "_known", frozenset(self.labels))
        if not self.groups:
            object.__setattr__(self, "groups", (ChannelGroup("", _PLAIN_COLOUR, self.labels),))
        ticks = self.n_ticks * max(len(self.layers), 1)
        if ticks != len(self.labels):
            raise ValueError(f"{self.name}: {ticks} ticks for {len(self.labels)} channels.")

    def __len__(self) -> int:
        return len(self.labels)

    def canonical(self, spelling: str | Sequence[str]) -> str | None:
        """Return the canonical label for one spelling, or None if it is not a channel here."""
        parts = (spelling,) if isinstance(spelling, str) else tuple(spelling)
        label = ",".join(parts).strip() if self.parse is None else self.parse(parts)
        return label if label in self._known else None

    def canonical_all(self, spellings: Iterable[str | Sequence[str]]) -> list[str | None]:
        """Return the canonical label for each spelling of one table, None for those that are not a channel here.

        Examples
        --------
        >>> from dnmf.signatures import SBS96
        >>> order = [label[0] + label[2] + label[6] + label[4] for label in SBS96.labels]
        >>> SBS96.canonical(order[4]), SBS96.canonical_all(order)[4]
        (None, 'C[C>A]A')
        """
        spellings = list(spellings)
        if tuple(spellings) == self.labels:
            return list(self.labels)
        alone = [self.canonical(spelling) for spelling in spellings]
        if self.parse_all is None:
            return alone
        written = [own if isinstance(own, str) else ",".join(own) for own in spellings]
        together = [label if label in self._known else None for label in self.parse_all(written)]
        return together if _n_channels(together) >= _n_channels(alone) else alone

    @property
    def n_ticks(self) -> int:
        """How many channels a layer has, or the schema if it has no layers."""
        return sum(len(group.ticks) for group in self.groups)

    @property
    def is_heat_map(self) -> bool:
        """Whether spectra are drawn as a heat map: the layers have no colours."""
        return bool(self.layers) and not self.layers[0].colour

    @property
    def family(self) -> str:
        """The letters of the name, which also begin the names of known signatures: ``SBS`` of SBS96."""
        return self.name.rstrip("0123456789")

    def n_known(self, spellings: Iterable[str | Sequence[str]]) -> int:
        """Return how many channels of this schema the spellings name."""
        return _n_channels(self.canonical_all(spellings))

    def positions(
        self, spellings: Sequence[str | Sequence[str]], *, source: str, places: Sequence[str]
    ) -> list[int]:
        """Return where each channel of the schema stands among ``spellings``, in canonical order.

        Parameters
        ----------
        spellings : sequence of str or of label parts
            The labels of a table as they are written there.
        source, places : str, sequence of str
            Name of the table, and where each label stands in it (``"line 7"``), for error messages.

        Raises
        ------
        ChannelMismatchError
            If a channel is missing, given twice or not known; the message lists them.
        """
        found: dict[str, int] = {}
        unknown: list[int] = []
        for index, label in enumerate(self.canonical_all(spellings)):
            if label is None:
                unknown.append(index)
            elif label in found:
                first = found[label]
                raise ChannelMismatchError(
                    f"{source}: channel {label} is given twice, as {_written(spellings[first])} in "
                    f"{places[first]} and as {_written(spellings[index])} in {places[index]}. Remove one "
                    "of them, or add them up if they are the two strands of one channel."
                )
            else:
                found[label] = index
        missing = [label for label in self.labels if label not in found]
        if missing or unknown:
            raise ChannelMismatchError(
                self._mismatch(
                    source, missing, [f"{_written(spellings[i])} ({places[i]})" for i in unknown]
                )
            )
        return [found[label] for label in self.labels]

    def reorder(self, frame: pd.DataFrame, *, source: str = "the table") -> pd.DataFrame:
        """Return ``frame`` with its columns named and ordered canonically.

        Parameters
        ----------
        frame : DataFrame (samples or signatures, channels)
            Columns in any order and spelling; two column levels stand for two label columns.

        Raises
        ------
        ChannelMismatchError
            If the columns are not exactly the channels of the schema.

        Examples
        --------
        >>> from dnmf.signatures import SBS96
        >>> frame = pd.DataFrame([range(96)], columns=SBS96.file_order)
        >>> SBS96.reorder(frame).columns.tolist() == list(SBS96.labels)
        True
        """
        spellings = [
            tuple(map(str, label)) if isinstance(label, tuple) else str(label)
            for label in frame.columns
        ]
        if not self.n_known(spellings) and self.n_known(map(str, frame.index)):
            raise ChannelMismatchError(
                f"{source}: the channels are in the rows, expected them in the columns. Give the "
                "transpose (frame.T)."
            )
        places = [f"column {number}" for number in range(1, len(spellings) + 1)]
        order = self.positions(spellings, source=source, places=places)
        ordered = frame.iloc[:, order]
        ordered.columns = pd.Index(self.labels)
        return ordered

    def _mismatch(self, source: str, missing: list[str], unknown: list[str]) -> str:
        complaints = []
        if missing:
            complaints.append(f"missing: {few(missing)}")
        if unknown:
            complaints.append(f"not recognised: {few(unknown)}")
        return (
            f"{source}: found {len(self) - len(missing)} of the {len(self)} {self.name} channels; "
            f"{'; '.join(complaints)}. Exactly these {len(self)} channels are needed, each once (0 "
            f"where there are no mutations). Accepted spellings: {self.accepted}."
        )


def _n_channels(labels: Iterable[str | None]) -> int:
    return len({label for label in labels if label is not None})


def few(items: Sequence[str]) -> str:
    """Join the first items of a list and count the rest: ``"a, b, c, d, e and 3 more"``."""
    shown = ", ".join(items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"


def _written(spelling: str | Sequence[str]) -> str:
    return repr(spelling if isinstance(spelling, str) else ",".join(spelling))[:40]
