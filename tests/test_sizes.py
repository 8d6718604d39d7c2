"""Files and functions of the package are short enough to be read at once: the bounds of CONTRIBUTING.md."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "src" / "dnmf").rglob("*.py"))


def bounds() -> tuple[int, int]:
    """Return the most lines of a file and of a function that CONTRIBUTING.md allows, each plus one."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    found = re.search(r"Files of the package under (\d+) lines, functions under (\d+)", text)
    assert found
    return int(found[1]), int(found[2])


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has below its signature and docstring."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_file_is_longer_than_the_rules_allow() -> None:
    most, _ = bounds()
    sizes = {path.name: path.read_text("utf-8").count("\n") for path in FILES}
    assert {name: size for name, size in sizes.items() if size >= most} == {}


def test_no_function_is_longer_than_the_rules_allow() -> None:
    _, most = bounds()
    sizes = {
        f"{path.name}: {part.name}": lines_of(part)
        for path in FILES
        for part in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(sizes) > 1000
    assert {name: size for name, size in sizes.items() if size >= most} == {}
