"""Inputs to the loaders of checkpoints."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd

from dnmf.extraction import ExtractionRun
from dnmf.extraction.checkpoint import Checkpoint
from dnmf.selection import Candidate
from dnmf.signatures import SBS96, MutationCatalog
from reliability.damage import alter, spoil
from reliability.models import files_of, kind_of
from reliability.parser import EQUAL
from reliability.trial import Case, Files, Subject

RUN = {"dnmf": "1", "catalog_sha256": "ab", "seed": 0, "restarts": 2}


@cache
def _candidates() -> Mapping[int, Candidate]:
    rng = np.random.default_rng(0)

    def candidate(k: int) -> Candidate:
        signatures = rng.dirichlet(np.ones(6), k)
        replicates = np.stack([signatures] * 2)
        return Candidate(signatures, replicates, *(rng.random(n) for n in (3, k, k, 8, 8)))

    return {k: candidate(k) for k in (2, 3)}


@cache
def _checkpoint_files() -> Files:
    def write(folder: Path) -> None:
        checkpoint = Checkpoint(folder, RUN)
        for candidate in _candidates().values():
            checkpoint.save_candidate(candidate)
        checkpoint.save_restart(4, 1, _candidates()[2].components)

    return files_of(write)


def _spoilt_part(rng: Random, files: Files) -> Files:
    """Damage one of the files of a checkpoint."""
    name = rng.choice(sorted(files))
    if name.endswith(".json") and rng.random() < 0.7:
        content = json.dumps(alter(rng, json.loads(files[name]))).encode()
    elif rng.random() < 0.1:
        content = files[rng.choice(sorted(files))]  # one part under another's name
    else:
        content = spoil(rng, files[name])
    return {**files, name: content}


def _checkpoint(rng: Random) -> Case:
    files = _checkpoint_files()
    whole = rng.random() < 0.05
    if not whole:
        files = _spoilt_part(rng, files)

    def read(folder: Path) -> Any:
        checkpoint = Checkpoint(folder, RUN)
        return [checkpoint.candidate(2), checkpoint.candidate(3), checkpoint.restart(4, 1)]

    return Case(files, read, _check_checkpoint, whole, table=False)


def _check_checkpoint(answer: Any, _files: Files, _said: Sequence[str]) -> str:
    """Every part is as it was written; None says that it will be computed again."""
    expected = [*_candidates().values(), _candidates()[2].components]
    for found, written in zip(answer, expected, strict=True):
        if found is None:
            continue
        arrays = [
            list(vars(part).values()) if isinstance(part, Candidate) else [part]
            for part in (found, written)
        ]
        if not all(
            np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(*arrays, strict=True)
        ):
            return "other numbers than were written"
    return EQUAL


@cache
def _run_catalog() -> np.ndarray:
    return np.random.default_rng(0).poisson(5, (8, len(SBS96)))


@cache
def _run_files() -> Files:
    names = [f"S{n}" for n in range(8)]
    catalog = MutationCatalog(pd.DataFrame(_run_catalog(), names, SBS96.labels))

    def write(folder: Path) -> None:
        run = ExtractionRun.start(folder / "out", catalog, n_signatures=[2, 3], n_restarts=2)
        assert run.checkpoint is not None
        run.checkpoint.save_candidate(_candidates()[2])

    return files_of(write)


def _run(rng: Random) -> Case:
    whole = rng.random() < 0.05
    files = _run_files() if whole else _spoilt_part(rng, _run_files())
    return Case(
        files, lambda at: ExtractionRun.finished(at / "out"), _check_run, whole, table=False
    )


def _check_run(answer: ExtractionRun, files: Files, _: Sequence[str]) -> str:
    kept = json.loads(files["out.checkpoint/options.json"].decode("utf-8-sig"))
    job, before = kept["job"], json.loads(_run_files()["out.checkpoint/options.json"])["job"]
    if not np.array_equal(answer.catalog.counts, _run_catalog()):
        return "another catalog than was written"
    if answer.arguments["n_signatures"] != [2] or answer.unfinished != (3,):
        return f"the numbers {answer.arguments['n_signatures']} and {answer.unfinished} instead of [2] and (3,)"
    for name in ("l1_reg", "l2_reg", "random_state", "n_restarts"):
        value = answer.arguments[name]
        if json.dumps(value) != json.dumps(job[name]) or kind_of(value) is not kind_of(
            before[name]
        ):
            return f"the argument {name} is {value!r}, in the file {job[name]!r}"
    return EQUAL


SUBJECTS = [
    Subject("checkpoint", 3, _checkpoint),
    Subject("extraction run", 2, _run),
]
