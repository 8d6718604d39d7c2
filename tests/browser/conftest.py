"""Pages of every kind, made by the commands, and Debian's Chromium to look at them."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from typer.testing import CliRunner

from dnmf.cli.main import app
from dnmf.locks import locked
from dnmf.search import gamma_poisson_search
from dnmf.signatures import load_reference, simulate_catalog, write_catalog

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
BREAST = "SBS1,SBS2,SBS3,SBS5,SBS8,SBS13,SBS18"


def breast(folder: Path) -> Path:
    """Write the 21 genomes that the package brings."""
    path = folder / "breast_21_sbs96.txt.gz"
    path.write_bytes((files("dnmf.signatures") / "data" / path.name).read_bytes())
    return path


def simulated(names: str, n: int, path: Path) -> Path:
    """Write a catalog of samples named as those of TCGA are."""
    catalog, _ = simulate_catalog(
        load_reference(names), n, mean_burden=800, sparsity=0.3, random_state=0
    )
    catalog.counts.index = [f"TCGA-A2-{i:04d}-01A-31D-A050-09" for i in range(n)]
    write_catalog(catalog, path)
    return path


def variants(folder: Path) -> list[object]:
    """Write two files of variants and their genome, and return what a command needs to read them."""
    bases = np.random.default_rng(3).choice(list("ACGT"), 4000)
    other = dict(zip("ACGT", "CATG", strict=True))
    (folder / "genome.fa").write_text(f">chr1\n{''.join(bases)}\n")
    (folder / "calls").mkdir()
    for sample in ("tumour_a", "tumour_b"):
        rows = [(place, bases[place], other[bases[place]]) for place in range(50, 3000, 20)]
        rows += [(place, bases[place], other[bases[place]]) for place in (3500, 3501)]
        text = "".join(f"chr1\t{at + 1}\t.\t{ref}\t{alt}\t.\tPASS\t.\n" for at, ref, alt in rows)
        text += f"chr1\t3601\t.\t{bases[3600]}\t{other[bases[3600]]}\t.\tLowQual\t.\n"
        head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        (folder / "calls" / f"{sample}.vcf").write_text(head + text)
    return [folder / "calls", "--genome", folder / "genome.fa"]


PAINTED = ("guided", "refit")


def write_blank(figure: Any, file: BinaryIO, *, format: str, **_: object) -> None:
    """Write a picture of the shape of a figure, with nothing in it: painting takes most of the time."""
    from PIL import Image

    width, height = (round(20 * side) for side in figure.get_size_inches())
    if format == "svg":
        size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" {size}/>'.encode())
    else:
        Image.new("RGB", (width, height), "white").save(file, format)


# What each kind of page is made by, in an empty folder.
COMMANDS: dict[str, Callable[[Path], list[object]]] = {
    # Without SBS2 and SBS13, a novel signature is found.
    "guided": lambda folder: [
        "extract", breast(folder), "--reference", "SBS1,SBS3,SBS5,SBS8,SBS18", "--seed", 1,
    ],
    "blind": lambda folder: [
        "extract", breast(folder), "--reference", BREAST, "-k", "2:3", "--restarts", 2, "--epochs", 5, "--seed", 1,
    ],
    "refit": lambda folder: ["refit", breast(folder)],
    "many": lambda folder: ["refit", simulated("SBS1,SBS2,SBS5,SBS13,SBS18", 300, folder / "cohort.tsv")],
    "classes": lambda folder: [
        "extract",
        simulated("SBS1,SBS2,SBS5", 8, folder / "SBS96.tsv"),
        simulated("DBS2,DBS4", 8, folder / "DBS78.tsv"),
        "--reference", "SBS1,SBS2,SBS5,SBS18,DBS1,DBS2,DBS4", "--seed", 1,
    ],
    "variants": lambda folder: ["refit", *variants(folder), "--method", "kl"],
}  # fmt: skip


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``report(kind)``: the report page of a kind of ``COMMANDS``, made once for all processes of a test run."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent

    def make(kind: str) -> Path:
        folder = run / f"page-{kind}"
        page = folder / "out" / "report.html"
        with locked(run / f"page-{kind}.lock", wait=True):
            if not page.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                command = [*COMMANDS[kind](folder), "-o", folder / "out"]
                with pytest.MonkeyPatch.context() as patch:
                    # For the layout of a page a short search will do, and blank pictures for all but two kinds.
                    if kind not in PAINTED:
                        patch.setattr("matplotlib.figure.Figure.savefig", write_blank)
                    for rounds in ("SEARCH_ROUNDS", "POLISHING_ROUNDS"):
                        patch.setattr(gamma_poisson_search, rounds, 40)
                    patch.setattr(gamma_poisson_search, "POLISHED", 1)
                    done = CliRunner().invoke(app, [str(word) for word in command])
                assert done.exit_code == 0, (done.output, done.exception)
        return page

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium. It ends with the module: while it lasts, its event loop would be in the way of other tests."""
    library = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"needs a browser: none of {', '.join(BROWSERS)} is installed")
    with library.sync_playwright() as playwright:
        # Within a container, and as root, Chromium cannot build a sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def look(browser: Any, report: Callable[[str], Path]) -> Iterator[Callable[..., Any]]:
    """``look(kind, width=1280, dark=False, script=True)``: the page in a window of its own.

    When the test ends, no page may have written to the console or asked for anything but its own file.
    """
    opened, complaints, asked = [], [], set()

    def show(
        kind: str | Path, width: int = 1280, *, dark: bool = False, script: bool = True
    ) -> Any:
        path = kind if isinstance(kind, Path) else report(kind)
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            java_script_enabled=script,
        )
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.add(request.url))
        page.goto(path.as_uri())
        asked.discard(path.as_uri())
        return page

    yield show
    for context in opened:
        context.close()
    assert complaints == []
    assert {address for address in asked if not address.startswith("data:")} == set()


@pytest.fixture(scope="session")
def violations() -> Callable[..., list[str]]:
    """``violations(page, *rules)``: what axe-core finds against WCAG 2.1 A and AA and good practice, or some rules.

    The rows of a table are alike, so that all but the first of them are removed: axe looks at every word
    that is laid out, which the others then are.
    """
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs the package axe-playwright-python"
    ).Axe()

    def find(page: Any, *rules: str) -> list[str]:
        only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": STANDARD}
        page.evaluate(
            "document.querySelectorAll('tbody tr:nth-child(n+7)').forEach(row => row.remove())"
            ";document.querySelectorAll('.long').forEach(box => box.classList.remove('long'))"
        )
        found = axe.run(page, options={"runOnly": only, "resultTypes": ["violations"]})
        return [
            f"{rule['id']}: {node['html'][:120]} {json.dumps(node['failureSummary'])[:300]}"
            for rule in found.response["violations"]
            for node in rule["nodes"]
        ]

    return find
