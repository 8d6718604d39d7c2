"""Chunks on the workers of a Dask cluster: the same bits as in this process, also after a worker was lost."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from torch import Tensor

from dnmf.engine import dask_chunks, kullback_leibler
from dnmf.engine.chunks import LocalChunks
from dnmf.engine.dask_chunks import DaskChunks
from dnmf.engine.least_squares import exposures, factorise
from dnmf.engine.samples import as_samples
from dnmf.exceptions import InputDataError

da = pytest.importorskip("dask.array")
ROWS, CHUNK_ROWS = 230, 40


def data(dtype: type = np.float64) -> np.ndarray:
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(12, 0.5), size=3)
    return rng.poisson(rng.gamma(1.0, 50.0, (ROWS, 3)) @ W).astype(dtype)


def start() -> Tensor:
    return torch.rand(3, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def mapped(X: np.ndarray, folder: Path) -> Any:
    path = folder / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")[10:]


def in_zarr(X: np.ndarray, folder: Path) -> Any:
    zarr = pytest.importorskip("zarr")
    kept = zarr.create_array(folder / "X.zarr", shape=X[10:].shape, chunks=(20, 12), dtype=X.dtype)
    kept[:] = X[10:]
    return kept


def in_hdf5(X: np.ndarray, folder: Path) -> Any:
    h5py = pytest.importorskip("h5py")
    file = h5py.File(folder / "X.h5", "w")
    file["X"] = X[10:]
    file.flush()
    return file["X"]


def in_anndata(X: np.ndarray, folder: Path) -> Any:
    anndata = pytest.importorskip("anndata")
    labels = {
        name: pd.DataFrame(index=pd.Index([f"{name}{i}" for i in range(n)], dtype=object))
        for name, n in (("obs", ROWS - 10), ("var", 12))
    }
    anndata.AnnData(X=sparse.csr_matrix(X[10:]), **labels).write_h5ad(folder / "X.h5ad")
    return anndata.read_h5ad(folder / "X.h5ad", backed="r")


SOURCES: dict[str, Callable[[np.ndarray, Path], Any]] = {
    "memory": lambda X, _: X[10:],
    "sparse": lambda X, _: sparse.csr_array(X[10:]),
    "memmap": mapped,
    "zarr": in_zarr,
    "hdf5": in_hdf5,
    "anndata": in_anndata,
    "batches": lambda X, _: list(np.split(X[10:], range(CHUNK_ROWS, ROWS - 10, CHUNK_ROWS))),
    "dask": lambda X, _: da.from_array(X, chunks=(30, 5))[10:],
}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_bits_are_those_of_this_process(kind: str, tmp_path: Path, dask_client: Any) -> None:
    X = SOURCES[kind](data(), tmp_path)
    options = {} if kind == "batches" else {"chunk_rows": CHUNK_ROWS}
    weights = np.linspace(0.5, 2.0, ROWS - 10)
    found = []
    for make in (LocalChunks, lambda samples: DaskChunks(samples, dask_client)):
        samples = as_samples(X, sample_weight=weights, **options)
        assert len(samples.bounds) == 6
        chunks = make(samples)
        fit = factorise(chunks, start(), max_iter=8, tol=0)
        found.append((fit.W, fit.cost, torch.cat(list(exposures(chunks, fit.W)))))
    (W, cost, H), (W_there, cost_there, H_there) = found
    assert cost == cost_there
    assert torch.equal(W, W_there)
    assert torch.equal(H, H_there)


def test_sums_of_many_chunks_are_added_where_they_are_made(
    dask_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnmf.engine.dask_chunks.TASKS_PER_THREAD", 1)
    samples = as_samples(data(), chunk_rows=3)
    found = kullback_leibler.factorise(DaskChunks(samples, dask_client), start(), max_iter=5, tol=0)
    here = kullback_leibler.factorise(LocalChunks(samples), start(), max_iter=5, tol=0)
    assert found.cost == here.cost
    assert torch.equal(found.W, here.W)


def test_a_dask_array_has_chunks_of_its_own_which_may_be_empty(dask_client: Any) -> None:
    X = da.from_array(data(), chunks=((100, 0, 130), 12))
    samples = as_samples(X)
    assert samples.bounds == ((0, 100), (100, 230))
    fit = factorise(DaskChunks(samples, dask_client), start(), max_iter=3)
    here = factorise(LocalChunks(samples), start(), max_iter=3)
    assert torch.equal(fit.W, here.W)


def test_a_dask_array_too_large_to_keep_is_computed_at_every_pass(
    dask_client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def counted(block: np.ndarray) -> np.ndarray:
        Path(tempfile.mkstemp(dir=tmp_path)[1]).touch()
        return block

    source = da.from_array(data(), chunks=(115, 12))
    X = source.map_blocks(counted, dtype=float, meta=np.empty((0, 0)))
    # Dask may compute a block again.
    for memory, least, most in ((1e9, 2, 2 * 3), (0, 2 * 4, np.inf)):
        monkeypatch.setattr(dask_chunks, "_memory", lambda _, memory=memory: memory)
        before = len(list(tmp_path.iterdir()))
        factorise(DaskChunks(as_samples(X), dask_client), start(), max_iter=4, tol=0)
        assert least <= len(list(tmp_path.iterdir())) - before <= most


def test_a_lost_worker_changes_no_bit(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    X = mapped(data(), tmp_path)
    local = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "memory_limit": 0}
    with (
        distributed.LocalCluster(dashboard_address=":0", **local) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        samples = as_samples(X, chunk_rows=CHUNK_ROWS)
        lost = cluster.workers[0].address

        def lose(iteration: int, _: float) -> None:
            if iteration == 3:
                cluster.loop.add_callback(cluster.workers[0].close, nanny=False)

        chunks = DaskChunks(samples, client)
        found = factorise(chunks, start(), max_iter=8, tol=0, callback=lose)
        assert lost not in client.nthreads()
    here = factorise(LocalChunks(samples), start(), max_iter=8, tol=0)
    assert found.cost == here.cost
    assert torch.equal(found.W, here.W)


def unknown_sizes() -> Any:
    X = da.from_array(data(), chunks=(50, 12))
    return X[X.sum(axis=1) > 40]


def mixed_types() -> Any:
    return da.from_array(data(), chunks=(115, 12)).map_blocks(
        lambda block, block_info: block.astype(
            "f4" if block_info[0]["chunk-location"][0] else "f8"
        ),
        dtype=float,
        meta=np.empty((0, 0)),
    )


def of_unknown_feature() -> np.ndarray:
    X = data()
    X[:, 4] = np.nan
    return X


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (unknown_sizes, "chunks of unknown size: call its compute_chunk_sizes"),
        (mixed_types, "chunk 1 of the data is of dtype float32, the data of float64"),
        (lambda: -data(), r"sample \d+, feature \d+ is -"),
        (of_unknown_feature, "feature 4 has no known entry"),
    ],
)
def test_bad_data_are_refused_by_name(
    make: Callable[[], Any], message: str, dask_client: Any
) -> None:
    with pytest.raises(InputDataError, match=message):
        factorise(DaskChunks(as_samples(make()), dask_client), start(), max_iter=2)


def test_a_feature_unknown_in_one_chunk_only_is_known(dask_client: Any) -> None:
    X = data()
    X[:100, 4] = np.nan
    samples = as_samples(X, chunk_rows=CHUNK_ROWS)
    sums = DaskChunks(samples, dask_client).run(number_of_samples, None)
    assert sums["samples"] == len(X)


def number_of_samples(chunk: Any, state: None, shared: None) -> tuple[None, dict[str, Tensor]]:
    return None, {"samples": torch.tensor(len(chunk.X))}


def test_a_file_that_a_worker_does_not_see_is_named(tmp_path: Path, dask_client: Any) -> None:
    X = mapped(data(), tmp_path)
    chunks = DaskChunks(as_samples(X, chunk_rows=CHUNK_ROWS), dask_client)
    (tmp_path / "X.npy").unlink()
    with pytest.raises(InputDataError, match=r"worker cannot find .*X\.npy"):
        chunks.run(number_of_samples, None)
