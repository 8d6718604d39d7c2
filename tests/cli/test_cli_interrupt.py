import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# A parent that ignores SIGINT (a job in the background) hands that down; the program shall be interruptible here.
PROGRAM = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('dnmf', run_name='__main__', alter_sys=True)"
)


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to another process")
def test_ctrl_c_during_training_leaves_all_as_it_was_and_says_so(
    tmp_path: Path, catalog_file: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text("{}")
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "extract",
        str(catalog_file),
        "-k",
        "3",
        "-o",
        str(out),
    ]
    with subprocess.Popen(
        [*command, "--restarts", "0", "--epochs", "1000000", "--overwrite"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        first_line = process.stderr.readline()  # the training has begun
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.wait(timeout=30)
    assert "step" in first_line
    assert process.returncode == 130
    assert f"Interrupted. Nothing was written to {out}. What is there is unchanged." in rest
    assert "Traceback" not in rest
    assert {path.name for path in tmp_path.iterdir()} == {"catalog.tsv", "out"}
    assert (out / "run.json").read_text() == "{}"
