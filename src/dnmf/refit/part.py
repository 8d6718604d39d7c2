"""The answers of some samples of a file, as they are kept until those of all are there."""

import gzip
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnmf.recorded_warnings import recorded_warnings
from dnmf.refit.prior import ExposurePrior
from dnmf.refit.record import Method
from dnmf.refit.refit import answer_catalog
from dnmf.refit.save import exposure_tables
from dnmf.signatures import SignatureSet
from dnmf.signatures.annotated import AnnotatedFile

# Parts of 1 into which shares are counted for their median.
SHARE_STEPS = 200
# Numbers of each sample that the page needs.
FIT_COLUMNS = ("cosine", "p_reference", "p_answer", "unassigned", "dispersion")
SUMS = ("mutations", "exposures", "present", "carriers", "shares", "fractional")


@dataclass(frozen=True)
class Job:
    """What a worker must know to answer a part."""

    file: AnnotatedFile
    reference: SignatureSet
    method: Method
    prior: ExposurePrior | None


def answer_part(job: Job, first: int, last: int) -> dict[str, np.ndarray]:
    """Return the lines of every table, packed, and what is summed up over the parts."""
    with recorded_warnings() as messages:
        catalog = job.file.read(first, last)
        catalog.check_counts("a refit")
        result = answer_catalog(catalog, job.reference, job.method, job.prior)
    present, shares = result.present.to_numpy(), result.shares.to_numpy()
    steps = np.rint(shares * SHARE_STEPS).astype(int)
    counted = [
        np.bincount(of[has], minlength=SHARE_STEPS + 1)
        for of, has in zip(steps.T, present.T, strict=True)
    ]
    values = catalog.counts.to_numpy()
    arrays: dict[str, np.ndarray] = {
        "fit": result.fit[list(FIT_COLUMNS)].to_numpy(dtype=np.float32),
        "burdens": result.fit["mutations"].to_numpy(dtype=float),
        "mutations": values.sum(),
        "exposures": result.exposures.sum(axis=0).to_numpy(),
        "present": present.sum(axis=0),
        "carriers": result.carriers.to_numpy(),
        "shares": np.array(counted),
        "fractional": np.array((values % 1 != 0).sum()),
        "pairs": _json(result.pairs),
        "warnings": _json(messages),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, write in exposure_tables(result).items():
            path = Path(folder) / name
            write(path)
            header, _, rows = path.read_bytes().partition(b"\n")
            arrays[name], arrays[f"header of {name}"] = _packed(rows), _packed(header + b"\n")
    return arrays


def _packed(text: bytes) -> np.ndarray:
    return np.frombuffer(gzip.compress(text, compresslevel=6, mtime=0), np.uint8)


def _json(value: object) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
