"""The side bar: the names of the API under the headings of its index, and toggles that say what they open."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from docutils import nodes
from sphinx.addnodes import toctree
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

INDEX = "reference/api"
_NAME = re.compile(r'<li class="toctree-l2[^"]*">(?:(?!<li).)*?</li>', re.DOTALL)
_TOGGLE = re.compile(r"(?P<title>[^<>]+)</a>\s*<details[^>]*>\s*<summary(?=>)")
_GROUP = (
    '<li class="toctree-l2 has-children{current}">{link}<details{opened}><summary>'
    '<span class="toctree-toggle" role="presentation"><i class="fa-solid fa-chevron-down"></i></span>'
    "</summary><ul>{names}</ul></details></li>"
)


def headings(env: BuildEnvironment) -> Iterator[tuple[str, str, int]]:
    """Yield title, anchor and number of names of each section of the index that has names."""
    for item in env.tocs[INDEX].findall(nodes.list_item):
        parts = [part for inner in item.children[1:] for part in inner.children]
        trees = [part for part in parts if isinstance(part, toctree)]
        if trees:
            link = next(item.findall(nodes.reference))
            yield link.astext(), link["anchorname"], sum(len(tree["entries"]) for tree in trees)


def grouped(html: str, index: str, env: BuildEnvironment) -> str:
    """Return a side bar with the names of the API, which are one list in it, in a list for each heading."""
    items = list(_NAME.finditer(html))
    sections = list(headings(env))
    expected = sum(number for _, _, number in sections)
    assert len(items) == expected, f"{len(items)} names in the side bar, {expected} in {INDEX}"
    names = [item[0].replace("toctree-l2", "toctree-l3", 1) for item in items]
    groups, at = [], 0
    for title, anchor, number in sections:
        inside = "".join(names[at : at + number])
        here = 'class="toctree-l3 current' in inside
        current, opened = (" current active", ' open="open"') if here else ("", "")
        link = f'<a class="reference internal" href="{index}{anchor}">{title}</a>'
        groups.append(_GROUP.format(current=current, link=link, opened=opened, names=inside))
        at += number
    return html[: items[0].start()] + "".join(groups) + html[items[-1].end() :]


def named(html: str) -> str:
    """Return a side bar in which each toggle has a name: the theme gives it an arrow alone."""
    return _TOGGLE.sub(lambda found: f'{found[0]} aria-label="Pages of {found["title"]}"', html)


def _wrap(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Let the theme's template have our side bar."""
    make: Callable[..., Any] | None = context.get("generate_toctree_html")
    if make is None:
        return
    index = "" if page == INDEX else context["pathto"](INDEX)

    def side_bar(*words: object, **options: object) -> str:
        html = str(make(*words, **options))
        return named(grouped(html, index, app.env) if page.startswith("reference/") else html)

    context["generate_toctree_html"] = side_bar


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect with the writing of a page; after the theme (500), whose side bar this changes."""
    app.connect("html-page-context", _wrap, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
