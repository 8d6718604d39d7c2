"""The template of a page: its content, the shared style and the one script that it may run."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from dnmf.criteria import SHOWN_SHARE
from dnmf.report.names import printable, shortened, unbroken


@dataclass(frozen=True)
class Place:
    """Where the sections of a result stand: on a page of its own, or on one with those of other results.

    Attributes
    ----------
    prefix : str
        What the ids of the sections begin with.
    folder : str
        Where their files are, seen from the page; ends in "/".
    level : int
        Of their headings.
    words : str
        What their headings end with.
    """

    prefix: str = ""
    folder: str = ""
    level: int = 2
    words: str = ""


OWN_PAGE = Place()


def render_template(rooms: Sequence[str], name: str, content: dict[str, Any]) -> str:
    """Return a rendered template, with the shared style and the one script that a page may run.

    ``rooms`` are the packages whose folders ``templates`` hold the template ``name`` and what it includes.
    """
    # Jinja2 is only needed to write a report.
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*rooms, "dnmf.report")]),
        autoescape=True,
        finalize=_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    environment.filters["shortened"] = shortened
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    templates = files("dnmf.report") / "templates"
    script, style = (
        "".join((templates / name).read_text(encoding="utf-8") for name in names)
        for names in (("table.js", "exposures.js"), ("style.css", "exposures.css"))
    )
    return environment.get_template(name).render(
        **content,
        script=Markup(script),
        style=Markup(style),
        # The page allows this one script and no other, whatever a name in the data may hold.
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def _text(value: Any) -> Any:
    """Return what an expression of a template shows: text cannot change the direction of what follows."""
    from markupsafe import Markup

    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def gradient(parts: Any, colours: list[str]) -> str:
    """Return the parts as the stops of a CSS gradient; parts too small to see are left out."""
    stops, start = [], 0.0
    for part, colour in zip(parts, colours, strict=True):
        if part >= SHOWN_SHARE:
            # A stop before the last one begins where that ends.
            stops.append(f"{colour} 0 {start + part:.1%}")
        start += part
    return f"linear-gradient(90deg,{','.join(stops)})" if stops else "none"
