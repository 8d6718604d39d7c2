"""Refit models as files: a round trip changes next to nothing, and what is damaged or for something else is refused."""

import gzip
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.testing import assert_close

from dnmf.exceptions import InputDataError, ModelFileError
from dnmf.refit import (
    RefitCard,
    available_models,
    build_model,
    check_reference,
    load_refit_model,
    measure,
    read_tumour_exposures,
    reference_hash,
    save_refit_model,
    train_refit_model,
)
from dnmf.refit.evaluation import fitting_error
from dnmf.refit.network import RefitNetwork
from dnmf.refit.training import RefitTraining
from dnmf.refit.tumours import part_of
from dnmf.signatures import SignatureSet, load_reference
from dnmf.strict_json import entries_checksum
from dnmf.unfolding.conditioned import ConditionedDesign

NAMES = ["SBS1", "SBS2", "SBS5", "SBS13", "SBS22a", "SBS40a"]
TINY = ConditionedDesign(n_layers=2, context_width=4, prior_width=4, head_width=5)


@pytest.fixture(scope="module")
def reference() -> SignatureSet:
    return load_reference(NAMES)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    names = ["SBS1", "SBS2", "SBS5", "SBS13", "SBS22"]
    frame = pd.DataFrame(rng.gamma(0.5, 1000, (80, 5)).round() + 1, columns=names)
    frame.insert(0, "Sample Names", [f"T{i}" for i in range(80)])
    frame.insert(0, "Cancer Types", ["Liver-HCC", "Lung-AdenoCA"] * 40)
    path = tmp_path_factory.mktemp("tumours") / "exposures.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def trained(reference: SignatureSet, table: Path) -> tuple[RefitNetwork, RefitCard]:
    return train_refit_model(
        reference,
        table,
        name="tiny",
        reference_name="six",
        design=TINY,
        config=RefitTraining(steps=20, batch_size=16),
    )


@pytest.fixture
def saved(trained: tuple[RefitNetwork, RefitCard], tmp_path: Path) -> Path:
    return save_refit_model(*trained, tmp_path)


def test_a_round_trip_changes_answers_by_less_than_any_tool_can_tell(trained, saved):
    network, card = trained
    again, card_again = load_refit_model(saved)
    # As JSON: there a pair is a list.
    assert json.dumps(asdict(card_again)) == json.dumps(asdict(card))
    X = torch.poisson(20 * torch.ones(5, 96), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert_close(again(X).shares, network(X).shares, atol=2e-3, rtol=0)
    assert torch.equal(again.W, network.W)
    assert torch.equal(again.calibration.null_misfit, network.calibration.null_misfit)


def test_a_model_is_loaded_by_either_of_its_files(saved):
    for path in (saved, saved.with_suffix(".safetensors"), str(saved)):
        _, card = load_refit_model(path)
        assert card.name == "tiny"


def test_the_card_says_what_was_renamed_and_what_has_no_example(trained):
    _, card = trained
    assert card.renamed_signatures == {"SBS22": "SBS22a"}
    assert card.unseen_signatures == ["SBS40a"]
    assert card.training["tumours"] == 80


def test_measuring_uses_only_the_test_tumours(trained, table):
    card = measure(*trained, table)
    at_100 = card.measured["by_mutations"]["100"]
    assert 0 < at_100["pan-cancer"]["fitting_error"] < 1
    assert 0 < at_100["pan-cancer"]["presence_f1"] <= 1
    assert card.measured["tumour_types"] == ["Liver-HCC", "Lung-AdenoCA"]


@pytest.mark.parametrize("n_held_out", [20, 19])
def test_calibration_uses_held_out_tumours_where_they_are_enough(
    reference, tmp_path, monkeypatch, n_held_out
):
    """Intervals and p-values measured on tumours of the training would look better than they are."""
    names = [f"T{i}" for i in range(2000)]
    calibration = [name for name in names if part_of(name) == "calibration"][:n_held_out]
    training = [name for name in names if part_of(name) == "training"][:30]
    exposures = np.random.default_rng(0).gamma(0.5, 1000, (n_held_out + 30, 2)) + 1
    frame = pd.DataFrame(exposures, columns=["SBS1", "SBS5"])
    frame.insert(0, "Sample Names", calibration + training)
    frame.insert(0, "Cancer Types", "Liver-HCC")
    frame.to_csv(tmp_path / "exposures.csv", index=False)
    used: list[torch.Tensor] = []
    monkeypatch.setattr(
        build_model, "calibrate", lambda _, shares, *args, **kwargs: used.append(shares)
    )
    _, card = train_refit_model(
        reference,
        tmp_path / "exposures.csv",
        name="tiny",
        reference_name="six",
        design=TINY,
        config=RefitTraining(steps=1, batch_size=4),
    )
    enough = n_held_out == 20
    expected = exposures[:20] if enough else exposures[19:]
    shares = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(used[0].numpy()[:, [0, 2]], shares, rtol=1e-6)
    assert card.training["used_for_calibration"] == len(expected)
    assert card.training["calibrated_on_training_tumours"] is not enough


def test_altered_weights_are_refused(saved):
    weights = saved.with_suffix(".safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelFileError, match="checksum"):
        load_refit_model(saved)


def edit_card(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the entries of a card, with a checksum that fits them."""
    content = json.loads(path.read_text())
    change(content)
    content["entries_sha256"] = entries_checksum(content)
    path.write_text(json.dumps(content))


def test_weights_that_are_not_what_the_card_describes_are_refused(saved):
    edit_card(saved, lambda content: content["design"].update(n_layers=3))
    with pytest.raises(ModelFileError, match="does not hold what its card describes"):
        load_refit_model(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("format"), "not the card of a refit model"),
        (lambda c: c.update(format_version=99), "format version 99"),
        (lambda c: c.pop("signatures"), "lacks the entry 'signatures'"),
        (lambda c: c.update(counts=[10, 5]), "range of counts"),
        (lambda c: c.update(signatures=c["signatures"][:-1]), "its card names 5 of 96"),
    ],
)
def test_a_card_that_is_wrong_says_what_is(saved, change, message):
    edit_card(saved, change)
    with pytest.raises(ModelFileError, match=message):
        load_refit_model(saved)


def test_a_truncated_card_and_missing_files_are_named(saved, tmp_path):
    saved.write_text(saved.read_text()[:100])
    with pytest.raises(ModelFileError, match="truncated"):
        load_refit_model(saved)
    saved.unlink()
    with pytest.raises(FileNotFoundError, match="card"):
        load_refit_model(saved)
    with pytest.raises(FileNotFoundError, match="no refit model 'nonsense'"):
        load_refit_model("nonsense")


def test_another_reference_is_refused(trained, reference):
    network, card = trained
    check_reference(network, card, reference)
    rounded = SignatureSet(reference.profiles.round(7).pipe(lambda f: f.div(f.sum(axis=1), axis=0)))
    check_reference(network, card, rounded)
    with pytest.raises(InputDataError, match="lacks SBS1 "):
        check_reference(network, card, reference.select(NAMES[1:]))
    with pytest.raises(InputDataError, match="another order"):
        check_reference(network, card, reference.select(NAMES[::-1]))
    shifted = reference.profiles.copy()
    shifted[:] = np.roll(shifted.to_numpy(), 1, axis=1)
    with pytest.raises(InputDataError, match="another version, genome build or assay"):
        check_reference(network, card, SignatureSet(shifted))


def test_a_genome_build_is_not_another(trained, reference):
    network, card = trained
    build = load_reference("cosmic-v3.4-GRCh38").select(NAMES)
    with pytest.raises(InputDataError, match="genome build"):
        check_reference(network, card, build)
    own = reference_hash(reference.names, reference.profiles.to_numpy())
    assert card.reference_sha256 == own != reference_hash(build.names, build.profiles.to_numpy())


def test_tumour_types_are_found_in_any_case_and_near_ones_suggested(trained):
    _, card = trained
    assert card.cohort_index(None) == card.cohort_index("pan-cancer") == 0
    assert card.cohort_index("liver-hcc") == 1
    with pytest.raises(InputDataError, match="Did you mean Lung-AdenoCA"):
        card.cohort_index("Lung-Adeno")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="Cancer Types"), "expected a column 'Cancer Types'"),
        (lambda f: f.assign(SBS1=["x", *[1] * (len(f) - 1)]), "line 2 .*column 'SBS1'"),
        (lambda f: f.assign(SBS1=[1, -1, *[1] * (len(f) - 2)]), "line 3 .*column 'SBS1'"),
        (lambda f: f.rename(columns={"SBS1": "SBS999"}), "another reference"),
    ],
)
def test_exposures_that_cannot_be_used_say_where(table, tmp_path, change, message):
    path = tmp_path / "bad.csv"
    change(pd.read_csv(table)).to_csv(path, index=False)
    with pytest.raises(InputDataError, match=message):
        read_tumour_exposures(path, NAMES)


TUMOURS = "Cancer Types,Sample Names,SBS1,SBS5\nA,T1,1,2\nB,T2,3,4\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (TUMOURS.replace("A,T1", "Köln,T1").encode("latin-1"), "line 2: found the byte 0xf6"),
        ((TUMOURS + "A,T3,1,2,3\n").encode(), "line 4 .*found 5 cells"),
        ((TUMOURS + "\n\nA,T3,x,2\n").encode(), "line 6 .*column 'SBS1': found 'x'"),
        ((TUMOURS + "\nA,T2,1,2\n").encode(), "'T2' is used twice, in line 3 and line 5"),
        ((TUMOURS + ",T3,1,2\n").encode(), "line 4: expected a tumour type"),
        ((TUMOURS + "A, ,1,2\n").encode(), "line 4: the sample has no name"),
        (TUMOURS.replace("SBS5", "SBS1").encode(), "'SBS1' is used twice"),
        (b"Cancer Types,Sample Names,SBS1,SBS5\nA,T1,0,0\n", "no tumour has mutations"),
        (b"Cancer Types,Sample Names,SBS1,SBS5\n", "line 1|no row|no sample|header"),
        (gzip.compress(TUMOURS.encode(), mtime=0)[:-4], "truncated or damaged"),
    ],
)
def test_a_damaged_table_of_tumours_is_refused_with_its_place(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InputDataError, match=f"bad.csv.*({message})"):
        read_tumour_exposures(path, NAMES)


@pytest.mark.parametrize(
    "content",
    [
        TUMOURS.encode("utf-16"),
        TUMOURS.replace(",", ";").encode(),
        TUMOURS.replace("\n", "\r").encode("utf-8-sig"),
        gzip.compress(TUMOURS.replace(",", "\t").encode(), mtime=0),
        b"Sample Names,Accuracy,Cancer Types,SBS1,SBS5\nT1,1,A,1,2\nT2,1,B,3,4\n",
    ],
)
def test_a_table_of_tumours_is_read_as_any_table(tmp_path, content):
    path = tmp_path / "tumours"
    path.write_bytes(content)
    found = read_tumour_exposures(path, ["SBS1", "SBS5"])
    np.testing.assert_allclose(found.shares, [[1 / 3, 2 / 3], [3 / 7, 4 / 7]], rtol=1e-6)
    assert (found.samples, found.type_names) == (["T1", "T2"], ["A", "B"])
    assert found.file["bytes"] == len(content)


def test_a_signature_and_its_successor_in_one_table_are_not_merged(tmp_path):
    path = tmp_path / "tumours.csv"
    path.write_text("Cancer Types,Sample Names,SBS22,SBS22a\nA,T1,100,200\n")
    with pytest.raises(InputDataError, match=r"33% of the mutations .*SBS22"):
        read_tumour_exposures(path, NAMES)


def test_the_split_depends_on_the_name_alone_and_has_its_proportions():
    parts = [part_of(f"tumour {i}") for i in range(2000)]
    assert parts == [part_of(f"tumour {i}") for i in range(2000)]
    assert 0.22 < parts.count("test") / 2000 < 0.28
    assert 0.03 < parts.count("calibration") / 2000 < 0.07


def test_the_fitting_error_on_a_case_done_by_hand():
    truth = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    found = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(fitting_error(found, truth), [0.25, 0.0])


@pytest.mark.parametrize("name", available_models())
def test_every_packaged_model_is_for_its_reference_and_small_and_good(name):
    network, card = load_refit_model(name)
    reference = load_reference(card.reference)
    check_reference(network, card, reference)
    assert card.name == name
    # Simulated here, not read off the card: a breast-like mixture at 2,000 mutations.
    truth = torch.zeros(1, len(card.signatures))
    for signature, share in {"SBS1": 0.15, "SBS2": 0.3, "SBS5": 0.25, "SBS13": 0.3}.items():
        truth[0, card.signatures.index(signature)] = share
    X = torch.poisson(
        2000 * (truth @ network.W).expand(20, -1), generator=torch.Generator().manual_seed(0)
    )
    error = 0.5 * (network(X).shares - truth).abs().sum(dim=1).mean()
    assert error < 0.08
