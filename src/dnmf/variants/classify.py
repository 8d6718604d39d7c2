"""Every row gets its outcome, and what is counted its channel in each class that was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.progress import Progress
from dnmf.signatures import DBS78, ID83, SBS96, MutationCatalog
from dnmf.signatures.genome import Genome
from dnmf.signatures.schemas import SCHEMAS
from dnmf.variants.collect import Collected
from dnmf.variants.indels import indels
from dnmf.variants.normalise import Variants, agrees_with_context, agrees_with_genome, by_contig
from dnmf.variants.outcomes import OUTCOMES
from dnmf.variants.places import Stretches
from dnmf.variants.substitutions import (
    STRANDS,
    Changes,
    changes,
    doublet_channels,
    strand_288,
    strands,
    substitution_channels,
    surroundings,
    within,
)

_WORDS = tuple(OUTCOMES)
# Where the changes of a row differ in their outcomes: the first of these that one of them has.
_OF_SEVERAL = ("counted", "mnv", "context", "outside", "other_class", "duplicate")
_COUNTED_WITH_STRAND = ("SBS384", "SBS288")
_SUBSTITUTIONS = ("SBS96", "SBS1536", *_COUNTED_WITH_STRAND)
CLASSES = ("SBS96", "DBS78", "ID83", "SBS288", "SBS384", "SBS1536")
"""Classes that can be counted from variants."""
_SCHEMAS = {schema.name: schema for schema in SCHEMAS}

_Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Options:
    """What is counted. Regions and transcripts are by number of the contig; regions of None are everywhere."""

    classes: tuple[str, ...]
    both: bool  # whether the bases of a doublet are counted as substitutions, too
    mitochondria: bool
    regions: Mapping[int, Stretches] | None = None
    transcripts: Mapping[int, tuple[Stretches, Stretches]] | None = None

    def inside(self, contig: _Numbers, position: _Numbers) -> NDArray[np.bool_]:
        """Return whether each place is in the regions."""
        if self.regions is None:
            return np.ones(len(contig), dtype=np.bool_)
        out = np.zeros(len(contig), dtype=np.bool_)
        for number, own in by_contig(contig):
            if number in self.regions:
                out[own] = within(position[own], self.regions[number])
        return out


@dataclass
class Classified:
    """What became of the rows, and the counts of each class: (samples, channels) in the order of ``labels``."""

    outcome: NDArray[np.int8]
    channel: NDArray[np.int32]  # in `names`; -1 for none
    strand: NDArray[np.int8]  # in `STRANDS`; -1 for none
    names: list[tuple[str, str]]  # class and channel
    n_samples: int
    tables: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    checked: _Numbers = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def decide(self, rows: _Numbers | NDArray[np.bool_], word: str) -> None:
        """Give rows, numbers or a mask, an outcome unless they have one."""
        if rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        self.outcome[rows[self.outcome[rows] < 0]] = _WORDS.index(word)

    def undecided(self) -> NDArray[np.bool_]:
        """Return which rows have no outcome yet."""
        return self.outcome < 0

    def add(self, name: str, sample: _Numbers, channel: _Numbers, n_channels: int) -> None:
        """Count events by sample and channel."""
        cells = np.bincount(sample * n_channels + channel, minlength=self.n_samples * n_channels)
        table = cells.reshape(self.n_samples, n_channels).astype(np.float64)
        self.tables[name] = self.tables[name] + table if name in self.tables else table

    def rows_of(self, word: str) -> _Numbers:
        """Return the rows with an outcome."""
        return np.flatnonzero(self.outcome == _WORDS.index(word))

    def catalogs(
        self, samples: list[str], options: Options, source: str
    ) -> dict[str, MutationCatalog]:
        """Return the catalogs of the classes that were asked for; the sample without a name is left out."""
        named = [bool(name) for name in samples]
        found = {}
        for name in options.classes:
            table = strand_288(self.tables["SBS384"]) if name == "SBS288" else self.tables[name]
            counts = pd.DataFrame(table, index=samples, columns=_labels(name))[named]
            found[name] = MutationCatalog(counts, source, _SCHEMAS[name])
        return found

    def table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows with what became of them."""
        kinds = list(dict.fromkeys(name for name, _ in self.names))
        labels = list(dict.fromkeys(label for _, label in self.names))
        kind = np.array([kinds.index(name) for name, _ in self.names] + [-1])
        place = {label: number for number, label in enumerate(labels)}
        label = np.array([place[label] for _, label in self.names] + [-1])
        return pd.DataFrame(
            {
                "file": frame["file"],
                "line": frame["line"],
                "sample": frame["sample"],
                "contig": frame["contig"],
                "position": frame["written"],
                "ref": frame["ref"],
                "alt": frame["alt"],
                "outcome": pd.Categorical.from_codes(self.outcome, pd.Index(_WORDS)),
                "class": pd.Categorical.from_codes(kind[self.channel], pd.Index(kinds)),
                "channel": pd.Categorical.from_codes(label[self.channel], pd.Index(labels)),
                "strand": pd.Categorical.from_codes(self.strand, pd.Index(list(STRANDS))),
            }
        )


def classify(
    read: Collected,
    variants: Variants,
    genome: Genome | None,
    mitochondrial: Sequence[int],
    options: Options,
    progress: Progress | None,
) -> Classified:
    """Decide on every row; ``mitochondrial`` has the numbers of those contigs."""
    from dnmf.variants._variants_numba import (
        COMPLEX,
        DELETION,
        INSERTION,
        NOT_BASES,
        SAME,
        SUBSTITUTION,
    )

    rows = len(variants.sample)
    names = [(name, label) for name in ("DBS78", "ID83") for label in _labels(name)]
    names += [(_shown(options), label) for label in _shown_labels(options)]
    codes = [_WORDS.index(word) if word else -1 for word in read.categories("outcome")]
    found = Classified(
        outcome=np.array([*codes, -1], dtype=np.int8)[read.codes("outcome")],
        channel=np.full(rows, -1, dtype=np.int32),
        strand=np.full(rows, -1, dtype=np.int8),
        names=names,
        n_samples=len(read.categories("sample")),
    )
    found.decide(variants.contig < 0, "contig")
    if not options.mitochondria:
        found.decide(np.isin(variants.contig, mitochondrial), "mitochondrial")
    found.decide(variants.kind == NOT_BASES, "allele")
    found.decide(variants.kind == SAME, "no_change")
    _check_references(found, variants, genome)
    found.decide(variants.kind == COMPLEX, "complex")
    parts = (
        ("substitutions", variants.kind == SUBSTITUTION, _substitutions),
        ("indels", (variants.kind == DELETION) | (variants.kind == INSERTION), _indels),
    )
    for step, (what, kind, count) in enumerate(parts, 1):
        count(found, variants, np.flatnonzero(found.undecided() & kind), genome, options)
        if progress is not None:
            progress(f"counting {what}", step, len(parts), float("nan"))
    return found


def _check_references(found: Classified, variants: Variants, genome: Genome | None) -> None:
    from dnmf.variants._variants_numba import SUBSTITUTION

    if genome is None:
        rows = np.flatnonzero(found.undecided() & (variants.kind == SUBSTITUTION))
        agreement = agrees_with_context(variants, rows)
        found.decide(rows[agreement < 0], "context")
        rows, agreement = rows[agreement >= 0], agreement[agreement >= 0]
    else:
        rows = np.flatnonzero(found.undecided())
        agreement = agrees_with_genome(variants, rows, genome).astype(np.int8)
    found.checked = rows
    found.decide(rows[agreement == 0], "reference_mismatch")


def _indels(
    found: Classified, variants: Variants, rows: _Numbers, genome: Genome | None, options: Options
) -> None:
    if "ID83" not in options.classes or genome is None:
        found.decide(rows, "other_class")
        return
    events = indels(variants, rows, genome)
    found.decide(rows[events.repeated], "duplicate")
    found.decide(rows[~options.inside(variants.contig[rows], events.position)], "outside")
    counted = found.undecided()[rows]
    found.channel[rows[counted]] = len(DBS78) + events.channel[counted]
    found.decide(rows, "counted")
    found.add("ID83", variants.sample[rows[counted]], events.channel[counted], len(ID83))


def _substitutions(
    found: Classified, variants: Variants, rows: _Numbers, genome: Genome | None, options: Options
) -> None:
    doublets = "DBS78" in options.classes
    every, first, second, origin = changes(variants, rows, halves=options.both and not doublets)
    status = np.full(len(first), _OF_SEVERAL.index("counted"), dtype=np.int8)
    channel = np.full(len(first), -1, dtype=np.int64)  # in `names`
    strand = np.full(len(first), -1, dtype=np.int8)
    inside = options.inside(every.contig[origin], every.position[origin])
    status[~inside] = _OF_SEVERAL.index("outside")
    status[second == -2] = _OF_SEVERAL.index("mnv")

    pairs = np.flatnonzero(second >= 0)
    if doublets:
        both = np.stack([first[pairs], second[pairs]], axis=1)
        channel[pairs] = doublet_channels(every.before[both], every.after[both])
        counted = inside[pairs]
        sample = every.sample[first[pairs[counted]]]
        found.add("DBS78", sample, channel[pairs[counted]], len(DBS78))
        if options.both:
            _singles(found, variants, every, both[counted].ravel(), genome, options)
    else:
        status[pairs] = _OF_SEVERAL.index("other_class")
    singles = np.flatnonzero(second == -1)
    if any(name in options.classes for name in _SUBSTITUTIONS):
        own, strand[singles] = _singles(
            found, variants, every, first[singles], genome, options, counted=inside[singles]
        )
        channel[singles] = np.where(own >= 0, own + len(DBS78) + len(ID83), -1)
        status[singles[(own < 0) & inside[singles]]] = _OF_SEVERAL.index("context")
    else:
        status[singles] = _OF_SEVERAL.index("other_class")
    _to_rows(found, every, status, channel, strand)


def _singles(
    found: Classified,
    variants: Variants,
    every: Changes,
    chosen: _Numbers,
    genome: Genome | None,
    options: Options,
    counted: NDArray[np.bool_] | None = None,
) -> tuple[_Numbers, NDArray[np.int8]]:
    """Count single bases in the classes of substitutions; return the channels that are shown, and the strands."""
    around = surroundings(variants, every, chosen, genome)
    after, sample = every.after[chosen], every.sample[chosen]
    counted = np.ones(len(chosen), dtype=np.bool_) if counted is None else counted
    channels = {"SBS96": substitution_channels(SBS96, around, after)}
    strand = np.full(len(chosen), -1, dtype=np.int8)
    if options.transcripts is not None:
        own = strands(
            every.contig[chosen], every.position[chosen], every.before[chosen], options.transcripts
        )
        strand = own.astype(np.int8)
        channels["SBS384"] = np.where(
            channels["SBS96"] >= 0, own * len(SBS96) + channels["SBS96"], -1
        )
    if "SBS1536" in options.classes:
        channels["SBS1536"] = substitution_channels(_SCHEMAS["SBS1536"], around, after)
    for name, channel in channels.items():
        known = counted & (channel >= 0)
        found.add(name, sample[known], channel[known], len(_labels(name)))
    shown = _shown(options)
    return channels["SBS1536" if shown == "SBS1536" else "SBS96"], strand


def _to_rows(
    found: Classified,
    every: Changes,
    status: NDArray[np.int8],
    channel: _Numbers,
    strand: NDArray[np.int8],
) -> None:
    """Give each row the outcome of its events, and the classes and channels of those that are counted."""
    if not len(every.row):
        return
    own = np.where(every.repeated, _OF_SEVERAL.index("duplicate"), status[every.event])
    starts = np.flatnonzero(np.diff(every.row, prepend=-1))
    words = np.array([_WORDS.index(word) for word in _OF_SEVERAL], dtype=np.int8)
    found.outcome[every.row[starts]] = words[np.minimum.reduceat(own, starts)]
    counted = np.flatnonzero(own == _OF_SEVERAL.index("counted"))
    row, event = every.row[counted], every.event[counted]
    once = np.ones(len(counted), dtype=np.bool_)
    once[1:] = (row[1:] != row[:-1]) | (event[1:] != event[:-1])  # both bases of a doublet
    row, event = row[once], event[once]
    found.channel[row] = channel[event]
    found.strand[row] = strand[event]
    starts = np.flatnonzero(np.diff(row, prepend=-1, append=-1))
    places = {name: place for place, name in enumerate(found.names)}
    for several in np.flatnonzero(np.diff(starts) > 1):
        start, end = starts[several : several + 2]
        parts = [found.names[place] for place in channel[event[start:end]]]
        joined = ";".join(name for name, _ in parts), ";".join(label for _, label in parts)
        found.channel[row[start]] = places.setdefault(joined, len(places))
    found.names = list(places)


def _shown(options: Options) -> str:
    """Return the class of substitutions whose channels are shown for each row."""
    asked = [name for name in options.classes if name in _SUBSTITUTIONS]
    return "SBS96" if "SBS96" in asked or not asked else asked[0]


def _shown_labels(options: Options) -> tuple[str, ...]:
    return _labels("SBS1536" if _shown(options) == "SBS1536" else "SBS96")


def _labels(name: str) -> tuple[str, ...]:
    """Return the channels of a class in the order in which they are counted."""
    parts = {"SBS384": STRANDS, "SBS288": STRANDS.replace("B", "")}
    if name in parts:
        return tuple(f"{strand}:{label}" for strand in parts[name] for label in SBS96.labels)
    return _SCHEMAS[name].labels
