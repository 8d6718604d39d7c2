"""VCF files: what the header says, whose variants the rows are."""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures.channels import few
from dnmf.variants.alleles import Alternatives, allele, no_variants, outcomes, variant_frame
from dnmf.variants.distinct import Texts
from dnmf.variants.genotypes import called_alleles, carriers, genotypes, place_of_genotype
from dnmf.variants.germline import FIRST_BYTES, warn_of_known_ids, warn_of_normal
from dnmf.variants.stream import REPLACED, Chunk, RowStream

_COLUMNS = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT"]
_NEEDED, _FIXED = 5, 8
_CONTIG, _ASSEMBLY = re.compile(r'[<,]ID="?([^,>"]+)'), re.compile(r'[<,]assembly="?([^,>"]+)')
_LENGTH = re.compile(r'[<,]length="?([0-9]{1,15})"?[,>]')


@dataclass
class VcfHeader:
    """What the lines before the rows say.

    Attributes
    ----------
    columns : list of str
        Names of all columns; as VCF has them where the file has no header.
    named : bool
        Whether the file has a line of column names.
    tumours, normals : list of str
        Samples of the header's ``##tumor_sample`` and ``##normal_sample``.
    assembly : str or None
        Of the contigs, or the reference.
    contig_lengths : dict of int
        By name.
    """

    columns: list[str] = field(default_factory=list)
    named: bool = False
    tumours: list[str] = field(default_factory=list)
    normals: list[str] = field(default_factory=list)
    assembly: str | None = None
    contig_lengths: dict[str, int] = field(default_factory=dict)

    @property
    def samples(self) -> list[str]:
        """Names of the columns of samples."""
        return self.columns[len(_COLUMNS) :] if "FORMAT" in self.columns[8:9] else []


def read_vcf_header(stream: RowStream) -> VcfHeader:
    """Read the lines before the rows.

    Raises
    ------
    InputDataError
        The names of the columns are not those of a VCF, or two samples have one name.
    """
    header = VcfHeader()
    reference = None
    while (line := stream.peek_line()).startswith("#") or (not line and not stream.ended):
        place = stream.place
        stream.next_line()
        key, _, value = line.partition("=")
        if line.upper().startswith("#CHROM"):
            header.columns, header.named = _column_names(line, place), True
            break
        if key == "##contig":
            _read_contig(value, header)
        elif key == "##tumor_sample":
            header.tumours.append(value.strip())
        elif key == "##normal_sample":
            header.normals.append(value.strip())
        elif key == "##reference":
            reference = value.strip()
    header.assembly = header.assembly or reference
    if not header.named:
        header.columns = _columns_without_names(stream)
    return header


def _column_names(line: str, place: str) -> list[str]:
    names = [name.strip() for name in line.rstrip().split("\t")]
    if [name.upper() for name in names[:_NEEDED]] != _COLUMNS[:_NEEDED]:
        raise InputDataError(
            f"{place}: expected the columns {' '.join(_COLUMNS[:_NEEDED])}, separated by tabs, found {line[:60]!r}. "
            "Write the file again as VCF."
        )
    fixed = [name.upper() for name in names[: len(_COLUMNS)]]
    if fixed[:_FIXED] == _COLUMNS[:_FIXED] and fixed != _COLUMNS[: len(fixed)]:
        raise InputDataError(
            f"{place}: column 9 is named {names[_FIXED]!r}, expected FORMAT and then the samples. Write the file again "
            "as VCF."
        )
    names[: len(fixed)] = fixed
    samples = names[len(_COLUMNS) :]
    if REPLACED in "".join(samples):
        raise InputDataError(f"{place}: the name of a sample is not UTF-8. Save the file as UTF-8.")
    if "" in samples:
        raise InputDataError(
            f"{place}: column {names.index('', len(_COLUMNS)) + 1} has no name. Name the sample."
        )
    if twice := sorted({name for name in samples if samples.count(name) > 1}):
        raise InputDataError(
            f"{place}: two columns are named {twice[0]!r}. Rename one of the samples."
        )
    return names


def _columns_without_names(stream: RowStream) -> list[str]:
    line = stream.peek_line()
    number = line.count("\t") + 1
    if number < _NEEDED:
        found = f"found {line[:60]!r}" if line else "found the end of the file"
        raise InputDataError(
            f"{stream.place}: expected the line #CHROM, or a row of {_NEEDED} columns or more, separated by tabs; "
            f"{found}. The file is truncated, or not VCF."
        )
    if number > len(_COLUMNS) + 1:
        raise InputDataError(
            f"{stream.place}: the row has {number - len(_COLUMNS)} columns of genotypes, and no line #CHROM above it "
            "says of which samples. Add the header."
        )
    # With fewer columns than a VCF must have, what follows ALT may be anything.
    names = [*_COLUMNS, "SAMPLE"] if number >= _FIXED else _COLUMNS[:_NEEDED]
    return names[:number] + [f"column {place}" for place in range(len(names), number)]


def _read_contig(value: str, header: VcfHeader) -> None:
    if header.assembly is None and (assembly := _ASSEMBLY.search(value)):
        header.assembly = assembly[1]
    if (name := _CONTIG.search(value)) and (length := _LENGTH.search(value)):
        header.contig_lengths[name[1]] = int(length[1])


class VcfReader:
    """The variants of a VCF file.

    Parameters
    ----------
    stream : RowStream
        At its beginning.
    wanted : sequence of str
        Samples that the sample sheet names for the file; none without a sheet.
    """

    kind = "VCF"

    def __init__(self, stream: RowStream, wanted: Sequence[str] = ()) -> None:
        self._stream, self._wanted = stream, list(wanted)
        self._header = read_vcf_header(stream)
        columns = self._header.samples
        normals = [
            name for name in columns if name in self._header.normals or name.upper() == "NORMAL"
        ]
        tumours = [name for name in columns if name in self._header.tumours]
        self._chosen = [name for name in columns if name in self._wanted]
        self._declared = bool(tumours)
        # Columns whose genotypes are read, and one of a normal sample.
        self._kept = self._chosen or tumours or [name for name in columns if name not in normals]
        self._normal = next((name for name in normals if name not in self._kept), None)
        self._by_genotype: bool | None = None if len(self._kept) > 1 else True
        # In the files of cgpPindel no genotype is known: its rows are as rows without genotypes. This is decided once
        # for the file, and never of one sample among others.
        self._may_be_unknown = {*self._kept, self._normal} >= set(columns) and len(self._kept) == 1
        self._normal_rows = self._normal_carries = 0
        self._warned = False
        if columns and not self._kept:
            raise InputDataError(
                f"{stream.name}: its only sample, {columns[0]!r}, is a normal one by the header. Give the file of the "
                "tumour, or name this sample in the sample sheet."
            )

    @property
    def assembly(self) -> str | None:
        """What the header says of the genome."""
        return self._header.assembly

    @property
    def contig_lengths(self) -> dict[str, int]:
        """Lengths of the contigs that the header lists."""
        return self._header.contig_lengths

    def frames(self, keep_filter: Callable[[str], bool]) -> Iterator[pd.DataFrame]:
        """Yield the variants, many rows at a time.

        Raises
        ------
        InputDataError
            A row is not what it should be; the message names its line.
        """
        columns = self._header.columns
        warn_of_known_ids(self._stream.name, self._stream.peek(FIRST_BYTES)[:FIRST_BYTES])
        texts = {"contig": 0, "ref": 3, "alt": 4}
        if "FILTER" in columns[:9]:
            texts["filter"] = columns.index("FILTER")
        if self._kept:
            texts["format"] = 8
        read = [*self._kept, self._normal] if self._normal else self._kept
        for name in read:
            texts[f"sample {name}"] = columns.index(name, 9)
        header = columns if self._header.named else ()
        frame = None
        open_frames: list[tuple[pd.DataFrame, NDArray[np.bool_]]] = []
        for chunk in self._stream.chunks(texts, {"position": 1}, width=len(columns), header=header):
            frame, unknown = self._frame(chunk, keep_filter)
            if self._may_be_unknown and (open_frames or unknown.any()):
                open_frames.append((frame, unknown))
                continue
            yield from (_uncalled(*each) for each in open_frames)
            open_frames.clear()
            yield frame
        self._stream.check_end(len(columns))
        yield from (each for each, _ in open_frames)
        if frame is None:
            yield no_variants(self._stream.name, self._names())
        if self._normal:
            warn_of_normal(self._stream.name, self._normal, self._normal_rows, self._normal_carries)

    def _names(self) -> list[str]:
        """Return the names of the samples: by the sheet, the header, the columns or the file."""
        if self._chosen:
            unknown = [name for name in self._wanted if name not in self._chosen]
            if not unknown:
                return self._chosen
        elif len(self._kept) <= 1 or self._by_genotype is False:
            if len(self._wanted) <= 1:
                own = (
                    self._kept if self._declared and len(self._kept) == 1 else [self._file_sample()]
                )
                return self._wanted or own
            unknown = self._wanted[1:]
        elif self._wanted:
            unknown = self._wanted
        else:
            return self._kept
        raise InputDataError(
            f"{self._stream.name}: the sample sheet names {few(unknown)}, but the samples of the file are "
            f"{few(self._header.samples) or 'not named, so it has one'}. Correct the sheet."
        )

    def _file_sample(self) -> str:
        name = re.split(r"[/\\]", self._stream.name)[-1]
        return re.sub(r"(?i)(\.vcf)?(\.b?gz)?$", "", name, count=1) or name

    def _frame(
        self, chunk: Chunk, keep_filter: Callable[[str], bool]
    ) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """Return the variants, and which of them count only if no genotype of the file is known."""
        n_rows = len(chunk.lines)
        alt = Alternatives.of(chunk.texts["alt"])
        position = self._stream.positions(
            chunk, "position", lambda: ~chunk.texts["alt"].where(_has_bases)
        )
        places = np.full(n_rows, -1, dtype=np.int64)
        if self._kept:
            places = chunk.texts["format"].numbers(place_of_genotype)
        self._check_layout(chunk, places)
        names = self._names()
        row = which = sample = np.zeros(0, dtype=np.int64)
        if self._kept and self._by_genotype and (places >= 0).any():
            called = [genotypes(chunk.texts[f"sample {name}"], places) for name in self._kept]
            self._check_genotypes(chunk, called, alt)
            known = called[0].where(_is_known)
            if self._normal:
                normal = genotypes(chunk.texts[f"sample {self._normal}"], places)
                self._count_normal(normal)
                known |= normal.where(_is_known)
            if (known & (places >= 0)).any():
                self._may_be_unknown = False
            row, which, sample = carriers(called, alt.number)
        # Rows without genotypes count for the one sample. Rows that no genotype calls belong to none of several.
        whole = np.ones(n_rows, dtype=bool)
        whole[row] = False
        if whole.any():
            more, more_which = alt.all_of(np.flatnonzero(whole))
            none = np.full(len(more), 0 if len(names) == 1 else len(names))
            order = np.argsort(np.concatenate([row, more]), kind="stable")
            row = np.concatenate([row, more])[order]
            which = np.concatenate([which, more_which])[order]
            sample = np.concatenate([sample, none])[order]
        uncalled = (whole & (places >= 0))[row] & bool(self._by_genotype)
        unknown = uncalled & self._may_be_unknown
        uncalled &= ~unknown
        ref = chunk.texts["ref"].map(allele).take(row)
        filtered = np.zeros(n_rows, dtype=bool)
        if "filter" in chunk.texts:
            filtered = ~chunk.texts["filter"].where(keep_filter)
        columns = {
            "sample": Texts(sample, [*names, ""] if uncalled.any() and len(names) > 1 else names),
            "contig": chunk.texts["contig"].map(str.strip).take(row),
            "ref": ref,
            "alt": alt.pick(row, which),
            "outcome": outcomes(len(row), uncalled=uncalled, filtered=filtered[row]),
        }
        # A REF of "-" is inserted after the position, which counts from 1.
        start = position[row] - 1 + ref.where(lambda text: not text)
        lines, written = chunk.lines[row], position[row]
        frame = variant_frame(self._stream.name, lines, columns, start, written, names)
        return frame, unknown

    def _check_layout(self, chunk: Chunk, places: NDArray[np.int64]) -> None:
        """Refuse rows without genotypes among rows with them, where more than one sample may have the variant."""
        if self._by_genotype is None and len(places):
            self._by_genotype = bool((places >= 0).any())
        if len(self._kept) > 1:
            self._stream.refuse(
                (places >= 0) != self._by_genotype,
                chunk,
                "FORMAT has GT in some rows and not in others, so which of the samples have the variant is not known "
                f"({few(self._kept)}). Give the rows with and without GT as two files.",
            )

    def _check_genotypes(self, chunk: Chunk, called: list[Texts], alt: Alternatives) -> None:
        for name, sample in zip(self._kept, called, strict=True):
            wrong = sample.where(lambda text: called_alleles(text) is None)
            if wrong.any():
                self._stream.refuse(
                    wrong,
                    chunk,
                    f"sample {name!r} has the genotype {sample[int(wrong.argmax())][:40]!r}, expected alleles such as "
                    "0/1. Correct the row or delete it.",
                )
            highest = sample.numbers(lambda text: max(called_alleles(text) or (), default=0))
            beyond = highest > alt.number
            if beyond.any() and not self._warned:
                self._warned = True
                row = int(beyond.argmax())
                warnings.warn(
                    f"{self._stream.name}, line {chunk.lines[row]}: sample {name!r} has the genotype {sample[row]!r}, "
                    f"but ALT has {alt.number[row]} alleles. Alleles that ALT does not have are not counted, here "
                    "and in rows that follow.",
                    DoubtfulDataWarning,
                    stacklevel=2,
                )

    def _count_normal(self, normal: Texts) -> None:
        self._normal_rows += int(normal.where(_is_known).sum())
        carries = normal.where(lambda text: bool((called_alleles(text) or frozenset()) - {0}))
        self._normal_carries += int(carries.sum())


def _uncalled(frame: pd.DataFrame, unknown: NDArray[np.bool_]) -> pd.DataFrame:
    outcome = Texts.of(frame["outcome"]).or_else(Texts.constant("uncalled", len(frame)), unknown)
    return frame.assign(outcome=outcome.categorical())


def _is_known(genotype: str) -> bool:
    return bool(called_alleles(genotype))


def _has_bases(alt: str) -> bool:
    return any(re.fullmatch("[ACGTN-]+", part) for part in alt.upper().split(","))
