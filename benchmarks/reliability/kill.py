"""Kill dnmf at every change of names on the disk and at random times, give the same command again, and compare.

Each command runs in a process of its own, on a small catalog. It is killed (SIGKILL) before each renaming, removal and
fsync, and at random times, up to three times in a row. At once, what was there before, or what is new, must be usable.
Then the same command is given until it ends: all tables, models and checkpoints must have the bytes of an undisturbed
run, and nothing else may be left. Pages and their records, which hold times, are only counted.

Finished kills are kept in the output folder: the same command goes on from there. Ends with status 1 on any fault.
Pictures of reports are composed but not painted, as that takes most of the time.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch

import dnmf
from dnmf.cli.main import app
from dnmf.report import folder

MOST_IN_A_ROW = 3  # kills before the command is left to end
WITH_TIMES = {"run.json", "report.html"}
LOST, DIFFERING, LEFTOVERS = "lost", "differing", "leftovers"
AT_EVENT, AT_RANDOM = "event", "random"
REFERENCE = "SBS1,SBS2,SBS3,SBS5,SBS13"
Content = dict[str, str]  # SHA-256 of every file, by its path


@dataclass(frozen=True)
class Scenario:
    """A command that is killed, its output, and the commands before it; ``old FILE`` writes an older file."""

    name: str
    command: str
    output: str
    before: tuple[str, ...] = ()


EXTRACT = "extract catalog.tsv -k 2 --restarts 2 --epochs 5 --workers 1 --quiet -o out"
REFIT = f"refit catalog.tsv --reference {REFERENCE} --quiet -o out"
SIMULATE = "simulate --samples 3 --quiet -o out"
MATCH, PLOT = "match signatures.tsv -o table.tsv", "plot signatures.tsv -o plot.svg"
TRANSFORM = "transform model catalog.tsv -o table.tsv"
MODEL = ("extract catalog.tsv -k 2 --restarts 0 --epochs 2 --quiet -o model", "old table.tsv")
OLD_FOLDER = ("simulate --samples 2 --seed 9 --quiet -o out",)
SCENARIOS = (
    Scenario("extract", EXTRACT, "out"),
    Scenario("extract over older results", f"{EXTRACT} --overwrite", "out", OLD_FOLDER),
    Scenario("refit", REFIT, "out"),
    Scenario("refit over older results", f"{REFIT} --overwrite", "out", OLD_FOLDER),
    Scenario("simulate over older results", f"{SIMULATE} --overwrite", "out", OLD_FOLDER),
    Scenario("match over an older file", f"{MATCH} --overwrite", "table.tsv", ("old table.tsv",)),
    Scenario("transform over an older file", f"{TRANSFORM} --overwrite", "table.tsv", MODEL),
    Scenario("plot over an older file", f"{PLOT} --overwrite", "plot.svg", ("old plot.svg",)),
)


def run(command: str, place: Path, die: Callable[[], None] | None = None) -> int:
    """Run a command in a forked process; return its process number. ``die`` is called before every event."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.chdir(place)
        if die is not None:
            _call_at_events(die)
        sys.argv = ["dnmf", *command.split()]
        with (
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
        ):
            if command.startswith("old "):
                Path(command.removeprefix("old ")).write_text("older")
                code = 0
            else:
                app(sys.argv[1:])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def _call_at_events(die: Callable[[], None]) -> None:
    """Call ``die`` before names change, and before content is put on the disk."""
    fsync, swapped = os.fsync, folder._swapped

    def dying_fsync(descriptor: int) -> None:
        die()
        fsync(descriptor)

    def dying_swap(first: Path, second: Path) -> bool:
        die()
        return swapped(first, second)

    os.fsync, folder._swapped = dying_fsync, dying_swap
    sys.addaudithook(lambda event, _: die() if event in ("os.rename", "os.remove") else None)


def ended(child: int) -> int:
    """Return the exit status of a process; negative after a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def content(place: Path, *names: str) -> Content:
    """Return the checksums of all files, or of those whose paths begin with one of the names."""
    files = (path for path in place.rglob("*") if not path.is_dir())
    return {
        str(path.relative_to(place)): hashlib.sha256(
            b"" if path.name in WITH_TIMES and "checkpoint" not in str(path) else path.read_bytes()
        ).hexdigest()
        for path in files
        if not names or str(path.relative_to(place)).startswith(names)
    }


@dataclass(frozen=True)
class Undisturbed:
    """What a scenario is compared with: before, after, the number of its events and its seconds."""

    before: Content
    after: Content
    events: int
    seconds: float


class Trials:
    """Scenarios in a folder of their own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.inputs = place / "inputs"
        self.inputs.mkdir()
        catalog = dnmf.example_catalog()
        small = dnmf.MutationCatalog(catalog.counts.iloc[:5], catalog.schema)
        dnmf.write_catalog(small, self.inputs / "catalog.tsv")
        signatures = dnmf.load_reference("SBS1,SBS2,SBS5")
        dnmf.write_signatures(signatures, self.inputs / "signatures.tsv")
        for scenario in SCENARIOS:
            start = self._start(scenario)
            shutil.copytree(self.inputs, start)
            for command in scenario.before:
                assert ended(run(command, start)) == 0

    def _start(self, scenario: Scenario) -> Path:
        return self.place / f"before {scenario.name}"

    def fresh(self, scenario: Scenario) -> Path:
        """Return a folder as it is before the command."""
        place = Path(tempfile.mkdtemp(dir=self.place))
        shutil.copytree(self._start(scenario), place, dirs_exist_ok=True)
        return place

    def undisturbed(self, scenario: Scenario) -> Undisturbed:
        """Run a command to its end, and count its events."""
        place = self.fresh(scenario)
        before = content(place)
        counter = place.with_suffix(".events")
        with counter.open("ab", buffering=0) as file:
            started = time.monotonic()
            status = ended(run(scenario.command, place, lambda: file.write(b".") and None))
            seconds = time.monotonic() - started
        assert status == 0, scenario.command
        after, events = content(place), counter.stat().st_size
        shutil.rmtree(place)
        return Undisturbed(before, after, events, seconds)

    def warm(self) -> None:
        """Load in this process what its children need: most of the time of a small run."""
        here = Path.cwd()
        for scenario in SCENARIOS:
            place = self.fresh(scenario)
            os.chdir(place)
            with redirect_stdout(None), redirect_stderr(None):
                app(scenario.command.split(), standalone_mode=False)
            os.chdir(here)
            shutil.rmtree(place)

    def kill(
        self, scenario: Scenario, way: str, number: int, expected: Undisturbed
    ) -> dict[str, int]:
        """Kill a command, give it again until it ends, and return the kills and the faults."""
        random = Random(f"{scenario.name} {way} {number}")
        place = self.fresh(scenario)
        kills = faults_now = 0
        for _ in range(1 if way == AT_EVENT else random.randint(1, MOST_IN_A_ROW)):
            if way == AT_EVENT:
                status = ended(run(scenario.command, place, killer(number)))
            else:
                child = run(scenario.command, place)
                time.sleep(random.uniform(0.0, expected.seconds))
                os.kill(child, signal.SIGKILL)
                status = ended(child)
            kills += status == -signal.SIGKILL
            faults_now += not usable(scenario, place, expected)
        status = ended(run(scenario.command, place))
        found = content(place)
        # A command that had done all may say so: its output exists.
        lost = faults_now or (status != 0 and not (status == 2 and found == expected.after))
        same_names = {name: found[name] for name in found if name in expected.after}
        shutil.rmtree(place)
        return {
            "kills": kills,
            LOST: int(lost),
            DIFFERING: int(same_names != expected.after),
            LEFTOVERS: int(bool(set(found) - set(expected.after))),
        }


def killer(number: int) -> Callable[[], None]:
    """Return what kills its process when it has been called ``number`` times before."""
    left = iter(range(number))

    def die() -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def usable(scenario: Scenario, place: Path, expected: Undisturbed) -> bool:
    """Whether what was there before the command, or what it makes, is there as a whole."""
    names = (f"{scenario.output}/",) if scenario.output == "out" else (scenario.output,)
    there = content(place, *names)
    versions = [
        {name: state[name] for name in state if name.startswith(names)}
        for state in (expected.before, expected.after)
    ]
    return there in versions


def plan(
    trials: Trials, n_random: int
) -> tuple[dict[str, Undisturbed], list[tuple[Scenario, str, int]]]:
    """Return what to compare with, by scenario, and every kill, in an order of chance."""
    expected = {scenario.name: trials.undisturbed(scenario) for scenario in SCENARIOS}
    kills = [(s, AT_EVENT, n) for s in SCENARIOS for n in range(expected[s.name].events)]
    kills += [(s, AT_RANDOM, n) for n in range(n_random) for s in SCENARIOS]
    Random(0).shuffle(kills)
    return expected, kills


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill what is not killed yet and print the figures; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", required=True)
    parser.add_argument(
        "--random", type=int, default=12, metavar="N", help="random times for each command"
    )
    parser.add_argument(
        "--most", type=int, metavar="N", help="kill so many runs only, drawn at random"
    )
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    kept = options.output / "kills.jsonl"
    done = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    finished = {(entry["scenario"], entry["way"], entry["number"]) for entry in done}
    _quicken()
    with tempfile.TemporaryDirectory() as place, kept.open("a") as file:
        trials = Trials(Path(place))
        trials.warm()
        expected, kills = plan(trials, options.random)
        for scenario, way, number in kills[: options.most]:
            key = {"scenario": scenario.name, "way": way, "number": number}
            if tuple(key.values()) in finished:
                continue
            done.append(key | trials.kill(scenario, way, number, expected[scenario.name]))
            file.write(json.dumps(done[-1]) + "\n")
            file.flush()
    return summarise(done, options.output)


def _quicken() -> None:
    """Leave out painting."""
    from matplotlib.figure import Figure

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    Figure.savefig = lambda self, file, **options: file.write(b"<svg/>")


def summarise(done: list[dict[str, int]], output: Path) -> int:
    """Write and print how many kills there were, and what they did; return 1 if they did any harm."""
    total: Counter[str] = Counter()
    for entry in done:
        total.update({name: entry[name] for name in ("kills", LOST, DIFFERING, LEFTOVERS)})
    total["runs"] = len(done)
    (output / "kills.json").write_text(json.dumps(total, indent=2) + "\n")
    figures = ", ".join(f"{total[name]} {name}" for name in (LOST, DIFFERING, LEFTOVERS))
    print(f"{total['kills']} kills of {total['runs']} runs: {figures}")
    return int(bool(total[LOST] + total[DIFFERING] + total[LEFTOVERS]))


if __name__ == "__main__":
    sys.exit(main())
