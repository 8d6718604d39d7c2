"""The rows of variant files, of whatever kind, in one form."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from dnmf.exceptions import InputDataError
from dnmf.variants.alleles import filter_test
from dnmf.variants.detect import reader_of, variant_files
from dnmf.variants.germline import warn_of_burdens
from dnmf.variants.sheet import SampleSheet
from dnmf.variants.stream import RowStream
from dnmf.variants.vcf import VcfReader


@dataclass(frozen=True, eq=False)
class VariantRows:
    """Rows of one file, up to a million: one line for each row x ALT x sample, in the order of the file.

    Attributes
    ----------
    frame : DataFrame
        ``file``, the path as given or found in a folder (category); ``line``, from 1 (int64); ``sample`` (category);
        ``contig``, as written (category); ``position`` of the first base of ``ref``, from 0 (int64; -1 where there is
        none, as VCF allows for a symbolic ALT at a telomere); ``written``, the position as in the file (int64); ``ref``
        and ``alt``, in capitals (category), where an empty one is what the file writes as ``-``; ``outcome``
        (category): empty where it is still to be decided, ``filtered``, ``germline`` or ``uncalled``; and ``context``
        (category), where the file is a MAF with the column ``CONTEXT``: 5 bases, the alleles, 5 bases.

        An insertion with an empty ``ref`` has the position of the base before which it is inserted, a deletion with an
        empty ``alt`` that of the first base deleted. Both are never empty. A text without any allele is ``.``.

        The categories of ``sample`` are all samples of the file as far as it is known, those without a variant too. A
        line of a row that no sample's genotype carries has the outcome ``uncalled``; where the file has several
        samples, its sample is empty: it belongs to none of them.
    source : str
        Path of the file.
    kind : str
        ``VCF``, ``MAF`` or ``text`` (SigProfiler's).
    assembly : str or None
        What the file says of its genome: ``NCBI_Build``, the assembly of the ``##contig`` lines or ``##reference``.
    contig_lengths : dict of int
        Of the ``##contig`` lines, by name as written.
    record : dict
        Name, size and SHA-256 of the file; empty but for the last rows of a file, as it is read once.
    """

    frame: pd.DataFrame
    source: str
    kind: str
    assembly: str | None = None
    contig_lengths: Mapping[str, int] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


def read_variants(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    samples: str | os.PathLike[str] | None = None,
    filters: str | Sequence[str] = ("PASS", "."),
) -> Iterator[VariantRows]:
    """Yield the rows of VCF, MAF and SigProfiler's text files, at least once for each file.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, plain, gzipped or bgzipped, told apart by their content; and folders of such files.
    samples : path, optional
        Table with the columns ``path`` and ``sample``: the sample of each file. Files of one sample may be several.
    filters : "all" or sequence of str
        Values of FILTER that are kept.

    Raises
    ------
    InputDataError
        A file cannot be read or is none of variants, a row is not what it should be, or two files name one sample.
    """
    named = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    keep_filter = filter_test(filters)
    files = variant_files(named)
    sheet = SampleSheet(samples, files)
    for file, reader in files.items():
        if reader is VcfReader:
            sheet.check_lists(file)
    origin: dict[str, str] = {}
    burdens: Counter[str] = Counter()
    for file, reader in files.items():
        stream = RowStream(file)
        try:
            reading = (reader or reader_of(stream))(stream, sheet.samples(file))
            if reader is None and isinstance(reading, VcfReader):
                sheet.check_lists(file)
            last: VariantRows | None = None
            for frame in reading.frames(keep_filter):
                for name in frame["sample"].cat.categories:
                    _check_origin(origin, name, file, sheet)
                _add_burdens(burdens, frame)
                if last is not None:
                    yield last
                last = VariantRows(
                    frame, file, reading.kind, reading.assembly, reading.contig_lengths
                )
            if last is not None:
                yield replace(last, record=stream.record())
        finally:
            stream.close()
    warn_of_burdens(burdens)


def _check_origin(origin: dict[str, str], name: str, file: str, sheet: SampleSheet) -> None:
    other = origin.setdefault(name, file)
    if not name or other == file or (sheet.samples(file) and sheet.samples(other)):
        return
    raise InputDataError(
        f"{file}: has the sample {name!r}, as has {other}. If both are of one sample, say so in a sample sheet "
        "(columns path and sample, a line for each file; --samples); if not, name them apart there, or rename one."
    )


def _add_burdens(burdens: Counter[str], frame: pd.DataFrame) -> None:
    codes = frame["sample"].cat.codes[frame["outcome"] == ""]
    names = frame["sample"].cat.categories
    burdens.update(dict(zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True)))
