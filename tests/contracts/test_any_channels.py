"""A channel class that the package has never heard of goes the whole way, as do those it knows."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.estimators import DNMF, load_model, save_model
from dnmf.exceptions import ChannelMismatchError
from dnmf.extraction import extract_signatures, save_report, transform_catalog
from dnmf.plotting import plot_catalog
from dnmf.refit import refit_exposures, save_refit_report
from dnmf.signatures import (
    CN48,
    DBS78,
    ID83,
    SBS96,
    SV32,
    ChannelGroup,
    ChannelSchema,
    MutationCatalog,
    SignatureSet,
    match_to_reference,
    read_catalog,
    read_signatures,
    write_catalog,
    write_signatures,
)
from dnmf.signatures.schemas import SCHEMAS

WITHOUT_LAYERS = [schema for schema in SCHEMAS if not schema.layers]
TOY = ChannelSchema(
    name="TOY6",
    labels=("gain:2", "gain:1", "loss:2", "loss:1", "loss:10", "turn"),
    groups=(
        ChannelGroup("gain", "#AA0000", ("2", "1")),
        ChannelGroup("loss", "#00AA00", ("2", "1", "10")),
        ChannelGroup("turn", "#0000AA", ("",)),
    ),
    unit="events",
)


def reference_of(schema: ChannelSchema) -> SignatureSet:
    """Two signatures without a channel in common, so that their exposures can be counted."""
    profiles = np.zeros((2, len(schema)))
    half = len(schema) // 2
    profiles[0, :half] = np.arange(1, half + 1)
    profiles[1, half:] = np.arange(1, len(schema) - half + 1)
    profiles /= profiles.sum(axis=1, keepdims=True)
    return SignatureSet(
        pd.DataFrame(profiles, index=["known 1", "known 2"], columns=schema.labels),
        source="own.tsv",
        schema=schema,
    )


def catalog_of(reference: SignatureSet, n: int = 12) -> MutationCatalog:
    rng = np.random.default_rng(0)
    means = rng.gamma(2.0, 200.0, size=(n, 2)) @ reference.profiles.to_numpy()
    names = [f"s{number}" for number in range(n)]
    counts = pd.DataFrame(rng.poisson(means), index=names, columns=reference.schema.labels)
    return MutationCatalog(counts, schema=reference.schema)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("toy")


@pytest.fixture(scope="module")
def catalog(folder: Path) -> MutationCatalog:
    write_catalog(catalog_of(reference_of(TOY)), folder / "catalog.tsv")
    return read_catalog(folder / "catalog.tsv", schema=TOY)


@pytest.fixture(scope="module")
def reference(folder: Path) -> SignatureSet:
    write_signatures(reference_of(TOY), folder / "reference.tsv")
    return read_signatures(folder / "reference.tsv", schema=TOY)


@pytest.fixture(scope="module")
def result(catalog, reference):
    return extract_signatures(catalog, 2, n_restarts=2, model=DNMF(n_steps=5), reference=reference)


def test_files_are_read_back_in_the_order_of_the_schema(folder, catalog):
    assert list(catalog.counts.columns) == list(TOY.labels)
    lines = (folder / "catalog.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == list(TOY.labels)
    assert catalog.counts.equals(catalog_of(reference_of(TOY)).counts)


def test_extraction_names_signatures_by_the_class_and_finds_the_known(result):
    assert sorted(result.signatures.names) == ["TOY6A", "TOY6B"]
    assert result.signatures.schema is TOY
    assert sorted(result.matches["reference"]) == ["known 1", "known 2"]
    assert (result.matches["cosine"] > 0.9).all()


def test_a_saved_model_transforms_its_own_channels_only(result, catalog, folder):
    save_model(result.model, folder, metadata=result.model_metadata)
    model, metadata = load_model(folder / "model.json")
    exposures = transform_catalog(model, metadata, catalog)
    np.testing.assert_allclose(exposures, result.exposures, rtol=1e-5, atol=1e-6)
    doublets = catalog_of(reference_of(DBS78))
    with pytest.raises(ChannelMismatchError, match="6 channels and this catalog has 78"):
        transform_catalog(model, metadata, doublets)


@pytest.mark.usefixtures("without_pictures")
def test_refit_counts_the_channels_of_each_signature(catalog, reference, folder):
    refitted = refit_exposures(catalog, reference, method="kl")
    # Signatures that share no channel: the maximum likelihood exposures are sums of counts.
    counts = catalog.counts.to_numpy()
    expected = np.stack([counts[:, :3].sum(axis=1), counts[:, 3:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(refitted.exposures, expected, rtol=1e-4, atol=1e-3)
    page = save_refit_report(refitted, folder / "refit").read_text()
    assert "known 1" in page


@pytest.mark.usefixtures("unpainted")
def test_the_report_shows_the_class(result, folder):
    page = save_report(result, folder / "report").read_text()
    assert "over 6 channels" in page
    assert "TOY6A</bdi> is the signature with most mutations" in page
    assert "SBS96" not in page
    written = read_signatures(folder / "report" / "signatures.tsv", schema=TOY)
    assert written.names == result.signatures.names


@pytest.mark.parametrize("schema", [*WITHOUT_LAYERS, TOY, ChannelSchema("PLAIN3", tuple("xyz"))])
def test_spectra_are_drawn_in_the_style_of_the_class(schema):
    from matplotlib.colors import to_hex

    catalog = catalog_of(reference_of(schema), 1)
    (ax,) = plot_catalog(catalog).axes
    bars = max(ax.collections, key=lambda layer: len(layer.get_paths()))
    heights = [path.vertices[:, 1].max() for path in bars.get_paths()]
    np.testing.assert_allclose(heights, catalog.counts.iloc[0])
    ticks = [tick for group in schema.groups for tick in group.ticks]
    assert [text.get_text() for text in ax.texts][: len(ticks)] == ticks
    colours = [
        shade.lower()
        for group in schema.groups
        for shade in group.shades or [group.colour] * len(group.ticks)
    ]
    assert (
        np.resize([to_hex(colour) for colour in bars.get_facecolor()], len(schema)).tolist()
        == colours
    )
    headers = [group.header for group in schema.groups if group.header]
    assert [to_hex(strip.get_facecolor()) for strip in ax.patches] == [
        group.colour.lower() for group in schema.groups if group.header
    ]
    texts = [text.get_text() for text in ax.texts]
    assert texts[len(ticks) : len(ticks) + len(headers)] == headers
    assert texts[-1] == f"s0: {catalog.burdens.iloc[0]:,.0f} {schema.unit}"


@pytest.mark.parametrize("schema", [ID83, CN48, SV32])
def test_captions_are_written_once_inside_the_picture(schema):
    figure = plot_catalog(catalog_of(reference_of(schema), 1))
    (ax,) = figure.axes
    sections = list(dict.fromkeys((group.above, group.below) for group in schema.groups))
    texts = [text.get_text() for text in ax.texts]
    for caption in {text for pair in sections for text in pair if text}:
        assert texts.count(caption) == sum(pair.count(caption) for pair in sections)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    lines = {}
    for box in boxes:
        lines.setdefault(round(box.y0), []).append(box)
    for line in lines.values():
        ordered = sorted(line, key=lambda box: box.x0)
        assert all(left.x1 <= right.x0 + 1 for left, right in pairwise(ordered))


@pytest.mark.parametrize("schema", [SBS96, DBS78, TOY])
def test_a_reference_of_other_channels_is_refused_before_the_work(schema):
    indels = catalog_of(reference_of(ID83))
    other = reference_of(schema)
    for attempt in (
        lambda: extract_signatures(indels, 2, reference=other),
        lambda: refit_exposures(indels, other),
        lambda: match_to_reference(reference_of(ID83), other),
    ):
        with pytest.raises(
            ChannelMismatchError,
            match=f"has {schema.name} channels, the data have ID83.*such as cosmic-v3.4-ID",
        ):
            attempt()
