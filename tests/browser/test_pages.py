"""What a reader meets on every kind of page, at every size, in daylight, at night and on paper."""

import re
from itertools import pairwise

import pytest

KINDS = ("guided", "blind", "refit", "many", "classes", "variants")
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LIGHTNESS = """(selector) => {
  const colour = getComputedStyle(document.querySelector(selector)).backgroundColor;
  return Math.max(...colour.match(/[\\d.]+/g).slice(0, 3).map(Number));
}"""
# Pictures without a description, or that were not drawn.
BAD_PICTURES = """Array.from(document.images)
  .filter((image) => !image.hasAttribute("alt") || !image.complete || image.naturalWidth === 0)
  .map((image) => image.outerHTML.slice(0, 200))"""
# Wide things that are cut off rather than scrolled.
SPILLED = """Array.from(document.querySelectorAll("main *"))
  .filter((part) => part.offsetWidth > 0 && !part.closest(".scroll > *"))
  .filter((part) => part.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((part) => part.outerHTML.slice(0, 200))"""
# Done when what a new size asks for is drawn.
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "many"])
def test_no_violation_of_the_accessibility_standard_by_day_and_by_night(look, violations, kind):
    page = look(kind)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast", "link-in-text-block") == []
    if kind == "refit":  # as cards
        page.set_viewport_size({"width": 390, "height": 900})
        assert violations(page) == []


def test_pale_text_and_a_picture_without_words_are_violations(look, violations):
    page = look("refit")
    page.evaluate("document.querySelector('small').style.color = '#aaa'")
    page.evaluate("Array.from(document.images).at(-1).removeAttribute('alt')")
    assert {found.split(":")[0] for found in violations(page)} == {"color-contrast", "image-alt"}


@every_kind
def test_the_page_fits_every_window_and_says_what_it_is(look, kind):
    page = look(kind)
    for width in (390, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(TWO_FRAMES)
        assert page.evaluate(SIDEWAYS) == 0, width
        assert page.evaluate(SPILLED) == [], width
    assert page.evaluate(BAD_PICTURES) == []
    assert page.locator("html").get_attribute("lang") == "en"
    heading = page.locator("h1").inner_text()
    assert " ".join(page.title().split()) == " ".join(heading.split())
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map((h) => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    # What is to know comes first, and every address within the page leads somewhere.
    assert page.locator("main h2").first.inner_text() == "Before you use these results"
    lost = "all => all.filter((link) => !document.getElementById(link.hash.slice(1))).map(String)"
    assert page.locator("a[href^='#']").evaluate_all(lost) == []


def test_the_first_key_leads_past_the_head_of_the_page(look):
    page = look("refit")
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the results"
    assert skip.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def test_headings_are_not_hidden_by_the_navigation_that_stays_in_sight(look):
    page = look("blind")
    page.locator("nav").get_by_text("Run", exact=True).click()
    bar, heading = (page.locator(part).bounding_box() for part in ("nav", "#run-title"))
    assert bar["y"] == 0
    assert bar["height"] <= heading["y"] < 300


@pytest.mark.parametrize("kind", ["refit", "many"])
@pytest.mark.parametrize("width", [1280, 768, 390])
def test_advice_is_in_sight_without_scrolling_sideways(look, kind, width):
    page = look(kind, width)
    table = page.locator(".tall")
    table.scroll_into_view_if_needed()
    assert table.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    frame, advice = table.bounding_box(), page.locator("small.advice").first.bounding_box()
    assert frame["x"] <= advice["x"]
    assert advice["x"] + advice["width"] <= frame["x"] + frame["width"] <= width


def column(page, name):
    """Return the cells of the table of samples under a heading."""
    return page.locator("#sample-table").evaluate(
        """(table, name) => {
          const heads = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent);
          return Array.from(table.tBodies[0].rows, (row) => row.cells[heads.indexOf(name)].innerText);
        }""",
        name,
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_samples_are_sorted_by_click_and_by_key(look, width):
    page = look("many", width)
    table = page.locator("#sample-table")
    heading = table.get_by_role("columnheader", name="Mutations")
    heading.get_by_role("button").click()
    amounts = [int(text.replace(",", "")) for text in column(page, "Mutations")]
    assert amounts == sorted(amounts, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [int(text.replace(",", "")) for text in column(page, "Mutations")] == amounts[::-1]
    table.get_by_role("columnheader", name="Sample").first.get_by_role("button").press("Space")
    names = column(page, "Sample")
    assert names == sorted(names)
    assert heading.get_attribute("aria-sort") is None
    assert table.locator("[aria-sort]").count() == 1


def test_a_class_without_an_answer_stays_below_the_others_whatever_they_are_sorted_by(look):
    page = look("variants")
    table = page.get_by_label("Table of classes")
    first = "rows => rows.map((row) => row.cells[0].innerText)"
    for name, order in (("Class", ["DBS78", "SBS96"]), ("Mutations", ["SBS96", "DBS78"])):
        table.locator("thead button").get_by_text(name, exact=True).click()
        assert table.locator("tbody tr").evaluate_all(first) == [*order, "ID83"]


@pytest.mark.parametrize("width", [1280, 390])
def test_samples_are_found_by_name_signature_and_advice(look, width):
    page = look("many", width)
    search, found = page.get_by_role("searchbox"), page.locator(".found")
    rows = page.locator("#sample-table tbody tr:visible")
    search.fill("0042-01a")
    assert rows.count() == 1
    assert "TCGA-A2-0042-01A" in rows.text_content()
    assert found.inner_text() == "1 of 300 samples"
    search.fill("sbs18 told apart")
    assert 0 < rows.count() < 300
    assert all("SBS18" in text for text in rows.all_text_contents())
    search.fill("")
    assert rows.count() == 300


def test_on_a_phone_a_sample_is_a_card_and_still_a_row_of_a_table(look):
    page = look("many", 390)
    row = page.locator("#sample-table").get_by_role("row").nth(1)
    assert row.get_by_role("rowheader").text_content() == "TCGA-A2-0000-01A-31D-A050-09"
    label = "cell => getComputedStyle(cell, '::before').content"
    assert row.get_by_role("cell").first.evaluate(label) == '"Mutations"'
    assert row.bounding_box()["height"] < 420


def test_the_page_follows_the_system_into_the_night_and_prints_as_by_day(look):
    page = look("guided", dark=True)
    assert page.evaluate(LIGHTNESS, "body") < 40
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(LIGHTNESS, "body") == 255
    page.emulate_media(media="screen", color_scheme="light")
    assert page.evaluate(LIGHTNESS, "body") == 255


@every_kind
def test_paper_holds_everything_there_is_to_read(look, kind):
    page = look(kind, 700)  # A4 within its margins
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(SIDEWAYS) == 0
    assert page.evaluate(SPILLED) == []
    cut = "all => all.filter((box) => box.scrollHeight > box.clientHeight + 1).length"
    assert page.locator(".scroll").evaluate_all(cut) == 0
    assert not page.locator("nav").is_visible()
    assert page.locator(".samples").first.locator("tbody tr:visible").count() == min(
        60, page.locator(".samples").first.locator("tbody tr").count()
    )
    # Chromium does not repeat buttons in the headings of a table's later pages.
    shown = page.locator("thead button").evaluate_all(
        "all => all.map((button) => getComputedStyle(button).display)"
    )
    assert set(shown) == {"contents"}
    assert re.match(rb"%PDF-", page.pdf())


@every_kind
def test_without_scripts_everything_is_there_but_the_tools(look, kind):
    page = look(kind, script=False)
    assert page.get_by_role("searchbox").count() == 0
    assert page.locator("tbody tr").count() == page.locator("tbody tr:visible").count() > 5
    assert all(part.is_visible() for part in page.locator("main > section").all())
