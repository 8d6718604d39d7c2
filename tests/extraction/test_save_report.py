"""What a run leaves behind: every promised file, readable, repeatable, and never a part of it."""

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import load_model
from dnmf.exceptions import InputDataError, OutputExistsError
from dnmf.extraction import save_report
from dnmf.signatures import read_exposures, read_signatures

FILES = {
    "signatures.tsv", "exposures.tsv", "fit.tsv", "matches.tsv", "model.safetensors", "model.json",
    "run.json", "report.html", "plots", "decomposed",
}  # fmt: skip
PLOTS = {
    f"{name}.{kind}"
    for name in ("signatures", "exposures", "training", "fit", "decomposed_signatures")
    for kind in ("png", "svg")
}


@pytest.fixture(scope="module")
def written(hostile, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "input.tsv").write_bytes(b"not looked into")
    save_report(hostile, folder / "out", input_path=folder / "input.tsv", command="dnmf extract x")
    return folder / "out"


def test_every_promised_file_and_nothing_else(written):
    assert {path.name for path in written.iterdir()} == FILES
    assert {path.name for path in (written / "plots").iterdir()} == PLOTS
    assert {path.name for path in written.parent.iterdir()} == {"out", "input.tsv"}


def test_tables_hold_the_result(written, hostile):
    signatures = read_signatures(written / "signatures.tsv").profiles
    pd.testing.assert_frame_equal(signatures, hostile.signatures.profiles, check_names=False)
    exposures = read_exposures(written / "exposures.tsv")
    assert list(exposures.index) == list(hostile.exposures.index)
    np.testing.assert_allclose(exposures, hostile.exposures, atol=1)
    np.testing.assert_allclose(
        exposures.sum(axis=1), hostile.exposures.sum(axis=1).round(), rtol=1e-12
    )


def test_fit_has_sigprofilers_headers_and_percentages(written, hostile):
    fit = pd.read_table(written / "fit.tsv", index_col="Sample Names", quotechar='"')
    assert list(fit.columns) == [
        "Total Mutations", "Cosine Similarity", "L1_Norm_%", "L2_Norm_%", "KL Divergence",
    ]  # fmt: skip
    assert list(fit.index) == list(hostile.fit.index)
    np.testing.assert_allclose(fit["Cosine Similarity"], hostile.fit["cosine"], rtol=1e-5)
    np.testing.assert_allclose(
        fit["L1_Norm_%"], 100 * hostile.fit["relative_l1"], rtol=1e-5, atol=1e-12
    )
    assert np.isfinite(fit.to_numpy()).all()


@pytest.mark.usefixtures("without_pictures")
def test_matches_keep_their_columns_even_without_a_reference(
    written, hostile, make_result, profiles, tmp_path
):
    matches = pd.read_table(written / "matches.tsv")
    assert list(matches.columns) == list(hostile.matches.columns)
    assert list(matches["reference"]) == ["SBS1", "SBS2", "SBS3"]
    save_report(make_result(profiles, np.full((4, 3), 500.0)), tmp_path / "out")
    empty = pd.read_table(tmp_path / "out" / "matches.tsv")
    assert list(empty.columns) == list(hostile.matches.columns)
    assert empty.empty


def test_the_model_loads_with_its_names(written, hostile):
    model, metadata = load_model(written)
    assert metadata == hostile.model_metadata
    X = hostile.catalog.counts.to_numpy()
    np.testing.assert_allclose(model.transform(X), hostile.model.transform(X))


def test_the_record_tells_all_that_is_needed_to_repeat_the_run(written, hostile):
    text = (written / "run.json").read_text(encoding="utf-8")
    run = json.loads(text)
    assert list(run) == sorted(run)
    assert run["input"]["name"] == "input.tsv"
    assert run["input"]["sha256"] == hashlib.sha256(b"not looked into").hexdigest()
    assert run["seed"] == 7
    assert run["command"] == "dnmf extract x"
    assert run["parameters"] == hostile.parameters
    assert run["seconds"] == hostile.seconds
    assert run["warnings"] == hostile.warnings
    assert run["versions"] == hostile.versions
    assert str(written) not in text  # no path of this machine


def test_names_are_text_in_the_plots_never_markup(written):
    for name in PLOTS:
        if name.endswith("svg"):
            root = ElementTree.fromstring((written / "plots" / name).read_text(encoding="utf-8"))
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert not tags & {"script", "img", "a", "foreignObject"}


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("step", ["write_exposures", "save_model", "page", "figure"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_at_any_step_leaves_nothing(hostile, tmp_path, monkeypatch, step, error):
    where = {
        "write_exposures": "dnmf.extraction.save.write_exposures",
        "save_model": "dnmf.extraction.save.save_model",
        "page": "dnmf.extraction.save.render_page",
        "figure": "dnmf.report.pictures.figure_bytes",
    }[step]

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(where, fail)
    with pytest.raises(type(error)):
        save_report(hostile, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_pictures")
def test_an_earlier_run_is_refused_kept_and_replaced_on_request(hostile, tmp_path, monkeypatch):
    out = tmp_path / "out"
    save_report(hostile, out)
    before = (out / "run.json").read_bytes()
    with pytest.raises(OutputExistsError):
        save_report(hostile, out)
    assert (out / "run.json").read_bytes() == before
    changed = replace(hostile, parameters={"random_state": 8})
    page = save_report(changed, out, overwrite=True)
    assert page == out / "report.html"
    assert json.loads((out / "run.json").read_text())["seed"] == 8
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_an_input_that_is_gone_is_named_not_the_output(hostile, tmp_path):
    with pytest.raises(InputDataError, match=r"gone\.tsv: no such file"):
        save_report(hostile, tmp_path / "out", input_path=tmp_path / "gone.tsv")
    assert list(tmp_path.iterdir()) == []
