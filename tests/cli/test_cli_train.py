"""``dnmf train refit``: from a table of exposures to a network that ``dnmf refit`` takes."""

import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from dnmf.refit import build_model, load_refit_model
from dnmf.refit.calibration import calibrate
from dnmf.signatures import example_catalog, write_catalog

pytestmark = pytest.mark.usefixtures("unpainted")

Run = Callable[..., Result]
SHORT = "SBS1,SBS2,SBS3,SBS5,SBS13"


@pytest.fixture(autouse=True)
def _quick_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty instead of 1500 simulated samples at each number of mutations."""
    monkeypatch.setattr(build_model, "calibrate", partial(calibrate, samples=60))


@pytest.fixture(scope="module")
def tumours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.gamma(1.0, 500.0, size=(60, 5)), columns=SHORT.split(","))
    table.insert(0, "Cancer Types", ["Breast", "Ovary"] * 30)
    table.insert(1, "Sample Names", [f"T{i}" for i in range(60)])
    path = tmp_path_factory.mktemp("train") / "tumours.csv"
    table.to_csv(path, index=False)
    return path


def test_a_trained_network_refits_its_reference(tumours: Path, tmp_path: Path, dnmf: Run) -> None:
    card_file = tmp_path / "breast.json"
    trained = dnmf(
        "train", "refit", tumours, "-o", card_file, "--reference", SHORT, "--steps", 20
    )  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"breast.json", "breast.safetensors"}
    _, card = load_refit_model(card_file)
    assert card.name == "breast"
    assert card.cohorts == ["Breast", "Ovary"]
    assert card.measured["by_mutations"]
    catalog = tmp_path / "genomes.tsv"
    write_catalog(example_catalog(), catalog)
    refitted = dnmf(
        "refit", catalog, "-o", tmp_path / "out", "--reference", SHORT, "--model", card_file,
        "--method", "network", "--tumour-type", "Ovary", "-q",
    )  # fmt: skip
    assert refitted.exit_code == 0, refitted.stderr
    assert (tmp_path / "out" / "presence.tsv").exists()


def test_the_same_seed_gives_the_same_weights(tumours: Path, tmp_path: Path, dnmf: Run) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        options = ("--reference", SHORT, "--steps", 5, "--seed", seed, "-q")
        result = dnmf("train", "refit", tumours, "-o", tmp_path / f"{name}.json", *options)
        assert result.exit_code == 0, result.stderr
    first, second, other = ((tmp_path / f"{n}.safetensors").read_bytes() for n in "abc")
    assert first == second
    assert first != other


def test_a_killed_training_goes_on_to_the_same_files(
    tumours: Path, tmp_path: Path, dnmf: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL leaves no chance to tidy up: what counts is what the last checkpoint holds."""
    options = ("--reference", SHORT, "--steps", "60", "-q")
    whole, killed = tmp_path / "whole" / "m.json", tmp_path / "killed" / "m.json"
    for card in (whole, killed):
        card.parent.mkdir()
    assert dnmf("train", "refit", tumours, "-o", whole, *options).exit_code == 0
    program = (
        "import os, signal, sys\n"
        "from dnmf.refit import training\n"
        "training.train_refit.__kwdefaults__['checkpoint_every'] = 10\n"
        "take_step = training._take_step\n"
        "def killing(network, optimiser, prior, generator, step):\n"
        "    if step == 37:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return take_step(network, optimiser, prior, generator, step)\n"
        "training._take_step = killing\n"
        "from dnmf.cli.main import app\n"
        "app(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "train", "refit", tumours, "-o", killed, *options]
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    left = {path.name for path in killed.parent.iterdir()}
    assert left == {"m.checkpoint", "m.checkpoint.lock"}
    other = dnmf("train", "refit", tumours, "-o", killed, *options, "--seed", 1)
    assert other.exit_code == 2
    assert "differs in: seed" in other.stderr
    resumed = dnmf("train", "refit", tumours, "-o", killed, *options)
    assert resumed.exit_code == 0, resumed.stderr
    for suffix in (".json", ".safetensors"):
        same = (card.with_suffix(suffix).read_bytes() for card in (whole, killed))
        assert next(same) == next(same)
    assert {path.name for path in killed.parent.iterdir()} == {"m.json", "m.safetensors"}


def test_a_training_killed_when_all_was_written_is_finished_by_the_same_command(
    tumours: Path, tmp_path: Path, dnmf: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, checkpoint = tmp_path / "m.json", tmp_path / "m.checkpoint"
    command = ("train", "refit", tumours, "-o", card, "--reference", SHORT, "--steps", 5, "-q")
    unlink = Path.unlink
    with monkeypatch.context() as patch:
        patch.setattr(
            Path, "unlink", lambda path, **how: path != checkpoint and unlink(path, **how)
        )
        assert dnmf(*command).exit_code == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert checkpoint.name in before
    # As if it had been killed before the weights got their name.
    card.with_suffix(".safetensors").rename(tmp_path / ".m.safetensors.0123abcd.part")
    other = dnmf(*command, "--seed", 1)
    assert other.exit_code == 2
    assert "m.json exists" in other.stderr
    assert dnmf(*command).exit_code == 0
    del before[checkpoint.name]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert dnmf(*command).exit_code == 2


def test_mistakes_cost_no_training(tumours: Path, tmp_path: Path, dnmf: Run) -> None:
    missing = dnmf("train", "refit", tmp_path / "none.csv", "-o", tmp_path / "m.json")
    assert missing.exit_code == 2
    assert "no such file" in missing.stderr
    ending = dnmf("train", "refit", tumours, "-o", tmp_path / "m.pkl")
    assert ending.exit_code == 2
    assert "one of .json" in ending.stderr
    other = dnmf("train", "refit", tumours, "-o", tmp_path / "m.json", "--reference", "SBS4,SBS7a")
    assert other.exit_code == 2
    assert "another reference" in other.stderr
    assert list(tmp_path.iterdir()) == []
