"""Answers about several classes: which are given, where they are written, and the page of all."""

import json
import re
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from dnmf.classes import ClassAnswers, answer_classes, save_classes
from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.refit import refit_exposures
from dnmf.signatures import DBS78, ID83, SBS96, MutationCatalog, load_reference


def catalog(schema, mutations: float, names=("a", "b")) -> MutationCatalog:
    rng = np.random.default_rng(0)
    mean = mutations * load_reference(channels=schema).profiles.to_numpy()[:3].mean(axis=0)
    counts = rng.poisson(np.tile(mean, (len(names), 1)))
    counts = pd.DataFrame(counts, list(names), list(schema.labels))
    return MutationCatalog(counts, "", schema)


def refitted(given: MutationCatalog):
    known = load_reference(channels=given.schema)
    return refit_exposures(given, known.select(known.names[:3]), method="kl")


@pytest.fixture(scope="module")
def answers() -> ClassAnswers:
    catalogs = [catalog(SBS96, 2000), catalog(DBS78, 0), catalog(ID83, 300, ("b", "<i>"))]
    return ClassAnswers(*answer_classes(catalogs, refitted), "three classes")


def test_a_class_without_mutations_is_told_and_the_others_are_answered(answers):
    assert list(answers.results) == ["SBS96", "ID83"]
    assert answers.left_out == {"DBS78": "no sample has a mutation of this class."}


def test_a_class_with_too_few_mutations_for_its_channels_is_told():
    catalogs = [catalog(SBS96, 2000), catalog(ID83, 20)]
    with pytest.warns(DoubtfulDataWarning, match="ID83 has no answer: .* too few"):
        results, left_out = answer_classes(catalogs, refitted, per_channel=1.0)
    assert list(results) == ["SBS96"]
    assert "fewer than the 83" in left_out["ID83"]


@pytest.mark.usefixtures("without_pictures")
def test_a_class_without_a_reference_is_told_and_an_error_names_its_class(tmp_path):
    def without_reference(given: MutationCatalog):
        if given.schema == ID83:
            raise ChannelMismatchError("no reference of ID83")
        return refitted(given)

    catalogs = [catalog(SBS96, 500), catalog(ID83, 500), catalog(DBS78, 0)]
    with pytest.warns(DoubtfulDataWarning) as told:
        answers = ClassAnswers(*answer_classes(catalogs, without_reference), "three classes")
    assert answers.left_out["ID83"] == "no reference of ID83"
    save_classes(answers, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    # A class without mutations is nothing to warn of.
    assert record["warnings"] == ["ID83 has no answer: no reference of ID83"]
    assert [str(each.message) for each in told] == record["warnings"]

    def refused(given: MutationCatalog):
        raise InputDataError("the cohort is too small")

    with pytest.raises(InputDataError, match="SBS96: the cohort is too small"):
        answer_classes([catalog(SBS96, 500)], refused)


def test_nothing_to_answer_is_an_error_with_the_reason_for_each_class():
    with pytest.raises(InputDataError, match=r"SBS96: no sample.*\nID83: no sample"):
        answer_classes([catalog(SBS96, 0), catalog(ID83, 0)], refitted)


def test_a_warning_belongs_to_the_class_it_came_with():
    def doubted(given: MutationCatalog):
        if given.schema == ID83:
            warnings.warn("indels are few", DoubtfulDataWarning, stacklevel=2)
        return refitted(given)

    with pytest.warns(DoubtfulDataWarning, match="few"):
        results, _ = answer_classes([catalog(SBS96, 500), catalog(ID83, 500)], doubted)
    assert [result.warnings for result in results.values()] == [[], ["indels are few"]]


@pytest.mark.usefixtures("without_pictures")
def test_each_class_has_the_folder_of_a_run_and_all_are_on_one_page(answers, tmp_path):
    out = tmp_path / "out"
    page = save_classes(answers, out, command="dnmf refit").read_text(encoding="utf-8")
    alone = tmp_path / "alone"
    answers.results["ID83"].save(alone)
    inside = {path.relative_to(out / "ID83") for path in (out / "ID83").rglob("*")}
    assert inside == {path.relative_to(alone) for path in alone.rglob("*")}
    assert (out / "ID83" / "exposures.tsv").read_text() == (alone / "exposures.tsv").read_text()

    ids = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert max(ids.values()) == 1
    targets = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r'for="([^"]+)"', page))
    assert targets <= set(ids)
    links = set(re.findall(r'href="([^"#]+)"', page))
    assert {"SBS96/report.html", "ID83/exposures.tsv"} <= links
    assert all((out / link).is_file() for link in links)
    assert "DBS78 has no answer" in page
    assert "<i>" not in page

    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["left_out"] == answers.left_out
    assert {"SBS96/run.json", "ID83/report.html", "report.html"} <= set(record["files"])
    save_classes(answers, out, overwrite=True)


@pytest.mark.usefixtures("without_pictures")
def test_a_run_that_is_interrupted_leaves_nothing(answers, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("dnmf.classes.save.render_classes_page", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_classes(answers, tmp_path / "out")
    assert not list(tmp_path.iterdir())
