"""Inputs to the readers of regions and of genomes."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from dnmf.signatures.regions import read_regions
from dnmf.signatures.sites import TRINUCLEOTIDES, SiteCounts, count_sites
from reliability.damage import spoil
from reliability.parser import EQUAL, number, text_of, unpacked
from reliability.trial import Case, Files, Subject


def _bed(rng: Random) -> Case:
    lines = []
    for _ in range(rng.randint(1, 30)):
        start = rng.randrange(2000)
        name = rng.choice(("1", "chr1", "chr2", "X", "chrX"))
        rest = rng.choice(("", "\tgene", "\tgene\t0\t+"))
        lines.append(f"{name}\t{start}\t{start + rng.randint(1, 300)}{rest}")
    if rng.random() < 0.3:
        lines.insert(0, rng.choice(("# panel", "track name=x", "browser position chr1:1-2")))
    whole = rng.random() < 0.2
    if not whole and rng.random() < 0.6:
        at = rng.randrange(len(lines))
        cells = lines[at].split("\t")
        cells[rng.randrange(len(cells))] = rng.choice(
            (
                "",
                "-1",
                "0",
                "9223372036854775807",
                "9223372036854775808",
                "1e3",
                "1_000",
                "1,000",
                "٣",
                "x",
                "2.0",
                "chr1 5",
                "9" * 5000,
            )
        )
        lines[at] = rng.choice(("\t", "\t", " ", ",")).join(cells)
    content = rng.choice(("\n", "\n", "\r\n")).join(lines).encode()
    for _ in range(0 if whole else rng.choice((0, 1, 1, 2))):
        content = spoil(rng, content)
    return Case(
        {"regions.bed": content}, lambda at: read_regions(at / "regions.bed"), _check_bed, whole
    )


def _check_bed(answer: Any, files: Files, _: Sequence[str]) -> str:
    """Compare with a sweep over the ends of the regions."""
    text = text_of(files["regions.bed"])
    if text is None:
        return "accepted, but the file is not text"
    steps: dict[str, dict[int, int]] = {}
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        cells = line.split()
        if not cells or line.startswith(("#", "track", "browser")):
            continue
        if len(cells) < 3 or number(cells[1]) is None or number(cells[2]) is None:
            return f"accepted, but {line[:40]!r} is no region"
        name = cells[0][3:] if cells[0][:3].lower() == "chr" else cells[0]
        own = steps.setdefault(name, {})
        for at, step in ((int(cells[1]), 1), (int(cells[2]), -1)):
            own[at] = own.get(at, 0) + step
    expected = {}
    for name, own in steps.items():
        depth, ends = 0, []
        for at in sorted(own):
            if (depth == 0) != (depth + own[at] == 0):
                ends.append(at)
            depth += own[at]
        expected[name] = ends
    found = {name: regions.ravel().tolist() for name, regions in answer.items()}
    return EQUAL if found == expected else f"regions {found} instead of {expected}"


def _fasta(rng: Random) -> Case:
    lines = []
    names = rng.sample(("1", "2", "X", "Un_1"), 3)
    for name in names:
        bases = "".join(
            rng.choices("ACGTacgtN", (9, 9, 9, 9, 2, 2, 2, 2, 1), k=rng.randint(100, 400))
        )
        width = rng.choice((50, 60, 1000))
        lines.append(rng.choice((">", ">chr")) + name + rng.choice(("", " dna:chromosome")))
        lines += [bases[at : at + width] for at in range(0, len(bases), width)]
    content = (rng.choice(("\n", "\n", "\r\n")).join(lines) + rng.choice(("", "\n"))).encode()
    whole = rng.random() < 0.2
    for _ in range(0 if whole else rng.choice((1, 1, 2))):
        content = spoil(rng, content)
    name = rng.choice([name for name in names if name != "Un_1"])
    regions = f"chr{name}\t{rng.randrange(50)}\t{rng.randint(60, 100)}\n".encode()
    # The names are of what is inside: only a file that is called .gz may be packed, too.

    def read(folder: Path) -> SiteCounts:
        # Counts that were kept would answer instead of the reader.
        with patch("dnmf.caches.cache_folder", return_value=None):
            return count_sites(folder / "regions.bed", folder / "genome.fa")

    return Case(
        {"genome.fa": content, "regions.bed": regions},
        read,
        _check_fasta,
        whole,
        table=False,
    )


def _check_fasta(answer: SiteCounts, files: Files, _: Sequence[str]) -> str:
    """Compare with counts made base by base."""
    content = unpacked(files["genome.fa"])
    if content is None:
        return "accepted, but damaged"
    text = content.decode("latin-1")
    bases: dict[str, str] = {}
    for record in ("\n" + text).split("\n>")[1:]:
        header, _, body = record.partition("\n")
        name = (header.split() or [""])[0]
        name = name[3:] if name[:3].lower() == "chr" else name
        bases.setdefault(name, body.replace("\n", "").replace("\r", "").upper())
    name, start, end = files["regions.bed"].decode().removeprefix("chr").split()
    everywhere = dict.fromkeys(TRINUCLEOTIDES, 0)
    inside = dict(everywhere)
    for own, letters in bases.items():
        if own not in {*map(str, range(1, 23)), "X", "Y"}:
            continue
        for at in range(1, len(letters) - 1):
            word = letters[at - 1 : at + 2]
            word = word if word[1] in "CT" else word.translate(str.maketrans("ACGT", "TGCA"))[::-1]
            if word in everywhere:
                everywhere[word] += 1
                inside[word] += own == name and int(start) <= at < int(end)
    same = answer.genome == list(everywhere.values()) and answer.regions == list(inside.values())
    return EQUAL if same else f"counts {answer.regions} instead of {list(inside.values())}"


SUBJECTS = [
    Subject("bed", 8, _bed),
    Subject("fasta", 6, _fasta),
]
