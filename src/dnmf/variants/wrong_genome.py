"""Signs that variants were called on another genome than the one that is given."""

from collections.abc import Mapping, Sequence
from warnings import warn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.criteria import MIN_ROWS_TO_JUDGE_GENOME, OTHER_GENOME_SHARE
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures.builds import BUILD_BY_LENGTH_OF_1, usual_build
from dnmf.signatures.channels import few
from dnmf.signatures.genome import Genome
from dnmf.signatures.regions import contig_key
from dnmf.variants.rows import VariantRows


def check_build(rows: VariantRows, genome: Genome, mitochondria: bool) -> None:
    """Refuse a genome whose contigs, or whose build, are not those that the file names.

    Raises
    ------
    InputDataError
        The message names both.
    """
    for written, length in rows.contig_lengths.items():
        # hg19 and GRCh37 differ in their mitochondrial genome alone.
        if contig_key(written) == "MT" and not mitochondria:
            continue
        name = genome.find(written)
        if name is not None and genome.lengths[name] != length:
            one = next((n for w, n in rows.contig_lengths.items() if contig_key(w) == "1"), 0)
            theirs = BUILD_BY_LENGTH_OF_1.get(one) or rows.assembly or "another genome"
            raise InputDataError(
                f"{rows.source}: its header says that {written} has {length:,} bases ({theirs}), but in {genome.path} "
                f"it has {genome.lengths[name]:,} ({genome.build or 'a build that is not known'}). Give the genome "
                "that the variants were called on."
            )
    if rows.assembly is None or genome.build is None:
        return
    build = usual_build(rows.assembly)
    if build in BUILD_BY_LENGTH_OF_1.values() and build != genome.build:
        raise InputDataError(
            f"{rows.source}: says that its variants are of {rows.assembly}, but {genome.path} is {genome.build}, by "
            "the length of chromosome 1. Give the genome that the variants were called on."
        )


def check_one_build(named: Mapping[str, str]) -> None:
    """Refuse files of two known builds; ``named`` has a file by the build that it names.

    Raises
    ------
    InputDataError
        The message names two files and their builds.
    """
    known = [build for build in named if build in BUILD_BY_LENGTH_OF_1.values()]
    if len(known) > 1:
        one, other = known[:2]
        raise InputDataError(
            f"{named[one]} is of {one}, but {named[other]} is of {other}. Count the files of each build in a run of "
            "their own."
        )


def check_references(
    frame: pd.DataFrame,
    checked: NDArray[np.int64],
    wrong: NDArray[np.int64],
    genome: Genome | None,
) -> None:
    """Warn of files with rows whose REF is not the genome's; ``checked`` and ``wrong`` are rows.

    Raises
    ------
    InputDataError
        If their share is so large that it is another genome: in a file, or in all files together that are too small to
        be judged alone.
    """
    codes = frame["file"].cat.codes.to_numpy()
    n_files = len(frame["file"].cat.categories)
    n_checked = np.bincount(codes[checked], minlength=n_files)
    n_wrong = np.bincount(codes[wrong], minlength=n_files)
    small = n_checked < MIN_ROWS_TO_JUDGE_GENOME
    affected = n_wrong > 0
    groups = [np.array([file]) for file in np.flatnonzero(affected & ~small)]
    for files in (*groups, np.flatnonzero(small)):
        total, share = n_checked[files].sum(), n_wrong[files].sum() / max(n_checked[files].sum(), 1)
        if total >= MIN_ROWS_TO_JUDGE_GENOME and share > OTHER_GENOME_SHARE:
            build = f" It is {genome.build}." if genome is not None and genome.build else ""
            raise InputDataError(
                f"{_wrong_rows(frame, wrong, files, total, genome)}. So many are a sign of another genome, or of "
                f"positions that are counted from 0.{build} Give the genome that the variants were called on."
            )
    if len(wrong):
        files = np.flatnonzero(affected)
        what = _wrong_rows(frame, wrong, files, n_checked[files].sum(), genome)
        warn(f"{what}. They are not counted.", DoubtfulDataWarning, stacklevel=2)


def _wrong_rows(
    frame: pd.DataFrame,
    wrong: NDArray[np.int64],
    files: NDArray[np.int64],
    n_checked: int,
    genome: Genome | None,
) -> str:
    """Return in words how many rows of some files have another REF, and which is the first."""
    own = wrong[np.isin(frame["file"].cat.codes.to_numpy()[wrong], files)]
    rows = frame.iloc[own]
    names = [str(name) for name in rows["file"].unique()]
    first = rows.iloc[0]
    place = f"line {first['line']}" if len(names) == 1 else f"{names[0]}, line {first['line']}"
    theirs = "its column CONTEXT" if genome is None else str(genome.path)
    return (
        f"{few(names)}: {len(own):,} of {n_checked:,} rows ({100 * len(own) / n_checked:.3g} %) have a REF that "
        f"{theirs} does not have there; the first is {place}, {first['contig']}:{first['position'] + 1} "
        f"{str(first['ref'])[:20] or '-'}>{str(first['alt'])[:20] or '-'}"
    )


def warn_of_contigs(names: Sequence[str], numbers: Sequence[int], genome: Genome) -> None:
    """Warn of contigs that the genome does not have, by name and number of rows."""
    most = sorted(zip(numbers, names, strict=True), key=lambda pair: (-pair[0], pair[1]))
    listed = ", ".join(f"{name} ({number:,})" for number, name in most[:5])
    more = f" and {len(most) - 5} more" if len(most) > 5 else ""
    warn(
        f"rows on contigs that {genome.path} does not have, {sum(numbers):,} in all, are not counted: {listed}{more}. "
        f"It has {', '.join(genome.contigs[:3])} ...",
        DoubtfulDataWarning,
        stacklevel=2,
    )
