"""An extraction that a reference guides: what ``dnmf extract`` without ``-k`` and ``dnmf demo`` do."""

from pathlib import Path
from typing import TYPE_CHECKING

import dnmf
from dnmf.cli.cluster import Computing
from dnmf.cli.console import number_of, say, stdout_console
from dnmf.cli.inputs import Mutations, answer_and_save

if TYPE_CHECKING:
    from rich.console import Console

    from dnmf.progress import Progress


def guided(
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
