"""The pages of public names: references find them under any path, and results show the tables of their base.

A function of ``dnmf.extraction`` that is also at the front door has one page, ``dnmf.extract_signatures``. References
to another path of the same object lead there. A reference to a name in dnmf that does not exist is a warning, so that
``make docs`` fails; an object that has no page is shown as code.
"""

import inspect
import re
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging

_logger = logging.getLogger(__name__)
_PAGE = re.compile(r"`{0,2}(?<![\w/.])docs/(?P<page>[\w/]+)\.md`{0,2}")
_MISSING = object()


def found(name: str) -> Any:
    """Return what a dotted name means, a module or something in one, or `_MISSING`."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: Any = import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part, _MISSING)
        return thing
    return _MISSING


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Lead a reference to the page of the same object, if it has one."""
    if node.get("refdomain") != "py":
        return None
    target, domain = node["reftarget"].removesuffix("()"), env.domains["py"]
    full = target if target.startswith("dnmf.") else f"{node.get('py:module')}.{target}"
    thing = found(full)
    if thing is _MISSING and target.startswith("dnmf."):
        _logger.warning("there is no %s", target, location=node, type="ref", subtype="dnmf")
    last = target.rpartition(".")[2]
    pages = [name for name in domain.objects if name.rpartition(".")[2] == last]  # type: ignore[attr-defined]
    if thing is not _MISSING:
        same = [name for name in pages if found(name) is thing]
        pages = same if inspect.isclass(thing) or inspect.isroutine(thing) else []
    elif len(pages) != 1 or last != target:
        return None
    return (
        domain.resolve_xref(env, node["refdoc"], app.builder, "obj", pages[0], node, content)
        if pages
        else None
    )


def linked(line: str) -> str:
    """Return a line of a docstring with paths of pages as links to them."""
    return _PAGE.sub(r":doc:`/\g<page>`", line)


def _complete(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Give a class without a section of its own those of its base, and make paths of pages links."""
    if what == "class" and not any(line.startswith("-----") for line in lines):
        bases = [base for base in inspect.getmro(thing)[1:] if base.__module__.startswith("dnmf")]
        for base in bases:
            text = inspect.cleandoc(base.__doc__ or "").splitlines()
            if any(line.startswith("-----") for line in text):
                lines[:] = [*lines, *text[1:]]
                break
    if what == "data":
        lines[:] = [*_comment(name), "", *_value(thing)]
    lines[:] = [linked(line) for line in lines]


def _comment(name: str) -> list[str]:
    """Return the docstring below a constant, in the module that its room takes it from."""
    room, _, constant = name.rpartition(".")
    for module in [module for path, module in sys.modules.items() if path.startswith(room)]:
        with suppress(PycodeError):
            comments = ModuleAnalyzer.for_module(module.__name__).find_attr_docs()
            if ("", constant) in comments:
                return list(comments["", constant])
    return []


def _value(thing: Any) -> list[str]:
    """Return a simple value, or the keys of a mapping, as a line."""
    if isinstance(thing, dict):
        return [", ".join(f"``{key}``" for key in thing), ""]
    return [f"``{thing!r}``", ""] if isinstance(thing, (str, int, tuple)) else []


def _skip(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn and PyTorch give to a class: their own pages have it."""
    function = getattr(thing, "fget", None) or getattr(thing, "func", None) or thing
    module = getattr(function, "__module__", None)
    return True if isinstance(module, str) and not module.startswith("dnmf") else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect all with Sphinx; before numpydoc (500), which turns sections into reStructuredText."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("missing-reference", _resolve)
    app.connect("autodoc-process-docstring", _complete, priority=400)
    app.connect("autodoc-skip-member", _skip)
    return {"parallel_read_safe": True}
