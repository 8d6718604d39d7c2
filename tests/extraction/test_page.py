"""The page: self-contained, safe against any name, complete, and readable by machines and people."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import PaperDNMF
from dnmf.extraction.page import render_page
from dnmf.plotting.exposures import drawn_exposures
from dnmf.report.names import shortened
from dnmf.report.pictures import Picture
from dnmf.report.records import run_record
from dnmf.signatures import SBS96, SignatureSet

VOID = {"meta", "img", "input", "br", "hr", "link"}


class Page(HTMLParser):
    """What a browser would see: elements with attributes, visible text, and whether tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.data: list[str] = []
        self.styles: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        within = self.open[-1] if self.open else ""
        if within == "script" and self.all("script")[-1].get("type") == "application/json":
            self.data.append(data)
            return
        {"script": self.scripts, "style": self.styles}.get(within, self.texts).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def pictures(names: list[str]) -> dict[str, Picture]:
    # The page is tested here, not the plots: the smallest picture will do.
    pixel = Picture("data:image/png;base64,iVBORw0KGgo=", 800)
    return dict.fromkeys([*names, "exposures", "training", "fit"], pixel)


def render(result, command="dnmf extract 'x <y>'") -> Page:
    record = run_record(result, command=command)
    return Page(render_page(result, record, pictures(result.signatures.names)))


@pytest.fixture(scope="module")
def page(hostile) -> Page:
    return render(hostile)


def test_it_is_well_formed_and_says_what_it_is(page):
    assert page.open == []
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert "toy.tsv" in page.text


def test_it_loads_nothing_from_anywhere(page):
    for _, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            address = attributes.get(name) or ""
            assert not re.match(r"(?i)(https?:)?//|javascript:|ftp:", address), address
    assert {"link", "iframe", "object", "embed", "base"}.isdisjoint(tag for tag, _ in page.elements)
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert not re.search(r"url\(|@import", "".join(page.styles))
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_no_name_becomes_markup(page, hostile):
    assert [script.get("type") for script in page.all("script")] == ["application/json", None]
    assert len(page.all("img")) == len(hostile.signatures.names) + 3
    assert all("onerror" not in image for image in page.all("img"))
    for name in hostile.exposures.index:
        assert " ".join(name.split()) in page.text
    assert "look at <script>alert('x')</script>" in page.text
    assert "dnmf extract 'x <y>'" in page.text


def test_a_name_cannot_move_or_widen_what_stands_beside_it(make_result, profiles):
    names = ["a\u202eb", "\u2067c", "L" * 5000, "עברית"]
    exposures = np.full((4, 3), 100.0)
    exposures[:, 2] = [1, 1, 500, 1]
    page = render(make_result(profiles, exposures, names=names))
    assert "\u202e" not in page.text
    assert "\u2067" not in page.text
    assert "a\\u202eb" in page.text
    rows = [attributes for tag, attributes in page.elements if tag == "bdi"]
    assert {row.get("title") for row in rows} >= {"a\\u202eb", "L" * 5000, "עברית"}
    findings = page.text[: page.text.index("Signatures")]
    assert "SBS96C rests on one sample" in page.text
    assert max(len(word) for word in findings.split()) <= 80


def test_only_its_own_script_may_run(page):
    policies = [tag.get("content") for tag in page.all("meta") if "http-equiv" in tag]
    digest = base64.b64encode(hashlib.sha256("".join(page.scripts).encode()).digest()).decode()
    assert policies == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    ]


def test_the_plot_of_exposures_has_the_samples_of_the_table_by_their_names(page, hostile):
    (plot,) = map(json.loads, page.data)
    assert plot["samples"] == list(map(shortened, hostile.exposures.index))
    assert [name for name, _ in plot["signatures"]] == hostile.signatures.names
    np.testing.assert_allclose(plot["values"], hostile.exposures.T, rtol=5e-3)
    assert plot["table"] in {table.get("id") for table in page.all("table")}


def test_above_forty_signatures_the_page_has_the_colours_of_the_picture(make_result):
    rng = np.random.default_rng(0)
    names = [f"S{j}" for j in range(45)]
    exposures = pd.DataFrame(rng.gamma(1.0, 100.0, (6, 45)), list("abcdef"), names)
    profiles = SignatureSet(pd.DataFrame(rng.dirichlet(np.ones(96), 45), names, SBS96.labels))
    result = make_result(profiles.profiles.to_numpy()[:3], exposures.to_numpy()[:, :3])
    result = replace(
        result, exposures=exposures.set_axis(result.exposures.index), signatures=profiles
    )
    page = render(result)
    (plot,) = map(json.loads, page.data)
    drawn, colours = drawn_exposures(result.exposures)
    assert plot["signatures"] == [list(pair) for pair in zip(drawn, colours, strict=True)]
    swatches = [tag["style"] for tag in page.all("span") if tag.get("class") == "swatch"]
    by_name = dict(zip(drawn, colours, strict=True))
    assert swatches == [f"background:{by_name.get(name, 'none')}" for name in names]
    used = set(re.findall(r"#\w{6}", " ".join(tag.get("style") or "" for tag in page.all("span"))))
    assert used <= set(colours)


def test_every_link_within_the_page_has_its_target(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        if link["href"].startswith("#"):
            assert link["href"][1:] in ids


def test_it_can_be_used_without_a_mouse_or_eyes(page):
    assert all(image["alt"] for image in page.all("img"))
    assert all(header["scope"] in {"col", "row"} for header in page.all("th"))
    regions = [tag for _, tag in page.elements if tag.get("role") == "region"]
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)
    labels = {label["for"] for label in page.all("label")}
    assert {field["id"] for field in page.all("input")} == labels
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_it_leads_with_what_matters_and_ends_with_the_limits(page):
    sections = [section["id"] for section in page.all("section")]
    assert sections == [
        "findings", "signatures", "exposures", "fit", "training", "samples", "layer", "methods", "run", "reading",
    ]  # fmt: skip
    assert "6 samples" in page.text
    assert "3 known" in page.text
    assert "5 of 5 samples at 0.9 or better" in page.text


def test_the_methods_name_every_choice(page):
    for words in (
        "dnmf 0.",
        "(DNMF, random state 0",
        "alternating exact non-negative least squares",
        "10 unfolded layers",
        "l1 = 0",
        "dictionary 30, network 20",
        "n_steps=2",
        "6 signatures of made-up references",
    ):
        assert words in page.text


def test_the_paper_has_its_own_methods(hostile, make_result, profiles):
    result = make_result(profiles, np.full((4, 3), 100.0), model=PaperDNMF(3, n_layers=4))
    text = render(result).text
    assert "4 unfolded layers, all weights starting at 0.1, was trained end to end" in text
    assert "jittered" not in text


def test_a_phase_without_steps_is_told(make_result, profiles):
    history = {"dictionary": np.array([2.0, 1.0]), "network": np.array([])}
    result = make_result(profiles, np.full((20, 3), 500.0), history=history)
    assert "No steps were taken in: network" in render(result).text


def test_samples_without_mutations_have_no_fit(page):
    row = page.text[page.text.index("empty 0 ") :]
    assert row.startswith("empty 0 – – – – – no mutations")


def test_without_a_reference_there_are_no_matches_to_show(make_result, profiles):
    page = render(make_result(profiles, np.full((20, 3), 500.0)))
    assert "Best reference" not in page.text
    assert "no reference was given" in page.text


def test_a_single_reference_has_no_second(make_result, profiles, known):
    page = render(make_result(profiles, np.full((20, 3), 500.0), reference=known.select(["SBS1"])))
    assert "nan" not in page.text
    assert "SBS1 1.000 – –" in page.text


def test_a_result_without_any_doubt_says_so(make_result, profiles, known):
    exposures = np.random.default_rng(0).gamma(2.0, 900.0, (40, 3))
    page = render(make_result(profiles, exposures, reference=known))
    assert "Nothing in this run calls for caution" in page.text
    assert "0 things to know" in page.text


def test_of_a_very_large_cohort_the_least_explained_samples_are_listed(make_result, profiles):
    rng = np.random.default_rng(0)
    exposures = rng.gamma(1.0, 500.0, (5200, 3))
    counts = exposures @ profiles
    counts[4711] = counts[4711][::-1]
    page = render(make_result(profiles, exposures, counts=counts))
    assert "The 5,000 of 5,200 samples that are explained least" in page.text
    assert page.text.count(" s4711 ") >= 2
