"""Names of samples, signatures and files as pages and the terminal show them."""

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

# Marks, embeddings, overrides and isolates of text direction.
DIRECTION_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
# Letters of a name in prose, about a line of a page.
MAX_WORD_LETTERS = 80


def printable(text: str) -> str:
    r"""Return text with the characters spelled out that would reorder a line, break it or steer a terminal.

    Examples
    --------
    >>> printable("tumour \u202eone\x1b[2J")
    'tumour \\u202eone\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        letter.encode("unicode_escape").decode() if _steers(letter) else letter for letter in text
    )


def _steers(letter: str) -> bool:
    if letter.isprintable() or letter in "\n\t":
        return False
    return letter in DIRECTION_CONTROLS or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def shortened(text: str, most: int = MAX_WORD_LETTERS) -> str:
    """Return prose in which the middle of every longer word is left out, so that a name is a part of a line.

    Examples
    --------
    >>> shortened("SBS5 and signature_of_an_aligner are alike", most=9)
    'SBS5 and sign…gner are alike'
    """
    return re.sub(rf"\S{{{most + 1},}}", lambda word: _ends(word[0], (most - 1) // 2), text)


def unbroken(text: str) -> "Markup":
    """Return prose as HTML in which no line ends within an option or within a p-value.

    Examples
    --------
    >>> unbroken("compare --prior none (p < 0.001)")
    Markup('compare <span class="together">--prior</span> none (<span class="together">p &lt; 0.001</span>)')
    """
    from markupsafe import Markup, escape

    parts = re.split(r"((?<!\S)--[a-z][a-z-]*|\bp [<>=] [\d.e-]*\d)", printable(text))
    whole = Markup('<span class="together">{}</span>')
    return Markup("").join(
        whole.format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _ends(word: str, letters: int) -> str:
    return f"{word[:letters]}…{word[-letters:]}"
