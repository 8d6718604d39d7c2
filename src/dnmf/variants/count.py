"""From variants to catalogs: every row is counted, or has a word that says why not."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal
from warnings import warn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.progress import Progress
from dnmf.recorded_warnings import recorded_warnings
from dnmf.signatures import MutationCatalog
from dnmf.signatures.builds import BUILD_BY_LENGTH_OF_1, usual_build
from dnmf.signatures.channels import few
from dnmf.signatures.genome import Genome
from dnmf.signatures.regions import contig_key
from dnmf.variants.classify import CLASSES, Classified, Options, classify
from dnmf.variants.collect import Collected, as_numbers, collect
from dnmf.variants.detect import variant_files
from dnmf.variants.outcomes import OUTCOMES
from dnmf.variants.places import read_transcripts, regions_by_contig
from dnmf.variants.reasons import reasons
from dnmf.variants.rows import VariantRows, read_variants
from dnmf.variants.save import save_counts
from dnmf.variants.wrong_genome import (
    check_build,
    check_one_build,
    check_references,
    warn_of_contigs,
)

Doublets = Literal["separate", "both"]
"""Whether the halves of a doublet are left out of the substitutions (``separate``) or counted there, too (``both``)."""
_NEED_GENOME = ("ID83",)
_NEED_TRANSCRIPTS = ("SBS288", "SBS384")


@dataclass(frozen=True, eq=False)
class VariantCounts:
    """Catalogs of all classes, and every variant that was read with its outcome.

    Attributes
    ----------
    catalogs : dict of MutationCatalog
        By name of the class, in the order asked for. All have the same samples in the same order.
    variants : DataFrame
        A line for each row x ALT x sample, in the order of the files: ``file``, ``line`` (from 1), ``sample``,
        ``contig``, ``position`` (as written, from 1), ``ref``, ``alt``, ``outcome`` (see `OUTCOMES`), ``class``,
        ``channel`` and ``strand`` (T, U, B or N; empty without transcripts). A row of several events has their classes
        and channels in order, separated by ``;``. The channel of a substitution is that of the first of its classes
        asked for, but of SBS96 if that is among them, or if it is SBS288 or SBS384: they are the channel of SBS96 and
        the strand.
    outcomes : DataFrame (samples, outcomes)
        Lines of ``variants``. Lines that no sample carries are those of the sample ``""``.
    genome : dict
        Name, bytes, build, number of contigs and of bases; empty without one.
    build : str or None
        That of the genome; without one, the one build that the files say they are of; None if it is not known.
    parameters : dict
        The options of the count.
    files : tuple of dict
        Name, bytes and SHA-256 of each file that was read.
    warnings : tuple of str
        What makes the counts doubtful.
    """

    catalogs: dict[str, MutationCatalog]
    variants: pd.DataFrame
    outcomes: pd.DataFrame
    genome: Mapping[str, Any] = field(default_factory=dict)
    build: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()

    save = save_counts


def count_variants(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    genome: str | os.PathLike[str] | None = None,
    *,
    classes: Sequence[str] = ("SBS96", "DBS78", "ID83"),
    filters: str | Sequence[str] = ("PASS", "."),
    samples: str | os.PathLike[str] | None = None,
    regions: str | os.PathLike[str] | None = None,
    doublets: Doublets = "separate",
    mitochondria: bool = False,
    transcripts: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> VariantCounts:
    r"""Count the mutations in variant files by class and channel.

    Alleles are cut to what differs and compared with the genome; insertions and deletions are moved to the left as far
    as they go; substitutions of two adjacent bases of a sample are a doublet, of more neither.
    ``docs/genomics/variants.md`` has the rules.

    Parameters
    ----------
    paths : path or sequence of paths
        VCF, MAF or SigProfiler's text, plain or gzipped, told apart by their content; and folders of such files.
    genome : path, optional
        FASTA (plain, gzip or bgzip) or 2bit. Not needed for SBS96, SBS1536 and DBS78 of MAF files with the column
        CONTEXT.
    classes : sequence of str
        Any of ``CLASSES``.
    filters : "all" or sequence of str
        Values of FILTER that are kept.
    samples : path, optional
        Table with the columns ``path`` and ``sample``: the sample of each file.
    regions : path, optional
        BED file: events outside it are not counted. The place of an event is the first base of a substitution or
        doublet, the first base deleted, or the base after an insertion, after it was moved to the left.
    doublets : str
        ``"separate"`` counts a doublet in DBS78 alone; ``"both"`` adds its two bases to the SBS classes, as
        SigProfilerMatrixGenerator does.
    mitochondria : bool
        Whether to count the mitochondrial genome, too.
    transcripts : path, optional
        Table of gene, transcript, chromosome, strand, start and end: needed for SBS288 and SBS384.
    progress : callable, optional
        See `dnmf.progress.Progress`.

    Returns
    -------
    VariantCounts
        A catalog for each class, and every variant with its outcome.

    Raises
    ------
    InputDataError
        If a file cannot be read or is none of variants, the genome is missing or another one than that of the variants,
        files name two known builds, or nothing is left to count; the message has the reasons.

    Warns
    -----
    DoubtfulDataWarning
        Rows whose REF the genome does not have, contigs that it does not have, samples without a mutation, or with so
        many that they look inherited.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> rows = [
    ...     "Tumor_Sample_Barcode Chromosome Start_Position Reference_Allele Tumor_Seq_Allele2 CONTEXT",
    ...     "tumour 1 1000 C T TTTTACGTTTT",
    ... ]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     maf = Path(folder, "calls.maf")
    ...     _ = maf.write_text("\n".join(rows).replace(" ", "\t"))
    ...     counts = count_variants(maf, classes=["SBS96"])  # a VCF needs the genome
    >>> counts.variants[["position", "outcome", "channel"]].to_numpy().tolist()
    [[1000, 'counted', 'A[C>T]G']]
    >>> int(counts.catalogs["SBS96"].counts.loc["tumour", "A[C>T]G"])
    1
    """
    asked = _checked_classes(classes)
    if doublets not in ("separate", "both"):
        raise InputDataError(f"doublets is 'separate' or 'both', not {doublets!r}.")
    opened = None if genome is None else Genome.open(genome)
    _refuse_missing(asked, paths, genome=opened is not None, transcripts=transcripts is not None)
    parts = count(1)
    said: dict[str, str] = {}  # a file by the build that it names

    def looked_at(part: VariantRows) -> None:
        if opened is not None:
            check_build(part, opened, mitochondria)
        if part.assembly is not None:
            said.setdefault(usual_build(part.assembly), part.source)
            check_one_build(said)
        if progress is not None:
            progress("reading variants", next(parts), 0, float("nan"))

    with recorded_warnings() as messages:
        read = collect(read_variants(paths, samples=samples, filters=filters), looked_at)
        if opened is None and not read.has_context:
            raise InputDataError(
                f"{_sources(read)}: give the genome of the variants as FASTA or 2bit (--genome). Only files that are "
                "all MAF with the column CONTEXT can be counted without it."
            )
        contigs, numbers = _contigs(read, opened)
        options = Options(
            asked,
            doublets == "both",
            mitochondria,
            None if regions is None else regions_by_contig(regions, contigs),
            None if transcripts is None else read_transcripts(transcripts, contigs),
        )
        rows = as_numbers(read, numbers)
        # A genome may have two: hg19 of UCSC has chrM and chrMT.
        names = list(contigs) if opened is None else opened.contigs
        mitochondrial = [number for number, name in enumerate(names) if contig_key(name) == "MT"]
        found = classify(read, rows, opened, mitochondrial, options, progress)
        wrong = found.rows_of("reference_mismatch")
        check_references(read.frame, found.checked, wrong, opened)
        outcomes = _outcomes(read, found)
        if not outcomes["counted"].any():
            why = "\n".join(reason.in_words for reason in reasons(found.table(read.frame)))
            raise InputDataError(
                f"{_sources(read)}: nothing was counted. {why or 'There is no row of a variant.'}"
            )
        _warn_of_doubts(read, found, outcomes, opened)
    return VariantCounts(
        catalogs=found.catalogs(list(outcomes.index), options, _sources(read)),
        variants=found.table(read.frame),
        outcomes=outcomes,
        genome={} if opened is None else opened.record(),
        build=_build(opened, said),
        parameters={
            "classes": list(options.classes),
            "filters": filters if isinstance(filters, str) else list(filters),
            "samples": None if samples is None else os.fspath(samples),
            "regions": None if regions is None else os.fspath(regions),
            "doublets": doublets,
            "mitochondria": mitochondria,
            "transcripts": None if transcripts is None else os.fspath(transcripts),
        },
        files=read.records,
        warnings=tuple(messages),
    )


def _refuse_missing(
    asked: Sequence[str],
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    genome: bool,
    transcripts: bool,
) -> None:
    """Raise an InputDataError if the genome or transcripts were not given, and a class needs them."""
    if not genome and (needed := [name for name in asked if name in _NEED_GENOME]):
        # Where there are no variants, that is the first fault.
        variant_files([paths] if isinstance(paths, str | os.PathLike) else paths)
        raise InputDataError(
            f"For {few(needed)} the genome is needed: give it as FASTA or 2bit (--genome), or ask for other classes "
            "(--classes SBS96,DBS78)."
        )
    if not transcripts and (needed := [name for name in asked if name in _NEED_TRANSCRIPTS]):
        raise InputDataError(f"For {few(needed)} give a table of transcripts (--transcripts).")


def _build(genome: Genome | None, said: Iterable[str]) -> str | None:
    """Return the build of the genome, or the only one that files name, if it is known."""
    if genome is not None and genome.build is not None:
        return genome.build
    builds = list(said)
    return builds[0] if len(builds) == 1 and builds[0] in BUILD_BY_LENGTH_OF_1.values() else None


def _checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys([classes] if isinstance(classes, str) else classes))
    unknown = [name for name in asked if name not in CLASSES]
    if unknown or not asked:
        segments = (
            " CN48 is counted from tables of copy number segments." if "CN48" in asked else ""
        )
        raise InputDataError(
            f"{few(unknown) or 'no class'} cannot be counted from variants: there are {', '.join(CLASSES)}.{segments}"
        )
    return asked


def _contigs(read: Collected, genome: Genome | None) -> tuple[dict[str, int], NDArray[np.int64]]:
    """Return the number of each contig by its key, and that of each contig of the rows (-1: not in the genome).

    Without a genome the contigs are those of the rows.
    """
    written = read.categories("contig")
    if genome is None:
        keys = list(dict.fromkeys(map(contig_key, written)))
        by_key = {key: number for number, key in enumerate(keys)}
        return by_key, np.array([by_key[contig_key(name)] for name in written], dtype=np.int64)
    number = {name: number for number, name in enumerate(genome.contigs)}
    found = [genome.find(name) for name in written]
    numbers = [-1 if name is None else number[name] for name in found]
    return {contig_key(name): number[name] for name in number}, np.array(numbers, dtype=np.int64)


def _outcomes(read: Collected, found: Classified) -> pd.DataFrame:
    """Return the number of lines by sample and outcome."""
    samples = read.categories("sample")
    cells = read.codes("sample") * len(OUTCOMES) + found.outcome
    counts = np.bincount(cells, minlength=len(samples) * len(OUTCOMES))
    return pd.DataFrame(
        counts.reshape(len(samples), len(OUTCOMES)), index=samples, columns=list(OUTCOMES)
    )


def _warn_of_doubts(
    read: Collected, found: Classified, outcomes: pd.DataFrame, genome: Genome | None
) -> None:
    """Warn of contigs that the genome does not have, and of samples without a mutation."""
    if genome is not None and len(rows := found.rows_of("contig")):
        number = np.bincount(read.codes("contig")[rows], minlength=len(read.categories("contig")))
        names = [str(read.categories("contig")[k]) for k in np.flatnonzero(number).tolist()]
        warn_of_contigs(names, number[number > 0].tolist(), genome)
    empty = outcomes.index[(outcomes["counted"] == 0) & (outcomes.index != "")].tolist()
    if empty:
        warn(
            f"nothing was counted of {few(empty)}. What became of the rows is in discarded.tsv (`outcomes`).",
            DoubtfulDataWarning,
            stacklevel=2,
        )


def _sources(read: Collected) -> str:
    """Return the files in words."""
    with_rows = [str(name) for name in read.categories("file")]
    return few(with_rows or [str(record["name"]) for record in read.records])
