"""Signatures of one genome build or assay for another: mutations need sites, and builds and exomes differ in them."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dnmf.exceptions import ChannelMismatchError, DoubtfulDataWarning, InputDataError
from dnmf.signatures.builds import usual_build
from dnmf.signatures.catalog import SignatureSet
from dnmf.signatures.shipped import BUILDS, EXOME, shipped_reference
from dnmf.signatures.sites import TRINUCLEOTIDES, count_sites
from dnmf.signatures.substitutions import SBS96

# Where COSMIC publishes the same signatures for different sites.
_PUBLISHED = {
    "GRCh37": "cosmic-v3.4-GRCh37",
    "GRCh38": "cosmic-v3.4-GRCh38",
    "GRCh37-exome": "cosmic-v3.4-GRCh37-exome",
    "GRCh38-exome": "cosmic-v3.4-GRCh38-exome",
}
TARGETS = tuple(_PUBLISHED)
# A flat signature in all of them: no channel is so small that rounding matters.
_FLAT = "SBS5"
# A trinucleotide without a site in the regions counts as half of one: no mutation becomes impossible.
MIN_SITES = 0.5
# Share of unknown bases in the regions above which there is a warning.
MAX_UNKNOWN_SHARE = 0.05


def with_usual_builds(name: str) -> str:
    """Return a name in which a part such as ``hg38`` or ``grch38.p13`` is the usual name of the build.

    Examples
    --------
    >>> with_usual_builds("hg19-exome"), with_usual_builds("cosmic-v3.4-GRCH38.p13")
    ('GRCh37-exome', 'cosmic-v3.4-GRCh38')
    """
    return "-".join(usual_build(part) for part in name.strip().split("-"))


@lru_cache(maxsize=16)
def opportunity_ratio(source: str, target: str) -> pd.Series:
    """Return how often the sites of each channel occur in ``target``, relative to ``source``, up to a factor.

    A series (96,) of positive numbers with geometric mean 1; equal for channels of one trinucleotide.

    Notes
    -----
    COSMIC makes the profiles of a build or exome by weighting those of another with the ratio of trinucleotide counts.
    The quotient of two published profiles of one signature therefore *is* that ratio, up to a factor: the ratios from
    SBS5 give all other 85 signatures of v3.4 within 2e-6.

    Examples
    --------
    >>> ratio = opportunity_ratio("GRCh37", "GRCh37-exome")
    >>> bool(ratio["A[C>T]G"] > 2 * ratio["A[C>T]A"])  # exomes are rich in CpG
    True
    """
    source, target = with_usual_builds(source), with_usual_builds(target)
    for name in (source, target):
        if name not in _PUBLISHED:
            raise InputDataError(
                f"no opportunities are known for {name!r}: expected one of {', '.join(_PUBLISHED)}."
            )
    before, after = (
        shipped_reference(_PUBLISHED[name]).profiles.loc[_FLAT] for name in (source, target)
    )
    logs = pd.Series(np.log((after / before).to_numpy()), index=after.index)
    # Three channels share a trinucleotide's sites: their mean loses the rounding of each.
    smooth = logs.groupby(_sites(list(logs.index))).transform("mean")
    return pd.Series(np.exp(smooth - smooth.mean()), index=logs.index)


def convert_signatures(signatures: SignatureSet, source: str, target: str) -> SignatureSet:
    """Return signatures as they appear where sites are as frequent as in ``target``.

    Each channel is weighted by `opportunity_ratio`, then each signature is scaled to sum 1.

    Parameters
    ----------
    signatures : SignatureSet
        SBS96 signatures for ``source``.
    source, target : str
        ``"GRCh37"``, ``"GRCh38"``, ``"GRCh37-exome"`` or ``"GRCh38-exome"``.

    Raises
    ------
    InputDataError
        If a target is unknown.
    ChannelMismatchError
        If the signatures are not SBS96.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> genome = load_reference("cosmic-v3.4-GRCh37").select(["SBS1"])
    >>> exome = convert_signatures(genome, "GRCh37", "GRCh37-exome")
    >>> published = load_reference("cosmic-v3.4-GRCh37-exome").select(["SBS1"])
    >>> bool(abs(exome.profiles - published.profiles).max(axis=None) < 1e-6)
    True
    """
    _check_substitutions(signatures)
    ratio = opportunity_ratio(source, target)
    how = f"converted from {source} to {target}"
    return _weighted(signatures, ratio, how, with_usual_builds(target))


def restrict_signatures(
    signatures: SignatureSet, regions: str | Path, genome: str | Path, *, build: str
) -> SignatureSet:
    """Return a genome's signatures as they appear in the regions of a panel.

    Each channel is weighted by how much more frequent its trinucleotide is in the regions than in the genome, then each
    signature is scaled to sum 1.

    Parameters
    ----------
    signatures : SignatureSet
        SBS96 signatures for the whole genome.
    regions, genome : path
        BED file, and FASTA file of the genome, see :func:`dnmf.signatures.sites.count_sites`.
    build : str
        Genome build of the signatures.

    Returns
    -------
    SignatureSet
        The same signatures, each with sum 1.

    Raises
    ------
    InputDataError
        If a file is not what it should be, or the genome is of another build.
    ChannelMismatchError
        If the signatures are not SBS96.

    Warns
    -----
    DoubtfulDataWarning
        If more than a twentieth of the regions is unknown bases, or some trinucleotide does not occur in them: it
        counts as half a site, so that a mutation there is unlikely, not impossible.

    Examples
    --------
    >>> from dnmf import load_reference
    >>> genome = load_reference("cosmic-v3.4", build="GRCh38")
    >>> panel = restrict_signatures(genome, "panel.bed", "hg38.2bit", build="GRCh38")  # doctest: +SKIP
    """
    _check_substitutions(signatures)
    counts = count_sites(regions, genome)
    if counts.build is not None and counts.build != build:
        raise InputDataError(
            f"{genome} is {counts.build}, by the length of chromosome 1, but the signatures are for {build}. Give the "
            f"genome of the regions' build, and --build {counts.build} if it is the right one."
        )
    if counts.unknown > MAX_UNKNOWN_SHARE:
        warnings.warn(
            f"{regions}: {counts.unknown:.0%} of the regions are unknown bases (N) in {genome}.",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    inside = np.array(counts.regions, dtype=float)
    absent = [word for word, number in zip(TRINUCLEOTIDES, inside, strict=True) if number == 0]
    if absent:
        warnings.warn(
            f"{regions}: the regions have no {', '.join(absent[:5])} ({len(absent)} of 32 trinucleotides).",
            DoubtfulDataWarning,
            stacklevel=2,
        )
    everywhere = np.maximum(np.array(counts.genome, dtype=float), MIN_SITES)
    logs = pd.Series(np.log(np.maximum(inside, MIN_SITES) / everywhere), index=TRINUCLEOTIDES)
    channels = SBS96.labels
    ratio = pd.Series(np.exp((logs - logs.mean())[_sites(channels)].to_numpy()), index=channels)
    name = Path(regions).name
    restricted = _weighted(signatures, ratio, f"in the regions of {name}", f"{build}-{name}")
    return replace(restricted, opportunity=ratio)


def seen_parts(signatures: SignatureSet) -> NDArray[np.float64]:
    """Return which part of a genome's mutations of each signature is seen where the signatures are for, up to a factor.

    An array (k,) with mean 1. Without a known opportunity (genomes, other classes than SBS96, signatures of unknown
    target) all are 1.

    Parameters
    ----------
    signatures : SignatureSet
        ``k`` signatures, as they appear in the genome, exome or panel that they are for.

    Notes
    -----
    With the opportunity o of each channel, a signature G of the genome appears as ``W_c = o_c G_c / r``, with the part
    ``r = sum_c o_c G_c = 1 / sum_c (W_c / o_c)``. Shares h of a genome's mutations become ``h_j r_j / sum_i h_i r_i``.

    Examples
    --------
    >>> from dnmf.signatures import load_reference
    >>> ubiquitous = load_reference("SBS1,SBS5", assay="exome")
    >>> seen_parts(ubiquitous).round(1)  # most mutations of SBS1 are at CpG sites, in which exomes are rich
    array([1.4, 0.6])
    """
    ratio = signatures.opportunity
    target = signatures.target
    if ratio is None and signatures.schema is SBS96 and target in (f"{b}-{EXOME}" for b in BUILDS):
        ratio = opportunity_ratio(target.removesuffix(f"-{EXOME}"), target)
    if ratio is None:
        return np.ones(len(signatures))
    parts = 1 / (signatures.profiles / ratio[signatures.profiles.columns]).sum(axis=1)
    return (parts / parts.mean()).to_numpy(dtype=np.float64)


def _sites(channels: Sequence[str]) -> list[str]:
    """Return the trinucleotide of each channel."""
    return [label[0] + label[2] + label[6] for label in channels]


def _check_substitutions(signatures: SignatureSet) -> None:
    if signatures.schema.name != SBS96.name:
        raise ChannelMismatchError(
            f"{signatures.source or 'the signatures'}: opportunities are known for the 96 SBS channels only, so "
            f"{signatures.schema.name} signatures cannot be converted to another build, an exome or a panel."
        )


def _weighted(signatures: SignatureSet, ratio: pd.Series, how: str, target: str) -> SignatureSet:
    weighted = signatures.profiles * ratio[signatures.profiles.columns]
    scaled = weighted.div(weighted.sum(axis=1), axis=0)
    source = f"{signatures.source or 'signatures'}, {how}"
    return SignatureSet(scaled, source, target=target)
