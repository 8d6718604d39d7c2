"""Data wherever they are, checked while they are first read."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from dnmf.engine.samples import as_samples
from dnmf.exceptions import InputDataError


class Batches:
    """A re-iterable that may end early from its second pass on."""

    def __init__(self, parts, lost=0):
        self.parts, self.lost, self.passes = parts, lost, 0

    def __iter__(self):
        self.passes += 1
        kept = len(self.parts) - (self.lost if self.passes > 1 else 0)
        return iter(self.parts[:kept])


@pytest.fixture
def X():
    return np.random.default_rng(0).random((50, 7))


def read(samples):
    return [samples.chunk(i) for i in range(len(samples.bounds))]


def dense(samples):
    rows = (c.X if isinstance(c.X, torch.Tensor) else c.X.toarray() for c in read(samples))
    return np.concatenate([np.asarray(part) for part in rows])


def in_a_file(X, folder):
    path = folder / "x"
    X.tofile(path)
    return path


@pytest.mark.parametrize(
    "kind", ["array", "fortran", "read-only", "reversed", "tensor", "list", "csr", "csc", "masked"]
)
def test_every_kind_in_memory_hands_out_the_same_rows(X, kind):
    frozen = X.copy()
    frozen.setflags(write=False)
    given = {
        "array": X,
        "fortran": np.asfortranarray(X),
        "read-only": frozen,
        "reversed": X[::-1].copy()[::-1],
        "tensor": torch.from_numpy(X),
        "list": X.tolist(),
        "csr": scipy.sparse.csr_matrix(X),
        "csc": scipy.sparse.csc_array(X),
        "masked": np.ma.array(X, mask=False),
    }[kind]
    samples = as_samples(given, chunk_rows=13)
    assert (samples.n_samples, samples.n_features, samples.dtype) == (50, 7, torch.float64)
    assert samples.bounds == ((0, 13), (13, 26), (26, 39), (39, 50))
    np.testing.assert_array_equal(dense(samples), X)
    assert not samples.on_disk


def test_chunks_are_larger_where_every_operation_takes_as_long_for_few_rows_as_for_many() -> None:
    X = torch.empty(40_000, 1000, dtype=torch.float32, device="meta")
    assert as_samples(X).bounds[0] == (0, 2**24 // 1000)
    assert as_samples(X[:300], chunk_rows=100).bounds[0] == (0, 100)


@pytest.mark.parametrize(
    "kind", ["memmap", "part", "copy-on-write", "zarr", "anndata", "dask", "batches", "loader"]
)
def test_every_kind_elsewhere_hands_out_the_same_rows(X, kind, tmp_path):
    whole = np.memmap(in_a_file(X, tmp_path), mode="r", shape=X.shape, dtype=X.dtype)
    chunk_rows = 13
    if kind == "memmap":
        given = whole
    elif kind == "part":
        given, X = whole[9:], X[9:]
    elif kind == "copy-on-write":
        given = np.memmap(tmp_path / "x", mode="c", shape=X.shape, dtype=X.dtype)
        given[3, 3] = X[3, 3] = 5
    elif kind == "zarr":
        zarr = pytest.importorskip("zarr")
        given = zarr.create_array(str(tmp_path / "z"), data=X, chunks=(10, 7))
    elif kind == "anndata":
        anndata = pytest.importorskip("anndata")
        names = [pd.DataFrame(index=pd.Index(map(str, range(n)), dtype=object)) for n in X.shape]
        anndata.AnnData(scipy.sparse.csr_matrix(X), *names).write_h5ad(tmp_path / "x.h5ad")
        given = anndata.read_h5ad(tmp_path / "x.h5ad", backed="r")
    elif kind == "dask":
        given = pytest.importorskip("dask.array").from_array(X, chunks=(20, 4))
    else:
        chunk_rows = None
        parts = [X[:20], X[20:50]]
        given = [[torch.from_numpy(part)] for part in parts] if kind == "loader" else Batches(parts)
    samples = as_samples(given, chunk_rows=chunk_rows)
    np.testing.assert_array_equal(dense(samples), X)
    np.testing.assert_array_equal(dense(samples), X)
    assert samples.on_disk or kind in ("copy-on-write",)


def test_chunks_of_arrays_in_memory_are_views(X):
    chunk = as_samples(X, chunk_rows=10).chunk(2)
    assert np.shares_memory(chunk.X.numpy(), X)
    sparse = scipy.sparse.csr_matrix(X)
    assert np.shares_memory(as_samples(sparse, chunk_rows=10).chunk(2).X.data, sparse.data)


def test_default_chunks_follow_what_is_stored_together(X, tmp_path):
    zarr = pytest.importorskip("zarr")
    stored = zarr.create_array(str(tmp_path / "z"), shape=(3000, 7), chunks=(1000, 7), dtype="f4")
    assert all(first % 1000 == 0 for first, _ in as_samples(stored).bounds)
    dask = pytest.importorskip("dask.array").from_array(X, chunks=(20, 7))
    assert as_samples(dask).bounds == ((0, 20), (20, 40), (40, 50))


@pytest.mark.parametrize("dtype", ["f4", ">f4", "f2", "f8", "i8", "u1", "?"])
def test_float32_is_kept_and_all_else_becomes_float64(dtype):
    kept = torch.float32 if dtype.endswith("f4") else torch.float64
    X = np.ones((4, 3), dtype=dtype)
    samples = as_samples(X)
    assert samples.dtype == kept == samples.chunk(0).X.dtype
    assert as_samples(X, dtype=torch.float32).chunk(0).X.dtype == torch.float32


def test_nan_and_mask_are_entries_that_are_missing(X):
    missing = np.zeros(X.shape, dtype=bool)
    missing[3, 2] = missing[40, 6] = True
    with_nan = np.where(missing, np.nan, X)
    for samples in (
        as_samples(with_nan, chunk_rows=13),
        as_samples(X, mask=missing, chunk_rows=13),
        as_samples(np.ma.array(X, mask=missing), chunk_rows=13),
        as_samples(
            with_nan, mask=np.isnan(with_nan) & (np.arange(50) < 20)[:, None], chunk_rows=13
        ),
    ):
        chunks = read(samples)
        known = [
            np.ones((len(c.X), 7), bool) if c.observed is None else c.observed.numpy()
            for c in chunks
        ]
        np.testing.assert_array_equal(np.concatenate(known), ~missing)
        np.testing.assert_array_equal(
            np.concatenate([c.X.numpy() for c in chunks]), np.where(missing, 0, X)
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((31, 4, -1.0), "sample 31, feature 4 is -1"),
        ((31, 4, np.inf), "sample 31, feature 4 is inf"),
        ((31, slice(None), np.nan), "sample 31 has no known entry"),
        ((slice(None), 4, np.nan), "feature 4 has no known entry"),
    ],
)
def test_what_is_wrong_is_named_by_sample_and_feature(X, change, words):
    row, column, value = change
    X[row, column] = value
    with pytest.raises(InputDataError, match=words):
        read(as_samples(X, chunk_rows=13))


@pytest.mark.parametrize(("value", "words"), [(-1.0, " is -1"), (np.nan, ": NaN in sparse")])
def test_what_is_wrong_in_sparse_data_is_named(X, value, words):
    X[31, 4] = value
    with pytest.raises(InputDataError, match="sample 31, feature 4" + words):
        read(as_samples(scipy.sparse.csr_matrix(X), chunk_rows=13))


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        (lambda X: (part for part in [X]), {}, "iterator, which can be read once"),
        (lambda X: [X, X[:, :5]], {}, "batch 1 of the data has 5 features"),
        (lambda X: [X, X.astype("f4")], {}, "batch 1 of the data has 7 features of float32"),
        (lambda X: [X, X], {"chunk_rows": 5}, "batches of the data are its chunks"),
        (lambda X: X[0], {}, "need samples and features"),
        (lambda X: X[:0], {}, "0 samples"),
        (lambda X: X.astype(str), {}, "expected numbers"),
        (lambda X: 3, {}, "cannot read data from int"),
        (lambda X: X, {"chunk_rows": 0}, "at least one row"),
        (lambda X: X, {"mask": np.zeros((50, 6), bool)}, "mask has the shape"),
        (lambda X: X, {"start": np.zeros((49, 2))}, "start has the shape"),
        (scipy.sparse.csr_matrix, {"mask": np.zeros((50, 7), bool)}, "mask needs dense data"),
        (scipy.sparse.csr_matrix, {"device": "meta"}, "by the device 'meta': set device='cpu'"),
        (lambda X: X, {"sample_weight": np.ones(49)}, "sample_weight has the shape"),
        (lambda X: X, {"sample_weight": np.zeros(50)}, "zero for every sample"),
        (lambda X: X, {"sample_weight": np.where(np.arange(50) == 7, -1, 1)}, "of sample 7 is -1"),
    ],
)
def test_data_that_do_not_fit_together_are_refused_at_once(X, given, options, words):
    with pytest.raises(InputDataError, match=words):
        as_samples(given(X), **options)


def test_batches_that_end_early_at_a_later_pass_are_told(X):
    samples = as_samples(Batches([X[:20], X[20:40], X[40:]], lost=1))
    with pytest.raises(InputDataError, match="end after 2 batches; there were 3"):
        read(samples)


def test_batches_that_change_their_size_are_told(X):
    batches = Batches([X[:20], X[20:]])
    samples = as_samples(batches)
    batches.parts[1] = X[21:]
    with pytest.raises(InputDataError, match="batch 1 of the data has the shape"):
        read(samples)


def test_batches_in_another_order_at_a_later_pass_are_told(X):
    batches = Batches([X[:20], X[20:40], X[40:]])
    samples = as_samples(batches)
    assert [len(chunk.X) for chunk in read(samples)] == [20, 20, 10]
    batches.parts[0] = X[:20][::-1]
    with pytest.raises(InputDataError, match="batch 0 of the data holds other numbers"):
        read(samples)
    batches.parts = [X[:20], X[20:40], X[40:], X[:3]]
    with pytest.raises(InputDataError, match="batch 3 of the data is more than there was"):
        read(samples)


@pytest.mark.parametrize("rows", [np.array, torch.tensor, scipy.sparse.csr_array])
def test_batches_without_samples_and_what_a_data_loader_yields_are_read(X, rows):
    parts = [rows(X[:0]), rows(X[:20]), rows(X[20:]), rows(X[:0])]
    samples = as_samples([(part,) for part in parts])
    np.testing.assert_array_equal(dense(samples), X)
    assert samples.bounds == ((0, 20), (20, 50))


def test_arrays_computed_from_a_file_lie_in_memory(X, tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert as_samples(mapped).on_disk
    for computed in (mapped.copy(), mapped.astype("f4")):
        assert isinstance(computed, np.memmap)
        np.testing.assert_array_equal(dense(as_samples(computed)), computed)


def test_tensors_that_need_gradients_are_read(X):
    tensor = torch.tensor(X, requires_grad=True)
    for given in (tensor, [tensor]):
        (chunk,) = read(as_samples(given))
        assert not chunk.X.requires_grad


def test_masks_of_batches_and_blocks_are_kept(X):
    missing = np.random.default_rng(0).random(X.shape) < 0.2
    whole = np.ma.masked_array(np.where(missing, -1.0, X), missing)
    array = pytest.importorskip("dask.array")
    blocks = array.from_array(whole, chunks=(20, 7), asarray=False)
    for data in ([whole[:20], whole[20:]], blocks):
        chunks = read(as_samples(data))
        known = np.concatenate([chunk.observed.numpy() for chunk in chunks])
        np.testing.assert_array_equal(known, ~missing)
        np.testing.assert_array_equal(
            np.concatenate([c.X.numpy() for c in chunks]), np.where(missing, 0, X)
        )


def test_a_mask_or_another_device_for_sparse_batches_is_refused(X):
    parts = [scipy.sparse.csr_array(X[:20]), scipy.sparse.csr_array(X[20:])]
    with pytest.raises(InputDataError, match="mask needs dense data"):
        read(as_samples(parts, mask=np.zeros(X.shape, bool)))
    with pytest.raises(InputDataError, match="set device='cpu', or give dense data"):
        read(as_samples(parts, device="meta"))


def test_complex_numbers_are_refused_of_every_kind(X, tmp_path):
    array = X + 1j
    array.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", array.dtype, "r", shape=array.shape)
    for given in (array, torch.tensor(array), [array], mapped, scipy.sparse.csr_array(array)):
        with pytest.raises(InputDataError, match="complex128: expected numbers, real ones"):
            as_samples(given)


def test_units_too_small_for_the_precision_are_refused_of_every_kind(X):
    small = (X * 1e-12).astype(np.float32)
    for given in (small, [small[:20], small[20:]], scipy.sparse.csr_array(small)):
        with pytest.raises(InputDataError, match=r'too small: row 0 .*or take dtype="float64"'):
            read(as_samples(given))


def test_single_precision_that_does_not_suffice_is_named(X):
    X[3, 4] = 1e20
    with pytest.raises(InputDataError, match=r"sample 3, feature 4 is 1e\+20.*dtype='float64'"):
        read(as_samples(X.astype(np.float32)))


def test_dask_chunks_of_unknown_size_are_refused(X):
    array = pytest.importorskip("dask.array").from_array(X, chunks=(20, 7))
    with pytest.raises(InputDataError, match="compute_chunk_sizes"):
        as_samples(array[array[:, 0] > 0.5])
