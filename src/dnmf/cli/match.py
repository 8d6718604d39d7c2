"""``dnmf match`` and ``dnmf transform``, and the table of matches that ``extract`` ends with."""

from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from dnmf.cli.console import shown_warnings, stderr_console, stdout_console
from dnmf.cli.paths import check_output_file
from dnmf.signatures import (
    SignatureSet,
    load_reference,
    match_to_reference,
    read_catalog,
    read_signatures,
    write_exposures,
)
from dnmf.storage import write_whole


def matches_table(matches: pd.DataFrame, reference: SignatureSet) -> Table:
    """Return the matches as a table for the terminal, with their ``share`` if they have one."""
    weak = not matches["assigned"].all()
    table = Table(
        title=f"Compared with {escape(reference.source)}",
        caption="weak: the closest, but too different to count as a match" if weak else None,
    )
    table.add_column("Signature")
    table.add_column("Best match")
    table.add_column("Cosine", justify="right")
    with_share = "share" in matches.columns
    if with_share:
        table.add_column("Share of mutations", justify="right")
    for row in matches.to_dict("records"):
        best = f"{row['reference']}{'' if row['assigned'] else ' (weak)'}"
        cells = [escape(str(row["found"])), escape(best), f"{row['cosine']:.3f}"]
        table.add_row(*cells, *([f"{row['share']:.1%}"] if with_share else []))
    return table


def run_match(signatures: Path, reference: str, output: Path | None, *, overwrite: bool) -> None:
    """Match a file of signatures with a reference; print the table and write it when asked."""
    if output is not None:
        check_output_file(output, overwrite=overwrite)
    with shown_warnings(stderr_console()):
        known = load_reference(reference)
        matches = match_to_reference(read_signatures(signatures), known)
    if output is not None:
        write_whole(output, matches.to_csv(sep="\t", index=False))
    stdout_console().print(matches_table(matches, known))


def run_transform(model_path: Path, catalog_path: Path, output: Path, *, overwrite: bool) -> None:
    """Write the exposures of a catalog by a saved network."""
    check_output_file(output, overwrite=overwrite)
    with shown_warnings(stderr_console()):
        catalog = read_catalog(catalog_path)

        from dnmf.estimators import load_model
        from dnmf.extraction import transform_catalog

        model, metadata = load_model(model_path)
        exposures = transform_catalog(model, metadata, catalog)
    write_exposures(exposures, output)
    stdout_console().print(f"{len(exposures)} samples: {output}", markup=False, soft_wrap=True)
