"""``make test-lowest`` tries the versions that the package claims to work with."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]


def bounds(lines: list[str], python: str, operator: str) -> dict[str, Version]:
    """Return the versions in requirements that hold for a version of Python; the last one of a package counts."""
    found = {}
    for requirement in map(Requirement, lines):
        (bound,) = requirement.specifier
        assert bound.operator == operator, requirement
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            found[requirement.name.lower()] = Version(bound.version)
    return found


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lowest_versions_tried_are_those_claimed(python: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    claimed = bounds(
        [*project["dependencies"], *(extras["test"] + extras["anndata"])], python, ">="
    )
    pins = (ROOT / "constraints-lowest.txt").read_text("utf-8").splitlines()
    tried = bounds([pin for pin in pins if not pin.startswith("#")], python, "==")
    del claimed["torch"]  # its old builds are too large to be tried
    assert {name: tried[name] for name in claimed} == claimed
