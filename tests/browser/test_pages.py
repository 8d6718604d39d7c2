"""What a reader meets on every kind of page, at every size, in daylight, at night and on paper."""

import pytest

KINDS = ("guided", "blind", "refit", "many", "classes", "variants")
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_no_violation_of_the_accessibility_standard_by_day_and_by_night(look, violations, kind):
    page = look(kind)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, "color-contrast", "link-in-text-block") == []


@every_kind
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_page_as_a_whole_does_not_scroll_sideways(look, kind, width):
    page = look(kind, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
