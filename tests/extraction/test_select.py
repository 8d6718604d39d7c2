"""Choosing the number of signatures on small catalogs: right, reproducible, resumable."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnmf import MutationCatalog, load_reference, simulate_catalog
from dnmf.exceptions import CheckpointError
from dnmf.extraction import Checkpoint, Selection, run_identity, select_signatures

pytestmark = pytest.mark.usefixtures("quick_search")

RESTARTS = 3


@pytest.fixture(scope="module")
def catalog() -> MutationCatalog:
    truth = load_reference("cosmic-v3.4").select(["SBS2", "SBS4", "SBS7a"])
    return simulate_catalog(truth, 24, mean_burden=3000, sparsity=0.3, random_state=0)[0]


@pytest.fixture(scope="module")
def selection(catalog: MutationCatalog) -> Selection:
    return select_signatures(catalog, range(2, 5), n_restarts=RESTARTS)


def assert_same(one: Selection, other: Selection) -> None:
    assert list(one.candidates) == list(other.candidates)
    for k, candidate in one.candidates.items():
        for name in (
            "components",
            "replicates",
            "costs",
            "held_out",
            "split_half_cosine",
            "silhouette",
        ):
            a, b = getattr(candidate, name), getattr(other.candidates[k], name)
            assert np.array_equal(a, b, equal_nan=True), (k, name)


def test_the_true_number_is_chosen_and_its_signatures_found(
    catalog: MutationCatalog, selection: Selection
) -> None:
    assert selection.choice.n_components == 3
    assert selection.choice.stable
    assert selection.table.index.tolist() == [2, 3, 4]
    np.testing.assert_allclose(selection.chosen.components.sum(axis=1), 1.0)


def test_workers_do_not_change_a_bit(catalog: MutationCatalog, selection: Selection) -> None:
    assert_same(select_signatures(catalog, range(2, 5), n_restarts=RESTARTS, workers=2), selection)


def test_a_cluster_does_not_change_a_bit_and_keeps_what_is_finished(
    catalog: MutationCatalog, selection: Selection, tmp_path: Path, dask_client: Any
) -> None:
    work = Checkpoint(tmp_path / "work", run_identity(catalog, 0, RESTARTS))
    options: dict[str, Any] = {"n_restarts": RESTARTS, "checkpoint": work}
    assert_same(select_signatures(catalog, range(2, 5), executor=dask_client, **options), selection)
    assert work.finished() == [2, 3, 4]


def test_each_number_is_what_it_would_be_alone(
    catalog: MutationCatalog, selection: Selection
) -> None:
    alone = select_signatures(catalog, [3], n_restarts=RESTARTS)
    np.testing.assert_array_equal(alone.chosen.components, selection.candidates[3].components)


def test_another_seed_gives_other_restarts(catalog: MutationCatalog, selection: Selection) -> None:
    other = select_signatures(catalog, [3], n_restarts=RESTARTS, seed=1)
    assert not np.array_equal(other.chosen.replicates, selection.candidates[3].replicates)


def test_an_interrupted_run_goes_on_where_it_was(
    catalog: MutationCatalog, selection: Selection, tmp_path: Path
) -> None:
    class Enough(Exception):
        pass

    def checkpoint() -> Checkpoint:
        return Checkpoint(tmp_path / "work", run_identity(catalog, 0, RESTARTS))

    def stop_at(limit: int) -> None:
        def progress(phase: str, done: int, total: int, cost: float) -> None:
            if done >= limit:
                raise Enough

        with pytest.raises(Enough):
            select_signatures(
                catalog,
                range(2, 5),
                n_restarts=RESTARTS,
                checkpoint=checkpoint(),
                progress=progress,
            )

    stop_at(3)
    stop_at(7)
    first: list[int] = []
    resumed = select_signatures(
        catalog,
        range(2, 5),
        n_restarts=RESTARTS,
        checkpoint=checkpoint(),
        progress=lambda phase, done, total, cost: first.append(done),
    )
    assert first[0] == 7
    assert_same(resumed, selection)
    assert checkpoint().finished() == [2, 3, 4]
    assert not list((tmp_path / "work").glob("*restart*"))


def test_a_longer_range_computes_only_what_is_new(
    catalog: MutationCatalog, selection: Selection, tmp_path: Path
) -> None:
    work = Checkpoint(tmp_path, run_identity(catalog, 0, RESTARTS))
    select_signatures(catalog, [2, 3], n_restarts=RESTARTS, checkpoint=work)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("k*.npz")}
    calls: list[tuple[int, int]] = []
    extended = select_signatures(
        catalog,
        range(2, 5),
        n_restarts=RESTARTS,
        checkpoint=work,
        progress=lambda phase, done, total, cost: calls.append((done, total)),
    )
    assert calls[0] == (2 * (RESTARTS + 1), 3 * (RESTARTS + 1))
    assert_same(extended, selection)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("k*.npz")}
    assert before.items() <= after.items()


@pytest.mark.parametrize("change", ["seed", "restarts", "catalog_sha256", "dnmf"])
def test_a_checkpoint_of_something_else_is_refused_and_kept(
    catalog: MutationCatalog, tmp_path: Path, change: str
) -> None:
    identity = run_identity(catalog, 0, RESTARTS)
    Checkpoint(tmp_path, identity)
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(CheckpointError, match="Nothing was changed"):
        Checkpoint(tmp_path, identity | {change: "another"})
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_folder_of_other_things_is_no_checkpoint(
    catalog: MutationCatalog, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="not empty"):
        Checkpoint(tmp_path, run_identity(catalog, 0, RESTARTS))


def test_a_damaged_file_is_named(catalog: MutationCatalog, tmp_path: Path) -> None:
    work = Checkpoint(tmp_path, run_identity(catalog, 0, RESTARTS))
    (tmp_path / "k003.npz").write_bytes(b"half of a fi")
    with pytest.raises(CheckpointError, match=r"k003\.npz is damaged"):
        select_signatures(catalog, [3], n_restarts=1, checkpoint=work)


def test_the_catalog_is_part_of_the_identity(catalog: MutationCatalog) -> None:
    changed = catalog.counts.copy()
    changed.iloc[0, 0] += 1
    other = MutationCatalog(changed, source=catalog.source)
    assert run_identity(catalog, 0, 1) != run_identity(other, 0, 1)


def test_samples_without_mutations_change_nothing(
    catalog: MutationCatalog, selection: Selection
) -> None:
    counts = catalog.counts.copy()
    counts.loc["empty"] = 0.0
    padded = MutationCatalog(counts, source=catalog.source)
    with_empty = select_signatures(padded, [3], n_restarts=RESTARTS)
    np.testing.assert_array_equal(with_empty.chosen.components, selection.candidates[3].components)
