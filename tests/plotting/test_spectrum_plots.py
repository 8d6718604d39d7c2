"""Spectra: panels, order, colours, captions, references."""

import io

import numpy as np
import pandas as pd
import pytest

from dnmf.exceptions import InputDataError
from dnmf.plotting import figure_bytes, plot_catalog, plot_signatures, plot_thumbnail
from dnmf.signatures import (
    SBS96,
    SBS288,
    SBS384,
    SBS1536,
    MutationCatalog,
    SignatureSet,
    match_to_reference,
)

CLASSES = ["C>A", "C>G", "C>T", "T>A", "T>C", "T>G"]
COLOURS = ["#03bdef", "#010101", "#e42926", "#cbcaca", "#a2cf63", "#ecc7c5"]


@pytest.fixture
def signatures() -> SignatureSet:
    rng = np.random.default_rng(0)
    profiles = rng.dirichlet(np.full(96, 0.2), size=3)
    return SignatureSet(pd.DataFrame(profiles, index=["A", "B", "C"], columns=list(SBS96.labels)))


def texts(ax):
    return [text.get_text() for text in ax.texts]


def bar_layers(ax):
    """The bars of each layer: (heights, colours), from back to front."""
    from matplotlib.colors import to_hex

    layers = sorted(
        (
            layer
            for layer in ax.collections
            if len(layer.get_paths()) == 96 and layer.get_facecolor().size
        ),
        key=lambda layer: layer.get_zorder(),
    )
    return [
        (
            np.array([path.vertices[:, 1].max() for path in layer.get_paths()]),
            [to_hex(colour) for colour in layer.get_facecolor()],
        )
        for layer in layers
    ]


def test_one_panel_per_signature_with_its_name(signatures):
    figure = plot_signatures(signatures)
    assert len(figure.axes) == 3
    for ax, name in zip(figure.axes, signatures.names, strict=True):
        assert name in texts(ax)


def test_trinucleotides_stand_upright_in_plot_order(signatures):
    ax = plot_signatures(signatures).axes[0]
    labels = [text for text in ax.texts if text.get_rotation() == 90]
    labels.sort(key=lambda text: text.get_position()[0])
    expected = [five + kind[0] + three for kind in CLASSES for five in "ACGT" for three in "ACGT"]
    assert [text.get_text() for text in labels] == expected
    assert {text.get_fontfamily()[0] for text in labels} == {"monospace"}


def test_bars_have_the_heights_and_the_colours_of_their_classes(signatures):
    for ax, profile in zip(
        plot_signatures(signatures).axes, signatures.profiles.to_numpy(), strict=True
    ):
        ((heights, colours),) = bar_layers(ax)
        np.testing.assert_allclose(heights, profile)
        assert colours == [colour for colour in COLOURS for _ in range(16)]


def test_a_thumbnail_has_the_same_bars_and_no_words(signatures):
    (ax,) = plot_thumbnail(signatures, "B").axes
    ((heights, colours),) = bar_layers(ax)
    np.testing.assert_allclose(heights, signatures.profiles.loc["B"])
    assert colours == [colour for colour in COLOURS for _ in range(16)]
    assert not ax.texts
    assert not [*ax.get_xticks(), *ax.get_yticks()]


def test_six_headers_name_the_classes_on_their_colours(signatures):
    from matplotlib.colors import to_hex

    ax = plot_signatures(signatures).axes[0]
    assert [text for text in texts(ax) if ">" in text] == CLASSES
    assert [to_hex(strip.get_facecolor()) for strip in ax.patches] == COLOURS


def test_channels_are_matched_by_label_not_position(signatures):
    shuffled = signatures.profiles[list(SBS96.file_order)]
    expected = bar_layers(plot_signatures(signatures).axes[0])[0][0]
    drawn = bar_layers(plot_signatures(SignatureSet(shuffled)).axes[0])[0][0]
    np.testing.assert_allclose(drawn, expected)


def test_matches_write_the_reference_and_draw_it_behind(signatures):
    reference = SignatureSet(signatures.profiles.rename({"A": "SBS1", "B": "SBS2", "C": "SBS3"}))
    found = signatures.select(["B"])
    matches = match_to_reference(found, reference).assign(share=0.25)
    ax = plot_signatures(found, reference_matches=matches, reference=reference).axes[0]
    (behind, _), (heights, _) = bar_layers(ax)
    np.testing.assert_allclose(behind, heights)  # the reference is the signature itself here
    assert ax.get_legend().get_texts()[0].get_text() == "SBS2, cosine 1.000"
    assert "25.0% of mutations" in texts(ax)


def test_a_weak_match_is_said_to_be_none(signatures):
    matches = pd.DataFrame(
        {"found": ["A"], "reference": ["SBS5"], "cosine": [0.5], "assigned": [False]}
    )
    ax = plot_signatures(signatures, reference_matches=matches).axes[0]
    words = ax.get_legend().get_texts()[0].get_text()
    assert words == "no match; closest is SBS5, cosine 0.500"


@pytest.mark.parametrize("k", [1, 7, 14])
def test_any_number_of_panels_keep_their_shape_and_do_not_touch(k):
    profiles = np.random.default_rng(k).dirichlet(np.full(96, 0.3), size=k)
    names = [f"SBS96{index}" for index in range(k)]
    figure = plot_signatures(SignatureSet(pd.DataFrame(profiles, names, list(SBS96.labels))))
    assert len(figure.axes) == k
    boxes = [ax.get_position() for ax in figure.axes]
    width, height = figure.get_size_inches()
    for box in boxes:
        assert box.width * width > 9.5
        assert 1.4 < box.height * height < 1.9
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def catalog(*rows: float, names: list[str]) -> MutationCatalog:
    counts = np.outer(rows, np.ones(96))
    return MutationCatalog(pd.DataFrame(counts, names, list(SBS96.labels)), source="toy.tsv")


def test_samples_are_titled_with_their_number_of_mutations():
    figure = plot_catalog(catalog(100, 0, names=["PD4120a", "empty"]))
    assert "PD4120a: 9,600 subs" in texts(figure.axes[0])
    assert {"empty: 0 subs", "no mutations"} <= set(texts(figure.axes[1]))


def test_samples_can_be_chosen_and_are_twelve_otherwise():
    many = catalog(*range(1, 21), names=[f"s{i}" for i in range(20)])
    assert len(plot_catalog(many).axes) == 12
    chosen = plot_catalog(many, ["s19", "s3"])
    assert [ax.texts[-1].get_text() for ax in chosen.axes] == ["s19: 1,920 subs", "s3: 384 subs"]


def test_an_unknown_sample_is_named_with_what_there_is():
    with pytest.raises(InputDataError, match=r"toy\.tsv: there is no sample 'x'.*s0"):
        plot_catalog(catalog(1, names=["s0"]), ["x"])
    with pytest.raises(InputDataError, match="no sample was asked for"):
        plot_catalog(catalog(1, names=["s0"]), [])


def test_strange_names_are_drawn_as_they_are():
    # A formula, markup, a glyph that no font here has, more letters than fit: none may warn or fail.
    names = [
        "$x_{$",
        "$a^$ $b$",
        "<script>alert(1)</script>",
        "\U0001f9ec 標本",
        "x" * 300,
        "_hidden",
    ]
    figure = plot_catalog(catalog(*range(6), names=names))
    drawn = figure_bytes(figure, ".svg").decode()
    assert "$x_{$: 0 subs" in drawn
    assert "<script" not in drawn
    assert "x" * 60 not in drawn
    assert io.BytesIO(figure_bytes(figure, ".png")).read(4) == b"\x89PNG"


def wide_signatures(schema) -> SignatureSet:
    profiles = np.random.default_rng(2).dirichlet(np.full(len(schema), 0.5), size=2)
    frame = pd.DataFrame(profiles, ["A", "B"], list(schema.labels))
    return SignatureSet(frame, schema=schema)


@pytest.mark.parametrize("schema", [SBS288, SBS384], ids=lambda schema: schema.name)
def test_strands_stand_side_by_side_before_what_is_of_no_strand(schema):
    signatures = wide_signatures(schema)
    ax = plot_signatures(signatures.select(["A"])).axes[0]
    drawn = {}
    for heights, colours in bar_layers(ax):
        (colour,) = set(colours)
        drawn[colour] = heights
    own = signatures.profiles.loc["A"].to_numpy().reshape(-1, 96)
    named = dict(zip([label[0] for label in schema.labels[::96]], own, strict=True))
    colours = {
        label[0]: layer.colour.lower()
        for label, layer in zip(schema.labels[::96], schema.layers, strict=True)
    }
    np.testing.assert_allclose(drawn[colours["T"]], named["T"])
    np.testing.assert_allclose(drawn[colours["U"]], named["U"])
    others = [strand for strand in named if strand in "BN"]
    np.testing.assert_allclose(drawn[colours[others[-1]]], sum(named[strand] for strand in others))
    keys = [text.get_text() for text in ax.get_legend().get_texts()]
    assert keys == [layer.name for layer in schema.layers]


def test_a_reference_and_intervals_of_strands_are_drawn_inside_the_axes():
    found = wide_signatures(SBS384)
    matches = match_to_reference(found, found)
    ends = found.profiles * 0.5, found.profiles * 3
    for ax in plot_signatures(
        found, reference_matches=matches, reference=found, intervals=ends
    ).axes:
        lines = [layer for layer in ax.collections if len(layer.get_paths()) == 384]
        tops = [path.vertices[:, 1].max() for layer in lines for path in layer.get_paths()]
        assert max(tops) < ax.get_ylim()[1]
        assert ax.get_legend().get_texts()[0].get_text().endswith("cosine 1.000")


def test_five_bases_are_a_heat_map_with_a_key():
    counts = pd.DataFrame([np.arange(1536.0), np.zeros(1536)], ["a", "b"], SBS1536.labels)
    first, second = plot_catalog(MutationCatalog(counts, schema=SBS1536)).axes
    (image,) = first.get_images()
    assert image.get_array().shape == (16, 96)
    np.testing.assert_array_equal(image.get_array().ravel(), np.arange(1536))
    rows = [label.get_text() for label in first.get_yticklabels()]
    assert (rows[0], rows[1], rows[-1]) == ("A…A", "A…C", "T…T")
    assert "darkest: TT[T>G]TT 1,535, square-root scale" in texts(first)
    assert "no mutations" in texts(second)


@pytest.mark.parametrize("schema", [SBS288, SBS384, SBS1536], ids=lambda schema: schema.name)
def test_a_thumbnail_sums_what_shares_a_tick(schema):
    signatures = wide_signatures(schema)
    (ax,) = plot_thumbnail(signatures, "B").axes
    ((heights, colours),) = bar_layers(ax)
    total = signatures.profiles.loc["B"].to_numpy().reshape(-1, 96).sum(axis=0)
    np.testing.assert_allclose(heights, total)
    assert colours == [colour for colour in COLOURS for _ in range(16)]
