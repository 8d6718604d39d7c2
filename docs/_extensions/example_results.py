"""Results of the example genomes, made before the site is built: pictures, and whole runs, for docs/genomics."""

import csv
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import dnmf
from dnmf.plotting import save_figure

# Below docs, since pages show them. They are made once, until the folder is removed.
PICTURES = Path("_build", "example")
RUNS = ("guided", "blind")


def make(app: Sphinx) -> None:
    """Extract the signatures of the example genomes, guided and blind, and draw what the pages explain."""
    folder = Path(app.srcdir) / PICTURES
    if folder.exists():
        return
    unfinished = folder.with_name("example.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    catalog = dnmf.example_catalog()
    guided = dnmf.guided_extraction(catalog, "cosmic-v3.4")
    blind = dnmf.extract_signatures(catalog, range(2, 9), n_restarts=5, reference="cosmic-v3.4")
    guided.save(unfinished / "guided")
    blind.save(unfinished / "blind")
    some = dnmf.plot_signatures(guided.signatures.select(guided.known[:6]))
    save_figure(some, unfinished / "signatures.png", dpi=90)
    unfinished.rename(folder)


def compare_words(app: Sphinx) -> None:
    """Raise an error unless the page on reports names the unstable signatures of the blind run, with silhouettes."""
    source = Path(app.srcdir)
    with (source / PICTURES / "blind" / "verdicts.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["verdict"] == "unstable"]
    found = " and ".join(f"{r['signature']} ({float(r['silhouette']):.2f})" for r in rows)
    words = (source / "genomics" / "reading.md").read_text("utf-8").replace("\u2212", "-")
    if found not in " ".join(words.split()):
        raise ExtensionError(
            f"genomics/reading.md: the unstable signatures of the example are {found}"
        )


def copy_runs(app: Sphinx, error: Exception | None) -> None:
    """Put all files of the runs beside the pages that show their reports."""
    if error is None and app.builder.format == "html":
        for kind in RUNS:
            shutil.copytree(
                Path(app.srcdir) / PICTURES / kind,
                app.outdir / "genomics" / f"example-{kind}",
                dirs_exist_ok=True,
            )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both with the build."""
    app.connect("builder-inited", make)
    app.connect("builder-inited", compare_words)
    app.connect("build-finished", copy_runs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
