"""What is not counts is told from what is, and samples that hold others are pointed out."""

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import DoubtfulDataWarning, InputDataError
from dnmf.signatures import SBS96, MutationCatalog, load_reference, read_catalog, simulate_cohort
from dnmf.signatures.unit import doubts, why_not_counts

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(RNG.dirichlet(np.full(96, 0.5), 8) * RNG.integers(60, 4000, (8, 1))) * 1.0
FREQUENCIES = COUNTS / COUNTS.sum(axis=1, keepdims=True)
HYPERMUTATED = RNG.poisson(20_000, (4, 96)) * 1.0
HYPERMUTATED[0, 0] = 1
PANEL = RNG.multinomial(1, np.full(96, 1 / 96), 30) * 1.0


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (FREQUENCIES, "every sample sums to 1: these are frequencies"),
        (FREQUENCIES[:1], "sums to 1"),
        (FREQUENCIES.round(3), "sums to 1"),
        (FREQUENCIES.round(2), "below|rates|sum"),
        (np.vstack([FREQUENCIES, np.zeros(96)]), "every sample sums to 1"),
        (np.vstack([FREQUENCIES, FREQUENCIES, 3 * COUNTS[:1]]), "94% of the samples sum to 1"),
        (100 * FREQUENCIES, "every sample sums to 100: these are percentages"),
        ((100 * FREQUENCIES).round(1), "sums to 100"),
        (100 * FREQUENCIES[:1], "sums to 100"),
        (1e4 * FREQUENCIES, "sums to 10,000: they were scaled to a common total"),
        (1e6 * FREQUENCIES, "sums to 1,000,000"),
        (COUNTS / 2800, "rates, such as mutations per megabase"),
        ((COUNTS / 2800).round(4), "rates"),
        (COUNTS / 38, "rates|multiple"),
        (HYPERMUTATED / 38, "every value is a multiple of 0.0263158"),
    ],
)
def test_other_units_are_told(values, told):
    assert pd.Series([why_not_counts(values)]).str.contains(told).all()


@pytest.mark.parametrize(
    "values",
    [
        COUNTS,
        PANEL,  # one mutation in every sample
        RNG.multinomial(100, np.full(96, 1 / 96), 5) * 1.0,
        COUNTS * RNG.uniform(0.3, 3, 96),  # corrected for opportunities
        PANEL * RNG.uniform(0.6, 3, 96),
        COUNTS / 2,  # means of two replicates
        (COUNTS * RNG.uniform(0.3, 3, 96)).round(1),
        COUNTS * 1e300,
        np.zeros((2, 96)),
        np.full((3, 96), 5e-324) * 0,
    ],
)
def test_counts_are_counts_even_if_they_are_no_integers(values):
    assert why_not_counts(values) == ""


def test_expected_counts_are_counts():
    catalog, _ = simulate_cohort(
        load_reference("SBS1,SBS5"), 6, mutations=(80, 9000), noise="none", random_state=0
    )
    assert catalog.why_not_counts == ""


def test_signatures_among_the_samples_are_named_as_such():
    names = [f"SBS{number}" for number in range(1, 9)]
    catalog = MutationCatalog(pd.DataFrame(FREQUENCIES, names, SBS96.labels), source="x.tsv")
    with pytest.raises(InputDataError, match=r"x\.tsv: this looks like signatures.*dnmf match"):
        catalog.check_counts("a refit")


def names(values):
    return [f"S{row}" for row in range(len(values))]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.vstack([COUNTS, COUNTS.sum(axis=0)]), "sample 'S8' is the sum of other samples"),
        (np.vstack([COUNTS, COUNTS.mean(axis=0)]), "sample 'S8' is the mean of all other samples"),
        (
            np.vstack([COUNTS, COUNTS[:3].sum(axis=0), COUNTS[3:].sum(axis=0), COUNTS.sum(axis=0)]),
            "sample 'S10' is the sum of other samples",
        ),
        (COUNTS[[0, 1, 2, 1]], "'S1', 'S3' have the same counts"),
        (np.vstack([COUNTS, FREQUENCIES[:2]]), "'S8', 'S9': the values of 2 of 10 samples"),
        (FREQUENCIES * 777, "every sample sums to 777"),
    ],
)
def test_odd_samples_are_pointed_out(values, told):
    assert any(told in doubt for doubt in doubts(values, names(values)))


def test_a_summary_is_known_by_its_name_too():
    values = COUNTS[:4]
    for name in ("Total", "sum", "Grand_Total", "Breast total", "all", "Mean"):
        (doubt,) = doubts(values, ["a", "b", "c", name])
        assert repr(name) in doubt
    assert not list(doubts(values, ["ALL-7", "Sumatra", "totally", "Mean_Machine"]))
    assert not list(doubts(values, ["SUM149PT", "SUM-52", "sum 190", "HCC70"]))  # cell lines


@pytest.mark.parametrize(
    "values",
    [COUNTS, PANEL, np.ones((3, 96)) * [[1], [2], [3]], np.zeros((4, 96)), COUNTS * 1e300],
)
def test_ordinary_samples_are_not_doubted(values):
    assert not list(doubts(values, names(values)))


def test_reading_warns_of_a_total(tmp_path):
    frame = pd.DataFrame(COUNTS[:3].T, SBS96.labels, ["a", "b", "c"]).assign(
        d=COUNTS[:3].sum(axis=0)
    )
    frame.to_csv(tmp_path / "x.tsv", sep="\t", index_label="Type")
    with pytest.warns(DoubtfulDataWarning, match=r"x\.tsv: sample 'd' is the sum of other"):
        assert len(read_catalog(tmp_path / "x.tsv").counts) == 4
