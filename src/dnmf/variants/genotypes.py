"""Which sample carries which ALT, by the genotypes of a VCF."""

import re
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from dnmf.variants.distinct import Texts

_GENOTYPE = re.compile(r"[/|]?(?:\d+|\.)(?:[/|](?:\d+|\.))*")


@lru_cache(maxsize=1 << 12)
def called_alleles(genotype: str) -> frozenset[int] | None:
    """Return the alleles of a genotype (0 is REF) without those that are unknown; None for what is no genotype.

    Examples
    --------
    >>> sorted(called_alleles("0|2")), sorted(called_alleles("./.")), called_alleles("A/T")
    ([0, 2], [], None)
    """
    if not genotype:
        return frozenset()
    if len(genotype) > 1000 or not _GENOTYPE.fullmatch(genotype):
        return None
    return frozenset(map(int, re.findall(r"\d{1,9}", genotype)))


def place_of_genotype(layout: str) -> int:
    """Return the place of GT in a text of FORMAT, from 0; -1 if it has none."""
    keys = layout.split(":")
    return keys.index("GT") if "GT" in keys else -1


def genotypes(sample: Texts, places: NDArray[np.int64]) -> Texts:
    """Return the genotypes of a sample.

    Parameters
    ----------
    sample : Texts (rows,)
        The sample's column, such as ``0/1:30,12``.
    places : array (rows,)
        Of GT in each row, from 0; -1 for none.
    """
    found = Texts.constant("", len(sample))
    for place in np.unique(places[places >= 0]).tolist():
        at = sample.map(partial(_field, place=place))
        found = at if (places == place).all() else found.or_else(at, places == place)
    return found.map(str.strip)


def carriers(
    samples: list[Texts], number: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return row, ALT (from 0) and sample (from 0) of everything that a genotype calls, in this order.

    Parameters
    ----------
    samples : list of Texts (rows,)
        Genotypes of each sample.
    number : array (rows,)
        Alleles of ALT in each row.
    """
    rows: list[NDArray[np.int64]] = []
    which: list[tuple[int, int]] = []
    for alt in range(int(number.max(initial=0))):
        having = np.flatnonzero(number > alt)
        for place, sample in enumerate(samples):
            here = sample if len(having) == len(number) else sample.take(having)
            carried = here.where(partial(_calls, allele=alt + 1))
            rows.append(having[carried])
            which.append((alt, place))
    if not rows:
        return (np.zeros(0, dtype=np.int64),) * 3
    lengths = [len(found) for found in rows]
    row = np.concatenate(rows)
    alts = np.repeat([alt for alt, _ in which], lengths)
    places = np.repeat([place for _, place in which], lengths)
    if len(rows) > 1:
        order = np.lexsort((places, alts, row))
        row, alts, places = row[order], alts[order], places[order]
    return row, alts, places


def _field(text: str, place: int) -> str:
    fields = text.split(":", place + 1)
    return fields[place] if place < len(fields) else ""


def _calls(genotype: str, allele: int) -> bool:
    return allele in (called_alleles(genotype) or ())
