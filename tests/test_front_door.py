"""What a user meets first: the import, the names, the example, the front page."""

import importlib
import inspect
import os
import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import dnmf

ROOT = Path(__file__).parents[1]


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_dnmf_loads_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "scipy", "pandas", "sklearn", "matplotlib", "numba"}
    assert not heavy & modules_after("import dnmf")


def test_reading_a_catalog_loads_no_torch() -> None:
    loaded = modules_after("from dnmf import read_catalog")
    assert not {"torch", "sklearn", "matplotlib"} & loaded


@pytest.mark.parametrize("name", dnmf.__all__)
def test_every_name_at_the_front_door_opens(name: str) -> None:
    assert getattr(dnmf, name) is not None


def test_every_room_but_the_command_line_is_at_the_front_door() -> None:
    rooms = {path.parent.name for path in Path(dnmf.__file__).parent.glob("*/__init__.py")}
    assert rooms - {"cli"} <= set(dnmf.__all__)


@pytest.mark.parametrize("name", dnmf.__all__)
def test_signatures_of_functions_list_no_channels(name: str) -> None:
    opened = getattr(dnmf, name)
    if callable(opened):
        assert "[C>A]" not in str(inspect.signature(opened))


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("nn", "unfolding", "MULayer"),
        ("nn", "unfolding", "train_unsupervised"),
        ("kernels", "search", "Search"),
        ("kernels", "search", "add_components"),
        ("kernels", "search", "move_apart"),
    ],
)
def test_former_paths_lead_to_the_new_ones_with_a_warning(old: str, new: str, name: str) -> None:
    room = importlib.import_module(f"dnmf.{old}")
    message = rf"dnmf\.{old}\.{name} is now dnmf\.{new}\.{name}"
    with pytest.warns(DeprecationWarning, match=message) as told:
        former = getattr(room, name)
    assert told[0].filename == __file__
    assert former is getattr(importlib.import_module(f"dnmf.{new}"), name)
    with pytest.raises(AttributeError, match=f"module 'dnmf.{old}' has no attribute 'nothing'"):
        _ = room.nothing


def test_a_former_path_can_be_imported_from() -> None:
    with pytest.warns(DeprecationWarning, match="dnmf.unfolding.MULayer"):
        from dnmf.nn import MULayer
    assert MULayer is dnmf.unfolding.MULayer


def test_a_former_path_gives_all_its_names_to_a_star() -> None:
    names: dict[str, object] = {}
    with pytest.warns(DeprecationWarning, match="dnmf.unfolding"):
        exec("from dnmf.nn import *", names)
    assert set(dnmf.unfolding.__all__) <= set(names)


SCRIPT = """
import dnmf
from dnmf import DNMF, extract_signatures

DNMF(n_componants=3)
dnmf.load_reference("cosmic-v3.4", assembly="GRCh38")
reveal_type(extract_signatures)
reveal_type(dnmf.unfolding.MULayer)
"""
SETTINGS = """
[mypy]
strict = True
mypy_path = {source}
[mypy-dnmf.*]
follow_imports = silent
[mypy-numpy.*,torch.*,pandas.*,scipy.*,sklearn.*,matplotlib.*,jaxtyping.*,rich.*,numba.*,safetensors.*,jinja2.*]
follow_imports = skip
follow_imports_for_stubs = True
"""


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_a_type_checker_sees_the_front_door(tmp_path: Path) -> None:
    """A misspelt argument is refused in a user's script, and functions have their types."""
    script, settings = tmp_path / "script.py", tmp_path / "mypy.ini"
    script.write_text(SCRIPT, encoding="ascii")
    settings.write_text(SETTINGS.format(source=Path(dnmf.__file__).parents[1]), encoding="utf-8")
    options = ["--config-file", settings, "--cache-dir", os.devnull]
    command = [sys.executable, "-m", "mypy", *options, script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    errors = re.findall(r"script.py:(\d+): error: (.*)", done.stdout)
    assert [line for line, _ in errors] == ["5", "6"], done.stdout + done.stderr
    assert 'Unexpected keyword argument "n_componants" for "DNMF"' in errors[0][1]
    assert 'Unexpected keyword argument "assembly" for "load_reference"' in errors[1][1]
    assert "-> dnmf.extraction.result.ExtractionResult" in done.stdout
    assert "-> dnmf.unfolding.layers.MULayer" in done.stdout


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="attribute nmf"):
        _ = dnmf.nmf


def test_the_example_finds_the_signatures_it_simulates(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "genomics" / "quickstart.py"))
    printed = capsys.readouterr().out
    for name in ("SBS2", "SBS4", "SBS7a"):
        assert re.search(rf"SBS96[ABC] +{name} +(1\.0|0\.9[5-9])", printed), printed
    cosine = re.search(r"reconstruction: (\d\.\d+)", printed)
    assert cosine is not None
    assert float(cosine[1]) > 0.99


def test_the_readme_shows_the_example_that_is_tested() -> None:
    example = (ROOT / "examples" / "genomics" / "quickstart.py").read_text(encoding="utf-8")
    code = example.split('"""', 2)[2].split("# %%", 1)[0].strip()
    assert code in (ROOT / "README.md").read_text(encoding="utf-8")


def test_citation_names_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {dnmf.__version__}\n" in citation


def test_python_m_dnmf_is_the_command_line() -> None:
    command = [sys.executable, "-m", "dnmf", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: dnmf ")
