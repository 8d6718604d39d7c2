"""Decomposition of signatures into a few known ones: what was mixed comes back, and what is new stays novel."""

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import ChannelMismatchError
from dnmf.metrics import cosine_similarity
from dnmf.signatures import SBS96, SignatureSet, decompose_to_reference, load_reference


@pytest.fixture(scope="module")
def known() -> SignatureSet:
    return load_reference("cosmic-v3.4")


def mixed(known: SignatureSet, **signatures: dict[str, float]) -> SignatureSet:
    rows = {
        name: sum(share * known.profiles.loc[part] for part, share in parts.items())
        for name, parts in signatures.items()
    }
    return SignatureSet(pd.DataFrame(rows).T)


def drawn(names: list[str], seed: int = 0) -> SignatureSet:
    """Signatures that have little in common."""
    profiles = np.random.default_rng(seed).dirichlet(np.full(96, 0.1), size=len(names))
    return SignatureSet(pd.DataFrame(profiles, names, list(SBS96.labels)))


def test_what_was_mixed_comes_back_with_its_shares(known: SignatureSet) -> None:
    three = {"SBS7a": 0.5, "SBS13": 0.3, "SBS1": 0.2}
    result = decompose_to_reference(mixed(known, A={"SBS4": 1.0}, B=three), known)
    assert list(result.summary["kind"]) == ["known", "mixture"]
    assert list(result.summary["references"]) == ["SBS4", "SBS7a 50%, SBS13 30%, SBS1 20%"]
    parts = result.parts.set_index(["found", "reference"])["share"]
    for name, share in three.items():
        assert parts["B", name] == pytest.approx(share, abs=1e-6)
    assert (result.summary["cosine"] > 1 - 1e-9).all()
    assert result.known == ["SBS4", "SBS7a", "SBS13", "SBS1"]
    assert result.novel == []


def test_shares_sum_to_one_and_give_the_mixture_and_its_cosine(known: SignatureSet) -> None:
    rng = np.random.default_rng(3)
    noise = rng.dirichlet(np.full(96, 2.0), size=6)
    names = ["SBS1", "SBS2", "SBS3", "SBS4", "SBS5", "SBS6"]
    noisy = 0.7 * known.profiles.loc[names].to_numpy() + 0.3 * noise
    found = SignatureSet(pd.DataFrame(noisy, [f"N{i}" for i in range(6)], SBS96.labels))
    result = decompose_to_reference(found, known)
    assert result.novel != found.names
    sums = result.parts.groupby("found")["share"].sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)
    for name in set(found.names) - set(result.novel):
        parts = result.parts[result.parts["found"] == name].set_index("reference")["share"]
        mixture = parts.to_numpy() @ known.profiles.loc[parts.index].to_numpy()
        np.testing.assert_allclose(result.mixtures.loc[name], mixture, rtol=1e-12)
        cosine = cosine_similarity(mixture[None], found.profiles.loc[[name]].to_numpy())[0, 0]
        assert result.summary.loc[name, "cosine"] == pytest.approx(cosine, abs=1e-9)
        assert len(parts) <= 3
        assert list(parts) == sorted(parts, reverse=True)


def test_a_signature_unlike_all_stays_novel_and_names_the_closest(known: SignatureSet) -> None:
    result = decompose_to_reference(drawn(["new"]), known)
    assert result.novel == ["new"]
    assert result.known == []
    assert result.parts[["found", "reference", "share"]].values.tolist() == [["new", "new", 1.0]]
    assert 0 < result.summary.loc["new", "cosine"] < 0.9
    assert result.summary.loc["new", "references"]
    assert result.alternatives.empty


def test_no_part_is_added_for_the_little_that_any_would_gain() -> None:
    references = drawn(["one", "two", "three", "four"])
    one, two = references.profiles.loc["one"], references.profiles.loc["two"]
    found = SignatureSet(
        pd.DataFrame({"little": 0.93 * one + 0.07 * two, "much": 0.8 * one + 0.2 * two}).T
    )
    kinds = decompose_to_reference(found, references).summary["kind"]
    assert list(kinds) == ["known", "mixture"]


def test_of_mixtures_as_close_the_one_that_others_need_is_named() -> None:
    base = drawn(["one", "two", "three"]).profiles
    # Too far from "two" to be taken for it alone, near enough as a small part.
    near = 0.85 * base.loc["two"] + 0.15 * base.loc["three"]
    references = SignatureSet(pd.concat([base, near.to_frame("near").T]))
    rows = {"A": 0.7 * base.loc["one"] + 0.3 * near, "B": base.loc["two"]}
    alone = decompose_to_reference(SignatureSet(pd.DataFrame(rows).T.loc[["A"]]), references)
    assert alone.known == ["one", "near"]
    assert [words[:3] for words in alone.alternatives["references"]] == ["one"]
    held = dict(zip(alone.parts["reference"], alone.parts["in_alternatives"], strict=True))
    assert held == {"one": 1.0, "near": 0.0}
    beside = decompose_to_reference(SignatureSet(pd.DataFrame(rows).T), references)
    assert beside.known == ["one", "two"]


@pytest.mark.parametrize("names", [["one"], ["one", "two"]])
def test_one_or_two_references_are_enough(names: list[str]) -> None:
    references = drawn(names)
    result = decompose_to_reference(references, references)
    assert list(result.summary["references"]) == names


def test_other_channels_are_refused(known: SignatureSet) -> None:
    with pytest.raises(ChannelMismatchError):
        decompose_to_reference(load_reference("DBS1,DBS4"), known)
