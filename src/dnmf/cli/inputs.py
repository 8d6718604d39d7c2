"""What ``refit`` and ``extract`` are given: catalogs, or variants that are counted first."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dnmf
from dnmf.cli.console import UserError, busy, command_line, say, stdout_console
from dnmf.cli.count import counted, segment_counts, show_counts
from dnmf.cli.options import ReferenceChoice, VariantChoice

if TYPE_CHECKING:
    from rich.console import Console

    from dnmf.classes import ClassAnswers
    from dnmf.classes.answers import Result
    from dnmf.progress import Progress

# Of them a title names so many.
_NAMED_INPUTS = 3


@dataclass(frozen=True)
class Mutations:
    """The catalogs of a command, one of each class.

    Attributes
    ----------
    catalogs : list of MutationCatalog
        In the order given, or counted.
    source : str
        What the inputs are called together.
    several : bool
        Whether the results of several classes were asked for, however many have mutations: each then has a folder in
        the output.
    counts : VariantCounts or None
        What was counted, if variants were given.
    """

    catalogs: "list[dnmf.MutationCatalog]"
    source: str
    several: bool
    reference: ReferenceChoice
    counts: "dnmf.VariantCounts | None" = None

    def reference_options(self, catalog: "dnmf.MutationCatalog") -> dict[str, Any]:
        """Return the arguments of `dnmf.load_reference` for a catalog."""
        given = asdict(self.reference)
        if not self.several and self.counts is None:
            sites = dnmf.classes.known_sites(catalog.schema, given["build"], given["assay"])
            return given | sites
        build = None if self.counts is None else self.counts.build or ""
        return dnmf.classes.class_options(catalog.schema, **given, genome_build=build)

    def load_reference(self, catalog: "dnmf.MutationCatalog") -> "dnmf.SignatureSet":
        """Return the reference of a catalog; counting the sites of a panel takes a minute or two at first."""
        return dnmf.load_reference(**self.reference_options(catalog), channels=catalog.schema)

    @property
    def tables(self) -> dict[str, Callable[[Path], object]]:
        """What writes the files of the count, by name; empty if nothing was counted."""
        from dnmf.variants.save import count_tables

        return {} if self.counts is None else count_tables(self.counts)

    def show_counts(self) -> None:
        """Print what became of the variants, if any were counted."""
        if self.counts is not None:
            show_counts(self.counts)


def read_mutations(
    inputs: Sequence[Path],
    reference: ReferenceChoice,
    variants: VariantChoice,
    console: "Console",
    *,
    quiet: bool,
) -> Mutations:
    """Read catalogs, or count variants; what a file is is told by its content."""
    from dnmf.report.findings import listing
    from dnmf.variants.detect import holds_variants

    source = listing([path.name or str(path) for path in inputs], _NAMED_INPUTS)
    if (segments := segment_counts(inputs)) is not None:
        _refuse_variant_options(variants, source)
        return Mutations([segments], source, False, reference)
    kinds = [holds_variants(path) for path in inputs]
    if any(kinds):
        if not all(kinds):
            raise UserError(
                f"{inputs[kinds.index(False)]} is a table, {inputs[kinds.index(True)]} holds variants. Give "
                "catalogs or variants, not both."
            )
        counts = counted(
            inputs, reference.genome, variants, console, quiet=quiet, regions=reference.regions
        )
        catalogs = list(counts.catalogs.values())
        return Mutations(catalogs, source, variants.several, reference, counts)
    _refuse_variant_options(variants, source)
    with busy("Reading ...", console, quiet=quiet):
        catalogs = [dnmf.read_catalog(path) for path in inputs]
    files: dict[str, Path] = {}
    for path, catalog in zip(inputs, catalogs, strict=True):
        first = files.setdefault(catalog.schema.name, path)
        if first is not path:
            raise UserError(
                f"{first} and {path} both have {catalog.schema.name} channels. Give one catalog for each class."
            )
    return Mutations(catalogs, source, len(catalogs) > 1, reference)


def _refuse_variant_options(variants: VariantChoice, source: str) -> None:
    if variants.given:
        raise UserError(
            f"{variants.given[0]} says how variants are counted, but {source} is counted already. Leave it out, "
            "or give variants."
        )


def answer_and_save(
    mutations: Mutations,
    answer: "Callable[[dnmf.MutationCatalog, Progress], Result]",
    show: "Callable[[Result, Path], None]",
    output: Path,
    console: "Console",
    messages: list[str],
    *,
    per_channel: float = 0.0,
    per_mutation: bool = False,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Answer a catalog, or each of several, write and show the result; ``messages`` are the warnings so far.

    With ``per_mutation`` the files of the count say which signature made each variant.
    """
    from dnmf.classes import ClassAnswers, answer_classes, result_files, save_classes
    from dnmf.cli.progress import TrainingProgress

    before, command = list(messages), command_line()
    with TrainingProgress(console, quiet=quiet) as progress:
        if mutations.several:
            found = answer_classes(
                mutations.catalogs,
                lambda catalog: answer(catalog, _named(progress, catalog)),
                per_channel=per_channel,
            )
            answers = ClassAnswers(*found, mutations.source, mutations.counts, before)
        else:
            # The record of the run holds the warnings of reading, too.
            result = replace(answer(mutations.catalogs[0], progress), warnings=messages)
    tables = mutations.tables
    if per_mutation and mutations.counts is not None:
        results = found[0] if mutations.several else {result.catalog.schema.name: result}
        with busy("Signatures of the variants ...", console, quiet=quiet):
            tables = dnmf.classes.mutation_tables(mutations.counts, results)
    with busy("Writing the report ...", console, quiet=quiet):
        if mutations.several:
            page = save_classes(
                answers, output, overwrite=overwrite, command=command, tables=tables
            )
        else:
            files = result_files(result, command)
            page = files.write(output, overwrite=overwrite, beside=tables)
    if quiet:
        return
    mutations.show_counts()
    if mutations.several:
        _show_classes(answers, page)
    else:
        show(result, page)
    if per_mutation:
        named = [
            str(page.parent / name) for name in ("variants.tsv.gz", "annotated") if name in tables
        ]
        say(f"Signatures of the variants: {' and '.join(named)}")


def _named(progress: "Progress", catalog: "dnmf.MutationCatalog") -> "Progress":
    """Return a progress whose phases begin with the class."""
    return lambda phase, *step: progress(f"{catalog.schema.name}, {phase}", *step)


def _show_classes(answers: "ClassAnswers", page: Path) -> None:
    """Print one row for each class, why others have none, and the path of the report."""
    from rich.table import Table

    from dnmf.classes.answers import NO_MUTATIONS
    from dnmf.classes.page import class_row

    table = Table(title="Signatures by class")
    table.add_column("Class")
    for name in ("Samples", "Mutations"):
        table.add_column(name, justify="right")
    table.add_column("Signatures, most mutations first")
    table.add_column("Unassigned", justify="right")
    for name, result in answers.results.items():
        row = class_row(name, result)
        table.add_row(
            name,
            f"{row['samples']:,}",
            f"{row['mutations']:,.0f}",
            f"{row['found']}: {row['names']}",
            f"{row['unassigned']:.1%}",
        )
    stdout_console().print(table)
    references = "; ".join(
        dict.fromkeys(result.reference.source or "own" for result in answers.results.values())
    )
    if answers.counts is not None:
        genome = answers.counts.genome.get("name", "none")
        build = answers.counts.build or "not known"
        say(f"Genome: {genome}, build {build}. Reference: {references}")
    else:
        say(f"Reference: {references}")
    for name, reason in answers.left_out.items():
        if reason == NO_MUTATIONS:  # of others there is a warning
            say(f"{name} has no answer: {reason}")
    say(f"Report: {page}")
