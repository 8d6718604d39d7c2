"""The progress of long work: a bar with the time left, or plain lines without a terminal."""

import math
import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_SECONDS_BETWEEN_LINES = 10.0


class TrainingProgress:
    """A context manager that is called as every `dnmf.progress.Progress` is.

    On a terminal it shows one bar per phase, elsewhere one line per phase and one every ten seconds.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description:<12}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last: tuple[str, int, int, float] | None = None
        self._next_line = 0.0
        self._begun = (0.0, 0)  # when the phase began, and with which step

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._end_phase()
        # Rich before 14.3 ends bars that are not shown with a blank line.
        if not self._bars.disable:
            self._bars.stop()

    def __call__(self, phase: str, step: int, steps: int, cost: float) -> None:
        """Show one step; the first step of a phase may follow steps that an earlier run has done."""
        if self._quiet:
            return
        now = time.monotonic()
        new_phase = self._last is None or self._last[0] != phase
        if new_phase:
            self._end_phase()
            self._begun = now, step
        self._last = phase, step, steps, cost
        if self._console.is_terminal:
            if phase not in self._tasks:
                # The speed is that of this run: what an earlier one did is not counted.
                self._tasks[phase] = self._bars.add_task(
                    phase, total=steps or None, completed=step, detail=""
                )
            self._bars.update(
                self._tasks[phase], completed=step, total=steps or None, detail=_cost(cost)
            )
        elif new_phase or step == steps > 0 or now > self._next_line:
            counted = "" if math.isnan(cost) else "step "
            done = f"{counted}{step} of {steps}" if steps else f"step {step}" if step else "begun"
            details = _comma(_cost(cost)) + _comma(self._left(step, steps, now))
            self._print(f"{phase}: {done}{details}")

    def _left(self, step: int, steps: int, now: float) -> str:
        begun, first = self._begun
        if step in (steps, first) or not steps:
            return ""
        return f"about {duration((now - begun) * (steps - step) / (step - first))} left"

    def _end_phase(self) -> None:
        """Show the phase that was running as done: training may stop before its last step."""
        if self._last is None:
            return
        phase, step, steps, cost = self._last
        if self._console.is_terminal:
            self._bars.update(self._tasks[phase], completed=step, total=step)
        elif step < steps:
            self._print(f"{phase}: done after step {step} of {steps}{_comma(_cost(cost))}")

    def _print(self, text: str) -> None:
        self._console.print(text)
        self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES


def duration(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> [duration(s) for s in (7.2, 100, 5000, 90_000)]
    ['7 s', '2 min', '83 min', '25 h']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"


def _cost(cost: float) -> str:
    return "" if math.isnan(cost) else f"cost {cost:.4g}"


def _comma(text: str) -> str:
    return f", {text}" if text else ""
