"""The examples run, small, and show what they say; so does the code of the page about unrolling."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "unrolling" / "unrolling.md"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Run an example's ``main`` with small settings; it leaves a picture."""

    def run(name: str, **settings: int) -> Any:
        (script,) = ROOT.glob(f"examples/*/{name}.py")
        main = runpy.run_path(str(script))["main"]
        result = main(**settings, picture=tmp_path / "picture.png")
        assert (tmp_path / "picture.png").stat().st_size > 5000
        return result

    return run


def test_a_learned_dictionary_reads_more_digits(run):
    first, learned = run("learned_dictionary", epochs=3)
    assert learned > first > 0.8


def test_deep_nmf_takes_away_more_noise_than_classic_updates(run):
    gains = run("speech_enhancement", n_training=3, epochs=5)
    assert gains["Deep NMF, ten layers"] > gains["ten classic updates"]


def test_learned_abundances_are_nearer_to_the_truth(run):
    errors = run("hyperspectral_unmixing", side=20, epochs=3)
    assert errors["SupervisedDNMF"] < errors["ridge regression"]
    assert errors["SupervisedDNMF"] < errors["constrained least squares"]


def test_an_own_rule_gets_better_by_training(run):
    before, after = run("own_rule", epochs=60)
    assert after < 0.5 * before


def test_programmes_of_cells_are_found(run):
    assert run("single_cell_counts", n_cells=400, n_genes=300) > 0.97


def test_trained_blind_layers_find_both_factors_better(run):
    errors = run("blind_unrolled_nmf", epochs=8)
    for classic, trained in zip(errors["classic algorithm"], errors["trained layers"], strict=True):
        assert trained < 0.95 * classic


def test_every_example_is_on_the_page_and_tested():
    page, tests = PAGE.read_text("utf-8"), Path(__file__).read_text("utf-8")
    for example in sorted(ROOT.glob("examples/*/*.py")):
        if example.stem != "quickstart":
            assert f"{example.parent.name}/{example.name}" in page
            assert f'run("{example.stem}"' in tests


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # torch, tracing
def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
