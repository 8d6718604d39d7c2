"""Every way to write all channels of a class is read, whatever the order of its letters."""

from itertools import permutations

import numpy as np
import pytest

from dnmf.exceptions import ChannelMismatchError
from dnmf.signatures import DBS78, ID83, SBS96, read_catalog

COMPLEMENT = str.maketrans("ACGT", "TGCA")

# five, ref, alt, three
SUBSTITUTIONS = {
    "bracket": "{0}[{1}>{2}]{3}",
    "sigfit": "{0}{1}{3}>{0}{2}{3}",
    "FFPEsig": "{1}>{2}@{0}_{3}",
    "ICAMS": "{0}{1}{3}{2}",
    "SignatureAnalyzer": "{1}{2}{0}{3}",
    "make.names of R": "{0}.{1}.{2}.{3}",
    "make.names of brackets first": "X.{1}.{2}..{0}_{3}",
    "signeR": "{1}>{2}:{0}{1}{3}",
    "SomaticSignatures": "{1}{2} {0}.{3}",
    "YAPSA": "{1}>{2} {0}{1}{3}",
    "musicatk": "{1}>{2}_{0}{1}{3}",
    "hdp": "{1}>{2},{0}-{3}",
    "word": "{1}to{2}_{0}{1}{3}",
    "word apart": "{1} to {2} in {0}{1}{3}",
    "slash": "{0}({1}/{2}){3}",
    "arrow": "{0}[{1}→{2}]{3}",
    "page": "{0}[{1}&gt;{2}]{3}",
    "minus": "{0}{1}-{2}{3}",
    "lower case": "{0}_{1}.{2}_{3}",
    "context first": "{0}{1}{3}:{2}",
    "context and change": "{0}{1}{3}.{1}.{2}",
    "context and bracket": "{0}{1}{3} {0}[{1}>{2}]{3}",
    "change and bracket": "{1}>{2} {0}[{1}>{2}]{3}",
    "prefix": "SBS96.{0}.{1}>{2}.{3}",
    "base pairs": "{0}{1}{3} {1}:{4}>{2}:{5}",
    "ends": "5'-{0}[{1}>{2}]{3}-3'",
}


def pyrimidine(label):
    return label[0], label[2], label[4], label[6]


def purine(label):
    five, ref, alt, three = (base.translate(COMPLEMENT) for base in pyrimidine(label))
    return three, ref, alt, five


def from_a_or_c(label):
    """SignatureAnalyzer's strand: the reference is A or C."""
    return purine(label) if label[2] == "T" else pyrimidine(label)


def write_table(path, names, numbers, *, wide):
    cells = [["", *names], ["s", *map(str, numbers)]]
    rows = cells if wide else zip(*cells, strict=True)
    path.write_text("\n".join("\t".join(row) for row in rows))
    return path


@pytest.mark.parametrize("spelling", SUBSTITUTIONS)
@pytest.mark.parametrize("strand", [pyrimidine, purine, from_a_or_c])
def test_substitutions(spelling, strand, tmp_path):
    bases = [strand(label) for label in SBS96.labels]
    pairs = ["".join(own[1:3]).translate(COMPLEMENT) for own in bases]
    form = SUBSTITUTIONS[spelling]
    names = [form.format(*own, *pair) for own, pair in zip(bases, pairs, strict=True)]
    names = [name.lower() for name in names] if spelling == "lower case" else names
    order = np.random.default_rng(1).permutation(96)
    for wide in (False, True):
        path = write_table(tmp_path / "a.tsv", [names[n] for n in order], order + 1, wide=wide)
        assert read_catalog(path).counts.iloc[0].tolist() == list(range(1, 97))


ORDERS = {
    order for bases in ("5ra3", "5rra3", "55ra33", "55rraa33") for order in permutations(bases)
}


@pytest.mark.parametrize("letters", [*permutations("5ra3"), *sorted(ORDERS)[::17]], ids="".join)
def test_any_order_of_the_bases(letters):
    """The 5' base comes before the 3' one; all else is found, as long as references are pyrimidines."""
    if letters.index("5") > letters.index("3"):
        letters = ["3" if letter == "5" else "5" if letter == "3" else letter for letter in letters]
    names = [
        "".join(dict(zip("5ra3", pyrimidine(label), strict=True))[letter] for letter in letters)
        for label in SBS96.labels
    ]
    assert SBS96.canonical_all(names) == list(SBS96.labels)


def test_a_channel_that_is_missing_is_told_in_the_spelling_that_the_others_have(tmp_path):
    names = [SUBSTITUTIONS["ICAMS"].format(*pyrimidine(label)) for label in SBS96.labels]
    path = write_table(tmp_path / "a.tsv", names[1:], range(1, 96), wide=False)
    with pytest.raises(ChannelMismatchError, match=r"found 95 of the 96.*missing: A\[C>A\]A\."):
        read_catalog(path)
    for slip in ("ACXA", "ACCC"):
        names[5] = slip
        path = write_table(tmp_path / "a.tsv", names, range(96), wide=False)
        with pytest.raises(
            ChannelMismatchError, match=rf"found 95 .*recognised: '{slip}' \(line 7"
        ):
            read_catalog(path)


def test_a_context_that_contradicts_the_change_is_no_channel(tmp_path):
    names = [f"{x[0]}{x[2]}{x[6]}.{x[2]}.{x[4]}" for x in SBS96.labels]
    names[0] = "ATA.C.A"
    path = write_table(tmp_path / "a.tsv", names, range(96), wide=False)
    with pytest.raises(ChannelMismatchError, match=r"missing: A\[C>A\]A; not recognised: 'ATA"):
        read_catalog(path)


def test_spellings_may_be_mixed_where_each_is_clear_alone(tmp_path):
    names = [
        (f"{label[2:5]} {label[0]}{label[2]}{label[6]}" if number % 3 else label)
        for number, label in enumerate(SBS96.labels)
    ]
    path = write_table(tmp_path / "a.tsv", names, range(96), wide=False)
    assert read_catalog(path).counts.iloc[0].tolist() == list(range(96))


def test_letters_that_do_not_tell_are_refused(tmp_path):
    """Without the base on one side 24 channels have four names each."""
    names = [f"{label[0]}[{label[2]}>{label[4]}]" for label in SBS96.labels]
    path = write_table(tmp_path / "a.tsv", names, range(96), wide=False)
    with pytest.raises(ChannelMismatchError, match="found none of the 96"):
        read_catalog(path)


# reference, alternative
DOUBLETS = {
    "usual": "{0}>{1}",
    "MutationalPatterns": "{0}_{1}",
    "ICAMS": "{0}{1}",
    "make.names": "{0}.{1}",
    "word": "{0}to{1}",
    "group": "{0}>NN_{1}",
    "prefix": "DBS_{0}-{1}",
}


@pytest.mark.parametrize("spelling", DOUBLETS)
@pytest.mark.parametrize("strand", ["here", "there"])
def test_doublets(spelling, strand, tmp_path):
    pairs = [label.split(">") for label in DBS78.labels]
    if strand == "there":
        pairs = [[bases.translate(COMPLEMENT)[::-1] for bases in pair] for pair in pairs]
    names = [DOUBLETS[spelling].format(*pair) for pair in pairs]
    for wide in (False, True):
        catalog = read_catalog(write_table(tmp_path / "a.tsv", names, range(78), wide=wide))
        assert catalog.schema is DBS78
        assert catalog.counts.iloc[0].tolist() == list(range(78))


def mutational_patterns(size, kind, what, number):
    """Deletions count the deleted copy: 1 to 6+."""
    of_base = what in "CT"
    number += kind == "Del" and what != "M"
    plus = "+" if number == 6 or (number == 5 and (kind == "Ins" or what == "M" == what)) else ""
    word = {"Del": "deletion", "Ins": "insertion"}[kind]
    if of_base:
        return f"{what}_{word}_{number}{plus}"
    where = "_with_microhomology" if what == "M" else ""
    return f"{size}{'+' * (size == 5)}bp_{word}{where}_{number}{plus}"


INDELS = {
    "SigProfiler": lambda size, kind, what, number: f"{size}:{kind}:{what}:{number}",
    "ICAMS": lambda size, kind, what, number: ":".join(
        (kind.upper(), {"R": "repeats", "M": "MH"}.get(what, what), f"{size}", f"{number}")
    ),
    "make.names": lambda size, kind, what, number: f"X{size}.{kind}.{what}.{number}",
    "underscores": lambda size, kind, what, number: f"{size}_{kind}_{what}_{number}".lower(),
    "MutationalPatterns": mutational_patterns,
}


@pytest.mark.parametrize("spelling", INDELS)
def test_indels(spelling, tmp_path):
    parts = [label.split(":") for label in ID83.labels]
    names = [
        INDELS[spelling](int(size), kind, what, int(number)) for size, kind, what, number in parts
    ]
    for wide in (False, True):
        catalog = read_catalog(write_table(tmp_path / "a.tsv", names, range(83), wide=wide))
        assert catalog.schema is ID83
        assert catalog.counts.iloc[0].tolist() == list(range(83))


def test_indels_in_four_columns_as_pcawg_writes_them(tmp_path):
    words = {"R": "repeats", "M": "MH"}
    rows = ["Type,Subtype,Indel_Size,Repeat_MH_Size,s"]
    for count, label in enumerate(ID83.labels):
        size, kind, what, number = label.split(":")
        last = "5+" if number == "5" else number
        rows.append(f"{kind.upper()},{words.get(what, what)},{size},{last},{count}")
    (tmp_path / "a.csv").write_text("\n".join(rows))
    assert read_catalog(tmp_path / "a.csv").counts.iloc[0].tolist() == list(range(83))
