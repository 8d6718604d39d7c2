"""From variants to catalogs: every row is counted, or has a word that says why not."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from dnmf.progress import Progress
from dnmf.signatures import MutationCatalog
from dnmf.variants.save import save_counts

Doublets = Literal["separate", "both"]
CLASSES = ("SBS96", "DBS78", "ID83", "SBS288", "SBS384", "SBS1536")
"""Classes that can be counted from variants."""


@dataclass(frozen=True, eq=False)
class VariantCounts:
    """Catalogs of all classes, and every variant that was read with its outcome.

    Attributes
    ----------
    catalogs : dict of MutationCatalog
        By name of the class, in the order asked for. All have the same samples in the same order.
    variants : DataFrame
        A line for each row x ALT x sample, in the order of the files: ``file``, ``line`` (from 1), ``sample``,
        ``contig``, ``position`` (from 1, as written), ``ref``, ``alt``, ``outcome`` (see `OUTCOMES`), ``class``,
        ``channel`` and ``strand`` (T, U, B or N; empty without transcripts). A row of several events has their classes
        and channels in order, separated by ``;``.
    outcomes : DataFrame (samples, outcomes)
        Lines of ``variants``.
    genome : dict
        Name, build, contigs and size of the genome; empty without one.
    parameters : dict
        The options of the count.
    warnings : tuple of str
        What makes the counts doubtful.
    """

    catalogs: dict[str, MutationCatalog]
    variants: pd.DataFrame
    outcomes: pd.DataFrame
    genome: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
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
    """Count the mutations of variant files by class and channel."""
    raise NotImplementedError(Path)
