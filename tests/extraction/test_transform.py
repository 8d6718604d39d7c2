from typing import Any

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF, PaperDNMF
from dnmf.exceptions import ModelFileError
from dnmf.extraction import ExtractionResult, extract_signatures, transform_catalog
from dnmf.extraction.transform import mutation_exposures
from dnmf.signatures import MutationCatalog, load_reference, simulate_catalog


@pytest.fixture(scope="module")
def result() -> ExtractionResult:
    # Three signatures of very different shares, so that the order by share is not the model's own.
    catalog, _ = simulate_catalog(
        load_reference("SBS4,SBS1,SBS13"), 30, mean_burden=5000, sparsity=0.4, random_state=1
    )
    return extract_signatures(catalog, 3, n_restarts=0, model=DNMF(n_steps=20))


def test_training_samples_get_the_exposures_of_the_extraction(result: ExtractionResult) -> None:
    exposures = transform_catalog(result.model, result.model_metadata, result.catalog)
    pd.testing.assert_frame_equal(exposures, result.exposures, check_exact=True)


def test_samples_do_not_influence_each_other(result: ExtractionResult) -> None:
    some = MutationCatalog(result.catalog.counts.iloc[[7, 3]])
    exposures = transform_catalog(result.model, result.model_metadata, some)
    pd.testing.assert_frame_equal(exposures, result.exposures.iloc[[7, 3]], rtol=1e-9)


def test_a_sample_without_mutations_gets_zeros(result: ExtractionResult) -> None:
    counts = result.catalog.counts.iloc[:2].mul([0.0, 1.0], axis=0)
    exposures = transform_catalog(result.model, result.model_metadata, MutationCatalog(counts))
    assert (exposures.iloc[0] == 0).all()
    assert (exposures.iloc[1] > 0).any()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signatures": None}, "does not name its signatures"),
        ({"signatures": "SBS96A"}, "does not name its signatures"),
        ({"signatures": ["SBS96A", "SBS96B"]}, "has 3 components"),
        ({"signatures": ["SBS96A", "SBS96A", "SBS96B"]}, "2 distinct"),
        ({"channels": ["A[C>A]A"]}, "96 input channels"),
    ],
)
def test_metadata_of_another_model_is_refused(
    result: ExtractionResult, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(ModelFileError, match=told):
        transform_catalog(result.model, result.model_metadata | change, result.catalog)


def test_exposures_are_mutations_whatever_the_scale_of_the_components(
    result: ExtractionResult,
) -> None:
    """The paper's components have any sum; exposures times signatures that sum to 1 are the model's spectra, scaled
    down to the sample's mutations where they hold more."""
    counts = result.catalog.counts.to_numpy()
    model = PaperDNMF(3, max_epochs=3).fit(counts)
    sums = model.components_.sum(axis=1, keepdims=True)
    assert np.abs(np.log(sums)).min() > 0.1
    spectra = mutation_exposures(model, counts) @ (model.components_ / sums)
    expected = model.transform(counts) @ model.components_
    held, total = (table.sum(axis=1, keepdims=True) for table in (expected, counts))
    assert (held > total).any()
    assert (held < total).any()
    np.testing.assert_allclose(spectra, expected * np.minimum(1, total / held), rtol=1e-9)
