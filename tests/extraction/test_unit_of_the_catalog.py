"""Without restarts the unit of a catalog changes nothing but the unit of the exposures; with them counts are needed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF, PaperDNMF
from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.extraction import ExtractionRun, extract_signatures, save_report, transform_catalog
from dnmf.signatures import MutationCatalog, load_reference, read_exposures, simulate_cohort

pytestmark = pytest.mark.usefixtures("quick_search")

CATALOG, _ = simulate_cohort(
    load_reference("SBS1,SBS4,SBS13"), 24, mutations=(20, 400), random_state=3
)
FREQUENCIES = MutationCatalog(CATALOG.counts.div(CATALOG.burdens, axis=0), "frequencies.tsv")


@pytest.mark.parametrize("k", [3, [2, 3]])
def test_restarts_refuse_frequencies(k, tmp_path: Path) -> None:
    told = r"frequencies.tsv: every sample sums to 1: these are frequencies.*--restarts 0"
    with pytest.raises(InputDataError, match=told):
        extract_signatures(FREQUENCIES, k, n_restarts=2)
    with pytest.raises(InputDataError, match=told):
        ExtractionRun.start(tmp_path / "out", FREQUENCIES, n_signatures=k)
    assert not list(tmp_path.iterdir())


def test_a_penalty_in_mutations_refuses_percentages() -> None:
    percent = MutationCatalog(100 * FREQUENCIES.counts)
    with pytest.raises(InputDataError, match=r"percentages\. For the penalty l1"):
        extract_signatures(percent, 3, n_restarts=0, l1_reg=2.0)
    with pytest.raises(InputDataError, match=r"percentages\. For the paper's method"):
        extract_signatures(percent, 3, model=PaperDNMF())
    penalised = extract_signatures(CATALOG, 3, n_restarts=0, l1_reg=2.0, model=DNMF(n_steps=1))
    with pytest.raises(InputDataError, match=r"percentages\. For a model whose penalty"):
        transform_catalog(penalised.model, penalised.model_metadata, percent)


@pytest.mark.parametrize("model", [DNMF(n_steps=5), DNMF(layer="kl", n_steps=5)])
def test_the_unit_does_not_matter_without_restarts(model: DNMF) -> None:
    per_megabase = MutationCatalog(CATALOG.counts / 2800)
    counted = extract_signatures(CATALOG, 3, n_restarts=0, model=model)
    with pytest.warns(DoubtfulDataWarning, match="Exposures are in the same unit"):
        other = extract_signatures(per_megabase, 3, n_restarts=0, model=model)
    pd.testing.assert_frame_equal(other.signatures.profiles, counted.signatures.profiles, atol=1e-6)
    pd.testing.assert_frame_equal(other.exposures * 2800, counted.exposures, atol=1e-3)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning")
def test_frequencies_are_written_in_full_and_not_called_mutations(tmp_path: Path) -> None:
    result = extract_signatures(FREQUENCIES, 3, n_restarts=0, model=DNMF(n_steps=2))
    page = save_report(result, tmp_path / "out").read_text()
    written = read_exposures(tmp_path / "out" / "exposures.tsv")
    pd.testing.assert_frame_equal(written, result.exposures, check_names=False)
    assert result.fit["expected_cosine"].isna().all()
    for said in (
        "mutations in the median sample",
        "24 mutations",
        "Mutations</th>",
        "lack of mutations;",
    ):
        assert said not in page
    assert "The median sample has" not in page
    assert "in a unit other than mutations" in page


@pytest.mark.parametrize("n_restarts", [0, 2])
def test_exposures_sum_to_the_mutations_of_a_sample_at_most(n_restarts: int) -> None:
    few = MutationCatalog(CATALOG.counts.iloc[:, :].clip(upper=1))
    result = extract_signatures(few, 2, n_restarts=n_restarts, model=DNMF(n_steps=2))
    totals = few.burdens
    plain = result.model.transform(few.counts.to_numpy()) * result.model.components_.sum(axis=1)
    assert (plain.sum(axis=1) > 1.02 * totals).any()
    assert (result.exposures.sum(axis=1) <= totals * (1 + 1e-9)).all()
    again = transform_catalog(result.model, result.model_metadata, few)
    np.testing.assert_allclose(
        again[result.exposures.columns], result.exposures, rtol=1e-6, atol=1e-9
    )
    if n_restarts:
        _, exact = result.solution(2)
        assert (exact.sum(axis=1) <= totals * (1 + 1e-9)).all()
