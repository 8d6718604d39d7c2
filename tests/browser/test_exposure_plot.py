"""The plot of exposures in a page: what it says is what the table says, by mouse, by keyboard and without either."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf import MutationCatalog, SignatureSet, refit_exposures
from dnmf.refit.page import render_refit_page
from dnmf.report.pictures import Picture
from dnmf.report.records import run_record
from dnmf.signatures import SBS96

KIND = "many"
HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"


def said(page, *keys: str) -> str:
    """Press keys on the plot and return what it then says to screen readers."""
    canvas = page.locator(".exposure-plot canvas").first
    canvas.focus()
    for key in keys:
        page.keyboard.press(key)
    return canvas.get_attribute("aria-valuetext")


def table(page) -> pd.DataFrame:
    """Return names, mutations and words of the rows of the table of samples that are shown, in their order."""
    rows = (
        page.locator("table.samples")
        .first.locator("tbody tr:visible")
        .evaluate_all(
            "rows => rows.map(row => [row.cells[0].textContent, Number(row.cells[1].dataset.value), row.textContent])"
        )
    )
    return pd.DataFrame(rows, columns=["name", "mutations", "words"])


def order(page, label: str) -> None:
    page.get_by_label("Order of samples").first.select_option(label=label)


def wait_for_drawing(page) -> None:
    """Wait until what was asked for is drawn, which is done with the next frame."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_it_says_of_a_sample_what_the_table_says(look):
    page = look(KIND)
    canvas = page.locator(".exposure-plot canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 60)
    tip = page.locator(".exposure-tip").first
    found = re.match(
        r"(\S+), (\S+): ([\d,.]+) mutations, ([\d.]+)% of ([\d,]+)$",
        canvas.get_attribute("aria-valuetext"),
    )
    name, signature, mutations, share, total = found.groups()
    assert tip.is_visible()
    assert (
        re.sub(r"\s", "", tip.text_content())
        == f"{name}{signature}:{mutations}mutations{share}%of{total}"
    )
    row = table(page).set_index("name").loc[name]
    assert row["mutations"] == float(total.replace(",", ""))
    listed = re.search(rf"{signature} (\d+)%", row["words"])
    if listed:
        assert float(share) == pytest.approx(float(listed[1]), abs=0.6)
    assert 100 * float(mutations.replace(",", "")) / row["mutations"] == pytest.approx(
        float(share), abs=0.5
    )
    page.mouse.move(0, 0)
    assert not tip.is_visible()


def test_arrows_walk_through_samples_and_signatures(look):
    page = look(KIND)
    order(page, "mutations, most first")
    rows = table(page).sort_values("mutations", ascending=False, kind="stable")
    assert said(page, "ArrowRight").startswith(f"{rows['name'].iloc[0]}, most from ")
    assert said(page, "ArrowRight").startswith(rows["name"].iloc[1])
    assert said(page, "End").startswith(rows["name"].iloc[-1])
    first, second = said(page, "Home", "ArrowUp"), said(page, "ArrowUp")
    assert first.split(":")[0] != second.split(":")[0]
    page.keyboard.press("Escape")
    assert not page.locator(".exposure-tip").first.is_visible()


def test_samples_follow_the_order_and_the_search_of_the_table(look):
    page = look(KIND)
    order(page, "as in the table of samples")
    page.locator("table.samples thead button").nth(1).click()
    assert said(page, "Home").startswith(table(page)["name"].iloc[0])
    page.locator("table.samples thead button").nth(1).click()
    assert said(page, "Home").startswith(table(page)["name"].iloc[0])
    page.locator("input.search").first.fill("0100")
    canvas = page.locator(".exposure-plot canvas").first
    assert canvas.get_attribute("aria-valuemax") == str(len(table(page))) == "1"
    assert canvas.get_attribute("aria-valuenow") == "1"
    assert canvas.get_attribute("aria-valuetext") == "no sample chosen"
    assert said(page, "Home").startswith(table(page)["name"].iloc[0])


def test_most_of_one_signature_first(look):
    page = look(KIND)
    order(page, "SBS13")
    page.get_by_role("button", name=re.compile("^SBS13 ")).first.click()
    shares = [
        float(re.search(r"SBS13: .*?([\d.]+)%", said(page, key))[1])
        for key in ["Home", *["PageUp"] * 5]
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]


def test_a_legend_entry_brings_its_signature_out(look):
    page = look(KIND)
    figure = page.locator(".exposure-ground").first
    entry = page.get_by_role("button", name=re.compile("^SBS5 ")).first
    wait_for_drawing(page)
    before = figure.screenshot()
    entry.click()
    assert entry.get_attribute("aria-pressed") == "true"
    wait_for_drawing(page)
    assert figure.screenshot() != before
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    wait_for_drawing(page)
    assert figure.screenshot() == before


def test_zoomed_in_it_scrolls_and_all_shows_all(look):
    page = look(KIND)
    widths = "box => [box.scrollWidth, box.clientWidth]"
    window = page.locator(".exposure-window").first
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").first.click()
    inner, outer = window.evaluate(widths)
    assert inner > 4 * outer
    said(page, "End")
    assert window.evaluate("box => box.scrollLeft") > inner - 2 * outer
    page.get_by_role("button", name="Zoom out to all samples").first.click()
    inner, outer = window.evaluate(widths)
    assert inner == outer


def test_mutations_and_proportions_are_two_scales(look):
    page = look(KIND)
    figure = page.locator(".exposure-ground").first
    wait_for_drawing(page)
    before = figure.screenshot()
    page.get_by_role("button", name="Mutations", exact=True).first.click()
    wait_for_drawing(page)
    assert figure.screenshot() != before


def test_a_bar_far_above_the_rest_is_cut_and_this_is_said_also_of_few_samples(look):
    page = look("refit")
    rows = table(page).sort_values("mutations")
    page.evaluate(
        """() => {
          window.written = [];
          const write = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
            window.written.push(text);
            write.call(this, text, ...place);
          };
        }"""
    )
    page.get_by_role("button", name="Mutations", exact=True).first.click()
    wait_for_drawing(page)
    usual, most = (f"{count:,.0f}" for count in rows["mutations"].iloc[-2:])
    assert f"cut above {usual}; the highest has {most}" in page.evaluate("window.written")


@pytest.mark.parametrize("kind", ["guided", "blind", "classes"])
def test_every_page_draws_every_picture_of_exposures(look, kind):
    page = look(kind)
    figures = page.locator("figure.exposures")
    assert figures.count() == (1 if kind == "guided" else 2)
    for index in range(figures.count()):
        figure = figures.nth(index)
        assert not figure.locator("img").is_visible()
        canvas = figure.locator("canvas")
        canvas.scroll_into_view_if_needed()
        wait_for_drawing(page)
        colours = canvas.evaluate(
            "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
        )
        assert colours > 3


def test_without_the_script_and_on_paper_the_picture_stands_there(look):
    plain = look(KIND, script=False)
    assert plain.locator("figure.exposures img").first.is_visible()
    page = look(KIND)
    page.emulate_media(media="print")
    assert page.locator("figure.exposures img").first.is_visible()
    assert not page.locator(".exposure-plot").first.is_visible()


def test_a_name_is_text_whatever_it_says(look, tmp_path: Path):
    rng = np.random.default_rng(0)
    profiles = pd.DataFrame(rng.dirichlet(np.full(96, 0.1), 2), [HOSTILE, "b"], SBS96.labels)
    counts = pd.DataFrame(
        rng.poisson([[300, 0], [100, 200]] @ profiles.to_numpy()), [HOSTILE, "b"], SBS96.labels
    )
    result = refit_exposures(MutationCatalog(counts), SignatureSet(profiles), method="kl")
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    pictures = dict.fromkeys(["exposures", "intervals", "fit"], Picture(pixel, 800))
    path = tmp_path / "report.html"
    path.write_text(
        render_refit_page(result, run_record(result, command=""), pictures), encoding="utf-8"
    )
    page = look(path)
    order(page, "as in the table of samples")
    words = said(page, "Home")
    assert words.startswith("</script><script>document.title")
    assert "taken" not in page.title()
    assert page.locator("img[onerror]").count() == 0
