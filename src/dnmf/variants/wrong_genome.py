"""Signs that variants were called on another genome than the one that is given."""

from collections.abc import Sequence
from warnings import warn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.criteria import MIN_ROWS_TO_JUDGE_GENOME, OTHER_GENOME_SHARE
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures.builds import BUILD_BY_LENGTH_OF_1, usual_build
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
        If in a file their share is so large that it is another genome.
    """
    files = frame["file"].cat.categories
    codes = frame["file"].cat.codes.to_numpy()
    n_checked = np.bincount(codes[checked], minlength=len(files))
    n_wrong = np.bincount(codes[wrong], minlength=len(files))
    theirs = "its column CONTEXT" if genome is None else str(genome.path)
    for number in np.flatnonzero(n_wrong).tolist():
        first = frame.iloc[int(wrong[codes[wrong] == number][0])]
        share = n_wrong[number] / n_checked[number]
        what = (
            f"{files[number]}: {n_wrong[number]:,} of {n_checked[number]:,} rows ({100 * share:.3g} %) have a REF that "
            f"{theirs} does not have there; the first is line {first['line']}, {first['contig']}:"
            f"{first['position'] + 1} {str(first['ref'])[:20] or '-'}>{str(first['alt'])[:20] or '-'}"
        )
        if n_checked[number] >= MIN_ROWS_TO_JUDGE_GENOME and share > OTHER_GENOME_SHARE:
            build = f" It is {genome.build}." if genome is not None and genome.build else ""
            raise InputDataError(
                f"{what}. So many are a sign of another genome, or of positions that are counted from 0.{build} Give "
                "the genome that the variants were called on."
            )
        warn(f"{what}. They are not counted.", DoubtfulDataWarning, stacklevel=2)


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
