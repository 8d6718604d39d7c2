"""The page of a refit: what a reader needs first is in sight, and names stay in their place."""

import re

import numpy as np
import pandas as pd
import pytest

from dnmf import MutationCatalog, SignatureSet, refit_exposures
from dnmf.refit.figures import shown_exposures
from dnmf.refit.page import _sample_rows, render_refit_page
from dnmf.report.pictures import Picture
from dnmf.report.records import run_record
from dnmf.signatures import SBS96

LONG = "S" * 5000


@pytest.fixture(scope="module")
def page() -> str:
    rng = np.random.default_rng(0)
    profiles = rng.dirichlet(np.full(96, 0.1), size=3)
    counts = rng.poisson(rng.gamma(1.0, 20.0, (4, 3)) @ profiles)
    labels = list(SBS96.labels)
    catalog = MutationCatalog(
        pd.DataFrame(counts, ["a", "\u202eb", "=1+1", LONG], labels), "toy.tsv"
    )
    names = ["SBS1", "<b>\u2067", LONG]
    reference = SignatureSet(pd.DataFrame(profiles, names, labels), "toy signatures")
    result = refit_exposures(catalog, reference, method="kl")
    picture = Picture("data:image/png;base64,iVBORw0KGgo=", 800)
    record = run_record(result, command="")
    return render_refit_page(
        result, record, dict.fromkeys(["exposures", "intervals", "fit"], picture)
    )


def test_advice_stands_below_the_signatures_of_its_sample(page):
    table = page[page.index('<table class="sortable samples"') :]
    headings = re.findall(r"<t[hd]\b[^>]*>([^<]*)", table[: table.index("</thead>")])
    assert headings[0] == "Sample"
    assert headings[3:5] == [
        "p: the reference can explain this sample",
        "p: this answer explains it",
    ]
    assert headings[-2:] == ["Proportions", "Largest signatures (90 % interval), advice"]
    cells = re.findall(r'<td class="main">(.*?)</td>', table, re.DOTALL)
    assert len(cells) == 4
    assert any('<small class="advice"><bdi>' in cell and "SBS1" in cell for cell in cells)


def test_names_in_tables_are_isolated_and_cannot_turn_the_text(page):
    assert not set(page) & {"\u202e", "\u2067"}
    assert '<bdi title="\\u202eb">\\u202eb</bdi>' in page
    assert "&lt;b&gt;\\u2067" in page
    assert "<b>" not in page
    assert "=1+1" in page


def test_a_page_shows_the_worst_of_many_samples(monkeypatch):
    monkeypatch.setattr("dnmf.refit.page._MAX_ROWS", 2)
    counts = pd.DataFrame(np.full((3, 96), 5.0), ["a", "b", "c"], list(SBS96.labels))
    counts.loc["b", counts.columns[:30]] = 40
    flat = SignatureSet(pd.DataFrame(np.full((2, 96), 1 / 96), ["x", "y"], list(SBS96.labels)))
    result = refit_exposures(MutationCatalog(counts), flat, method="kl")
    rows = _sample_rows(result, shown_exposures(result))
    assert [row["name"] for row in rows] == ["b", "a"]
