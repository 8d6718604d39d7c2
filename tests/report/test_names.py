"""What names may not do to a line of text."""

import pytest

from dnmf.report.names import printable


@pytest.mark.parametrize("letter", "\x1b\x07\u202e\u2067\u200f\u2028\ud800")
def test_what_would_steer_the_terminal_is_spelled_out(letter):
    assert printable(f"a{letter}b\nc") == f"a{ascii(letter)[1:-1]}b\nc"


def test_names_of_any_language_are_kept():
    assert printable("tumour β 腫瘍 עברית 🧬") == "tumour β 腫瘍 עברית 🧬"
