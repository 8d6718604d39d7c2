"""What is written in two files because two tools read it is the same in both."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

import dnmf
from dnmf.cli.main import app

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RECIPE = yaml.safe_load((ROOT / "packaging" / "conda" / "recipe.yaml").read_text("utf-8"))
ACTIONS = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
PYTHONS = ["3.11", "3.12", "3.13"]
WITH_COMMANDS = [
    ".github/workflows/ci.yml",
    "packaging/Dockerfile",
    "packaging/conda/recipe.yaml",
    "packaging/workflows/Snakefile",
    "packaging/workflows/dnmf.nf",
]


def test_the_changelog_has_this_version_and_its_date() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    title = f"\n## [{dnmf.__version__}] - {citation['date-released']}\n"
    assert title in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_what_is_noted_is_in_this_version() -> None:
    # After a release the version is raised with the first entry, so that no two archives have one name.
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest, *_ = re.findall(r"^## \[(.*?)\]", text, re.M)
    assert newest == dnmf.__version__


def test_the_conda_recipe_needs_what_the_package_needs() -> None:
    assert RECIPE["context"]["version"] == dnmf.__version__
    assert RECIPE["about"]["license"] == PROJECT["license"]
    assert RECIPE["about"]["summary"] == PROJECT["description"]
    (entry,) = PROJECT["scripts"].items()
    assert RECIPE["build"]["python"]["entry_points"] == [" = ".join(entry)]
    highest: dict[str, Version] = {}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        (bound,) = requirement.specifier
        name = CONDA_NAMES.get(requirement.name, requirement.name)
        highest[name] = max(highest.get(name, Version("0")), Version(bound.version))
    python, *needed = RECIPE["requirements"]["run"]
    assert python == "python >=${{ python_min }}"
    assert f">={RECIPE['context']['python_min']}" == PROJECT["requires-python"]
    found = [line.split(" >=") for line in needed]
    assert {name: Version(version) for name, version in found} == highest


def test_the_page_of_installation_has_the_versions_that_are_needed_and_tested() -> None:
    page = (ROOT / "docs" / "project" / "install.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\S+)` \| (\S+).*? \| (\S+).*? \| (\S+) \|$", page, re.MULTILINE)
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    tested = dict(pin.split("==") for pin in pins)
    assert [row[0] for row in rows][:3] == ["torch", "scikit-learn", "numpy"]
    for name, *shown in rows:
        lowest = [
            str(max(Version(bound.version) for r in needs for bound in r.specifier))
            for python in ("3.11", "3.13")
            if (
                needs := [
                    r
                    for r in map(Requirement, PROJECT["dependencies"])
                    if r.name == name
                    and (r.marker is None or r.marker.evaluate({"python_version": python}))
                ]
            )
        ]
        assert shown == [*lowest, tested[name]], name


def test_every_python_that_is_claimed_is_tried() -> None:
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert claimed == PYTHONS
    assert ACTIONS["jobs"]["all"]["strategy"]["matrix"]["python"] == PYTHONS


@pytest.mark.parametrize("file", WITH_COMMANDS)
def test_commands_in_packaging_exist_with_their_options(file: str) -> None:
    commands = typer.main.get_command(app)
    text = re.sub(r"\\\n", " ", (ROOT / file).read_text("utf-8"))
    lines = re.findall(r"\bdnmf ((?:count|demo|extract|refit|references)\b[^\n\"']*)", text)
    assert lines
    for line in lines:
        name, *words = shlex.split(line)
        known = {option for param in commands.commands[name].params for option in param.opts}
        used = {word for word in words if word.startswith("-") and not word[1:].isdigit()}
        assert used <= known, line


def test_the_image_copies_only_what_the_build_may_see() -> None:
    seen = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    text = (ROOT / "packaging" / "Dockerfile").read_text("utf-8")
    copied = [
        word for line in re.findall(r"^COPY ([^-].*) \S+$", text, re.M) for word in line.split()
    ]
    assert {f"!{name}" for name in copied} == {line for line in seen if line.startswith("!")}


@pytest.mark.parametrize("file", ["packaging/Dockerfile", "docs/project/install.md"])
def test_the_image_has_no_entry_point_so_what_runs_in_it_is_named_in_full(file: str) -> None:
    image = (ROOT / "packaging" / "Dockerfile").read_text("utf-8")
    assert not re.search(r"^ENTRYPOINT", image, re.M)
    text = re.sub(r"\\\n#?", " ", (ROOT / file).read_text("utf-8"))
    runs = re.findall(r"docker run .*", text)
    assert runs
    for line in runs:
        assert re.search(r" dnmf +dnmf refit ", line), line


def test_the_image_runs_as_a_user_who_is_not_root() -> None:
    text = (ROOT / "packaging" / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^USER (.*)$", text, re.M) == ["1000:1000"]
