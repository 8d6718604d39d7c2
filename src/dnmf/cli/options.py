"""Arguments and options that several commands share."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

import dnmf

CatalogPath = Annotated[
    Path,
    typer.Argument(
        metavar="CATALOG",
        help="Mutation counts, channels by samples: SBS96, DBS78, ID83, CN48, SV32, SBS288, SBS384, SBS1536.",
    ),
]
OutputFolder = Annotated[
    Path, typer.Option("-o", "--output", metavar="OUT", help="Folder to create for the results.")
]
Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="INPUT",
        help="Mutation counts, channels by samples, a file for each class (SBS96, DBS78, ID83, CN48, SV32); or files "
        "and folders of variants: VCF, MAF, SigProfiler's text.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print warnings and errors only.")]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", min=0, max=2**32 - 1, metavar="N", help="The same seed gives the same result."
    ),
]


@dataclass(frozen=True)
class ReferenceChoice:
    """``--reference`` and the options beside it; `with_choices` gives them to a command."""

    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            metavar="NAME|FILE|LIST",
            help="A name of `dnmf references`, a file of signatures, or a list of these such as SBS1,own.tsv.",
        ),
    ] = "cosmic-v3.4"
    exclude: Annotated[
        str,
        typer.Option(
            "--exclude",
            metavar="NAMES",
            help="Signatures to leave out, such as SBS5,artefacts (what COSMIC takes for artefacts).",
            show_default=False,
        ),
    ] = ""
    build: Annotated[
        str | None,
        typer.Option(
            "--build",
            metavar="GRCh37|GRCh38",
            help="Genome build of the reference; hg19, hg38 will do.",
        ),
    ] = None
    assay: Annotated[
        str | None,
        typer.Option(
            "--assay",
            metavar="genome|exome|FILE.bed",
            help="What was sequenced; the regions of a panel need --genome.",
        ),
    ] = None
    genome: Annotated[
        Path | None,
        typer.Option(
            "--genome",
            metavar="FASTA|2BIT",
            help="The genome: variants are counted in it, and the sites of a panel's regions, once (a minute or two).",
        ),
    ] = None
    made_for: Annotated[
        str | None,
        typer.Option(
            "--made-for",
            metavar="GRCh37|GRCh38|GRCh37-exome|GRCh38-exome",
            help="What the signatures of a FILE were made for: converts them to --build and --assay.",
        ),
    ] = None

    @property
    def is_none(self) -> bool:
        """Whether no reference is wanted."""
        return self.reference.strip().lower() == "none"

    def load(self, channels: "dnmf.signatures.ChannelSchema | None" = None) -> "dnmf.SignatureSet":
        """Return the signatures, of these channels; counting the sites of a panel takes a minute or two at first."""
        return dnmf.load_reference(**asdict(self), channels=channels)

    @property
    def regions(self) -> Path | None:
        """The BED file of a panel, if the assay is one."""
        given = self.assay or ""
        return None if given.lower() in ("", "genome", "exome") else Path(given)

    @property
    def files(self) -> tuple[Path, ...]:
        """Return what may be the path of an input, which the output must not replace."""
        names = (self.reference, *self.reference.split(","), self.assay, self.genome)
        return tuple(Path(str(name).strip()) for name in dict.fromkeys(names) if name)


class Doublets(StrEnum):
    """Whether the halves of a doublet are substitutions, too."""

    separate = "separate"
    both = "both"


@dataclass(frozen=True)
class VariantChoice:
    """How variants are counted, the same for every command that takes them."""

    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            metavar="LIST",
            help="Of variants: the classes to count, of SBS96, DBS78, ID83, SBS288, SBS384 and SBS1536. refit and "
            "extract write a folder in OUT for each of several, and into OUT itself for one.",
            show_default="SBS96,DBS78,ID83",
        ),
    ] = None
    filters: Annotated[
        str | None,
        typer.Option(
            "--filters",
            metavar="LIST|all",
            help="Of variants: the values of FILTER that are kept.",
            show_default="PASS,.",
        ),
    ] = None
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples",
            metavar="SHEET",
            help="Of variants: a table with the columns path and sample, which names the sample of each file.",
        ),
    ] = None
    doublets: Annotated[
        Doublets | None,
        typer.Option(
            "--doublets",
            metavar="separate|both",
            help="Of variants: `both` counts the halves of a doublet as substitutions, too, as SigProfiler does.",
            show_default="separate",
        ),
    ] = None
    mitochondria: Annotated[
        bool, typer.Option("--mitochondria", help="Of variants: count mitochondrial ones, too.")
    ] = False

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        return [f"--{name}" for name, value in vars(self).items() if value]

    @property
    def several(self) -> bool:
        """Whether more than one class is asked for."""
        return self.classes is None or len(set(_words(self.classes))) > 1

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of `dnmf.count_variants`: those that were given."""
        given = {name: value for name, value in vars(self).items() if value}
        if self.classes is not None:
            given["classes"] = _words(self.classes)
        if self.filters is not None:
            everything = self.filters.strip().lower() == "all"
            given["filters"] = "all" if everything else _words(self.filters)
        if self.doublets is not None:
            given["doublets"] = self.doublets.value
        return given


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a choice, such as `ReferenceChoice`, in place of a parameter of its type."""
    own = inspect.signature(command).parameters
    choices = {
        name: (parameter.annotation, inspect.signature(parameter.annotation).parameters)
        for name, parameter in own.items()
        if isinstance(parameter.annotation, type) and is_dataclass(parameter.annotation)
    }

    @wraps(command)
    def with_options(**given: Any) -> None:
        chosen = {
            name: kind(**{option: given.pop(option) for option in options})
            for name, (kind, options) in choices.items()
        }
        command(**given, **chosen)

    options = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in own.items()
        for option in (choices[name][1].values() if name in choices else [parameter])
    ]
    vars(with_options)["__signature__"] = inspect.Signature(options)
    return with_options
