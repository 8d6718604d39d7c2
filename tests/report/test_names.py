"""What names may not do to a line of text."""

from importlib.resources import files

import pytest

from dnmf.report.names import printable


@pytest.mark.parametrize("letter", "\x1b\x07\u202e\u2067\u200f\u2028\ud800")
def test_what_would_steer_the_terminal_is_spelled_out(letter):
    assert printable(f"a{letter}b\nc") == f"a{ascii(letter)[1:-1]}b\nc"


def test_names_of_any_language_are_kept():
    assert printable("tumour β 腫瘍 עברית 🧬") == "tumour β 腫瘍 עברית 🧬"


def test_pages_show_the_ends_of_names_in_tables():
    style = files("dnmf.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    rule = style.split("tbody th bdi, .pair bdi {")[1].split("}")[0]
    assert "nowrap" not in rule, "PCAWG-like names would all read Breast-AdenoCA::S…"
    assert "overflow-wrap: break-word" in rule
    assert "-webkit-line-clamp" in rule
