"""Catalogs in files of AnnData, and what is said where the package is not installed."""

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.signatures import DBS78, SBS96, example_catalog, read_catalog
from dnmf.signatures import annotated as annotated_module


def write(path, counts, channels, samples=("a", "b")):
    anndata = pytest.importorskip("anndata")
    obs = pd.DataFrame(index=pd.Index(list(samples), dtype=object))
    var = pd.DataFrame(index=pd.Index(list(channels), dtype=object))
    anndata.AnnData(X=counts, obs=obs, var=var).write_h5ad(path)
    return path


@pytest.mark.parametrize("schema", [SBS96, DBS78], ids=lambda schema: schema.name)
@pytest.mark.parametrize("sparse", [False, True])
def test_counts_are_read_by_the_names_of_the_channels(schema, sparse, tmp_path):
    from scipy.sparse import csr_matrix

    counts = np.random.default_rng(0).poisson(3.0, (2, len(schema))).astype(np.float32)
    order = np.random.default_rng(1).permutation(len(schema))
    matrix = counts[:, order]
    names = np.array(schema.labels)[order]
    path = write(tmp_path / "x.h5ad", csr_matrix(matrix) if sparse else matrix, names)
    catalog = read_catalog(path)
    assert catalog.schema is schema
    assert catalog.sample_names == ["a", "b"]
    np.testing.assert_array_equal(catalog.counts, counts)
    assert catalog.file["name"] == "x.h5ad"


def test_doubts_are_those_of_any_catalog(tmp_path):
    counts = np.zeros((2, 96))
    counts[0] = 3
    with pytest.warns(DoubtfulDataWarning, match="1 of 2 samples have no mutations"):
        read_catalog(write(tmp_path / "x.h5ad", counts, SBS96.labels))


def test_other_names_and_other_files_are_refused(tmp_path):
    with pytest.raises(
        ChannelMismatchError, match=r"names of var are no mutation channels: g0, g1"
    ):
        read_catalog(write(tmp_path / "x.h5ad", np.ones((2, 9)), [f"g{n}" for n in range(9)]))
    with pytest.raises(ChannelMismatchError, match="found 95 of the 96"):
        read_catalog(write(tmp_path / "x.h5ad", np.ones((2, 95)), SBS96.labels[1:]))
    (tmp_path / "damaged.h5ad").write_bytes((tmp_path / "x.h5ad").read_bytes()[:900])
    with pytest.raises(InputDataError, match="cannot be read as AnnData"):
        read_catalog(tmp_path / "damaged.h5ad")


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(annotated_module, "find_spec", lambda name: None)
    (tmp_path / "x.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputDataError, match=r"x\.h5ad: AnnData needs .* pip install anndata"):
        read_catalog(tmp_path / "x.h5ad")


def test_an_example_goes_there_and_back(tmp_path):
    catalog = example_catalog()
    path = write(tmp_path / "x.h5ad", catalog.counts.to_numpy(), SBS96.labels, catalog.sample_names)
    pd.testing.assert_frame_equal(read_catalog(path).counts, catalog.counts)
