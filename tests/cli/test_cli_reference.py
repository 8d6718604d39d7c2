"""The page of commands in the reference, built by Sphinx, has what the commands take."""

import html
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from dnmf.cli.main import app

DOCS = Path(__file__).parents[2] / "docs"
CONF = "import sys\nsys.path.insert(0, {!r})\nextensions = ['commands']\nproject = 'dnmf'\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page, built alone."""
    pytest.importorskip("sphinx", reason="the extra docs is not installed")
    from sphinx.cmd.build import build_main

    folder = tmp_path_factory.mktemp("commands")
    (folder / "conf.py").write_text(CONF.format(str(DOCS / "_extensions")), encoding="utf-8")
    shutil.copy(DOCS / "reference" / "commands.rst", folder / "index.rst")
    (folder / "files.rst").write_text(":orphan:\n\nFiles\n=====\n", encoding="utf-8")
    assert build_main(["-q", "-W", "-b", "html", str(folder), str(folder / "html")]) == 0
    return (folder / "html" / "index.html").read_text(encoding="utf-8")


def commands() -> dict[str, Any]:
    """Every command by the name that one types, but hidden ones."""
    root: Any = typer.main.get_command(app)
    found = {f"dnmf {name}": command for name, command in root.commands.items()}
    return {"dnmf": root} | {name: each for name, each in found.items() if not each.hidden}


def test_every_option_has_a_place_and_its_help(built: str) -> None:
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", built))).replace("’", "'")
    missing = []
    for name, command in commands().items():
        for parameter in command.params:
            if getattr(parameter, "hidden", False):
                continue
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                place = f'id="cmdoption-{name.replace(" ", "-")}-{option.lstrip("-")}"'
                if place not in built:
                    missing.append(f"{name} {option}")
            if parameter.help.replace("`", "").rstrip(".") not in text.replace("`", ""):
                missing.append(f"{name}: {parameter.help}")
    assert missing == []


def test_hidden_commands_and_options_are_not_shown(built: str) -> None:
    assert "dnmf train" not in built
    assert "cmdoption-dnmf-refit-tumour-type" not in built
