"""What a number depends on besides the script: code, libraries, machine."""

import os
import platform
import subprocess
from pathlib import Path

import sklearn
import torch

from dnmf import __version__

REPOSITORY = Path(__file__).resolve().parents[2]


def commit() -> str:
    """Return the commit of this checkout, with ``-dirty`` if its code was changed; empty where it is none.

    Tables of results do not count: a run changes them itself.
    """
    here = ["git", f"--git-dir={REPOSITORY / '.git'}", f"--work-tree={REPOSITORY}"]

    def git(*words: str) -> str:
        done = subprocess.run(
            [*here, *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    name = git("rev-parse", "--short", "--verify", "-q", "HEAD")
    code = (".", ":(exclude)benchmarks/results")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *code)
    return f"{name}-dirty" if name and changed else name


def machine() -> str:
    """Return architecture, processor, number of cores, memory, system and Python.

    Examples
    --------
    >>> print(machine())  # doctest: +SKIP
    x86_64, AMD EPYC, 2 cores, 23 GB, Linux, Python 3.11
    """
    model, memory = platform.processor(), ""
    try:
        words = dict(
            line.split(":", 1)
            for file in ("/proc/cpuinfo", "/proc/meminfo")
            for line in Path(file).read_text().splitlines()
            if ":" in line
        )
        rows = {name.strip(): value.strip() for name, value in words.items()}
        model = rows.get("model name", model)
        memory = f"{int(rows['MemTotal'].split()[0]) >> 20} GB"
    except OSError:  # only Linux has these files
        pass
    python = ".".join(platform.python_version_tuple()[:2])
    parts = [platform.machine(), model, f"{os.cpu_count()} cores", memory, platform.system()]
    return ", ".join(dict.fromkeys(part for part in [*parts, f"Python {python}"] if part))


def provenance() -> dict[str, str]:
    """Return commit, versions and machine."""
    return {
        "commit": commit(),
        "dnmf": __version__,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "machine": machine(),
    }
