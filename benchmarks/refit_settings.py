"""The settings of the refit table: each draws samples, and says which prior and reference a refit of them is given."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from dnmf.refit.evidence import reported
from dnmf.signatures import SignatureSet, load_reference
from dnmf.signatures.simulate import Noise, draw_counts
from refit_answers import Given, Group
from refit_protocol import TEST_TYPES, Array, Part, Tumours, Words

COUNTS = (100, 500, 2_000, 50_000)
SAMPLES_PER_TYPE = 100
MAIN, NEWEST, PANEL = "cosmic-v3-GRCh38", "cosmic-v3.6-GRCh37", "cosmic-v3.4-GRCh37"

LEFT_OUT = ("Liver-HCC", "Skin-Melanoma", "ColoRect-AdenoCA")
"""Types of the settings "absent": meant for a network that was trained without them."""

COHORT, SMALL_COHORT, SMALLEST_COHORT = 160, 50, 10
"""Samples of a user's own cohort: different tumours."""

PANEL_LOG_SD = 0.5
"""Standard deviation of the log weight of a trinucleotide in a panel."""

MIN_TUMOURS_IN_LIST = 1
"""Training tumours of a type that must have a signature for it to be on the type's list."""


@dataclass(frozen=True)
class Source:
    """Where tumours come from."""

    exposures: Path
    part: Part

    def tumours(self, reference: SignatureSet) -> Tumours:
        """Return the tumours, with exposures to this reference."""
        return _tumours(self.exposures, tuple(reference.names), self.part)


@lru_cache
def _tumours(path: Path, names: tuple[str, ...], part: Part) -> Tumours:
    return Tumours(path, names, part)


@dataclass(frozen=True)
class Setting:
    """Numbers of mutations, and a function of source, mutations and seed that draws the samples."""

    counts: tuple[int, ...]
    draw: Callable[[Source, int, int], list[Group]]
    networks_only: bool = False


def _of_tumours(
    reference: str, priors: tuple[str, ...], *, noise: Noise = "multinomial", drop: bool = True
) -> Callable[[Source, int, int], list[Group]]:
    """Samples of the eight types; priors are named, "training tumours" are the tumours themselves."""

    def draw(source: Source, mutations: int, seed: int) -> list[Group]:
        signatures = load_reference(reference)
        tumours = source.tumours(signatures)
        rng = np.random.default_rng([seed, mutations])
        shares, types = tumours.draw(SAMPLES_PER_TYPE, rng)
        bank = tumours.shares[tumours.training]
        given: dict[str, Given] = {
            name: pd.DataFrame(bank, columns=signatures.names)
            if name == "training tumours"
            else name
            for name in priors
        }
        oracle = tumours.shares[tumours.measured]
        return [_group(signatures, shares, types, mutations, rng, given, bank, oracle, noise, drop)]

    return draw


def _group(
    reference: SignatureSet,
    shares: Array,
    types: Words,
    mutations: int,
    rng: np.random.Generator,
    priors: dict[str, Given],
    bank: Array,
    oracle: Array,
    noise: Noise = "multinomial",
    drop: bool = True,
) -> Group:
    """Samples of the given shares; ``drop``: without contributions below ten mutations, as published comparisons do."""
    truth, bank, oracle = (
        reported(table, mutations) if drop else table for table in (shares, bank, oracle)
    )
    counts = draw_counts(mutations * truth @ reference.profiles.to_numpy(), noise, rng)
    return Group(reference, counts, truth, types, priors, bank, oracle)


def _type_told(source: Source, mutations: int, seed: int) -> list[Group]:
    """The samples of the first setting; the network is told each sample's type."""
    (everything,) = _of_tumours(MAIN, ())(source, mutations, seed)
    groups = []
    for name in TEST_TYPES:
        rows = everything.types == name
        chosen = {"counts": everything.counts[rows], "shares": everything.shares[rows]}
        types = everything.types[rows]
        groups.append(replace(everything, **chosen, types=types, priors={"type": name}))
    return groups


def _type_lists(source: Source, mutations: int, seed: int) -> list[Group]:
    """Each type with its own list of signatures and its own prior; the truth is without signatures off the list."""
    reference = load_reference(MAIN)
    tumours = source.tumours(reference)
    rng = np.random.default_rng([seed, mutations])
    shares, types = tumours.draw(SAMPLES_PER_TYPE, rng)
    groups = []
    for name in TEST_TYPES:
        of_type = tumours.types == name
        bank, oracle = (
            tumours.shares[of_type & part] for part in (tumours.training, tumours.measured)
        )
        listed = (bank > 0).sum(axis=0) >= MIN_TUMOURS_IN_LIST
        signatures = reference.select(list(np.array(reference.names)[listed]))
        truth, bank, oracle = (
            _scaled(table[:, listed]) for table in (shares[types == name], bank, oracle)
        )
        label = np.repeat(name, len(truth))
        groups.append(
            _group(signatures, truth, label, mutations, rng, {"type": name}, bank, oracle)
        )
    return groups


def _panel(source: Source, mutations: int, seed: int) -> list[Group]:
    """Signatures weighted by how often a panel has each trinucleotide; shares are those of the mutations seen there."""
    reference = load_reference(PANEL)
    tumours = source.tumours(reference)
    rng = np.random.default_rng([seed, mutations])
    sites = [label[0] + label[2] + label[-1] for label in reference.profiles.columns]
    # One panel a draw, whatever the number of mutations.
    log_weights = np.random.default_rng([seed, 1]).normal(0, PANEL_LOG_SD, len(set(sites)))
    weight = dict(zip(sorted(set(sites)), np.exp(log_weights), strict=True))
    opportunity = pd.Series([weight[site] for site in sites], reference.profiles.columns)
    profiles = reference.profiles * opportunity
    seen = profiles.sum(axis=1)
    source, target = f"{reference.source}, simulated panel", f"{reference.target}-simulated panel"
    signatures = SignatureSet(
        profiles.div(seen, axis=0), source, target=target, opportunity=opportunity
    )
    shares, types = tumours.draw(SAMPLES_PER_TYPE, rng)
    truth, bank, oracle = (
        _scaled(table * seen.to_numpy())
        for table in (shares, tumours.shares[tumours.training], tumours.shares[tumours.measured])
    )
    priors: dict[str, Given] = {"pan-cancer": "pan-cancer"}
    return [_group(signatures, truth, types, mutations, rng, priors, bank, oracle)]


def _even(source: Source, mutations: int, seed: int) -> list[Group]:
    """Three to six signatures drawn evenly, with even shares."""
    reference = load_reference(MAIN)
    rng = np.random.default_rng([seed, mutations, 7])
    shares = np.zeros((len(TEST_TYPES) * SAMPLES_PER_TYPE, len(reference)))
    for row in shares:
        chosen = rng.choice(len(reference), rng.integers(3, 7), replace=False)
        row[chosen] = rng.dirichlet(np.ones(len(chosen)))
    tumours = source.tumours(reference)
    types = np.repeat("even", len(shares))
    priors: dict[str, Given] = {"pan-cancer": "pan-cancer", "none": "none"}
    bank, oracle = tumours.shares[tumours.training], shares[:0]
    return [_group(reference, shares, types, mutations, rng, priors, bank, oracle)]


def _absent(size: int, priors: tuple[str, ...]) -> Callable[[Source, int, int], list[Group]]:
    """Different tumours of the types left out of training, in cohorts of ``size``, as many as 160 tumours make.

    "cohort": the prior is the cohort itself. "other types": the tumours that the network was trained on.
    """

    def draw(source: Source, mutations: int, seed: int) -> list[Group]:
        reference = load_reference(MAIN)
        tumours = source.tumours(reference)
        rng = np.random.default_rng([seed, mutations])
        rows = tumours.distinct(COHORT, rng, LEFT_OUT)
        none = tumours.shares[:0]
        others = tumours.training & ~np.isin(tumours.types, LEFT_OUT)
        given: dict[str, Given] = {
            name: pd.DataFrame(tumours.shares[others], columns=reference.names)
            if name == "other types"
            else name
            for name in priors
        }
        return [
            _group(
                reference,
                tumours.shares[chosen],
                tumours.types[chosen],
                mutations,
                rng,
                given,
                none,
                none,
            )
            for chosen in np.split(rows[: COHORT // size * size], COHORT // size)
        ]

    return draw


def _scaled(shares: Array) -> Array:
    """Return rows that sum to 1, without those that have none of the signatures."""
    total = shares.sum(axis=1)
    scaled: Array = shares[total > 0] / total[total > 0, None]
    return scaled


SETTINGS = {
    "v3-GRCh38": Setting(COUNTS, _of_tumours(MAIN, ("pan-cancer", "training tumours", "none"))),
    "type told": Setting(COUNTS, _type_told, networks_only=True),
    "v3.6-GRCh37": Setting(COUNTS, _of_tumours(NEWEST, ("pan-cancer",))),
    "type list": Setting(COUNTS, _type_lists),
    "panel": Setting(COUNTS, _panel),
    "even": Setting(COUNTS, _even),
    "absent": Setting(COUNTS, _absent(COHORT, ("cohort", "none", "other types"))),
    "absent, cohort of 50": Setting(COUNTS, _absent(SMALL_COHORT, ("cohort",)), networks_only=True),
    "absent, cohort of 10": Setting(
        COUNTS, _absent(SMALLEST_COHORT, ("cohort", "none")), networks_only=True
    ),
    "few": Setting((10, 15, 19), _of_tumours(MAIN, ("pan-cancer", "none"), drop=False)),
    "negative binomial": Setting(
        (2_000, 50_000), _of_tumours(MAIN, ("pan-cancer",), noise="negative-binomial")
    ),
    "all kept": Setting(COUNTS, _of_tumours(MAIN, ("pan-cancer",), drop=False)),
}
