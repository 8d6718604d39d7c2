"""A refit of a file with more samples than should be in memory: part by part, on many workers, resumed."""

import hashlib
import json
import math
import re
import shutil
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dnmf.checkpoints import LOCK, PartsFolder
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.executors import Executor, opened
from dnmf.progress import Progress
from dnmf.recorded_warnings import recorded_warnings
from dnmf.refit.page import render_page_of_file
from dnmf.refit.part import FIT_COLUMNS, SHARE_STEPS, SUMS, Job, answer_part
from dnmf.refit.prior import COHORT, ExposurePrior
from dnmf.refit.record import Method, listed, prior_in_words
from dnmf.refit.refit import checked_prior, refit_parameters
from dnmf.refit.save import prior_record
from dnmf.report.folder import check_output_folder, checkpoint_folder
from dnmf.report.records import Ran, package_versions, record_of, write_run
from dnmf.signatures import MutationCatalog, SignatureSet, load_reference
from dnmf.signatures.annotated import AnnotatedFile
from dnmf.storage import write_whole

# Samples of a part: some seconds of work, a megabyte of answers.
PART_SAMPLES = 4096
# Names that are read at a time to see whether one is used twice.
_NAMES_AT_ONCE = 100_000


class _Parts(PartsFolder):
    """Answers of parts of a file."""

    format = 1
    names = {  # noqa: RUF012
        "format": "the format of checkpoints",
        "dnmf": "the version of dnmf",
        "file_sha256": "the file",
        "reference_sha256": "the reference",
        "prior_sha256": "--prior",
        "method": "--method",
        "samples": "the samples of a part",
    }
    ours = re.compile(rf"part\d{{6}}\.npz|{LOCK}|.*\.part", re.DOTALL)


@dataclass(frozen=True, repr=False)
class RefitOfFile(Ran):
    """What is known of a refit of a file when its tables are written.

    Attributes
    ----------
    parameters, seconds, warnings, versions
        See :class:`dnmf.report.records.Ran`.
    file : AnnotatedFile
        The ``n`` samples.
    reference, prior
        As in :class:`dnmf.refit.record.RefitRecord`.
    fit : DataFrame (n, 6)
        Of the columns of ``RefitResult.fit`` ``mutations``, ``cosine``, ``p_reference``, ``p_answer``, ``unassigned``
        and ``dispersion``; by number of sample.
    summary : DataFrame
        As ``RefitResult.summary()``; the median share is the lower one of two, to 0.5 %.
    pairs, carriers
        As in :class:`dnmf.refit.record.RefitRecord`.
    page : Path
        Of ``report.html``.
    """

    file: AnnotatedFile
    reference: SignatureSet
    prior: ExposurePrior | None
    fit: pd.DataFrame
    summary: pd.DataFrame
    pairs: Counter[str]
    carriers: pd.Series
    page: Path

    @property
    def prior_in_words(self) -> str:
        """Which exposures were expected, as a part of a sentence."""
        return prior_in_words(self.prior, self.reference)

    def names_of(self, samples: pd.Index) -> list[str]:
        """Return the names of samples, given by their numbers."""
        return [name for number in samples for name in self.file.names(number, number + 1)]


def refit_file(
    file: AnnotatedFile | str | Path,
    out_dir: str | Path,
    reference: SignatureSet | str | Path = "cosmic-v3.4",
    *,
    method: Method = "network",
    prior: str | Path | pd.DataFrame | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    overwrite: bool = False,
    command: str | None = None,
    progress: Progress | None = None,
) -> RefitOfFile:
    """Refit the samples of an AnnData file and write the answers, with some of them in memory at a time.

    Finished parts are kept in ``OUT.checkpoint`` beside the output until all are written: the same call goes on from
    there. Each sample is answered as by :func:`dnmf.refit_exposures`.

    Parameters
    ----------
    file : AnnotatedFile or path
        ``.h5ad`` or ``.zarr``; workers on other machines must see it under the same path.
    out_dir, overwrite, command
        As for `dnmf.save_report`. Files: ``exposures.tsv.gz``, ``intervals.tsv.gz``, ``presence.tsv.gz`` (not of a
        classic method), ``fit.tsv.gz``, ``run.json``, ``report.html``, which shows no single samples.
    reference, method, prior
        As for :func:`dnmf.refit_exposures`. Not ``"cohort"``, which needs all samples at a time; the default is
        pan-cancer where the reference has the names of COSMIC's SBS signatures, else none.
    workers : int
        Threads; the result does not depend on it.
    executor : Executor, optional
        Computes in place of threads: a pool of ``concurrent.futures``, or a ``dask.distributed.Client``.
    progress : callable, optional
        ``progress("refitting", samples, of, nan)``; what it raises ends the work.

    Raises
    ------
    InputDataError
        As for :func:`dnmf.refit_exposures`; a name of a sample is used twice.
    CheckpointError
        The checkpoint is of other work, or damaged.
    WorkersLostError
        The processes of the executor are gone; what was finished is in the checkpoint.
    """
    started = time.perf_counter()
    out = Path(out_dir)
    check_output_folder(out, overwrite=overwrite)
    if not isinstance(file, AnnotatedFile):
        file = AnnotatedFile.opened(file)
    known = load_reference(reference, channels=file.schema)
    if isinstance(prior, str) and prior.strip().lower() == COHORT:
        raise InputDataError(
            "the prior 'cohort' needs all samples at a time, and a file of this size is read in parts. Give a tumour "
            "type, a table of exposures, or none."
        )
    _check_names(file)
    with recorded_warnings() as messages:
        first = _first_with_mutations(file)
        expected = checked_prior(first, known, method, prior, n_samples=0)
        job = Job(file, known, method, expected)
        given = file.record()
        parts = _Parts(checkpoint_folder(out), _identity(job, given["sha256"]))
        with parts.locked():
            n_parts = answer_parts(job, parts, workers, executor, progress)
            result = _summed(job, parts, n_parts, out / "report.html")
            result = replace(
                result,
                warnings=messages,
                seconds={"total": time.perf_counter() - started},
            )
            _write(result, parts, n_parts, given, command, overwrite=overwrite)
    shutil.rmtree(parts.folder)
    return result


def _first_with_mutations(file: AnnotatedFile) -> MutationCatalog:
    catalog = file.read(0, min(PART_SAMPLES, file.n_samples))
    for first in range(PART_SAMPLES, file.n_samples, PART_SAMPLES):
        if catalog.counts.to_numpy().any():
            break
        catalog = file.read(first, min(first + PART_SAMPLES, file.n_samples))
    return catalog


def _check_names(file: AnnotatedFile) -> None:
    """Raise InputDataError if a name is used twice; eight bytes for each are in memory."""
    starts = range(0, file.n_samples, _NAMES_AT_ONCE)
    digests = np.concatenate(
        [
            np.array([hash(name.strip()) for name in file.names(first, first + _NAMES_AT_ONCE)])
            for first in starts
        ]
    )
    order = np.argsort(digests, kind="stable")
    for place in np.flatnonzero(np.diff(digests[order]) == 0):
        one, other = (int(n) for n in order[place : place + 2])
        name = file.names(one, one + 1)[0].strip()
        if name == file.names(other, other + 1)[0].strip():
            raise InputDataError(
                f"{file.path}: the sample name {name!r} is used twice, in rows {one + 1} and {other + 1}. Rename or "
                "remove one of the two samples."
            )


def _identity(job: Job, file_sha256: str) -> dict[str, Any]:
    profiles = job.reference.profiles
    names = json.dumps([job.reference.names, list(profiles.columns)]).encode()
    values = np.ascontiguousarray(profiles.to_numpy(dtype="<f8")).tobytes()
    shares = b"" if job.prior is None else np.ascontiguousarray(job.prior.shares).tobytes()
    return {
        "dnmf": version("dnmf"),
        "file_sha256": file_sha256,
        "reference_sha256": hashlib.sha256(names + values).hexdigest(),
        "prior_sha256": hashlib.sha256(shares).hexdigest(),
        "method": job.method,
        "samples": str(PART_SAMPLES),
    }


def _name(part: int) -> str:
    return f"part{part:06d}.npz"


# ------------------------------------------------------------------------------ answers
def answer_parts(
    job: Job,
    parts: _Parts,
    workers: int,
    executor: Executor | None,
    progress: Progress | None,
) -> int:
    """Answer the parts that are missing; return how many there are."""
    n = job.file.n_samples
    bounds = [(a, min(a + PART_SAMPLES, n)) for a in range(0, n, PART_SAMPLES)]
    missing = [i for i in range(len(bounds)) if not (parts.folder / _name(i)).exists()]
    done = n - sum(bounds[i][1] - bounds[i][0] for i in missing)
    report: Progress = progress or (lambda *_: None)
    report("refitting", done, n, math.nan)
    left = iter(missing)
    running: dict[Future[dict[str, np.ndarray]], int] = {}
    with opened(executor, workers) as pool:
        shared = pool.share(job)
        while True:
            # More than run: none waits for the disk here.
            while len(running) < 2 * pool.n_tasks and (part := next(left, None)) is not None:
                running[pool.submit(answer_part, shared, *bounds[part])] = part
            if not running:
                return len(bounds)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                part = running.pop(future)
                answers = pool.result(future)
                parts.save(_name(part), answers)
                done += bounds[part][1] - bounds[part][0]
                report("refitting", done, n, math.nan)


# ------------------------------------------------------------------------------ the whole
def _read(parts: _Parts, part: int, *names: str) -> dict[str, np.ndarray]:
    found = parts.read(_name(part), names)
    assert found is not None  # it was answered, and the folder is locked
    return found


def _summed(job: Job, parts: _Parts, n_parts: int, page: Path) -> RefitOfFile:
    """Return what the parts say together, without the tables."""
    names = pd.Index(job.reference.names)
    totals: dict[str, Any] = dict.fromkeys(SUMS, 0)
    pairs: Counter[str] = Counter()
    fits, burdens, messages = [], [], dict[str, None]()
    for part in range(n_parts):
        found = _read(parts, part, *SUMS, "fit", "burdens", "pairs", "warnings")
        totals = {name: totals[name] + found[name] for name in SUMS}
        fits.append(found["fit"])
        burdens.append(found["burdens"])
        pairs.update(json.loads(found["pairs"].tobytes()))
        messages |= dict.fromkeys(json.loads(found["warnings"].tobytes()))
    if totals["fractional"]:
        n_entries = job.file.n_samples * len(job.file.channels)
        messages[
            f"{job.file.path}: {totals['fractional']} of {n_entries} counts are not integers. They are used as they "
            "are, as counts of mutations."
        ] = None
    for message in messages:
        warnings.warn(message, DoubtfulDataWarning, stacklevel=3)
    fit = pd.DataFrame(np.concatenate(fits), columns=list(FIT_COLUMNS))
    fit.insert(0, "mutations", np.concatenate(burdens))
    half = totals["shares"].sum(axis=1, keepdims=True) / 2
    median = (np.cumsum(totals["shares"], axis=1) < half).sum(axis=1) / SHARE_STEPS
    summary = pd.DataFrame(
        {
            "share": totals["exposures"] / (float(totals["mutations"]) or 1.0),
            "samples": totals["present"],
            "median_share": median,
        },
        index=names,
    )
    return RefitOfFile(
        parameters=refit_parameters(job.method, job.reference, job.prior),
        seconds={},
        warnings=[],
        versions=package_versions("anndata"),
        file=job.file,
        reference=job.reference,
        prior=job.prior,
        fit=fit,
        summary=listed(summary),
        pairs=pairs,
        carriers=pd.Series(totals["carriers"], index=names),
        page=page,
    )


def _write(
    result: RefitOfFile,
    parts: _Parts,
    n_parts: int,
    given: dict[str, Any],
    command: str | None,
    *,
    overwrite: bool,
) -> None:
    given |= {
        "samples": result.file.n_samples,
        "channels": len(result.file.channels),
        "mutations": float(result.fit["mutations"].sum()),
    }
    record = record_of(result, given, command) | prior_record(result.prior)
    del record["seed"]  # nothing in a refit is random
    names = ["exposures.tsv", "intervals.tsv", "fit.tsv"]
    if result.prior is not None:
        names.append("presence.tsv")

    def write(name: str, path: Path) -> None:
        write_whole(path, _lines(parts, n_parts, name))

    write_run(
        result.page.parent,
        overwrite=overwrite,
        record=record,
        tables={f"{name}.gz": partial(write, name) for name in names},
        page=lambda _: render_page_of_file(
            result, record, result.summary, has_presence=result.prior is not None
        ),
    )


def _lines(parts: _Parts, n_parts: int, name: str) -> Iterator[bytes]:
    """Yield a table as packed pieces, which together are a packed file."""
    header = f"header of {name}"
    yield _read(parts, 0, header)[header].tobytes()
    for part in range(n_parts):
        yield _read(parts, part, name)[name].tobytes()
