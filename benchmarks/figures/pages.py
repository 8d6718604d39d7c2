"""Write the measured figures into the pages, or check that the pages have them.

A table stands between two comments that Cog reads, which name the function that makes it. A sentence stands in the page
as it is read; the page's module says which numbers it has: ``Says("it took {} MB", "685")``. So a page is edited as any
other text, and a changed number, in the page or in its file, does not go unseen.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from cogapp.cogapp import Cog, CogError

ROOT = Path(__file__).parents[2]
EXPLANATION = "docs/explanation"
PAGES = {
    "README.md": "readme",
    "docs/genomics/trust.md": "trust",
    f"{EXPLANATION}/cohorts.md": "cohort_sentences",
    f"{EXPLANATION}/refit_measured.md": "refit_sentences",
    f"{EXPLANATION}/factorisation_measured.md": "factorisation",
    f"{EXPLANATION}/selection.md": "selection",
    f"{EXPLANATION}/unrolled.md": "unrolled",
    f"{EXPLANATION}/unsupervised.md": "unsupervised",
    f"{EXPLANATION}/supervised.md": "supervised",
    f"{EXPLANATION}/paper.md": "paper_rerun",
    f"{EXPLANATION}/variants_measured.md": "variants",
    f"{EXPLANATION}/reliability.md": "reliability",
}
NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?: ?× ?10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?"
UNIT = r"\s(?:%|µs|ms|s|seconds|minutes|hours|KB|MB|GB|nats|dB|times)(?!\w)"
WHOLE = r"\d[\d,]*"
# N of M; thousands with separators; a decimal number that is no part of a name or version; any number with a unit.
FIGURE = re.compile(
    rf"(?<![\w.,])(?:{WHOLE}\sof\s(?:the\s)?{WHOLE}(?![\w.]*[A-Za-z_])|\d{{1,3}}(?:,\d{{3}})+(?:{UNIT})?"
    rf"|{WHOLE}(?:\.\d+(?![\w.]*[A-Za-z_])(?!\.\d)(?:{UNIT})?|{UNIT}))"
)
GENERATED = re.compile(r"<!-- \[\[\[cog.*?<!-- \[\[\[end\]\]\] -->", re.DOTALL)
CODE = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)]*\)|^    [^\n]*$", re.DOTALL | re.MULTILINE)
# A paragraph, a table, or an entry of a list.
BLOCK = re.compile(r"[^\n]+\n(?:(?!- )[^\n]+\n)*")
SENTENCE = re.compile(r".+?(?:[.!?]\)?(?=\s|$)|$)", re.DOTALL)
UNRECORDED = "not recorded"


@dataclass(frozen=True)
class Says:
    """Words of a page with a place, ``{}``, for each number, and the numbers that its file gives."""

    words: str
    numbers: tuple[str, ...]

    def __init__(self, words: str, *numbers: str) -> None:
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "numbers", numbers)
        if words.count("{}") != len(numbers):
            raise ValueError(f"{len(numbers)} numbers for {words!r}")

    def found(self, text: str) -> re.Match[str]:
        """Return where the page says this, whatever the numbers; it is an error unless that is in one place."""
        parts = [r"\s+".join(map(re.escape, re.split(r"\s+", p))) for p in self.words.split("{}")]
        found = list(re.finditer(f"({NUMBER})".join(parts), text))
        if len(found) != 1:
            raise LookupError(f"said {len(found)} times instead of once: {self.words}")
        return found[0]


def blanked(text: str, pattern: re.Pattern[str]) -> str:
    """Return the text with what matches replaced by spaces, so that places stay."""
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def in_prose(text: str, says: list[Says]) -> tuple[str, set[int]]:
    """Return the page with every number that its module says, and at which characters it says anything."""
    for number in says:
        match = number.found(blanked(text, GENERATED))
        for group in range(len(number.numbers), 0, -1):
            begin, end = match.span(group)
            text = text[:begin] + number.numbers[group - 1] + text[end:]
    said = set()
    for number in says:
        match = number.found(blanked(text, GENERATED))
        said |= set(range(*match.span()))
    return text, said


def recorded(blocks: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield what is not said to be unrecorded: tables without such words beside them, and other sentences.

    Words before a colon, as in "not recorded: ...", hold for the rest of the paragraph and the list that it introduces.
    """
    listed = False
    for place, (start, block) in enumerate(blocks):
        if block.startswith("|"):
            beside = "".join(text for _, text in blocks[max(place - 1, 0) : place + 2])
            if UNRECORDED not in words_of(beside):
                yield start, block
            continue
        entry = block.startswith("- ")
        rest = entry and listed
        for sentence in SENTENCE.finditer(block):
            words = words_of(sentence[0])
            rest = rest or bool(re.search(rf"{UNRECORDED}[^.]*:", words))
            if not rest and UNRECORDED not in words:
                yield start + sentence.start(), sentence[0]
        listed = listed if entry else rest


def words_of(text: str) -> str:
    return " ".join(text.split()).lower()


def unsourced(text: str, said: set[int], constants: frozenset[str]) -> Iterator[str]:
    """Yield the figures that no file gives: outside tables and sentences, and not said to be unrecorded."""
    prose = blanked(blanked(text, GENERATED), CODE)
    for start, part in recorded([(m.start(), m[0]) for m in BLOCK.finditer(prose)]):
        for match in FIGURE.finditer(part):
            figure = " ".join(match[0].split())
            if start + match.start() not in said and figure not in constants:
                line = text[: start + match.start()].count("\n") + 1
                yield f"line {line}: {figure}"


def written(page: str) -> str:
    """Return the text of a page with all figures as its files give them.

    Raises
    ------
    LookupError
        A file lacks a row, the page lacks a sentence, or it has a figure of which no file is named.
    """
    module = import_module(f"figures.{PAGES[page]}")
    out = io.StringIO()
    try:
        Cog().process_file(io.StringIO((ROOT / page).read_text("utf-8")), out, fname=page)
        text, said = in_prose(out.getvalue(), module.says())
    except (LookupError, CogError) as error:  # what Cog reports ends with what went wrong
        raise LookupError(f"{page}: {str(error).splitlines()[-1]}") from error
    faults = list(unsourced(text, said, frozenset(module.CONSTANTS.split("; "))))
    if faults:
        raise LookupError(f"{page}: no file is named for {'; '.join(faults)}")
    return text
