"""An extraction with a number of signatures: what ``dnmf extract -k`` and ``dnmf report`` do."""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dnmf
from dnmf.cli.cluster import Computing
from dnmf.cli.console import UserError, busy, command_line, number_of, say, stdout_console
from dnmf.cli.inputs import Mutations
from dnmf.cli.numbers import parse_numbers, parse_penalty

if TYPE_CHECKING:
    from rich.console import Console

# Estimated seconds above which a run is announced.
LONG_SECONDS = 10.0
_LAYERS = 10

Preset = StrEnum("Preset", ["default", "paper"])


@dataclass(frozen=True)
class BlindChoice:
    """``-k`` and the options that go with it; `with_choices` gives them to a command."""

    n_signatures: Annotated[
        Any,
        typer.Option(
            "-k",
            "--n-signatures",
            parser=parse_numbers,
            metavar="K",
            help="Extract blindly, so many: 12, or to choose from 2:15 or 3,5,8.",
            show_default="guided by the reference",
        ),
    ] = None
    restarts: Annotated[
        int | None,
        typer.Option(
            "--restarts",
            min=0,
            metavar="N",
            help="With -k: resampled restarts for every K; 0: extract once.",
            show_default="20, or 0 with --preset paper",
        ),
    ] = None
    l1: Annotated[
        Any,
        typer.Option(
            "--l1",
            parser=parse_penalty,
            metavar="NUMBER|auto",
            help="With -k: penalty on the sum of exposures, in mutations.",
            show_default="0",
        ),
    ] = None
    l2: Annotated[
        Any,
        typer.Option(
            "--l2",
            parser=parse_penalty,
            metavar="NUMBER|auto",
            help="With -k: penalty on half the sum of squared exposures.",
            show_default="0",
        ),
    ] = None
    layers: Annotated[
        int | None,
        typer.Option(
            "--layers",
            min=1,
            metavar="N",
            help="With -k: layers of the network.",
            show_default=str(_LAYERS),
        ),
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            metavar="N",
            help="With -k: training steps; with --preset paper epochs.",
            show_default="300; paper 500",
        ),
    ] = None
    preset: Annotated[
        Preset,
        typer.Option("--preset", help="With -k: `paper` trains as Nasser, Eldar and Sharan 2021."),
    ] = Preset.default

    @property
    def given(self) -> list[str]:
        """The options beside ``-k`` that were given."""
        return [
            f"--{name}"
            for name, value in vars(self).items()
            if name != "n_signatures" and value not in (None, Preset.default)
        ]

    @property
    def model(self) -> "dnmf.DNMF | dnmf.PaperDNMF":
        """The estimator that extracts."""
        layers = self.layers or _LAYERS
        if self.preset is Preset.paper:
            paper = dnmf.PaperDNMF(n_layers=layers)
            return paper if self.epochs is None else paper.set_params(max_epochs=self.epochs)
        model = dnmf.DNMF(n_layers=layers)
        return model if self.epochs is None else model.set_params(n_steps=self.epochs)


def started(
    mutations: Mutations,
    output: Path,
    choice: BlindChoice,
    *,
    seed: int,
    overwrite: bool,
) -> "dnmf.extraction.ExtractionRun":
    """Return the run, begun or taken up where an earlier one was interrupted."""
    if mutations.several:
        raise UserError(
            "-k gives the number of signatures of one class. Give one catalog, or choose the class of the "
            "variants, such as --classes SBS96."
        )
    (counts,) = mutations.catalogs
    return dnmf.extraction.ExtractionRun.start(
        output,
        counts,
        n_signatures=choice.n_signatures,
        n_restarts=choice.restarts,
        random_state=seed,
        reference=None if mutations.reference.is_none else mutations.reference_options(counts),
        overwrite=overwrite,
        command=command_line(),
        l1_reg=0.0 if choice.l1 is None else choice.l1,
        l2_reg=0.0 if choice.l2 is None else choice.l2,
        model=choice.model,
    )


def announce(run: "dnmf.extraction.ExtractionRun", console: "Console", workers: int) -> None:
    """Say how long a long run will take, and how much memory."""
    from dnmf.cli.progress import duration

    left = run.estimate(workers)
    if left.seconds < LONG_SECONDS:
        return
    total = len(run.arguments["n_signatures"]) * (1 + run.arguments["n_restarts"])
    done = f"{total - left.fits} of {total} fits are done; " if left.fits < total else ""
    console.print(
        f"{done}{left.fits} fits to do: about {duration(left.seconds)} with {workers} "
        f"{'worker' if workers == 1 else 'workers'}, {left.bytes / 1e9:.1f} GB of memory."
    )
    console.print(
        "It may be interrupted at any time: the same command goes on from there. `dnmf report "
        f"{run.output}` in another window reports what is finished."
    )


def carry_out(
    run: "dnmf.extraction.ExtractionRun",
    console: "Console",
    messages: list[str],
    mutations: Mutations | None,
    computing: Computing,
    *,
    overwrite: bool = False,
    quiet: bool,
) -> None:
    """Extract, write everything and show the result."""
    from dnmf.cli.progress import TrainingProgress

    with TrainingProgress(console, quiet=quiet) as progress:
        result = run.extract(progress=progress, **computing)
    # With the warnings of reading the catalog: they belong to the record of the run.
    result = replace(result, warnings=list(messages))
    with busy("Writing the report ...", console, quiet=quiet):
        beside = {} if mutations is None else mutations.tables
        page = run.save(result, overwrite=overwrite, beside=beside)
    if quiet:
        return
    if mutations is not None:
        mutations.show_counts()
    _show(result, page)


def _show(result: "dnmf.ExtractionResult", page: Path) -> None:
    """Print how many signatures there are, what they are made of, the quality of the fit and the path of the report."""
    from dnmf.extraction.selection_findings import choice_summary

    if result.selection is not None and len(result.selection.table) > 1:
        say(choice_summary(result))
    if result.unfinished:
        numbers = ", ".join(map(str, result.unfinished))
        say(f"Partial: not finished yet are {numbers} signatures.")
    if result.layer is not None:
        _show_layer(result, result.layer)
    say(
        f"Median cosine between spectrum and reconstruction: {result.fit['cosine'].median():.4f} "
        f"({number_of(len(result.fit), 'sample')}, {result.seconds['total']:.1f} s)"
    )
    say(f"Report: {page}")


def _show_layer(result: "dnmf.ExtractionResult", layer: "dnmf.extraction.SecondLayer") -> None:
    """Print what each signature is made of, and which known and novel ones there are."""
    from rich.table import Table

    known = result.reference
    table = Table(title=f"Made of {known.source if known and known.source else 'the reference'}")
    table.add_column("Signature")
    table.add_column("Share of mutations", justify="right")
    table.add_column("Made of")
    table.add_column("Cosine", justify="right")
    shares = result.matches.set_index("found")["share"].to_dict()
    novel = layer.decomposition.novel
    for name, row in layer.decomposition.summary.iterrows():
        made_of = f"novel; closest: {row['references']}" if name in novel else row["references"]
        table.add_row(str(name), f"{shares[name]:.1%}", made_of, f"{row['cosine']:.3f}")
    stdout_console().print(table)
    say(f"Known: {', '.join(layer.known) or 'none'}. Novel: {', '.join(layer.novel) or 'none'}.")
