"""The page of a refit: what a reader needs first is in sight, and names stay in their place."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

from dnmf import MutationCatalog, SignatureSet, refit_exposures
from dnmf.plotting import figure_bytes
from dnmf.refit.figures import exposure_figures, shown_exposures
from dnmf.refit.page import _sample_rows, render_refit_page
from dnmf.report.names import shortened
from dnmf.report.pictures import Picture, points_picture
from dnmf.report.records import run_record
from dnmf.signatures import SBS96, load_reference, simulate_catalog

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


def test_the_plot_of_exposures_says_what_the_table_says(page):
    (block,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    plot = json.loads(block)
    rows = re.findall(
        r'<tr><th scope="row"><bdi title="([^"]*)">.*?data-value="([^"]*)"',
        page[page.index('id="sample-table"') :],
    )
    assert plot["samples"] == [shortened(html.unescape(name)) for name, _ in rows]
    assert plot["totals"] == pytest.approx([float(mutations) for _, mutations in rows], rel=5e-3)
    assert np.sum(plot["values"], axis=0) == pytest.approx(plot["totals"], rel=1e-2)
    main = re.findall(r'<td class="main"><span><bdi>([^<]*)</bdi> (\d+)%', page)
    for sample, (name, percent) in enumerate(main):
        part = [shown for shown, _ in plot["signatures"]].index(shortened(html.unescape(name)))
        share = plot["values"][part][sample] / plot["totals"][sample]
        assert 100 * share == pytest.approx(float(percent), abs=1)


def test_a_page_of_a_thousand_samples_stays_light():
    known = load_reference("cosmic-v3.4")
    catalog, _ = simulate_catalog(
        known.select(known.names[:20]), 1000, mean_burden=5000, sparsity=0.5, random_state=0
    )
    result = refit_exposures(catalog, known.select(known.names[:30]), method="kl")
    figure = exposure_figures(result)["exposures"]
    picture = points_picture(figure, figure_bytes(figure, ".png"))
    assert len(picture.address) < 300_000
    record = run_record(result, command="")
    page = render_refit_page(
        result, record, dict.fromkeys(["exposures", "intervals", "fit"], picture)
    )
    assert page.count('<td class="main">') == 1000
    assert len(page.encode()) < 2_000_000


def test_a_page_shows_the_worst_of_many_samples(monkeypatch):
    monkeypatch.setattr("dnmf.refit.page._MAX_ROWS", 2)
    counts = pd.DataFrame(np.full((3, 96), 5.0), ["a", "b", "c"], list(SBS96.labels))
    counts.loc["b", counts.columns[:30]] = 40
    flat = SignatureSet(pd.DataFrame(np.full((2, 96), 1 / 96), ["x", "y"], list(SBS96.labels)))
    result = refit_exposures(MutationCatalog(counts), flat, method="kl")
    rows = _sample_rows(result, shown_exposures(result))
    assert [row["name"] for row in rows] == ["b", "a"]
