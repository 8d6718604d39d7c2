"""``dnmf match``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import dnmf
from dnmf.cli.console import (
    STDOUT,
    put_table,
    shown_warnings,
    stderr_console,
    stdout_console,
    user_errors,
)
from dnmf.cli.options import Overwrite, ReferenceChoice, with_choices
from dnmf.cli.paths import check_output_file, restore
from dnmf.storage import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


@with_choices
def match(
    signatures: Annotated[Path, typer.Argument(metavar="SIGNATURES", help="A file of signatures.")],
    reference: ReferenceChoice,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Also write the table (TSV); - for standard output, in place of the table for the eye.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Name the references nearest to signatures."""
    with user_errors(), shown_warnings(stderr_console()):
        inputs = (signatures, *reference.files)
        restore(*inputs)
        if output is not None:
            check_output_file(output, overwrite=overwrite, inputs=inputs)
        found = dnmf.read_signatures(signatures)
        known = reference.load(found.schema)
        matches = dnmf.match_to_reference(found, known)
        if output is not None:
            text = matches.to_csv(sep="\t", index=False, lineterminator="\n")
            if output == STDOUT:
                put_table(text)
                return
            write_whole(output, text)
        stdout_console().print(_matches_table(matches, known))


def _matches_table(matches: "pd.DataFrame", reference: "dnmf.SignatureSet") -> "Table":
    """Return the matches as a table for the terminal."""
    from rich.table import Table

    weak = not matches["assigned"].all()
    table = Table(
        title=f"Compared with {reference.source}",
        caption="weak: the closest, but too different to count as a match" if weak else None,
    )
    table.add_column("Signature")
    table.add_column("Best match")
    table.add_column("Cosine", justify="right")
    for row in matches.to_dict("records"):
        best = f"{row['reference']}{'' if row['assigned'] else ' (weak)'}"
        table.add_row(str(row["found"]), best, f"{row['cosine']:.3f}")
    return table
