"""``dnmf extract``, ``dnmf report`` and ``dnmf demo``."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import dnmf
from dnmf.cli.cluster import Computing, NWorkers, Scheduler, connected
from dnmf.cli.console import (
    UserError,
    busy,
    command_line,
    number_of,
    say,
    shown_warnings,
    stderr_console,
    stdout_console,
    user_errors,
)
from dnmf.cli.inputs import Mutations, answer_and_save, read_mutations
from dnmf.cli.numbers import parse_numbers, parse_penalty
from dnmf.cli.options import (
    Inputs,
    OutputFolder,
    Overwrite,
    Quiet,
    ReferenceChoice,
    Seed,
    VariantChoice,
    with_choices,
)
from dnmf.cli.paths import check_result_folder
from dnmf.report.folder import checkpoint_folder

if TYPE_CHECKING:
    from rich.console import Console

    from dnmf.progress import Progress

# Estimated seconds above which a run is announced.
LONG_SECONDS = 10.0
_LAYERS = 10


Preset = StrEnum("Preset", ["default", "paper"])


@with_choices
def extract(
    inputs: Inputs,
    output: OutputFolder,
    reference: ReferenceChoice,
    variants: VariantChoice,
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
    ] = None,
    restarts: Annotated[
        int | None,
        typer.Option(
            "--restarts",
            min=0,
            metavar="N",
            help="With -k: resampled restarts for every K; 0: extract once.",
            show_default="20, or 0 with --preset paper",
        ),
    ] = None,
    workers: NWorkers = None,
    scheduler: Scheduler = None,
    l1: Annotated[
        Any,
        typer.Option(
            "--l1",
            parser=parse_penalty,
            metavar="NUMBER|auto",
            help="With -k: penalty on the sum of exposures, in mutations.",
            show_default="0",
        ),
    ] = None,
    l2: Annotated[
        Any,
        typer.Option(
            "--l2",
            parser=parse_penalty,
            metavar="NUMBER|auto",
            help="With -k: penalty on half the sum of squared exposures.",
            show_default="0",
        ),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(
            "--layers",
            min=1,
            metavar="N",
            help="With -k: layers of the network.",
            show_default=str(_LAYERS),
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=1,
            metavar="N",
            help="With -k: training steps; with --preset paper epochs.",
            show_default="300; paper 500",
        ),
    ] = None,
    preset: Annotated[
        Preset,
        typer.Option("--preset", help="With -k: `paper` trains as Nasser, Eldar and Sharan 2021."),
    ] = Preset.default,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find known and novel signatures, or with -k as many as given; write tables and report."""
    errors = stderr_console()
    if n_signatures is None:
        blind_only = {
            "--restarts": restarts,
            "--l1": l1,
            "--l2": l2,
            "--layers": layers,
            "--epochs": epochs,
            "--preset": None if preset is Preset.default else preset,
        }
        with user_errors(output), shown_warnings(errors) as messages:
            _check_guided(reference, blind_only)
            check_result_folder(output, overwrite=overwrite, inputs=(*inputs, *reference.files))
            mutations = read_mutations(inputs, reference, variants, errors, quiet=quiet)
            with connected(scheduler, workers) as computing:
                _guided(
                    mutations, output, errors, messages, computing,
                    seed=seed, overwrite=overwrite, quiet=quiet,
                )  # fmt: skip
        return
    with user_errors(output, checkpoint_folder(output)), shown_warnings(errors) as messages:
        # Whether an earlier report may be replaced is known once the catalog has been read.
        check_result_folder(output, overwrite=True, inputs=(*inputs, *reference.files))
        mutations = read_mutations(inputs, reference, variants, errors, quiet=quiet)
        if mutations.several:
            raise UserError(
                "-k gives the number of signatures of one class. Give one catalog, or choose the class of the "
                "variants, such as --classes SBS96."
            )
        (counts,) = mutations.catalogs
        options = None if _is_none(reference) else mutations.reference_options(counts)
        with busy("Reading ...", errors, quiet=quiet):
            run = dnmf.extraction.ExtractionRun.start(
                output,
                counts,
                n_signatures=n_signatures,
                n_restarts=restarts,
                random_state=seed,
                reference=options,
                overwrite=overwrite,
                command=command_line(),
                l1_reg=0.0 if l1 is None else l1,
                l2_reg=0.0 if l2 is None else l2,
                model=_model(preset, layers or _LAYERS, epochs),
            )
        with connected(scheduler, workers) as computing:
            if run.checkpoint is not None and not quiet:
                _announce(run, errors, computing["workers"])
            _carry_out(
                run, errors, messages, mutations, computing, overwrite=overwrite, quiet=quiet
            )


def report(
    output: Annotated[
        Path, typer.Argument(metavar="OUT", help="The output folder of `dnmf extract`.")
    ],
    quiet: Quiet = False,
) -> None:
    """Report what an extraction with -k has finished so far."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors) as messages:
        check_result_folder(output, overwrite=True)
        run = dnmf.extraction.ExtractionRun.finished(output)
        _carry_out(run, errors, messages, None, {"workers": 1, "executor": None}, quiet=quiet)


def demo(
    output: OutputFolder = Path("demo-output"),
    seed: Seed = 0,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Find the signatures of 21 breast cancer genomes that come with dnmf."""
    errors = stderr_console()
    with user_errors(output), shown_warnings(errors) as messages:
        check_result_folder(output, overwrite=overwrite)
        counts = dnmf.example_catalog()
        mutations = Mutations([counts], counts.source, several=False, reference=ReferenceChoice())
        with connected(None, None) as computing:
            _guided(
                mutations, output, errors, messages, computing,
                seed=seed, overwrite=overwrite, quiet=quiet,
            )  # fmt: skip


def _is_none(reference: ReferenceChoice) -> bool:
    return reference.reference.strip().lower() == "none"


def _check_guided(reference: ReferenceChoice, blind_only: dict[str, object]) -> None:
    """Raise unless the options are those of an extraction that a reference guides."""
    given = [option for option, value in blind_only.items() if value is not None]
    if given:
        raise UserError(
            f"{given[0]} is an option of extraction with a number of signatures: give -k, too, such as -k 2:15, or "
            f"leave {given[0]} out."
        )
    if _is_none(reference):
        raise UserError(
            "--reference none: without -k the reference guides the extraction. Give one, such as --reference "
            "cosmic-v3.4, or the number of signatures, such as -k 2:15."
        )


def _guided(
    mutations: Mutations,
    output: Path,
    console: "Console",
    messages: list[str],
    computing: Computing,
    *,
    seed: int,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Extract with the help of a reference, write everything and show the result."""

    def answer(catalog: "dnmf.MutationCatalog", progress: "Progress") -> "dnmf.GuidedResult":
        known = mutations.load_reference(catalog)
        return dnmf.guided_extraction(
            catalog, known, random_state=seed, progress=progress, **computing
        )

    answer_and_save(
        mutations, answer, _show_guided, output, console, messages,
        per_channel=dnmf.criteria.MIN_EXTRACTED_PER_CHANNEL, overwrite=overwrite, quiet=quiet,
    )  # fmt: skip


def _show_guided(result: "dnmf.GuidedResult", page: Path) -> None:
    """Print the signatures with their evidence, the matches of novel ones, and the path of the report."""
    from rich.table import Table

    from dnmf.extraction.guided_findings import by_mutations, found_in_words, near_equivalents

    table = Table(title=f"Signatures, known from {result.reference.source or 'the reference'}")
    table.add_column("Signature")
    table.add_column("Share of mutations", justify="right")
    table.add_column("Samples", justify="right")
    table.add_column("Evidence (nats)", justify="right")
    table.add_column("Would do as well")
    for name, row in by_mutations(result.evidence).iterrows():
        cells = [f"{row['share']:.1%}", f"{row['samples']:,}", f"{row['nats']:,.0f}"]
        table.add_row(str(name), *cells, "; ".join(near_equivalents(result, str(name))))
    stdout_console().print(table)
    for match in result.matches.to_dict("records"):
        mixture = f"{match['decomposition']} together {match['decomposition_cosine']:.2f}"
        say(
            f"{match['found']} is novel; closest: {match['reference']} {match['cosine']:.2f}"
            f"{f'; {mixture}' if match['decomposition'] else ''}"
        )
    say(
        f"{found_in_words(result)} ({number_of(len(result.catalog.counts), 'sample')}, "
        f"{result.seconds['total']:.1f} s)"
    )
    say(f"Report: {page}")


def _model(preset: Preset, layers: int, epochs: int | None) -> "dnmf.DNMF | dnmf.PaperDNMF":
    if preset is Preset.paper:
        paper = dnmf.PaperDNMF(n_layers=layers)
        return paper if epochs is None else paper.set_params(max_epochs=epochs)
    model = dnmf.DNMF(n_layers=layers)
    return model if epochs is None else model.set_params(n_steps=epochs)


def _announce(run: "dnmf.extraction.ExtractionRun", console: "Console", workers: int) -> None:
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


def _carry_out(
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
