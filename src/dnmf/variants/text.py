"""SigProfiler's text format: a row for each mutation and sample, the columns by name."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from dnmf.variants.alleles import Alternatives, allele, no_variants, outcomes, variant_frame
from dnmf.variants.columns import ListedSamples, NamedColumns, OneBuild
from dnmf.variants.stream import Chunk, RowStream

NEEDED = {
    "sample": "Sample",
    "contig": "chrom",
    "position": "pos_start",
    "ref": "ref",
    "alt": "alt",
}
"""Columns that the format must have, by what they mean."""

_OPTIONAL = {"build": "Genome", "type": "Type"}


class TextReader:
    """The variants of a file in SigProfiler's text format.

    Parameters
    ----------
    stream : RowStream
        At its beginning.
    wanted : sequence of str
        Samples that the sample sheet lists for the file; none without a sheet.
    """

    kind = "text"

    def __init__(self, stream: RowStream, wanted: Sequence[str] = ()) -> None:
        self._stream = stream
        self._columns = NamedColumns.read(stream, NEEDED, _OPTIONAL, "file")
        self._samples = ListedSamples(stream, wanted)
        self._build = OneBuild(stream)
        self.contig_lengths: dict[str, int] = {}

    @property
    def assembly(self) -> str | None:
        """The genome of the rows that were read."""
        return self._build.name

    def frames(self, keep_filter: Callable[[str], bool]) -> Iterator[pd.DataFrame]:
        """Yield the variants, many rows at a time; the format has no filters.

        Raises
        ------
        InputDataError
            A row is not what it should be; the message names its line.
        """
        frame = None
        for chunk in self._columns.chunks(self._stream, ("position",)):
            frame = self._frame(chunk)
            yield frame
        if frame is None:
            yield no_variants(self._stream.name)
        self._columns.check_end(self._stream)
        self._samples.check_all_found()

    def _frame(self, chunk: Chunk) -> pd.DataFrame:
        texts = chunk.texts
        sample = self._samples.named(chunk, texts["sample"])
        if "build" in texts:
            self._build.check(chunk, texts["build"])
        position = self._stream.positions(chunk, "position")
        alt = Alternatives.of(texts["alt"])
        row, which = alt.all_of(np.arange(len(position), dtype=np.int64))
        germline = np.zeros(len(position), dtype=bool)
        if "type" in texts:
            germline = texts["type"].where(lambda text: text.lower() == "germline")
        ref = texts["ref"].map(allele).take(row)
        columns = {
            "sample": sample.take(row),
            "contig": texts["contig"].take(row),
            "ref": ref,
            "alt": alt.pick(row, which),
            "outcome": outcomes(len(row), germline=germline[row]),
        }
        # As in VCF, a REF of "-" is inserted after the position, which counts from 1.
        start = position[row] - 1 + ref.where(lambda text: not text)
        return variant_frame(self._stream.name, chunk.lines[row], columns, start, position[row])
