"""The names to which docstrings and pages send their reader exist; a former name would warn."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"`~?(dnmf(?:\.\w+)+)`")
FILES = sorted([*ROOT.glob("src/dnmf/**/*.py"), *ROOT.glob("docs/**/*.md"), ROOT / "README.md"])


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something inside one that is not a former name."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ImportError:
            continue
        try:
            for part in parts[length:]:
                found = getattr(found, part)
        except AttributeError:
            return False
        return True
    return False


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_name_that_is_referred_to_exists(file):
    names = set(NAME.findall(file.read_text("utf-8")))
    assert [name for name in sorted(names) if not exists(name)] == []
