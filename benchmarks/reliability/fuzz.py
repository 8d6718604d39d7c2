"""Feed damaged files to every reader and loader of dnmf, and count what comes out.

An answer must equal that of a parser that shares no code with dnmf; anything else must be refused by one of dnmf's own
errors, within 5 seconds and 1 GB. What is finished is kept in the output folder: the same command goes on from there. A
small file that shows each distinct fault is kept in OUTPUT/faults. Ends with status 1 if there was any.
"""

import argparse
import hashlib
import json
import multiprocessing
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random
from typing import Any

import torch

import dnmf
from reliability import checkpoints, genomes, models, tables
from reliability.trial import (
    EQUAL,
    MEMORY,
    MOST_BYTES,
    MOST_SECONDS,
    OTHER,
    VERDICTS,
    Case,
    Outcome,
    Subject,
    attempt,
    peak_bytes,
)

BLOCK = 500  # inputs that one process reads
SECONDS_BETWEEN_LINES = 30.0
# A process that reads one input for longer is ended: the alarm does not reach compiled code.
SECONDS_TO_LIVE = 12.0 * MOST_SECONDS
SECONDS_TO_PREPARE = 600.0
SHRINKING_ATTEMPTS = 300
EXIT_FAULTS, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130
SUBJECTS = {
    subject.name: subject
    for room in (tables, genomes, models, checkpoints)
    for subject in room.SUBJECTS
}

Task = tuple[str, int, int]  # reader, first input, input after the last


def draw(subject: Subject, seed: int, index: int) -> Case:
    """Return one input: the same for the same seed and index."""
    return subject.case(Random(f"{seed} {subject.name} {index}"))


def judged(case: Case, folder: Path, most_bytes: int) -> Outcome:
    """Read an input; one that was slow is read again with patience: the machine may be busy."""
    outcome = attempt(case, folder, most_bytes=most_bytes)
    if not outcome.fault.startswith("slow"):
        return outcome
    return attempt(case, folder, most_bytes=most_bytes, patience=5)


def shrunk(case: Case, fault: str, folder: Path) -> Case:
    """Return the case with as much cut out of its first file as leaves the fault as it is."""
    name, content = next(iter(case.files.items()))
    size, attempts = len(content) // 2, 0
    while size and attempts < SHRINKING_ATTEMPTS:
        at = 0
        while at < len(content) and attempts < SHRINKING_ATTEMPTS:
            less = replace(case, files={**case.files, name: content[:at] + content[at + size :]})
            attempts += 1
            if attempt(less, folder).fault == fault:
                content = less.files[name]
            else:
                at += size
        size //= 2
    return replace(case, files={**case.files, name: content})


def read_block(subject: Subject, seed: int, start: int, stop: int, at: Any) -> dict[str, Any]:
    """Read the inputs ``start`` to ``stop``; return counts and faults. ``at.value`` says which is being read."""
    most_bytes = peak_bytes() + MOST_BYTES
    counts: Counter[str] = Counter()
    faults: dict[str, dict[str, Any]] = {}
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        for index in range(start, stop):
            at.value = index
            case = draw(subject, seed, index)
            outcome = judged(case, folder, most_bytes)
            counts[outcome.verdict] += 1
            if outcome.verdict != OTHER:
                continue
            if outcome.fault not in faults:
                brief = case.table and not outcome.fault.startswith(("slow", MEMORY, "whole"))
                files = (shrunk(case, outcome.fault, folder) if brief else case).files
                faults[outcome.fault] = {
                    "n": 0,
                    "index": index,
                    "detail": outcome.detail,
                    "files": files,
                }
            faults[outcome.fault]["n"] += 1
            if outcome.fault == MEMORY:  # the peak stays: the next process sees the next one
                stop = index + 1
                break
    return {
        "reader": subject.name,
        "start": start,
        "stop": stop,
        "counts": counts,
        "faults": faults,
    }


def _work(task: Task, seed: int, at: Any, answers: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # only Linux tells how much is in use
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + 2 * MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    name, start, stop = task
    answers.send(read_block(SUBJECTS[name], seed, start, stop, at))


class Campaign:
    """A folder of finished blocks, one a line, and of the faults that were found."""

    def __init__(self, output: Path, seed: int) -> None:
        self.seed, self._faults, self._blocks = seed, output / "faults", output / "blocks.jsonl"
        self._faults.mkdir(parents=True, exist_ok=True)
        record, wanted = output / "run.json", {"seed": seed, "code": _code()}
        if record.exists() and json.loads(record.read_text("utf-8")) != wanted:
            raise ValueError(
                f"{output} holds a campaign on other code or with another seed: choose another --output"
            )
        record.write_text(json.dumps(wanted), "utf-8")
        lines = self._blocks.read_text("utf-8").splitlines() if self._blocks.exists() else []
        self.blocks = [json.loads(line) for line in lines if line.endswith("}")]

    def add(self, block: dict[str, Any]) -> None:
        """Keep a finished block, and the files of faults that are new."""
        for fault, found in block["faults"].items():
            files = found.pop("files", {})
            key = hashlib.sha256(fault.encode()).hexdigest()[:8]
            folder = self._faults / f"{block['reader']}-{key}".replace(" ", "-")
            if not folder.exists():
                folder.mkdir()
                for name, content in files.items():
                    (folder / name).parent.mkdir(exist_ok=True)
                    (folder / name).write_bytes(content)
                (folder / "fault.txt").write_text(
                    f"{fault}\ninput {found['index']}\n{found['detail']}\n", "utf-8", "replace"
                )
            found["folder"] = folder.name
        self.blocks.append(block)
        with self._blocks.open("a", encoding="utf-8") as file:
            file.write(json.dumps(block) + "\n")

    def missing(self, inputs: int, names: Sequence[str]) -> Iterator[Task]:
        """Yield what is to be read until each reader has had its share of the inputs."""
        ends = {(block["reader"], block["start"]): block["stop"] for block in self.blocks}
        total = sum(SUBJECTS[name].share for name in names)
        shares = {name: -(-inputs * SUBJECTS[name].share // total) for name in names}
        for block in range(0, max(shares.values(), default=0), BLOCK):
            for name in names:
                start, stop = block, min(block + BLOCK, shares[name])
                while (name, start) in ends:
                    start = ends[name, start]
                if start < stop:
                    yield name, start, stop

    def summary(self) -> str:
        """Return a table of figures, and the faults."""
        rows = [("reader", "tried", *VERDICTS)]
        counts: dict[str, Counter[str]] = {}
        faults: Counter[tuple[str, str, str]] = Counter()
        for block in self.blocks:
            counts.setdefault(block["reader"], Counter()).update(block["counts"])
            for fault, found in block["faults"].items():
                faults[block["reader"], fault, found["folder"]] += found["n"]
        total: Counter[str] = sum(counts.values(), Counter())
        for name, own in [
            *sorted(counts.items(), key=lambda item: list(SUBJECTS).index(item[0])),
            ("all", total),
        ]:
            rows.append(
                (name, *(f"{n:,}" for n in (own.total(), *(own[verdict] for verdict in VERDICTS))))
            )
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|---|" + "---:|" * (len(rows[0]) - 1))
        lines += [
            f"{n} x {name}: {fault} (faults/{folder})"
            for (name, fault, folder), n in faults.most_common()
        ]
        return "\n".join(lines)

    def faults(self) -> int:
        """Return the number of inputs that broke the promise."""
        return sum(block["counts"].get(OTHER, 0) for block in self.blocks)


def run(campaign: Campaign, tasks: Sequence[Task], workers: int, minutes: float) -> None:
    """Read the inputs of all tasks, each in a process of its own; one that dies or hangs is replaced."""
    context = multiprocessing.get_context("fork")  # seeds and imports are shared
    queue, running = deque(tasks), {}
    end, line = time.monotonic() + 60 * minutes, time.monotonic()
    try:
        while running or (queue and time.monotonic() < end):
            while queue and len(running) < workers and time.monotonic() < end:
                task, at = queue.popleft(), context.Value("q", -1)
                answers, sending = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(task, campaign.seed, at, sending))
                process.start()
                sending.close()
                running[answers] = [task, at, process, -1, time.monotonic()]
            for answers in wait(list(running), timeout=1):
                task, at, process, *_ = running.pop(answers)
                try:
                    block = answers.recv()
                    left = [(task[0], block["stop"], task[2])]
                except EOFError:
                    process.join()
                    block = _died(campaign, task, at.value, process.exitcode)
                    left = [(task[0], task[1], at.value), (task[0], at.value + 1, task[2])]
                campaign.add(block)
                queue.extendleft((name, start, stop) for name, start, stop in left if start < stop)
            for state in running.values():
                _, at, process, last, since = state
                if at.value != last:
                    state[3:] = [at.value, time.monotonic()]
                elif time.monotonic() - since > SECONDS_TO_LIVE:
                    process.kill()
            if time.monotonic() - line > SECONDS_BETWEEN_LINES:
                line = time.monotonic()
                tried = sum(sum(block["counts"].values()) for block in campaign.blocks)
                print(
                    f"{tried:,} inputs, {campaign.faults():,} faults", file=sys.stderr, flush=True
                )
    finally:
        for _, _, process, *_ in running.values():
            process.kill()


def _died(campaign: Campaign, task: Task, index: int, status: int | None) -> dict[str, Any]:
    files = draw(SUBJECTS[task[0]], campaign.seed, index).files
    fault = {"n": 1, "index": index, "detail": "the process ended or was ended", "files": files}
    counts = {OTHER: 1}
    return {
        "reader": task[0],
        "start": index,
        "stop": index + 1,
        "counts": counts,
        "faults": {f"died with {status}": fault},
    }


def _code() -> str:
    digest = hashlib.sha256()
    for folder in (Path(dnmf.__file__).parent, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _prepare(names: Sequence[str]) -> None:
    """Import, compile and make the seeds of every reader, so that no input is timed with it."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            for index in range(100):
                case = draw(SUBJECTS[name], -1, index)
                if attempt(case, Path(folder), most_seconds=SECONDS_TO_PREPARE).verdict == EQUAL:
                    break


def main(arguments: list[str] | None = None) -> int:
    """Read what is missing, print the table of figures and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        required=True,
        help="where figures and faults go",
    )
    add(
        "--inputs",
        type=int,
        default=200_000,
        metavar="N",
        help="of all readers together (default: 200000)",
    )
    add(
        "--minutes",
        type=float,
        default=float("inf"),
        metavar="N",
        help="stop after these, to be gone on with",
    )
    add("--seed", type=int, default=0, metavar="N", help="other seeds, other inputs (default: 0)")
    add("--workers", type=int, default=2, metavar="N", help="processes (default: 2)")
    add(
        "--readers",
        nargs="+",
        choices=list(SUBJECTS),
        default=list(SUBJECTS),
        metavar="NAME",
        help="default: all",
    )
    options = parser.parse_args(arguments)
    try:
        campaign = Campaign(options.output, options.seed)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    _prepare(options.readers)
    try:
        run(
            campaign,
            list(campaign.missing(options.inputs, options.readers)),
            options.workers,
            options.minutes,
        )
    except KeyboardInterrupt:
        print(campaign.summary(), "Interrupted: the same command goes on.", sep="\n")
        return EXIT_INTERRUPTED
    print(campaign.summary())
    return EXIT_FAULTS if campaign.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
