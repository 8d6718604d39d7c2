"""The kill test counts what it shall count, and goes on where it was stopped."""

import json
from pathlib import Path

import pytest

from dnmf import storage
from reliability import kill

QUICK = tuple(s for s in kill.SCENARIOS if s.name.startswith("match"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, unpainted: None) -> None:
    monkeypatch.setattr(kill, "SCENARIOS", QUICK)
    monkeypatch.setattr(kill, "_quicken", lambda: None)


def test_kills_do_no_harm_and_are_not_repeated(
    tmp_path: Path, quick: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kill.main(["-o", str(tmp_path), "--random", "0"]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith(": 0 lost, 0 differing, 0 leftovers\n")
    figures = json.loads((tmp_path / "kills.json").read_text())
    assert figures["kills"] == figures["runs"] >= 3
    monkeypatch.setattr(kill.Trials, "kill", lambda *_: pytest.fail("killed again"))
    assert kill.main(["-o", str(tmp_path), "--random", "0"]) == 0
    assert capsys.readouterr().out == printed


def test_harm_is_counted(
    tmp_path: Path, quick: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(path: Path, content: str) -> None:
        Path(path).unlink(missing_ok=True)
        half = Path(f"{path}.half-{storage.os.getpid()}")
        half.write_text(content)
        half.rename(path)

    monkeypatch.setattr("dnmf.cli.match.write_whole", careless)
    assert kill.main(["-o", str(tmp_path), "--random", "0"]) == 1
    assert capsys.readouterr().out == "2 kills of 2 runs: 1 lost, 0 differing, 1 leftovers\n"
