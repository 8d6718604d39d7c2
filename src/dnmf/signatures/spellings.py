"""Which base, length or number stands where in the labels of a table, found from all its labels together.

Tools write one channel in many ways: ``A[C>A]A``, ``ACA>AAA``, ``C>A@A_A``, ``A.C.A.A``, ``ACAA``. A
label alone can be read in two ways; the labels of a whole table, as a rule, in one only.
"""

import operator
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import combinations

COMPLEMENT = str.maketrans("ACGT", "TGCA")

_ARROWS = re.compile(r"[>→]|&GT;|(?<=[ACGT])TO(?=[ACGT])|(?<=[^A-Z])TO(?=[^A-Z])")
# As in "ACA C:G>A:T": the base on the strand of the context stands first.
_BASE_PAIRS = re.compile(r"(A:T|C:G|G:C|T:A)>(A:T|C:G|G:C|T:A)")
_RUNS = re.compile(r"[^\W_]+")

_SLIPS = 48
"""One label of so many may be mistyped, and the others still tell what stands where."""

_LabelReader = Callable[[list[str]], str | None]
"""Returns the channel of four bases, which stand in the order of the label."""


def joined(parts: Sequence[str]) -> str:
    """Return the label cells of a row in capitals without blanks, separated by commas."""
    return "".join(",".join(parts).upper().split())


def substitution(five: str, ref: str, alt: str, three: str) -> str:
    """Return the label of a substitution; a purine reference is turned to the other strand's pyrimidine.

    >>> substitution("A", "A", "C", "G"), substitution("CA", "A", "C", "GG")
    ('C[T>G]T', 'CC[T>G]TG')
    """
    if ref in "AG":
        bases = (own.translate(COMPLEMENT)[::-1] for own in (three, ref, alt, five))
        five, ref, alt, three = bases
    return f"{five}[{ref}>{alt}]{three}"


def read_substitutions(labels: Sequence[str]) -> list[str | None]:
    """Read the labels of single substitutions by where the bases stand in all of them; None if they do not tell.

    Letters that are the same in every label are one base, such as the reference within and beside its context. The
    reference and the alternative are the only two bases that are never the same. In the label the base on the 5' side
    stands before the one on the 3' side, and the reference before the alternative, unless there is no arrow and
    only the other order has a pyrimidine as every reference.

    >>> from dnmf.signatures.substitutions import SBS96
    >>> names = [label[0] + label[2] + label[6] + label[4] for label in SBS96.labels]
    >>> names[0], names[4], read_substitutions(names) == list(SBS96.labels)
    ('ACAA', 'CCAA', True)
    """
    return _read(labels, _substitution_reader)


def read_doublets(labels: Sequence[str], known: Collection[str]) -> list[str | None]:
    """Read the labels of doublets as ``read_substitutions`` does: two pairs of bases are never the same.

    ``known`` are the labels on the strand that is written.
    """
    return _read(labels, lambda _, letters, arrow: _doublet_reader(letters, arrow, known))


def _read(
    labels: Sequence[str], reader: Callable[[list[int], list[str], bool], _LabelReader | None]
) -> list[str | None]:
    """Read those labels that have the commonest structure: the same words and as many bases."""
    if not labels:
        return []
    arrows = [_ARROWS.sub(">", label.upper()) for label in labels]
    arrows = [_BASE_PAIRS.sub(lambda pair: f"{pair[1][0]}>{pair[2][0]}", own) for own in arrows]
    runs = [_RUNS.findall(text) for text in arrows]
    words = [tuple(run for run in found if set(run) - set("ACGT")) for found in runs]
    bases = ["".join(run for run in found if not set(run) - set("ACGT")) for found in runs]
    shapes = [(kept, len(letters)) for kept, letters in zip(words, bases, strict=True)]
    common, _ = Counter(shapes).most_common(1)[0]
    alike = [index for index, shape in enumerate(shapes) if shape == common]
    positions = list(map("".join, zip(*(bases[index] for index in alike), strict=True)))
    found: list[str | None] = [None] * len(labels)
    roles, letters = _roles(positions)
    read = (
        reader(roles, letters, any(">" in arrows[at] for at in alike))
        if len(letters) == 4
        else None
    )
    if read is None:
        return found
    for index in alike:
        own = dict(zip(roles, bases[index], strict=True))
        # Letters of one role that differ in this label alone are a slip of the pen.
        if all(own[role] == base for role, base in zip(roles, bases[index], strict=True)):
            found[index] = read([own[role] for role in range(4)])
    return found


def _roles(positions: list[str]) -> tuple[list[int], list[str]]:
    """Return the role of the letter at each position, and the letters of each role in all labels."""
    roles: list[int] = []
    letters: list[str] = []
    for own in positions:
        same = (
            role
            for role, other in enumerate(letters)
            if _n_same(own, other) >= len(own) - len(own) // _SLIPS
        )
        roles.append(next(same, len(letters)))
        letters[roles[-1] :] = letters[roles[-1] :] or [own]
    return roles, letters


def _n_same(own: str, other: str) -> int:
    return sum(map(operator.eq, own, other))


def _pairs_apart(letters: list[str]) -> list[tuple[int, int]]:
    """Return which two roles never have the same base, but for a slip of the pen."""
    slips = len(letters[0]) // _SLIPS
    return [
        (i, j) for i, j in combinations(range(4), 2) if _n_same(letters[i], letters[j]) <= slips
    ]


def _substitution_reader(
    roles: list[int], letters: list[str], has_arrow: bool
) -> _LabelReader | None:
    pairs = _pairs_apart(letters)
    if len(pairs) != 1:
        return None
    ref, alt = pairs[0]
    # The reference is written beside its context, too; without context there may be an arrow, or a pyrimidine.
    more = roles.count(alt) - roles.count(ref)
    only_alt_is_pyrimidine = set(letters[alt]) <= set("CT") < set(letters[ref])
    if more > 0 or (more == 0 and not has_arrow and only_alt_is_pyrimidine):
        ref, alt = alt, ref
    five, three = (role for role in range(4) if role not in (ref, alt))
    return lambda bases: substitution(bases[five], bases[ref], bases[alt], bases[three])


def _doublet_reader(
    letters: list[str], has_arrow: bool, known: Collection[str]
) -> _LabelReader | None:
    pairs = _pairs_apart(letters)
    if len(pairs) != 2 or {*pairs[0], *pairs[1]} != set(range(4)):
        return None

    def written(bases: Sequence[str], ref: int) -> str:
        return ">".join("".join(bases[pair[side]] for pair in pairs) for side in (ref, 1 - ref))

    labels = [[written(bases, ref) for bases in zip(*letters, strict=True)] for ref in (0, 1)]
    swapped = [set(own) <= set(known) for own in labels] == [False, True]
    ref = int(swapped and not has_arrow)

    def read(bases: list[str]) -> str | None:
        label = written(bases, ref)
        other = ">".join(pair[::-1] for pair in label.translate(COMPLEMENT).split(">"))
        return next((strand for strand in (label, other) if strand in known), None)

    return read


_INDEL_WORDS = {
    **dict.fromkeys(("M", "MH", "MICROHOMOLOGY", "MICROHOMOLOGIES"), "M"),
    **dict.fromkeys(("R", "REP", "REPS", "REPEAT", "REPEATS"), "R"),
    **dict(zip("ACGT", "TCCT", strict=True)),  # the pyrimidine of the pair
    **dict.fromkeys(("X", "BP", "WITH", "AT", "IN", "OF", "ID"), ""),
}


def read_indels(labels: Sequence[str]) -> list[str | None]:
    """Read the labels of indels: size, deletion or insertion, base or surroundings, number of copies.

    Some tools count the deleted copy: their numbers of deletions run from 1 to 6, where others write 0 to 5. All labels
    together tell.

    >>> read_indels(["DEL_repeats_2_5+", "X1.Del.C.0", "2bp_deletion_with_microhomology_1", "INS:A:1:0"])
    ['2:Del:R:5', '1:Del:C:0', '2:Del:M:1', '1:Ins:T:0']
    >>> read_indels(["C_deletion_1", "C_deletion_6+", "T_insertion_0"])
    ['1:Del:C:0', '1:Del:C:5', '1:Ins:T:0']
    """
    parsed = [_indel(label) for label in labels]
    copies = {indel[3] for indel in parsed if indel and indel[1] == "Del" and indel[2] != "M"}
    deleted = int(6 in copies and 0 not in copies)
    found: list[str | None] = [None] * len(labels)
    for index, indel in enumerate(parsed):
        if indel is not None:
            size, kind, what, number = indel
            number -= deleted if kind == "Del" and what != "M" else 0
            found[index] = f"{size}:{kind}:{what}:{number}"
    return found


def _indel(label: str) -> tuple[int, str, str, int] | None:
    """Return size, kind, base or surroundings, and number of a label as they are written in it."""
    kinds = re.findall(r"DEL|INS", text := label.upper())
    rest = re.sub(r"DEL(?:ETION)?S?|INS(?:ERTION)?S?", " ", text)
    tokens = re.findall(r"\d+|[^\W\d_]+", rest)
    numbers = [int(token) for token in tokens if token.isdecimal()]
    words = [token for token in tokens if not token.isdecimal()]
    if len(kinds) != 1 or not set(words) <= set(_INDEL_WORDS):
        return None
    whats = [what for word in words if (what := _INDEL_WORDS[word])]
    if len(whats) > 1:
        return None
    what = whats[0] if whats else "R"
    if what in "CT" and len(numbers) == 1:
        numbers.insert(0, 1)
    return (numbers[0], kinds[0].capitalize(), what, numbers[1]) if len(numbers) == 2 else None
