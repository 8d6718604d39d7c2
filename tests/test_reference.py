"""The reference has every public name, and says of every parameter what it is."""

import inspect
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import dnmf

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "reference" / "api.rst"
ROOMS = {name: getattr(dnmf, name) for name in dnmf.__all__ if name not in ("nn", "criteria")}
ROOMS = {name: room for name, room in ROOMS.items() if isinstance(room, ModuleType)}
FRONT = {
    name: getattr(dnmf, name) for name in dnmf.__all__ if name not in {*ROOMS, "nn", "criteria"}
}
# A name that the front door has, too, has its page there.
PUBLIC: dict[str, Any] = {f"dnmf.{name}": thing for name, thing in FRONT.items()} | {
    f"dnmf.{room}.{name}": getattr(module, name)
    for room, module in ROOMS.items()
    for name in module.__all__
    if name not in FRONT
}
CALLABLE = {
    name: thing
    for name, thing in PUBLIC.items()
    if (inspect.isclass(thing) and not issubclass(thing, Exception)) or inspect.isfunction(thing)
}
FUNCTIONS = {name: thing for name, thing in CALLABLE.items() if inspect.isfunction(thing)}
# These are made by functions, whose examples show them.
RESULTS = {
    f"dnmf.{name}"
    for name in (
        "ExtractionResult",
        "GuidedResult",
        "RefitResult",
        "VariantCounts",
        "Decomposition",
    )
}


def sections(docstring: str) -> dict[str, list[str]]:
    """Return the lines of each section of a NumPy docstring."""
    parts = re.split(r"^(\w[\w ]*)\n-+$", inspect.cleandoc(docstring), flags=re.MULTILINE)
    return {name: text.splitlines() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def named(lines: list[str]) -> list[str]:
    """Return the names that a section describes: the lines that are not indented."""
    heads = [line.split(" : ")[0] for line in lines if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for head in heads for name in head.split(",")]


def described(thing: Any, *wanted: str) -> list[str]:
    """Return what the docstring of a callable, or of a base of it, describes in some sections."""
    bases = inspect.getmro(thing) if inspect.isclass(thing) else [thing]
    found = [sections(base.__doc__ or "") for base in bases if base.__module__.startswith("dnmf")]
    return [name for each in found for section in wanted for name in named(each.get(section, []))]


def test_every_room_lists_its_public_names() -> None:
    assert [name for name, room in ROOMS.items() if not hasattr(room, "__all__")] == []


def test_the_index_has_every_public_name_once() -> None:
    listed = re.findall(r"^   (dnmf(?:\.\w+)+)$", INDEX.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(PUBLIC)


def test_every_parameter_is_described_and_no_other() -> None:
    missing, unknown = {}, {}
    for name, thing in CALLABLE.items():
        parameters = [word for word in inspect.signature(thing).parameters if word != "former"]
        known = described(thing, "Parameters", "Attributes")
        missing[name] = [word for word in parameters if word not in known]
        own = [] if inspect.isclass(thing) else described(thing, "Parameters")
        unknown[name] = [word for word in own if word not in [*parameters, "former"]]
    assert {name: words for name, words in missing.items() if words} == {}
    assert {name: words for name, words in unknown.items() if words} == {}


def test_every_function_says_what_it_returns() -> None:
    silent = []
    for name, function in FUNCTIONS.items():
        text = inspect.getdoc(function) or ""
        says = text.startswith(("Return ", "Whether ")) or "Returns" in sections(text)
        nothing = inspect.signature(function).return_annotation in (None, "None", Iterator[None])
        if not (says or nothing):
            silent.append(name)
    assert silent == []


def test_every_function_and_estimator_at_the_front_door_has_an_example() -> None:
    front = {name for name in CALLABLE if name.count(".") == 1} - RESULTS
    assert [name for name in sorted(front) if ">>> " not in (CALLABLE[name].__doc__ or "")] == []


def test_a_link_of_the_site_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    broken_links = runpy.run_path(str(ROOT / ".ci" / "check_site.py"))["broken_links"]
    right = (
        '<a href="b.html#place"></a> <a href="#here" id="here"></a> <a href="https://x.org/y"></a>'
    )
    wrong = '<a href="c.html"></a> <a href="b.html#other"></a> <img src="no.png"> <a href="../beside"></a>'
    (tmp_path / "beside").touch()
    (site / "a.html").write_text(right + wrong, encoding="ascii")
    (site / "b.html").write_text('<h1 id="place"></h1>', encoding="ascii")
    assert [line.removeprefix("a.html: ") for line in broken_links(site)] == [
        "../beside",
        "b.html#other",
        "c.html",
        "no.png",
    ]
