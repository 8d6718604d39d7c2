"""A guided extraction: what it finds in a small cohort, its findings, its files and its page."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.criteria import INTERVALS_HELD
from dnmf.estimators import load_model
from dnmf.exceptions import DoubtfulDataWarning, InputDataError, OutputExistsError
from dnmf.extraction import GuidedResult, guided_extraction, transform_catalog
from dnmf.metrics import cosine_similarity
from dnmf.refit import refit_exposures
from dnmf.report.findings import Finding
from dnmf.signatures import (
    MutationCatalog,
    SignatureSet,
    load_reference,
    read_exposures,
    read_signatures,
    simulate_catalog,
)

pytestmark = pytest.mark.usefixtures("unpainted")

PRESENT, HIDDEN = ["SBS1", "SBS2", "SBS7a"], "SBS17b"
ABSENT = ["SBS4", "SBS13", "SBS10a", "SBS18", "SBS22a"]
PROMISED = {
    "signatures.tsv", "exposures.tsv", "intervals.tsv", "presence.tsv", "fit.tsv", "evidence.tsv", "equivalents.tsv",
    "matches.tsv", "signature_intervals.tsv", "model.safetensors", "model.json", "run.json", "plots", "report.html",
}  # fmt: skip


@pytest.fixture(scope="module")
def reference() -> SignatureSet:
    return load_reference("cosmic-v3.4").select([*PRESENT, *ABSENT])


@pytest.fixture(scope="module")
def cohort() -> MutationCatalog:
    """Thirty samples of four signatures, the last of which the reference lacks; the first has no mutations."""
    truth = load_reference("cosmic-v3.4").select([*PRESENT, HIDDEN])
    catalog, _ = simulate_catalog(truth, 30, mean_burden=3000, sparsity=0.4, random_state=0)
    counts = catalog.counts.copy()
    counts.iloc[0] = 0
    return replace(catalog, counts=counts, source="toy.tsv")


@pytest.fixture(scope="module")
def result(cohort: MutationCatalog, reference: SignatureSet) -> GuidedResult:
    return guided_extraction(cohort, reference)


@pytest.fixture(scope="module")
def folder(result: GuidedResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "matplotlib.figure.Figure.savefig", lambda self, file, **_: file.write(b"<svg/>")
        )
        return result.save(tmp_path_factory.mktemp("guided") / "out", command="dnmf extract").parent


def test_it_finds_the_known_signatures_and_the_one_that_the_reference_lacks(
    result: GuidedResult, reference: SignatureSet
) -> None:
    assert set(result.known) == set(PRESENT)
    assert result.novel == ["SBS96A"]
    hidden = load_reference(HIDDEN).profiles.loc[HIDDEN].to_numpy(dtype=float)
    found = result.signatures.profiles.loc["SBS96A"].to_numpy(dtype=float)
    assert cosine_similarity(found[None], hidden[None]) > 0.95
    for name in PRESENT:
        np.testing.assert_allclose(
            result.signatures.profiles.loc[name], reference.profiles.loc[name]
        )


def test_its_tables_speak_of_the_same_signatures_and_hold_no_gaps(result: GuidedResult) -> None:
    names = result.signatures.names
    assert list(result.evidence.index) == list(result.exposures.columns) == names
    assert list(result.matches["found"]) == list(result.signature_lower.index) == result.novel
    assert not result.evidence.isna().any(axis=None)
    assert not result.exposures.isna().any(axis=None)
    assert (result.evidence["nats"] > 0).all()
    novel = result.signatures.profiles.loc[result.novel]
    assert (result.signature_lower <= novel).all(axis=None)
    assert (novel <= result.signature_upper).all(axis=None)
    assert (result.exposures.iloc[0] == 0).all()


def test_intervals_of_exposures_also_hold_what_a_novel_profile_may_be_off(
    result: GuidedResult,
) -> None:
    plain, guided = refit_exposures(result.catalog, result.signatures), result.refit
    pd.testing.assert_frame_equal(guided.exposures, plain.exposures)
    assert (guided.exposure_lower <= plain.exposure_lower + 1e-9).all(axis=None)
    assert (guided.exposure_upper >= plain.exposure_upper - 1e-9).all(axis=None)
    assert (guided.exposure_upper.le(result.catalog.counts.sum(axis=1) + 1e-9, axis=0)).all(
        axis=None
    )
    wider = (guided.exposure_upper - plain.exposure_upper).max()
    assert wider["SBS96A"] > 1


def test_the_same_seed_gives_the_same_result_whatever_the_workers(
    result: GuidedResult, cohort: MutationCatalog, reference: SignatureSet
) -> None:
    again = guided_extraction(cohort, reference, workers=2)
    pd.testing.assert_frame_equal(again.evidence, result.evidence)
    pd.testing.assert_frame_equal(again.exposures, result.exposures)
    pd.testing.assert_frame_equal(again.signature_lower, result.signature_lower)
    pd.testing.assert_frame_equal(again.equivalents, result.equivalents)


def test_a_novel_signature_takes_no_name_of_the_reference_and_exomes_are_noticed(
    cohort: MutationCatalog, reference: SignatureSet
) -> None:
    names = {"SBS4": "SBS96A"}
    own = SignatureSet(reference.profiles.rename(index=names), target="GRCh37")
    exomes = replace(cohort, file={"name": "cohort.exome.tsv"})
    with pytest.warns(DoubtfulDataWarning, match="the file's name says exome"):
        result = guided_extraction(exomes, own)
    assert result.novel == ["SBS96B"]
    assert any("exome" in finding.text for finding in result.findings)


def test_a_catalog_without_mutations_or_in_another_unit_is_refused(
    cohort: MutationCatalog, reference: SignatureSet
) -> None:
    with pytest.raises(InputDataError, match="none of the 30 samples has any mutation"):
        guided_extraction(replace(cohort, counts=cohort.counts * 0), reference)
    shares = cohort.counts.iloc[1:].div(cohort.counts.iloc[1:].sum(axis=1), axis=0)
    with pytest.raises(InputDataError, match=r"toy\.tsv"):
        guided_extraction(MutationCatalog(shares, source="toy.tsv"), reference)


def test_every_promised_file_is_there_and_reads_back(
    folder: Path, result: GuidedResult, cohort: MutationCatalog
) -> None:
    assert {path.name for path in folder.iterdir()} == PROMISED
    plots = {path.stem for path in (folder / "plots").iterdir()}
    assert plots == {"signatures", "exposures", "intervals", "fit"}
    assert read_signatures(folder / "signatures.tsv").names == result.signatures.names
    exposures = read_exposures(folder / "exposures.tsv")
    assert list(exposures.columns) == result.signatures.names
    assert (folder / "signatures.tsv").read_text().startswith("MutationType\t")
    assert (folder / "exposures.tsv").read_text().startswith("Samples\t")
    evidence = pd.read_table(folder / "evidence.tsv", index_col="signature")
    assert list(evidence["kind"]) == ["known"] * 3 + ["novel"]
    intervals = pd.read_table(folder / "signature_intervals.tsv")
    assert set(intervals["Signature"]) == {"SBS96A"}
    assert len(intervals) == 96
    run = json.loads((folder / "run.json").read_text())
    assert run["command"] == "dnmf extract"
    assert run["seed"] == 0
    new = transform_catalog(*load_model(folder), cohort)
    for name in result.signatures.names:
        assert new[name].corr(result.exposures[name]) > 0.95


def test_an_existing_folder_is_replaced_only_on_request(
    folder: Path, result: GuidedResult, tmp_path: Path
) -> None:
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        result.save(folder)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError):
        result.save(tmp_path, overwrite=True)
    assert result.save(folder, overwrite=True).is_file()


def test_the_page_begins_with_what_was_found(folder: Path, result: GuidedResult) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "3 known signatures, 1 novel" in page[: page.index('id="findings"')]
    for name in result.signatures.names:
        assert page.index(f"<bdi>{name}</bdi>") < page.index('id="findings"')
    assert 'id="signature-SBS96A"' in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)
    assert "held the truth in\n    88 % of the channels" in page
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["intervals_held"] == INTERVALS_HELD


def test_the_page_lists_signatures_by_their_mutations_whatever_the_search_found_first(
    result: GuidedResult, tmp_path: Path
) -> None:
    by_mutations = result.evidence.sort_values("mutations", ascending=False)
    page = replace(result, evidence=by_mutations[::-1]).save(tmp_path / "out").read_text("utf-8")
    known_first = sorted(by_mutations.index, key=lambda name: name in result.novel)
    for form, names in (
        ("<bdi>{0}</bdi>", known_first),
        ('<bdi title="{0}">{0}</bdi>', by_mutations.index),
    ):
        places = [page.index(form.format(name)) for name in names]
        assert places == sorted(places)


def test_without_novel_signatures_the_page_and_files_say_so(
    result: GuidedResult, tmp_path: Path
) -> None:
    names = result.known
    known = replace(
        result,
        signatures=result.signatures.select(names),
        evidence=result.evidence.loc[names],
        matches=result.matches.iloc[:0],
        signature_lower=result.signature_lower.iloc[:0],
        signature_upper=result.signature_upper.iloc[:0],
    )
    page = known.save(tmp_path / "out").read_text(encoding="utf-8")
    assert "3 known signatures, none novel" in page
    assert 'id="novel"' not in page
    assert pd.read_table(tmp_path / "out" / "matches.tsv").empty
    assert pd.read_table(tmp_path / "out" / "signature_intervals.tsv").empty


def test_it_says_in_a_few_lines_what_it_is(result: GuidedResult) -> None:
    lines = repr(result).splitlines()
    assert lines[0].startswith("GuidedResult: 30 samples, 3 known signatures, 1 novel")
    assert all(name in lines[1] for name in PRESENT)
    assert "SBS96A (closest" in lines[2]


def found_about(result: GuidedResult, title: str) -> list[Finding]:
    return [finding for finding in result.findings if title in finding.title]


def changed(result: GuidedResult, name: str, **values: float) -> GuidedResult:
    """Return the result with other evidence of one signature."""
    evidence = result.evidence.copy()
    for column, value in values.items():
        evidence.loc[name, column] = value
    return replace(result, evidence=evidence)


def test_an_equivalent_within_ten_nats_is_a_caution_and_a_worse_one_is_not(
    result: GuidedResult,
) -> None:
    table = pd.DataFrame(
        [["SBS2", "SBS13", 11.0], ["SBS7a", "SBS7b", 2.2], ["SBS7a", "SBS11", -0.9]],
        columns=["signature", "equivalent", "nats"],
    )
    doubted = replace(result, equivalents=table)
    (finding,) = found_about(doubted, "may be another signature")
    assert finding.level == "caution"
    assert finding.title.startswith("SBS7a")
    assert "SBS11, 1 nat more; SBS7b, 2 nats less" in finding.text


def test_a_novel_signature_close_to_a_reference_may_be_that(result: GuidedResult) -> None:
    title = "SBS96A may be SBS18 as these data show it"
    for cosine, told in ((0.91, True), (0.89, False)):
        matches = result.matches.assign(reference="SBS18", cosine=cosine)
        assert bool(found_about(replace(result, matches=matches), title)) is told


def test_doubts_about_evidence_are_told_with_their_numbers(result: GuidedResult) -> None:
    weak = changed(result, "SBS2", nats=7.0)
    assert "SBS2 (7 nats)" in found_about(weak, "Weak evidence for SBS2")[0].text
    alone = changed(result, "SBS1", largest_sample=0.7, half=8.0)
    assert "70% of SBS1" in found_about(alone, "SBS1 rests on one sample")[0].text
    nowhere = changed(result, "SBS1", samples=0)
    assert found_about(nowhere, "No single sample surely has SBS1")
    half = changed(result, "SBS1", half=-1.0)
    assert found_about(half, "Not needed in one half of the samples: SBS1")
    other = changed(result, "SBS1", cosine=0.9)
    assert "SBS1 (0.90)" in found_about(other, "1 known signature looks different")[0].text
    others_have_it = changed(result, "SBS1", largest_sample=0.7, half=80.0)
    assert not found_about(others_have_it, "SBS1 rests on one sample")


def test_a_cohort_of_fewer_than_twenty_samples_is_called_small(result: GuidedResult) -> None:
    assert not found_about(result, "few for a cohort")
    fit = result.refit.fit.copy()
    fit.loc[fit.index[:16], "mutations"] = 0.0
    refit = replace(result.refit, fit=fit)
    assert found_about(replace(result, refit=refit), "14 samples are few for a cohort")
