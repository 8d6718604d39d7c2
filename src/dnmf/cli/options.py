"""Arguments and options that several commands share."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print warnings and errors only.")]
Seed = Annotated[
    int, typer.Option("--seed", min=0, max=2**32 - 1, help="The same seed gives the same result.")
]


@dataclass(frozen=True)
class ReferenceChoice:
    """``--reference`` and the options beside it; `with_reference` gives them to a command."""

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
            metavar="FASTA",
            help="Genome in which the sites of the regions are counted, once (a minute or two).",
        ),
    ] = None
    made_for: Annotated[
        str | None,
        typer.Option(
            "--made-for",
            metavar="GRCh37|GRCh38|GRCh37-exome",
            help="What the signatures of a FILE were made for: converts them to --build and --assay.",
        ),
    ] = None

    def load(self, channels: "dnmf.signatures.ChannelSchema | None" = None) -> "dnmf.SignatureSet":
        """Return the signatures, of these channels; counting the sites of a panel takes a minute or two at first."""
        return dnmf.load_reference(**asdict(self), channels=channels)

    @property
    def files(self) -> tuple[Path, ...]:
        """Return what may be the path of an input, which the output must not replace."""
        names = (self.reference, *self.reference.split(","), self.assay, self.genome)
        return tuple(Path(str(name).strip()) for name in dict.fromkeys(names) if name)


def with_reference(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ReferenceChoice` in place of its parameter ``reference``."""
    choice = inspect.signature(ReferenceChoice).parameters

    @wraps(command)
    def with_options(**given: Any) -> None:
        reference = ReferenceChoice(**{name: given.pop(name) for name in choice})
        command(**given, reference=reference)

    own = inspect.signature(command).parameters
    options = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in own.items()
        for option in (choice.values() if name == "reference" else [parameter])
    ]
    vars(with_options)["__signature__"] = inspect.Signature(options)
    return with_options
