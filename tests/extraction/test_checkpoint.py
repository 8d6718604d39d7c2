"""A checkpoint gives back what was kept, or names the one file that is damaged; one process at a time works with it."""

import io
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnmf.exceptions import CheckpointError
from dnmf.extraction import Checkpoint, ExtractionRun, run_identity, select_signatures
from dnmf.selection import Candidate
from dnmf.signatures import MutationCatalog, load_reference, simulate_catalog

IDENTITY = {"dnmf": "0.1.0", "catalog_sha256": "ab" * 32, "seed": 3, "restarts": 2}
K, F, N = 3, 8, 6


@pytest.fixture
def candidate() -> Candidate:
    rng = np.random.default_rng(0)
    return Candidate(
        components=rng.random((K, F)),
        replicates=rng.random((2, K, F)),
        costs=rng.random(3),
        silhouette=np.full(K, np.nan),
        split_half_cosine=rng.random(K),
        held_out=rng.random(N),
        cosine=rng.random(N),
    )


@pytest.fixture
def work(candidate: Candidate, tmp_path: Path) -> Checkpoint:
    work = Checkpoint(tmp_path / "work", IDENTITY)
    work.save_candidate(candidate)
    work.save_restart(4, 1, np.ones((4, F)))
    return work


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def huge() -> bytes:
    """An array that claims far more numbers than there are."""
    content = npz(signatures=np.ones((K, F)))
    return content.replace(b"(3, 8), }", b"(9999999999,)}".ljust(9), 1)


def test_what_was_kept_comes_back(work: Checkpoint, candidate: Candidate) -> None:
    again = Checkpoint(work.folder, IDENTITY)
    found = again.candidate(K)
    assert found is not None
    for name, values in vars(candidate).items():
        np.testing.assert_array_equal(getattr(found, name), values)
    np.testing.assert_array_equal(again.restart(4, 1), np.ones((4, F)))
    assert again.restart(4, 0) is None
    assert again.candidate(4) is None
    assert again.finished() == [K]


def test_every_flipped_byte_of_a_part_is_noticed(work: Checkpoint) -> None:
    path = work.folder / "k003.npz"
    good = path.read_bytes()
    for place in range(0, len(good), 7):
        content = bytearray(good)
        content[place] ^= 1
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"k003\.npz is damaged.*Delete this one file"):
            work.candidate(K)


@pytest.mark.parametrize(
    "content",
    [b"", b"half of a fi", b"PK\x05\x06" + bytes(18), b"\x80\x04pickle", npz(), huge(), bytes(10**6)],
)  # fmt: skip
def test_a_part_that_is_something_else_is_named_and_alone_computed_again(
    work: Checkpoint, candidate: Candidate, content: bytes
) -> None:
    for name, read in (
        ("k003.npz", lambda: work.candidate(K)),
        ("k004-restart001.npz", lambda: work.restart(4, 1)),
    ):
        path = work.folder / name
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=rf"{name} is damaged.*Delete this one file"):
            read()
        path.unlink()
        assert read() is None
    work.save_candidate(candidate)
    assert work.candidate(K) is not None


@pytest.mark.parametrize(
    "change", ["one number", "transposed", "nan", "other type", "less", "more"]
)
def test_numbers_altered_by_hand_are_noticed(
    work: Checkpoint, candidate: Candidate, change: str
) -> None:
    arrays = dict(vars(candidate))
    W = candidate.components.copy()
    W[0, 0] = np.nan if change == "nan" else W[0, 0] + 1e-9
    arrays |= {
        "transposed": {"signatures": W.T},
        "other type": {"signatures": W.astype(np.float32)},
        "more": {"another": W},
    }.get(change, {"signatures": W})
    if change == "less":
        del arrays["costs"]
    (work.folder / "k003.npz").write_bytes(npz(**arrays))
    with pytest.raises(CheckpointError, match=r"k003\.npz is damaged"):
        work.candidate(K)


def test_a_part_of_another_number_or_run_is_noticed(work: Checkpoint, tmp_path: Path) -> None:
    shutil.copy(work.folder / "k003.npz", work.folder / "k005.npz")
    with pytest.raises(CheckpointError, match=r"k005\.npz is damaged"):
        work.candidate(5)
    other = Checkpoint(tmp_path / "other", IDENTITY | {"seed": 4})
    shutil.copy(work.folder / "k003.npz", other.folder)
    with pytest.raises(CheckpointError, match="of another run"):
        other.candidate(K)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "3", "{", "[" * 100_000, '{"format": NaN}', '{"format": "3"}', "{}",
     '{"format": 4}', '{"format": 4, "dnmf": null, "catalog_sha256": [], "seed": {}, "restarts": 1e400}'],
)  # fmt: skip
def test_a_damaged_record_is_named_and_alone_written_again(work: Checkpoint, content: str) -> None:
    record = work.folder / "run.json"
    record.write_text(content)
    with pytest.raises(CheckpointError, match=r"run\.json is damaged.*Delete this one file"):
        Checkpoint(work.folder, IDENTITY)
    record.unlink()
    assert Checkpoint(work.folder, IDENTITY).candidate(K) is not None
    record.unlink()
    # Parts of other work are not taken for its own.
    with pytest.raises(CheckpointError, match=r"k003\.npz is damaged"):
        Checkpoint(work.folder, IDENTITY | {"seed": 4}).candidate(K)


def test_what_killed_runs_have_left_is_removed_when_the_next_begins(work: Checkpoint) -> None:
    for name in ("k003-restart000.npz", ".k004.npz.1f.part", "lock"):
        (work.folder / name).write_bytes(b"half")
    with Checkpoint(work.folder, IDENTITY).locked():
        pass
    kept = {path.name for path in work.folder.iterdir()}
    assert kept == {"run.json", "k003.npz", "k004-restart001.npz"}


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def catalog() -> MutationCatalog:
    reference = load_reference("SBS1,SBS4")
    return simulate_catalog(reference, 8, mean_burden=900, sparsity=0.3, random_state=0)[0]


@pytest.fixture
def run(catalog: MutationCatalog, candidate: Candidate, tmp_path: Path) -> ExtractionRun:
    """A run of which k = 3 counts as finished."""
    run = ExtractionRun.start(tmp_path / "out", catalog, n_signatures=[2, 3], n_restarts=2)
    assert run.checkpoint is not None
    run.checkpoint.save_candidate(candidate)
    return run


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept.update(input=3),
        lambda kept: kept.update(input=None, command=[]),
        lambda kept: kept["job"].update(model=[]),
        lambda kept: kept["job"]["model"].update(n_layers=10**9),
        lambda kept: kept["job"].update(n_restarts=10**12),
        lambda kept: kept["job"].update(random_state="", l2_reg={"a": 1}),
        lambda kept: kept["job"].update(reference=3),
        lambda kept: kept.pop("command"),
        lambda kept: kept.pop("job"),
        lambda kept: kept.pop("entries_sha256"),
    ],
)
def test_altered_options_are_named_and_alone_written_again(
    run: ExtractionRun, catalog: MutationCatalog, change: Any
) -> None:
    path = Path(f"{run.output}.checkpoint") / "options.json"
    kept = json.loads(path.read_text())
    change(kept)
    path.write_text(json.dumps(kept))
    with pytest.raises(CheckpointError, match=r"options\.json is damaged.*Delete this one file"):
        ExtractionRun.finished(run.output)
    path.unlink()
    ExtractionRun.start(run.output, catalog, n_signatures=[2, 3], n_restarts=2)
    assert ExtractionRun.finished(run.output).unfinished == (2,)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[", b"null", b"[1]", b'{"job": ' * 9999])
@pytest.mark.parametrize("name", ["options.json", "catalog.tsv", "run.json"])
def test_a_damaged_file_of_a_run_is_named_and_alone_written_again(
    run: ExtractionRun, catalog: MutationCatalog, name: str, content: bytes
) -> None:
    path = Path(f"{run.output}.checkpoint") / name
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name} is damaged.*Delete this one file"):
        ExtractionRun.finished(run.output)
    path.unlink()
    ExtractionRun.start(run.output, catalog, n_signatures=[2, 3], n_restarts=2)
    assert ExtractionRun.finished(run.output).unfinished == (2,)


def test_a_catalog_altered_by_hand_is_noticed(run: ExtractionRun) -> None:
    path = Path(f"{run.output}.checkpoint") / "catalog.tsv"
    path.write_text(path.read_text().replace("\t1\t", "\t2\t", 1))
    with pytest.raises(CheckpointError, match=r"catalog\.tsv is damaged \(it was altered\)"):
        ExtractionRun.finished(run.output)


@pytest.mark.usefixtures("quick_search")
def test_a_second_run_is_told_of_the_first_and_reports_what_is_finished(
    run: ExtractionRun, catalog: MutationCatalog
) -> None:
    assert run.checkpoint is not None
    told: list[str] = []

    def second() -> None:
        work = Checkpoint(f"{run.output}.checkpoint", run_identity(catalog, 0, 2))
        for attempt in (
            lambda: ExtractionRun.start(run.output, catalog, n_signatures=[2], n_restarts=2),
            lambda: select_signatures(catalog, [2], n_restarts=2, checkpoint=work),
        ):
            with pytest.raises(CheckpointError) as caught:
                attempt()
            told.append(str(caught.value))
        told.append(str(ExtractionRun.finished(run.output).unfinished))

    def progress(*_: object) -> None:
        if not told:
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()

    select_signatures(catalog, [2], n_restarts=2, checkpoint=run.checkpoint, progress=progress)
    assert len(told) == 3
    assert all("is in use by another run: process" in text for text in told[:2])
    assert told[2] == "(2,)"
    assert not (run.checkpoint.folder / "lock").exists()
    assert run.checkpoint.finished() == [2, 3]
