"""One input to one reader: what came out, how long it took, and whether that keeps the promise."""

import re
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import dnmf
from dnmf.exceptions import CheckpointError, DoubtfulDataWarning, InputDataError, ModelFileError
from reliability.parser import EQUAL, UNKNOWN

MOST_SECONDS = 5
MOST_BYTES = 1 << 30
PLACED, UNPLACED, OTHER = "refused with place", "refused without place", "other"
MEMORY = "memory"
VERDICTS = (EQUAL, UNKNOWN, PLACED, UNPLACED, OTHER)
_PACKAGE = str(Path(dnmf.__file__).parent)
_PLACE = re.compile(
    r"\b(lines? \d|columns?\b|rows?\b|channels?\b|header\b|(sample|signature|exposure) ')", re.I
)

_PARTICULAR = re.compile(r"'.*'|/\S+|\d+")

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Case:
    """Files of one input, how they are read and what is expected of the answer.

    Attributes
    ----------
    files : mapping
        Name -> content; the first one may be cut shorter to show a fault.
    read : callable(folder)
        Reads the files and returns an answer.
    check : callable(answer, files, warnings)
        Returns ``EQUAL``, ``UNKNOWN`` or what is wrong with the answer.
    whole : bool
        Whether nothing is damaged: a refusal breaks the promise, too.
    table : bool
        Whether a refusal should name a line, row or column; otherwise the file is place enough.
    """

    files: Files
    read: Callable[[Path], Any]
    check: Callable[[Any, Files, Sequence[str]], str]
    whole: bool = False
    table: bool = True


@dataclass(frozen=True)
class Subject:
    """A reader or loader: ``case`` draws one input; ``share`` is its part of all inputs."""

    name: str
    share: int
    case: Callable[[Random], Case]


@dataclass(frozen=True)
class Outcome:
    """What an input led to; ``fault`` tells faults of different kinds apart, ``detail`` describes this one."""

    verdict: str
    fault: str = ""
    detail: str = ""


class _TooSlow(BaseException):
    pass


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _TooSlow


def attempt(
    case: Case,
    folder: Path,
    *,
    most_bytes: int | None = None,
    most_seconds: float = MOST_SECONDS,
    patience: int = 1,
) -> Outcome:
    """Write the files of a case into an empty folder, read them, and judge what came out.

    ``most_bytes`` is the peak memory of this process that is still right, by default ``MOST_BYTES`` above the present.
    Slow is what computes for longer than ``most_seconds``, or is not back after ``patience`` times as long.
    """
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for name, content in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    most_bytes = most_bytes or peak_bytes() + MOST_BYTES
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, most_seconds * patience)
    started = time.process_time()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answer = case.read(folder)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except (InputDataError, ModelFileError, CheckpointError) as error:
        outcome = _refused(case, folder, str(error))
    except _TooSlow as error:
        used = time.process_time() - started
        detail = f"not back after {most_seconds * patience} s, {used:.1f} s of them computing"
        outcome = Outcome(OTHER, f"slow in {_where(error)}", detail)
    except Exception as error:  # noqa: BLE001  # which exceptions come out is what is asked
        outcome = Outcome(
            OTHER, f"{type(error).__name__} in {_where(error)}", traceback.format_exc(limit=-4)
        )
    else:
        said = [str(w.message) for w in caught if issubclass(w.category, DoubtfulDataWarning)]
        foreign = [w for w in caught if not issubclass(w.category, UserWarning)]
        wrong = case.check(answer, case.files, said)
        if wrong in (EQUAL, UNKNOWN) and foreign:
            outcome = Outcome(
                OTHER, _kind(foreign[0].category.__name__, foreign[0].message), str(foreign[0])
            )
        elif wrong in (EQUAL, UNKNOWN):
            outcome = Outcome(wrong)
        else:
            outcome = Outcome(OTHER, _kind("wrong answer", wrong), f"{wrong} (warnings: {said})")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    used = time.process_time() - started
    if outcome.verdict != OTHER and used > most_seconds:
        return Outcome(OTHER, "slow", f"{used:.1f} s of computing; then: {outcome}")
    if peak_bytes() > most_bytes:
        return Outcome(OTHER, MEMORY, f"more than {MOST_BYTES >> 20} MB; then: {outcome}")
    return outcome


def _refused(case: Case, folder: Path, message: str) -> Outcome:
    if case.whole:
        return Outcome(OTHER, _kind("whole but refused", message), message)
    if not any(
        name in message for name in (folder.name, *(Path(name).name for name in case.files))
    ):
        return Outcome(OTHER, _kind("names no file", message), message)
    return Outcome(PLACED if not case.table or _PLACE.search(message) else UNPLACED, detail=message)


def _kind(what: str, message: object) -> str:
    """Return the name of a kind of fault: a message without what differs from input to input."""
    return f"{what}: {re.sub(_PARTICULAR, '_', str(message))[:60]}"


def _where(error: BaseException) -> str:
    """Return the innermost function of the package on an exception's way."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(_PACKAGE)]
    place = (own or [frame for frame in frames if frame.filename != __file__])[-1]
    return f"{Path(place.filename).name}:{place.name}"


def peak_bytes() -> int:
    """Return the largest memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
