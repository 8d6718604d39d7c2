"""MAF: mutations of many samples, as the GDC, cBioPortal and vcf2maf write them."""

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.variants.alleles import allele, no_variants, outcomes, variant_frame
from dnmf.variants.columns import ListedSamples, NamedColumns, OneBuild
from dnmf.variants.stream import Chunk, RowStream, whole_numbers

NEEDED = {
    "sample": "Tumor_Sample_Barcode",
    "contig": "Chromosome",
    "start": "Start_Position",
    "ref": "Reference_Allele",
    "allele 2": "Tumor_Seq_Allele2",
}
"""Columns that a MAF must have, by what they mean."""

_OPTIONAL = {
    "end": "End_Position",
    "allele 1": "Tumor_Seq_Allele1",
    "filter": "FILTER",
    "build": "NCBI_Build",
    "context": "CONTEXT",
    "status": "Mutation_Status",
}


class MafReader:
    """The variants of a MAF.

    Parameters
    ----------
    stream : RowStream
        At its beginning.
    wanted : sequence of str
        Samples that the sample sheet lists for the file; none without a sheet.
    """

    kind = "MAF"

    def __init__(self, stream: RowStream, wanted: Sequence[str] = ()) -> None:
        self._stream = stream
        self._columns = NamedColumns.read(stream, NEEDED, _OPTIONAL, "MAF")
        self._samples = ListedSamples(stream, wanted)
        self._build = OneBuild(stream)
        self._warned = False
        self.contig_lengths: dict[str, int] = {}

    @property
    def assembly(self) -> str | None:
        """The genome of the rows that were read."""
        return self._build.name

    def frames(self, keep_filter: Callable[[str], bool]) -> Iterator[pd.DataFrame]:
        """Yield the variants, many rows at a time.

        Raises
        ------
        InputDataError
            A row is not what it should be; the message names its line.
        """
        frame = None
        for chunk in self._columns.chunks(self._stream, ("start", "end")):
            frame = self._frame(chunk, keep_filter)
            yield frame
        if frame is None:
            yield no_variants(self._stream.name)
        self._columns.check_end(self._stream)
        self._samples.check_all_found()

    def _frame(self, chunk: Chunk, keep_filter: Callable[[str], bool]) -> pd.DataFrame:
        texts = chunk.texts
        none = np.zeros(len(chunk.lines), dtype=bool)
        sample = self._samples.named(chunk, texts["sample"])
        if "build" in texts:
            self._build.check(chunk, texts["build"])
        start = self._stream.positions(chunk, "start")
        ref, alt = texts["ref"].map(allele), texts["allele 2"].map(allele)
        if "allele 1" in texts:
            alt = alt.or_else(texts["allele 1"].map(allele), alt.equals(ref))
        filtered = ~texts["filter"].where(keep_filter) if "filter" in texts else none
        germline = texts["status"].where(_is_germline) if "status" in texts else none
        columns = {
            "sample": sample,
            "contig": texts["contig"],
            "ref": ref,
            "alt": alt,
            "outcome": outcomes(len(start), filtered=filtered, germline=germline),
        }
        if "context" in texts:
            columns["context"] = texts["context"].map(str.upper)
        inserted = ref.where(lambda text: not text)
        position = start - 1 + (inserted & ~self._starts_after(chunk, start, inserted))
        return variant_frame(self._stream.name, chunk.lines, columns, position, start)

    def _starts_after(
        self, chunk: Chunk, start: NDArray[np.int64], inserted: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Return which insertions have the base after them as start and end, as some old files write it."""
        if "end" not in chunk.numbers or not inserted.any():
            return np.zeros(len(start), dtype=bool)
        after = inserted & (whole_numbers(chunk.numbers["end"]) == start)
        if after.any() and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self._stream.name}, line {chunk.lines[after.argmax()]}: this insertion ends where it starts, while "
                "in a MAF it starts at the base before it and ends at the base after it. It is read as an old form "
                "that names the base after it alone, here and in rows that follow.",
                DoubtfulDataWarning,
                stacklevel=2,
            )
        return np.asarray(after, dtype=bool)


def _is_germline(text: str) -> bool:
    return text.lower() == "germline"
