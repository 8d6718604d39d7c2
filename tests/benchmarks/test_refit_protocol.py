"""The refit benchmarks draw only from the tumours they may, score by known numbers, and keep the rows of other runs."""

import numpy as np
import pandas as pd
import pytest

from refit_answers import posterior_mean
from refit_protocol import Tumours, in_part, is_present, presence_scores, write_rows
from refit_stability import EXCHANGES, exchanged

NAMES = ["SBS1", "SBS5", "SBS13"]


@pytest.fixture
def tumours_file(tmp_path):
    rng = np.random.default_rng(0)
    samples = [f"tumour {number}" for number in range(90)]
    table = pd.DataFrame(rng.integers(1, 1000, (90, 3)), columns=NAMES)
    table.insert(0, "Sample Names", samples)
    table.insert(0, "Cancer Types", np.repeat(["Liver-HCC", "CNS-GBM", "Skin-Melanoma"], 30))
    path = tmp_path / "tumours.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("part", ["choice", "test"])
def test_samples_are_drawn_from_the_measured_part_of_their_type(tumours_file, part):
    tumours = Tumours(tumours_file, NAMES, part)
    shares, types = tumours.draw(20, np.random.default_rng(0), ("CNS-GBM", "Liver-HCC"))
    allowed = tumours.shares[in_part(tumours.samples, part)]
    assert all((row == allowed).all(axis=1).any() for row in shares)
    assert types.tolist() == ["CNS-GBM"] * 20 + ["Liver-HCC"] * 20


def test_a_cohort_has_different_tumours_and_none_of_the_part_that_is_not_measured(tumours_file):
    tumours = Tumours(tumours_file, NAMES, "choice")
    rows = tumours.distinct(40, np.random.default_rng(0), ("Liver-HCC", "Skin-Melanoma"))
    assert len(set(rows)) == len(rows)
    assert not in_part([tumours.samples[row] for row in rows], "test").any()
    assert "CNS-GBM" not in tumours.types[rows]


def test_presence_is_scored_by_type():
    called = np.array([[True, True], [False, True]])
    present = np.array([[True, False], [True, True]])
    scores = presence_scores(called, present, np.array(["a", "b"]))
    assert scores == pytest.approx({"precision": 0.75, "sensitivity": 0.75, "f1": 2 / 3})


def test_presence_needs_ten_mutations_or_a_twentieth_of_few():
    shares = np.array([[0.95, 0.05, 0.0], [0.996, 0.004, 0.0]])
    found = is_present(shares, np.array([100.0, 2000.0]))
    assert found.tolist() == [[True, True, False], [True, False, False]]


def test_posterior_mean_of_many_mutations_is_the_tumour_they_came_from():
    W = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])
    bank = np.array([[0.9, 0.1], [0.5, 0.5], [0.0, 1.0]])
    found = posterior_mean(10_000 * bank @ W, W, bank)
    np.testing.assert_allclose(found, bank, atol=1e-6)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_exchange_keeps_the_number_of_mutations(exchange):
    counts = np.random.default_rng(0).poisson(30.0, (5, 96)).astype(float)
    changed = exchanged(counts, exchange, np.random.default_rng(1))
    np.testing.assert_array_equal(changed.sum(axis=1), counts.sum(axis=1))
    assert (changed >= 0).all()
    assert (np.abs(changed - counts).sum(axis=1) <= 0.021 * counts.sum(axis=1)).all()


def test_rows_measured_again_replace_their_former_ones_only(tmp_path):
    path = tmp_path / "table.csv"
    write_rows(path, [{"setting": "a", "error": 1.0}, {"setting": "b", "error": 2.0}], ["setting"])
    write_rows(path, [{"setting": "b", "error": 3.0}], ["setting"])
    table = pd.read_csv(path)
    assert table[["setting", "error"]].to_numpy().tolist() == [["a", 1.0], ["b", 3.0]]
