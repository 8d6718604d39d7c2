"""Options that several commands share: which reference."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Build(StrEnum):
    """Genome builds of the shipped references."""

    GRCh37 = "GRCh37"
    GRCh38 = "GRCh38"


class MadeFor(StrEnum):
    """What the signatures of a file were made for."""

    GRCh37 = "GRCh37"
    GRCh38 = "GRCh38"
    exome = "GRCh37-exome"


Reference = Annotated[
    str,
    typer.Option(
        "--reference",
        metavar="NAME|FILE|LIST",
        help="A name of `dnmf references`, a file of signatures, or a list such as SBS1,SBS5.",
    ),
]
BuildOption = Annotated[
    Build | None, typer.Option("--build", help="Genome build of the reference.")
]
AssayOption = Annotated[
    str | None,
    typer.Option(
        "--assay",
        metavar="genome|exome|FILE.bed",
        help="What was sequenced; the regions of a panel need --genome.",
    ),
]
GenomeOption = Annotated[
    Path | None,
    typer.Option(
        "--genome",
        metavar="FASTA",
        help="Genome in which the sites of the regions are counted, once (a minute or two).",
    ),
]
MadeForOption = Annotated[
    MadeFor | None,
    typer.Option(
        "--made-for",
        help="What the signatures of a FILE were made for: converts them to --build and --assay.",
    ),
]
