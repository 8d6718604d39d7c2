"""The second layer of a blind extraction: known and novel signatures, exposures to them, files and page."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF
from dnmf.extraction import ExtractionResult, extract_signatures
from dnmf.extraction.second_layer import decomposition_map, known_and_novel
from dnmf.signatures import (
    SBS96,
    MutationCatalog,
    SignatureSet,
    load_reference,
    read_exposures,
    read_signatures,
)

pytestmark = pytest.mark.usefixtures("unpainted", "quick_search")

# SBS2 and SBS13 are always together: no extraction can separate them.
TOGETHER, ALONE = {"SBS2": 0.4, "SBS13": 0.6}, ["SBS1", "SBS4"]


@pytest.fixture(scope="module")
def reference() -> SignatureSet:
    return load_reference("cosmic-v3.4")


@pytest.fixture(scope="module")
def exposures() -> np.ndarray:
    """Of 40 samples to the mixture, two known signatures and an invented one; the last sample has none."""
    drawn = np.random.default_rng(1).gamma(0.8, 2500.0, (40, 4))
    drawn[-1] = 0
    return drawn


@pytest.fixture(scope="module")
def catalog(reference: SignatureSet, exposures: np.ndarray) -> MutationCatalog:
    profiles = reference.profiles
    mixture = sum(share * profiles.loc[name] for name, share in TOGETHER.items())
    invented = np.random.default_rng(0).dirichlet(np.full(96, 0.1))
    truth = np.stack([mixture, *profiles.loc[ALONE].to_numpy(), invented])
    counts = np.random.default_rng(2).poisson(exposures @ truth).astype(float)
    samples = [f"s{i}" for i in range(len(counts))]
    return MutationCatalog(pd.DataFrame(counts, samples, profiles.columns), source="toy.tsv")


@pytest.fixture(scope="module")
def result(catalog: MutationCatalog, reference: SignatureSet) -> ExtractionResult:
    model = DNMF(n_steps=1)
    return extract_signatures(catalog, 4, n_restarts=2, model=model, reference=reference)


@pytest.fixture(scope="module")
def folder(
    result: ExtractionResult,
    tmp_path_factory: pytest.TempPathFactory,
    leave_out_pictures: Callable[[], AbstractContextManager[None]],
) -> Path:
    with leave_out_pictures():
        return result.save(tmp_path_factory.mktemp("layers") / "out").parent


def test_known_signatures_are_named_and_the_invented_one_stays_novel(
    result: ExtractionResult, exposures: np.ndarray
) -> None:
    layer = result.layer
    assert layer is not None
    assert set(layer.known) == {*TOGETHER, *ALONE}
    assert len(layer.novel) == 1
    assert layer.signatures.names == [*layer.known, *layer.novel]
    parts = layer.decomposition.parts.set_index("reference")["share"]
    for name, share in TOGETHER.items():
        assert parts[name] == pytest.approx(share, abs=0.05)
    assert layer.refit is not None
    got = layer.refit.exposures
    together = got[list(TOGETHER)].sum(axis=1)
    for column, found in enumerate([together, *(got[name] for name in [*ALONE, *layer.novel])]):
        np.testing.assert_allclose(found.sum(), exposures[:, column].sum(), rtol=0.05)
        assert np.corrcoef(found, exposures[:, column])[0, 1] > 0.98


def test_exposures_and_unassigned_sum_to_the_counts_and_lie_in_their_intervals(
    result: ExtractionResult,
) -> None:
    assert result.layer is not None
    refit = result.layer.refit
    assert refit is not None
    total = result.catalog.counts.sum(axis=1)
    np.testing.assert_allclose(refit.exposures.sum(axis=1) + refit.unassigned, total, atol=1e-6)
    assert (refit.exposure_lower <= refit.exposures + 1e-9).all(axis=None)
    assert (refit.exposures <= refit.exposure_upper + 1e-9).all(axis=None)
    assert (refit.exposures.loc["s39"] == 0).all()


def test_its_files_reload_and_have_sigprofilers_layouts(
    result: ExtractionResult, folder: Path
) -> None:
    layer = result.layer
    assert layer is not None
    assert layer.refit is not None
    decomposed = folder / "decomposed"
    assert {path.name for path in decomposed.iterdir()} == {
        "decomposition.tsv", "alternatives.tsv", "decomposition_map.csv", "signatures.tsv", "exposures.tsv",
        "intervals.tsv", "presence.tsv", "fit.tsv",
    }  # fmt: skip
    signatures = read_signatures(decomposed / "signatures.tsv")
    pd.testing.assert_frame_equal(signatures.profiles, layer.signatures.profiles, check_names=False)
    exposures = read_exposures(decomposed / "exposures.tsv")
    np.testing.assert_allclose(exposures, layer.refit.exposures, atol=1)
    made_of = pd.read_table(decomposed / "decomposition.tsv")
    np.testing.assert_allclose(made_of.groupby("found")["share"].sum(), 1, rtol=1e-5)
    table = pd.read_csv(decomposed / "decomposition_map.csv")
    assert list(table.columns) == [
        "De novo extracted", "Global NMF Signatures", "L1 Error %", "L2 Error %", "KL Divergence",
        "Cosine Similarity", "Correlation",
    ]  # fmt: skip
    assert list(table["De novo extracted"]) == result.signatures.names
    pattern = r"Signature SBS13 \(\d\d\.\d\d%\) & Signature SBS2 \(\d\d\.\d\d%\)"
    assert table["Global NMF Signatures"].str.fullmatch(pattern).sum() == 1
    assert f"Signature {layer.novel[0]} (100.00%)" in set(table["Global NMF Signatures"])
    record = json.loads((folder / "run.json").read_text())
    assert "decomposed/exposures.tsv" in record["files"]


def test_the_page_has_both_layers_each_with_ids_of_its_own(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "4 known" in page[: page.index('id="findings"')]
    for place in ("signatures", "exposures", "layer", "layer-exposures", "layer-samples"):
        assert page.count(f'id="{place}"') == 1, place
    assert page.count('<table class="sortable samples"') == 2
    assert 'href="decomposed/intervals.tsv"' in page


def test_without_a_reference_there_is_none_and_a_finding_says_so(catalog: MutationCatalog) -> None:
    blind = extract_signatures(catalog, 4, n_restarts=0, model=DNMF(n_steps=1))
    assert blind.layer is None
    (finding,) = (found for found in blind.findings if "No reference" in found.title)
    assert "there is no second layer" in finding.text


def test_of_shares_it_has_names_but_no_exposures(
    catalog: MutationCatalog, reference: SignatureSet, tmp_path: Path
) -> None:
    counts = catalog.counts.iloc[:-1]
    shares = replace(catalog, counts=counts.div(counts.sum(axis=1), axis=0))
    with pytest.warns(UserWarning, match="in the same unit"):
        result = extract_signatures(
            shares, 4, n_restarts=0, reference=reference, model=DNMF(n_steps=1)
        )
    assert result.layer is not None
    assert result.layer.refit is None
    assert set(ALONE) <= set(result.layer.known)
    page = result.save(tmp_path / "out").read_text(encoding="utf-8")
    assert "need a catalog of counts" in page
    assert not (tmp_path / "out" / "decomposed" / "exposures.tsv").exists()


def test_a_novel_signature_takes_no_name_of_the_reference() -> None:
    drawn = np.random.default_rng(0).dirichlet(np.full(96, 0.1), size=3)
    labels = list(SBS96.labels)
    earlier = SignatureSet(pd.DataFrame(drawn[:2], ["SBS96A", "SBS96B"], labels))
    found = SignatureSet(pd.DataFrame(drawn[[2, 0]], ["SBS96A", "SBS96B"], labels))
    layer = known_and_novel(found, earlier)
    assert (layer.known, layer.novel) == (["SBS96A"], ["SBS96A_novel"])
    np.testing.assert_allclose(layer.signatures.profiles.loc["SBS96A_novel"], drawn[2])
    words = decomposition_map(layer, found)["Global NMF Signatures"]
    assert list(words) == ["Signature SBS96A_novel (100.00%)", "Signature SBS96A (100.00%)"]
