"""``dnmf simulate``: tables that any tool can read, and whose truth is known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from dnmf.signatures import load_reference, read_catalog, read_exposures, read_signatures

Run = Callable[..., Result]
SHORT = "SBS1,SBS2,SBS5,SBS13"


def draw(dnmf: Run, out: Path, *options: object) -> Result:
    return dnmf("simulate", "-o", out, "--samples", 40, "--reference", SHORT, *options)


@pytest.mark.filterwarnings("ignore:.*are not integers")
def test_the_tables_belong_together(tmp_path: Path, dnmf: Run) -> None:
    out = tmp_path / "sim"
    result = draw(dnmf, out, "--mutations", "200:20000", "--noise", "none")
    assert result.exit_code == 0, result.stderr
    assert {p.name for p in out.iterdir()} == {
        "catalog.tsv", "exposures.tsv", "signatures.tsv", "run.json"
    }  # fmt: skip
    catalog, truth = read_catalog(out / "catalog.tsv"), read_exposures(out / "exposures.tsv")
    signatures = read_signatures(out / "signatures.tsv")
    np.testing.assert_allclose(catalog.counts, truth @ signatures.profiles, rtol=1e-6)
    assert catalog.burdens.min() > 190
    assert catalog.burdens.max() < 21_000
    assert signatures.names == load_reference(SHORT).names


@pytest.mark.parametrize("noise", ["poisson", "multinomial", "negative-binomial"])
def test_the_same_seed_gives_the_same_bytes(noise: str, tmp_path: Path, dnmf: Run) -> None:
    outs = [tmp_path / name for name in ("a", "b", "c")]
    for out, seed in zip(outs, (5, 5, 6), strict=True):
        assert draw(dnmf, out, "--noise", noise, "--seed", seed, "-q").exit_code == 0
    first, second, other = ((out / "catalog.tsv").read_bytes() for out in outs)
    assert first == second
    assert first != other


@pytest.mark.parametrize("option", ["--tumour-type", "--type"])
def test_a_cohort_is_drawn_from_its_exposures(option: str, tmp_path: Path, dnmf: Run) -> None:
    table = pd.DataFrame(
        {
            "Cancer Types": ["Lung", "Lung", "Skin"],
            "Sample Names": ["a", "b", "c"],
            "SBS1": [1.0, 3.0, 0.0],
            "SBS5": [1.0, 1.0, 9.0],
        }
    )
    path = tmp_path / "tumours.csv"
    table.to_csv(path, index=False)
    out = tmp_path / "sim"
    result = draw(dnmf, out, "--cohort", path, option, "Lung", "--mutations", "1000")
    assert result.exit_code == 0, result.stderr
    truth = read_exposures(out / "exposures.tsv")
    shares = truth["SBS1"] / truth.sum(axis=1)
    assert set(shares.round(6)) == {0.5, 0.75}


def test_what_refit_wrote_can_be_drawn_from(tmp_path: Path, dnmf: Run) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    draw(dnmf, first)
    result = draw(dnmf, second, "--cohort", first / "exposures.tsv")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mutations", "9:3"], "expected LOW:HIGH"),
        (["--mutations", "many"], "expected LOW:HIGH"),
        (["--cohort", "Lung-AdenoCA"], "The package holds no exposures of tumours"),
        (["--tumour-type", "Lung-AdenoCA"], "--tumour-type needs --cohort FILE"),
    ],
)
def test_mistakes_are_explained_and_nothing_is_written(
    options: list[str], message: str, tmp_path: Path, dnmf: Run
) -> None:
    result = draw(dnmf, tmp_path / "sim", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_exposures_to_other_signatures_are_refused(tmp_path: Path, dnmf: Run) -> None:
    path = tmp_path / "exposures.tsv"
    path.write_text("Samples\tSBS1\tSBS99\nA\t5\t7\n", encoding="utf-8")
    result = draw(dnmf, tmp_path / "sim", "--cohort", path)
    assert result.exit_code == 2
    assert "SBS99" in result.stderr
