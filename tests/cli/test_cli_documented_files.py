"""``docs/reference/files.md`` names every file that a run writes, every column and every key."""

import gzip
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from dnmf.extraction import penalty
from dnmf.report.folder import OURS
from dnmf.signatures import load_reference, simulate_catalog, write_catalog

Run = Callable[..., Result]
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "files.md"
LIST = "SBS1,SBS2,SBS7a"
# Of signatures and samples.
NAME = re.compile(r"(SBS|DBS)\d+[A-Za-z]*|[ST]\d+")
# Where the page has the columns of a file that has no heading of its own.
ELSEWHERE = {
    "catalog.tsv": "Catalogs", "SBS96.tsv": "Catalogs", "DBS78.tsv": "Catalogs",
    "decomposition.tsv": "decomposed", "alternatives.tsv": "decomposed", "decomposition_map.csv": "decomposed",
    "exposure_lower.tsv": "exposures.tsv", "exposure_upper.tsv": "exposures.tsv", "model.json": "The model",
}  # fmt: skip


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory,
    dnmf: Run,
    quick_search: None,
    leave_out_pictures: Callable[[], AbstractContextManager[None]],
) -> list[Path]:
    """All files of a guided and a blind extraction, of a count, of a refit with variants, and of a simulation."""
    folder = tmp_path_factory.mktemp("documented")
    truth = load_reference(LIST)
    write_catalog(
        simulate_catalog(truth, 12, mean_burden=2000, sparsity=0.3, random_state=0)[0],
        folder / "catalog.tsv",
    )
    rng = np.random.default_rng(0)
    rows = [
        "Tumor_Sample_Barcode Chromosome Start_Position Reference_Allele Tumor_Seq_Allele2 CONTEXT"
    ]
    for place in range(1000, 3000, 20):
        bases = "".join(rng.choice(list("ACGT"), 11))
        rows.append(f"T1 1 {place} {bases[5]} {'C' if bases[5] == 'A' else 'A'} {bases}")
    rows.append("T1 1 9000 C T NNNNNCNNNNN")
    maf = folder / "calls.maf"
    maf.write_text("\n".join(row.replace(" ", "\t") for row in rows), encoding="ascii")
    catalog, short = folder / "catalog.tsv", ("--reference", LIST)
    commands = {
        "guided": ("extract", catalog, *short),
        "blind": ("extract", catalog, "-k", 2, "--restarts", 2, "--epochs", 5, "--l1", "auto", *short),
        "count": ("count", maf, "--classes", "SBS96,DBS78"),
        "refit": ("refit", maf, "--classes", "SBS96", "--per-mutation", "--build", "GRCh37", *short),
        "simulate": ("simulate", "--samples", 3, *short),
    }  # fmt: skip
    with leave_out_pictures(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(penalty, "REFIT_ITERATIONS", 5)
        for name, command in commands.items():
            done = dnmf(*command, "-o", folder / name)
            assert done.exit_code == 0, done.stderr
    return [path for name in commands for path in (folder / name).rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def page() -> dict[str, set[str]]:
    """Of each section of the page the names in the first cells of its tables."""
    parts = re.split(r"^##+ (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return {
        heading: {
            name
            for line in text.splitlines()
            if line.startswith("|")
            for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])
        }
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_the_page_names_whatever_a_run_may_write(page: dict[str, set[str]]) -> None:
    text = PAGE.read_text("utf-8")
    assert [name for name in sorted(OURS) if name not in page and f"`{name}`" not in text] == []


def test_the_page_has_every_column_and_key(written: list[Path], page: dict[str, set[str]]) -> None:
    unknown = {}
    for path in written:
        section = page.get(ELSEWHERE.get(path.name, path.name), set())
        if path.suffix == ".json":
            found = set(json.loads(path.read_text("utf-8")))
        elif path.suffix in (".tsv", ".csv", ".gz"):
            content = path.read_bytes()
            text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
            found = set(text.split("\n", 1)[0].split("," if path.suffix == ".csv" else "\t"))
        elif path.parent.name == "plots":
            found, section = {path.stem}, page["plots"]
        else:
            found = {path.name} - {"report.html", "model.safetensors"}
        if more := {name for name in found - section if not NAME.fullmatch(name)}:
            unknown[f"{path.parent.name}/{path.name}"] = sorted(more)
    assert unknown == {}


def test_every_table_of_the_page_was_seen(written: list[Path], page: dict[str, set[str]]) -> None:
    names = {path.name for path in written}
    assert [
        name for name in page if re.search(r"\.(tsv|json|gz)$", name) and name not in names
    ] == []
