"""Results as AnnData: what is where, and that it can be written and read back."""

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF
from dnmf.extraction import extract_signatures
from dnmf.refit import refit_exposures
from dnmf.report import annotated as annotated_module
from dnmf.signatures import MutationCatalog, example_catalog


@pytest.fixture(scope="module")
def catalog():
    whole = example_catalog()
    return MutationCatalog(whole.counts.iloc[:3], whole.source)


@pytest.fixture(scope="module")
def refitted(catalog):
    return refit_exposures(catalog, "SBS1,SBS2,SBS5,SBS13")


def test_a_refit_has_its_parts_where_anndata_has_them(refitted, tmp_path):
    anndata = pytest.importorskip("anndata")
    data = refitted.to_anndata()
    data.write_h5ad(tmp_path / "x.h5ad")
    for found in (data, anndata.read_h5ad(tmp_path / "x.h5ad")):
        assert list(found.obs_names) == refitted.catalog.sample_names
        assert list(found.var_names) == ["SBS1", "SBS2", "SBS5", "SBS13"]
        np.testing.assert_array_equal(found.X, refitted.exposures)
        np.testing.assert_array_equal(found.layers["lower"], refitted.exposure_lower)
        np.testing.assert_array_equal(found.layers["upper"], refitted.exposure_upper)
        np.testing.assert_array_equal(found.layers["presence"], refitted.presence)
        np.testing.assert_array_equal(found.obs["mutations"], refitted.fit["mutations"])
        np.testing.assert_array_equal(found.obs["unassigned"], refitted.unassigned)
        np.testing.assert_array_equal(found.obsm["counts"], refitted.catalog.counts)
        np.testing.assert_array_equal(found.varm["profiles"], refitted.reference.profiles)
        assert found.uns["dnmf"]["parameters"]["method"] == "network"


def test_a_classic_refit_and_an_extraction_leave_out_what_they_do_not_know(catalog):
    pytest.importorskip("anndata")
    classic = refit_exposures(catalog, "SBS1,SBS5", method="kl").to_anndata()
    assert "presence" not in classic.layers
    result = extract_signatures(
        catalog, 2, n_restarts=0, reference="SBS1,SBS5", model=DNMF(n_steps=1)
    )
    data = result.to_anndata()
    np.testing.assert_array_equal(data.X, result.exposures)
    assert not data.layers
    assert list(data.var["reference"]) == list(result.matches["reference"])


def test_without_the_package_the_extra_is_named(refitted, monkeypatch):
    monkeypatch.setattr(annotated_module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install anndata"):
        refitted.to_anndata()


def test_samples_without_presence_have_none(catalog):
    pytest.importorskip("anndata")
    counts = pd.concat([catalog.counts, 0 * catalog.counts.iloc[:1].rename(lambda name: "empty")])
    data = refit_exposures(MutationCatalog(counts), "SBS1,SBS5").to_anndata()
    assert np.isnan(data.layers["presence"][-1]).all()
