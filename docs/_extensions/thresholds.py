"""Every threshold of ``dnmf.criteria``: name, value, and its docstring, which says unit and reason.

``.. dnmf-thresholds::`` writes a section for each part of the module, by the comments between them.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise

from api_names import linked
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from dnmf import criteria

_PART = re.compile(r"^# -+ (?P<title>.+)$", re.MULTILINE)


def thresholds() -> Iterator[tuple[str, str, str]]:
    """Yield the part, the name and the docstring of each constant, in the order of the module."""
    source = inspect.getsource(criteria)
    parts = {
        source[: found.start()].count("\n"): found["title"] for found in _PART.finditer(source)
    }
    for before, after in pairwise(ast.parse(source).body):
        if isinstance(before, ast.Assign) and isinstance(after, ast.Expr):
            assert isinstance(before.targets[0], ast.Name)
            line = before.lineno
            title = next((parts[at] for at in sorted(parts, reverse=True) if at < line), "general")
            yield title, before.targets[0].id, inspect.cleandoc(ast.literal_eval(after.value))


def _lines() -> Iterator[str]:
    last = ""
    yield from (".. py:currentmodule:: dnmf.criteria", "")
    for title, name, text in thresholds():
        if title != last:
            heading = f"{title[:1].upper()}{title[1:]}"
            yield from (heading, "=" * len(heading), "")
            last = title
        yield from (f".. py:data:: {name}", f"   :value: {getattr(criteria, name)!r}", "")
        yield from (f"   {linked(line)}".rstrip() for line in text.splitlines())
        yield ""


class Thresholds(SphinxDirective):
    """The directive; it takes nothing."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each part."""
        return self.parse_text_to_nodes("\n".join(_lines()), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx know the directive."""
    app.add_directive("dnmf-thresholds", Thresholds)
    return {"parallel_read_safe": True}
