"""Every command and option of ``dnmf``, read from the command line itself.

``.. dnmf-commands::`` writes a section for each command. sphinx-click reads programs made with click, and Typer has a
copy of click of its own; the commands of Typer and sphinxcontrib-typer give the help as one text, in which an option
has no anchor and cannot be found by its name.
"""

import re
from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from dnmf.cli.main import app

# What Typer adds to the help of an option: " [default: 20; x>=1]".
_MORE = re.compile(r"^(?P<help>.*?)(?:  \[(?P<more>[^\[\]]*)\])?$", re.DOTALL)
# Sphinx makes a dash of two hyphens.
_LITERAL = re.compile(r"(`[^`]+`|(?<![\w-])--?[a-z][a-z0-9-]*)")


def contexts() -> Iterator[tuple[Any, Any]]:
    """Yield ``dnmf`` and every command that its help lists, each with its context."""
    root = typer.main.get_command(app)
    of_root: Any = root.context_class(root, info_name="dnmf")
    yield root, of_root
    for name in root.list_commands(of_root):  # type: ignore[attr-defined]
        command = root.get_command(of_root, name)  # type: ignore[attr-defined]
        if not command.hidden:
            yield command, command.context_class(command, info_name=name, parent=of_root)


def options_of(command: Any, context: Any) -> Iterator[tuple[str, str, list[str]]]:
    """Yield names, help and what else is known (default, range, required) of what a command takes."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:  # hidden
            continue
        found = _MORE.match(record[1])
        assert found is not None
        names = record[0]
        if parameter.param_type_name == "argument":
            names = parameter.metavar + ("..." if parameter.nargs == -1 else "")
        # "default: (300; paper 500)" is one.
        more = [part for part in re.split(r"; (?![^(]*\))", found["more"] or "") if part]
        yield names, found["help"], more


def _plain(text: str) -> str:
    """Return text of a help as reStructuredText: `this` and --this are literal, all else is as it is."""
    parts = _LITERAL.split(text)
    parts[::2] = [re.sub(r"([\\*_|`<>])", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"``{part.strip('`')}``" for part in parts[1::2]]
    return "".join(parts)


def _lines(command: Any, context: Any) -> Iterator[str]:
    path = context.command_path
    pieces = [
        piece.replace("{", "").replace("}", "") for piece in command.collect_usage_pieces(context)
    ]
    yield from (path, "=" * len(path), "", _plain(command.help or ""), "")
    yield from (".. code-block:: text", "", f"   {' '.join([path, *pieces])}", "")
    yield from (f".. program:: {path}", "")
    for names, text, more in options_of(command, context):
        facts = "; ".join(map(_fact, more))
        yield from (f".. option:: {names}", "", f"   {_plain(text)}{facts and f' [{facts}]'}", "")


def _fact(text: str) -> str:
    """Return ``default: (PASS,.)`` as ``default:`` and the literal value; a range is a literal, too."""
    word, _, value = text.partition(": ")
    if not value:
        return text if text == "required" else f"``{text}``"
    return f"{word}: ``{value.removeprefix('(').removesuffix(')')}``"


class Commands(SphinxDirective):
    """The directive; it takes nothing."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each command."""
        text = "\n".join(line for each in contexts() for line in _lines(*each))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx know the directive."""
    app.add_directive("dnmf-commands", Commands)
    return {"parallel_read_safe": True}
