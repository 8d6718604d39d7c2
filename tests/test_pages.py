"""What the pages tell people to type: commands that exist, Python that runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import dnmf
from dnmf.cli.main import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    *sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts),
]
GLOBAL = {"--version", "--max-input", "--help"}
BUILDS = "GRCh37", "GRCh38"
OF_OTHER_PROGRAMS = {"-v", "--tmpfs"}  # docker


def commands_on(page: Path) -> Iterator[str]:
    """Give what stands in code on a page: commands of dnmf in blocks and between backticks, and options there."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```[a-z]*\n(.*?)^```|^ {4}(dnmf .*?)$", text)
    code = "\n".join("".join(block) for block in blocks).replace("\\\n", " ")
    for line in code.split("\n"):
        if line.startswith("dnmf "):
            yield line.split("#")[0]
    yield from re.findall(r"`((?:dnmf |-)[^`\n]*)`", text)


def options_of(text: str) -> set[str]:
    return set(re.findall(r"(?<!\S)-{1,2}[a-zA-Z][a-z0-9-]*", text))


@pytest.fixture(scope="module")
def known_options() -> dict[str, set[str]]:
    """Return the options of every command."""
    root = typer.main.get_command(app)
    return {
        name: {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for name, command in root.commands.items()  # type: ignore[attr-defined]
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_on_a_page_exist(
    page: Path, known_options: dict[str, set[str]]
) -> None:
    every = set().union(*known_options.values()) | GLOBAL
    for typed in commands_on(page):
        name = next(iter(re.findall(r"^dnmf (?:--max-input \S+ )?([a-z]+)", typed)), None)
        known = every if name is None else known_options[name] | GLOBAL
        assert options_of(typed) - OF_OTHER_PROGRAMS <= known, typed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_of_a_page_reads_as_a_comment(page: Path) -> None:
    # MyST leaves out what begins with a percent sign, as a wrapped "11 %" may.
    assert not re.search(r"(?m)^ *%", page.read_text(encoding="utf-8"))


def test_the_page_names_the_tumour_types_that_are_built_in() -> None:
    text = (DOCS / "genomics" / "refit.md").read_text(encoding="utf-8")
    section = text.split("### Names of tumour types")[1].split("#")[0]
    assert re.findall(r"`([A-Z][^`]*)`", section) == dnmf.refit.available_priors()


def test_profiles_of_the_two_builds_are_alike() -> None:
    one, other = (dnmf.load_reference("cosmic-v3.4", build=b).profiles for b in BUILDS)
    cosines = dnmf.metrics.cosine_similarity(one.to_numpy(), other[one.columns].to_numpy())
    assert cosines.diagonal().min() > 0.999


def code_of(page: str) -> str:
    """Return the blocks of Python on a page of genomics, one below the other."""
    text = (DOCS / "genomics" / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))


def test_python_on_the_genomics_pages_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code_of("start.md"), "start.md", "exec"), {})  # writes genome.fa and calls/
    few = dnmf.load_reference("cosmic-v3.4").select(["SBS2", "SBS4", "SBS7a"])
    cohort, _ = dnmf.simulate_catalog(few, 10, mean_burden=2000, sparsity=0.3, random_state=1)
    dnmf.write_catalog(cohort, "catalog.tsv")
    names: dict[str, object] = {}
    # Fewer numbers to try, and of the slow pictures and pages only those of one result.
    small = code_of("python.md").replace("range(2, 16)", "range(2, 4), n_restarts=2")
    small = re.sub(r"^(result|run)\.save.*\n", "", small, flags=re.MULTILINE)
    exec(compile(small, "python.md", "exec"), names)
    assert Path("guided/report.html").exists()
    counted = names["counts"]
    assert isinstance(counted, dnmf.VariantCounts)
    assert counted.outcomes["counted"].sum() == 2372
    exec(compile(code_of("mutations.md"), "mutations.md", "exec"), {})
