"""Rerun Nasser, Eldar and Sharan 2021: every experiment, all five folds, under three protocols.

`paper` is what the text says, `authors` what the published code computes, `ours` held-out folds and strong baselines.
Takes about three hours of one core. Every finished part is kept: the same command goes on where it was interrupted.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

from dnmf.exceptions import InputDataError
from paper.cells import Cell
from paper.datasets import BREAST, SIMULATED, short_name
from paper.plan import FIGURES, FOLDS, plan, quick_plan
from paper.run import run_paper

SECONDS_BETWEEN_LINES = 10.0
EXIT_BAD_INPUT, EXIT_INTERRUPTED = 2, 130
SETS = {short_name(name): name for name in (*SIMULATED, BREAST)}


class Progress:
    """Called for every finished cell: writes a line with the time left, one in ten seconds."""

    def __init__(self) -> None:
        self._started = self._next_line = time.monotonic()

    def __call__(self, cell: Cell, done: int, total: int) -> None:
        now = time.monotonic()
        if done in (1, total) or now > self._next_line:
            left = (now - self._started) / done * (total - done)
            line = f"{done} of {total} done, about {left / 60:.0f} min left; {cell}"
            print(line, file=sys.stderr, flush=True)
            self._next_line = now + SECONDS_BETWEEN_LINES


def main(arguments: list[str] | None = None) -> int:
    """Compute what is missing in the output folder, draw, and print the summary; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    cells = _chosen(parser, options)
    try:
        outcome = run_paper(
            cells, options.data, options.output, workers=options.workers, watch=Progress()
        )
    except InputDataError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print(
            f"Interrupted. What was finished is in {options.output}; the same command goes on from there.",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    print(outcome.summary, *outcome.files, sep="\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--data", type=Path, metavar="DIR", required=True, help="the paper's data; they are checked"
    )
    add("-o", "--output", type=Path, metavar="DIR", required=True, help="where results go")
    add("--quick", action="store_true", help="two small sets, one fold: about two minutes")
    add("--figures", metavar="LIST", help=f"such as 3,6; of {', '.join(FIGURES)} (default: all)")
    add("--sets", metavar="LIST", help="such as pancreas_sp,brca_560 (default: all 13)")
    add("--folds", metavar="LIST", help="such as 0,1 (default: 0,1,2,3,4)")
    add("--workers", type=int, default=2, metavar="N", help="processes; they change no result")
    return parser


def _chosen(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Cell]:
    """Return the cells that the options name; any other name ends the program."""

    def listed(option: str, known: dict[str, str]) -> list[str]:
        text: str | None = getattr(options, option)
        names = list(known) if text is None else [name.strip() for name in text.split(",")]
        for name in names:
            if name not in known:
                parser.error(f"--{option} {text}: {name!r} is none of {', '.join(known)}")
        return [known[name] for name in names]

    if options.workers < 1:
        parser.error(f"--workers {options.workers}: at least one process is needed")
    if options.quick:
        if options.figures or options.sets or options.folds:
            parser.error("--quick chooses figures, sets and folds: leave out the others")
        return quick_plan()
    folds = listed("folds", {str(fold): str(fold) for fold in FOLDS})
    figures = listed("figures", {figure: figure for figure in FIGURES})
    cells = plan(figures, listed("sets", SETS), map(int, folds))
    if not cells:
        parser.error("nothing to compute: these figures do not use these sets")
    return cells


if __name__ == "__main__":
    # The published MU leaves equal entries by rounding errors alone (protocol `authors`): its numbers are those of the
    # AVX2 kernels of OpenBLAS, and others come from AVX-512 ones. The workers inherit the choice.
    if platform.machine() in ("x86_64", "AMD64"):
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
    sys.exit(main())
