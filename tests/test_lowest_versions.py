"""``make test-lowest`` tries the versions that the package claims to work with."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def test_the_lowest_versions_tried_are_those_claimed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    claimed = project["dependencies"] + project["optional-dependencies"]["test"]
    pins = re.findall(r"^(\S+)==(\S+)$", (ROOT / "constraints-lowest.txt").read_text(), re.M)
    tried = {name.lower(): version for name, version in pins}
    for requirement in map(Requirement, claimed):
        (bound,) = requirement.specifier
        assert bound.operator == ">=", f"{requirement} has no lower bound"
        if requirement.name == "torch":  # its old builds are too large to be tried
            continue
        # 1.26 and 1.26.0 are the same version
        assert re.fullmatch(rf"{re.escape(bound.version)}(\.0)*", tried[requirement.name])
