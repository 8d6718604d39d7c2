"""Inputs to the loaders of models."""

import hashlib
import json
import re
import struct
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from dnmf import DNMF, MultiplicativeNMF, SupervisedDNMF, load_model, save_model
from dnmf.exceptions import InputDataError
from reliability.damage import alter, spoil
from reliability.parser import EQUAL, UNKNOWN
from reliability.trial import Case, Files, Subject

X = np.random.default_rng(0).poisson(30, (12, 6)).astype(float)
TYPES = {
    **{
        "F64": "<f8",
        "F32": "<f4",
        "F16": "<f2",
        "BF16": "<u2",
        "BOOL": "?",
        "U8": "u1",
        "I8": "i1",
    },
    **{"I64": "<i8", "I32": "<i4", "I16": "<i2", "U64": "<u8", "U32": "<u4", "U16": "<u2"},
}
RUN = {"dnmf": "1", "catalog_sha256": "ab", "seed": 0, "restarts": 2}


def tensors_of(content: bytes) -> dict[str, np.ndarray]:
    """Read the format of safetensors by hand."""
    (size,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + size]), content[8 + size :]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            values = np.frombuffer(body[slice(*entry["data_offsets"])], TYPES[entry["dtype"]])
            if entry["dtype"] == "BF16":  # the upper half of a 32-bit number
                values = (values.astype("<u4") << 16).view("<f4")
            tensors[name] = values.reshape(entry["shape"])
    return tensors


def kind_of(value: object) -> type:
    """Return the type of an entry of JSON; whole numbers and lists may come back as others."""
    return {int: float, tuple: list}.get(type(value), type(value))


def files_of(write: Callable[[Path], object]) -> Files:
    """Return the files that a function writes into a folder, by name."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name))
        paths = [path for path in sorted(Path(name).rglob("*")) if path.is_file()]
        return {str(path.relative_to(name)): path.read_bytes() for path in paths}


def spoilt_tensors(rng: Random, content: bytes) -> bytes:
    """Change what the header of a safetensors file says, or the numbers of one tensor."""
    (size,) = struct.unpack("<Q", content[:8])
    header, body = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    name = rng.choice([name for name in sorted(header) if name != "__metadata__"])
    entry = header[name]
    start, stop = entry["data_offsets"]
    kind = rng.randrange(9)
    if kind == 0:
        del header[name]
    elif kind == 1:
        header[f"other {name}"] = header.pop(name)
    elif kind == 2:
        entry["shape"] = rng.choice(
            ([], entry["shape"][::-1], [*entry["shape"], 1], [10**9, 10**9], [0])
        )
    elif kind == 3:
        entry["dtype"] = rng.choice([*TYPES, "X"])
    elif kind == 4:
        entry["data_offsets"] = rng.choice(
            ([0, 10**12], [-1, stop], [stop, start], [start, stop + 8])
        )
    elif kind == 5:
        header = alter(rng, header)
    elif stop > start and entry["dtype"] in TYPES:
        values = np.frombuffer(bytes(body[start:stop]), TYPES[entry["dtype"]]).copy()
        with np.errstate(all="ignore"):
            values[rng.randrange(len(values)) :] = np.array(
                rng.choice((0, -1, 1, 1e30, -1e300, np.nan, np.inf, 1e-320)), np.float64
            ).astype(values.dtype)
        body[start:stop] = values.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(body)


def _spoilt_model(rng: Random, files: Files, card: str, weights: str) -> Files:
    """Damage the card or the weights of a model; mostly no checksum tells, so that what is said is checked itself."""
    files = dict(files)
    if rng.random() < 0.7:  # as cards of former versions have none of their own
        entries = json.loads(files[card])
        entries.pop("entries_sha256", None)
        files[card] = json.dumps(entries).encode()
    kind = rng.randrange(10)
    if kind < 4:
        entries = json.loads(files[card])
        for _ in range(rng.choice((1, 1, 2))):
            entries = alter(rng, entries)
        text = json.dumps(entries)
        sizes = [found.span() for found in re.finditer(r"(?<=: )(\d+|null)(?=[,}])", text)]
        if sizes and not rng.randrange(4):  # a size, or nested too deep
            at = rng.choice(sizes)
            huge = rng.choice(("100000", "100000000", "1e400", "[" * 100_000 + "]" * 100_000))
            text = text[: at[0]] + huge + text[at[1] :]
        files[card] = text.encode()
    elif kind < 6:
        files[card] = spoil(rng, files[card])
    else:
        change = spoilt_tensors if kind < 9 else spoil
        files[weights] = change(rng, files[weights])
        if rng.random() < 0.8:
            old = json.loads(files[card])["weights_sha256"]
            files[card] = files[card].replace(
                old.encode(), hashlib.sha256(files[weights]).hexdigest().encode()
            )
    return files


@cache
def _models() -> list[Files]:
    H = np.abs(np.random.default_rng(1).normal(5, 2, (12, 2)))
    fitted = (
        MultiplicativeNMF(2, max_iter=3, tol=0.0, random_state=0).fit(X),
        DNMF(2, n_layers=2, n_steps=2, random_state=0).fit(X),
        DNMF(2, layer="admm", n_layers=2, n_steps=2, random_state=0).fit(X),
        SupervisedDNMF(n_layers=2, max_epochs=1, random_state=0).fit(X, H),
    )
    for model in fitted:
        model.transform(X)  # compiled now, not while an input is timed
    return [files_of(partial(save_model, model)) for model in fitted]


def _model(rng: Random) -> Case:
    files = rng.choice(_models())
    whole = rng.random() < 0.05
    if not whole:
        files = _spoilt_model(rng, files, "model.json", "model.safetensors")

    def read(folder: Path) -> Any:
        estimator, metadata = load_model(folder)
        try:
            exposures = estimator.transform(X)
        except InputDataError:  # such a model cannot be used for these samples, and says so
            exposures = None
        return estimator, metadata, exposures

    return Case(files, read, _check_model, whole, table=False)


def _check_model(answer: Any, files: Files, _: Sequence[str]) -> str:
    estimator, metadata, exposures = answer
    card = json.loads(files["model.json"].decode("utf-8-sig"))
    tensors = tensors_of(files["model.safetensors"])
    if exposures is not None and not (np.isfinite(exposures) & (exposures >= 0)).all():
        return "exposures are negative or not finite"
    if not np.array_equal(estimator.components_, tensors["components"]):
        return "other components than in the file"
    if metadata != card["metadata"] or estimator.n_iter_ != card["n_iter"]:
        return "other metadata or number of steps than in the file"
    if card["format_version"] != 3:
        return UNKNOWN  # entries of former versions have other names
    own = estimator.get_params(deep=False)
    for name, value in card["parameters"].items():
        taken = np.asarray(own[name]).tolist() if hasattr(own[name], "__array__") else own[name]
        if name != "device" and (taken != value or kind_of(taken) is not kind_of(value)):
            return f"the parameter {name} is {own[name]!r}, in the file {value!r}"
    return EQUAL


SUBJECTS = [
    Subject("model", 8, _model),
]
