"""Data from outside genomics: two sets of scikit-learn's, four made kinds, and the summaries of Debian's packages.

`load(name, seed)` gives rows to fit and rows to report on. Settings are chosen on another seed than the default one.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import scipy.signal
import scipy.sparse
from sklearn.datasets import load_digits, load_sample_images

HELD_OUT_SHARE = 0.2
REPORTED_SEED, CHOICE_SEED = 0, 1

Data = np.ndarray | scipy.sparse.csr_matrix


@dataclass(frozen=True)
class Set:
    """Rows to fit, rows to report on, and the number of components; float64, counts of words in csr."""

    train: Data
    test: Data
    k: int


def digits(rng: np.random.Generator) -> Data:
    """1,797 handwritten digits of 8 x 8 pixels, 0 to 16; the seed only chooses which are held out."""
    return load_digits().data


def patches(rng: np.random.Generator) -> Data:
    """20,000 patches of 8 x 8 pixels with 3 colours, 0 to 255, from two photographs."""
    size, each = 8, 10_000
    cut = []
    for image in load_sample_images().images:
        height, width, _ = image.shape
        places = rng.choice((height - size) * (width - size), size=each, replace=False)
        corners = np.stack(np.divmod(places, width - size), axis=1)
        cut += [image[y : y + size, x : x + size].ravel() for y, x in corners]
    return np.array(cut, dtype=float)


def land_spectra(n_bands: int = 156) -> np.ndarray:
    """Return the reflectance of soil, trees, water and a road from 400 to 890 nm, 0 to 1: (4, bands)."""
    wavelength = np.linspace(400, 890, n_bands)

    def rise(at: float, width: float) -> np.ndarray:
        return 1 / (1 + np.exp(-(wavelength - at) / width))

    def peak(at: float, width: float) -> np.ndarray:
        return np.exp(-0.5 * np.square((wavelength - at) / width))

    soil = 0.05 + 0.28 * rise(600, 80) - 0.02 * peak(870, 30)
    tree = 0.02 + 0.06 * peak(550, 35) + 0.48 * rise(715, 14) - 0.05 * peak(760, 10)
    water = 0.015 + 0.05 * np.exp(-(wavelength - 400) / 130)
    road = 0.16 + 0.05 * rise(520, 60) - 0.01 * peak(690, 25)
    return np.stack([soil, tree, water, road])


def land(rng: np.random.Generator) -> Data:
    """A hyperspectral scene of 95 x 95 pixels and 156 bands, 0 to 1, like the Samson cube.

    Abundances are smooth in space and sum to one. The illumination of a pixel varies by 10 %, and each material's
    spectrum tilts by 3 % from place to place; the noise has a standard deviation of 0.003.
    """
    side, spectra = 95, land_spectra()
    n_materials, n_bands = spectra.shape

    def smooth(n: int, scale: float) -> np.ndarray:
        fields = scipy.ndimage.gaussian_filter(rng.normal(size=(n, side, side)), (0, scale, scale))
        return (fields / fields.std(axis=(1, 2), keepdims=True)).reshape(n, -1).T

    # Gamma shares with smooth logarithms: a Dirichlet whose mean moves over the scene, nearly pure in most places.
    shares = rng.gamma(20.0, size=(side * side, n_materials)) * np.exp(3.0 * smooth(n_materials, 7))
    abundances = shares / shares.sum(axis=1, keepdims=True)
    tilt = np.linspace(-1, 1, n_bands)
    varied = spectra * (1 + 0.03 * smooth(n_materials, 4)[:, :, None] * tilt)
    clean = np.einsum("nk,nkf->nf", abundances, varied)
    lit = clean * np.exp(0.1 * smooth(1, 3))
    return (lit + rng.normal(scale=0.003, size=lit.shape)).clip(0, 1)


def texts(
    rng: np.random.Generator, *, n: int, n_words: int, n_topics: int, words_per_text: float
) -> scipy.sparse.csr_matrix:
    """Return counts of words: latent Dirichlet allocation over a vocabulary with Zipf's frequencies.

    The length of a text is 1 plus a negative binomial number. Blei, Ng, Jordan 2003, with fixed topics.
    """
    frequency = 1 / (10.0 + np.arange(n_words))
    topics = rng.gamma(0.1 * n_words * frequency / frequency.sum(), size=(n_topics, n_words))
    cumulative = np.cumsum(topics, axis=1)
    lengths = 1 + rng.poisson(rng.gamma(4.0, (words_per_text - 1) / 4.0, size=n))
    text = np.repeat(np.arange(n), lengths)
    shares = np.cumsum(rng.gamma(0.1, size=(n, n_topics)) + 1e-12, axis=1)
    drawn = rng.random(len(text)) * shares[text, -1]
    topic = (drawn[:, None] >= shares[text]).sum(axis=1).clip(max=n_topics - 1)
    word = np.empty(len(text), dtype=np.int32)
    for number in range(n_topics):
        of = topic == number
        place = rng.random(int(of.sum())) * cumulative[number, -1]
        word[of] = np.searchsorted(cumulative[number], place, side="right").clip(max=n_words - 1)
    counts = scipy.sparse.coo_matrix((np.ones(len(text)), (text, word)), shape=(n, n_words))
    return counts.tocsr()  # sums the words that occur several times in a text


def text(rng: np.random.Generator) -> Data:
    """5,000 texts of about 60 words, 4,000 of them to fit, 1,500 words, 20 topics."""
    return texts(rng, n=5_000, n_words=1_500, n_topics=20, words_per_text=60)


def text_large(rng: np.random.Generator) -> Data:
    """Short texts, 191,315 of them to fit: 5,000 words, 20 topics, 7.5 different words each, 0.15 % of the entries."""
    return texts(rng, n=239_143, n_words=5_000, n_topics=20, words_per_text=7.6)


def package_summaries(rng: np.random.Generator) -> Data:
    """Counts of the 5,000 most frequent words in the summaries of Debian's packages; needs `apt-cache`."""
    listed = subprocess.run(
        ["apt-cache", "dumpavail"], check=True, capture_output=True, text=True
    ).stdout
    summaries = sorted(set(re.findall(r"^Description: (.*)$", listed, re.MULTILINE)))
    tokens = [re.findall(r"[a-z]{3,}", summary.lower()) for summary in summaries]
    common = Counter(word for summary in tokens for word in set(summary)).most_common(5_000)
    column = {word: j for j, (word, _) in enumerate(common)}
    pairs = [(i, column[word]) for i, row in enumerate(tokens) for word in row if word in column]
    rows, columns = np.array(pairs).T
    counts = scipy.sparse.coo_matrix(
        (np.ones(len(pairs)), (rows, columns)), shape=(len(summaries), len(common))
    ).tocsr()
    return counts[counts.getnnz(axis=1) > 0]


def cells(rng: np.random.Generator) -> Data:
    """Gamma-Poisson counts of 2,000 genes in 3,000 single cells, 10 programmes."""
    n, n_genes, n_programmes = 3_000, 2_000, 10
    expression = rng.lognormal(0.0, 1.5, n_genes)
    programmes = expression * rng.lognormal(0.0, 1.0, (n_programmes, n_genes))
    programmes /= programmes.sum(axis=1, keepdims=True)
    usage = rng.dirichlet(np.full(n_programmes, 0.3), n)
    depth = rng.lognormal(np.log(3_000), 0.4, n)
    means = depth[:, None] * usage @ programmes
    shape = 4.0  # a coefficient of variation of 0.5 beyond counting
    return rng.poisson(means * rng.gamma(shape, 1 / shape, means.shape)).astype(float)


RATE = 16_000  # samples of sound a second
# First three resonances in Hz of nine English vowels, men's means (Peterson and Barney 1952).
FORMANTS = np.array(
    [[270, 2290, 3010], [390, 1990, 2550], [530, 1840, 2480], [660, 1720, 2410], [730, 1090, 2440],
     [570, 840, 2410], [440, 1020, 2240], [300, 870, 2240], [640, 1190, 2390]], dtype=float,
)  # fmt: skip


def _vowel(rng: np.random.Generator, pitch: float, tract: float, n: int) -> np.ndarray:
    """Return `n` samples of harmonics under three resonances; `tract` scales the resonances of a speaker."""
    contour = pitch * (1 + 0.1 * rng.normal() * np.linspace(-1, 1, n))
    phase = 2 * np.pi * np.cumsum(contour) / RATE
    harmonics = np.arange(1, int(7_500 / pitch))
    places = harmonics[:, None] * pitch
    resonances = tract * FORMANTS[rng.integers(len(FORMANTS))]
    widths = np.array([80.0, 110.0, 160.0])
    gain = (1 / (1 + np.square((places - resonances) / widths))) @ np.array([1.0, 0.6, 0.35])
    loudness = (gain + 0.003) / harmonics**0.5
    return loudness @ np.sin(harmonics[:, None] * phase)


def _consonant(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return `n` samples of hissing noise around 2 to 6 kHz."""
    centre = rng.uniform(2_000, 6_000)
    band = scipy.signal.butter(
        2, [0.7 * centre, min(1.3 * centre, 7_800)], "band", fs=RATE, output="sos"
    )
    return scipy.signal.sosfilt(band, rng.normal(size=n))


def speech(rng: np.random.Generator) -> Data:
    """Magnitudes of a Fourier transform, 2,500 windows of 32 ms by 257 frequencies: four voices, pauses, noise."""
    hop, n_windows = 256, 2_500
    wanted = (n_windows + 3) * hop
    voices = [(rng.uniform(90, 230), rng.uniform(0.95, 1.2)) for _ in range(4)]
    sounds: list[np.ndarray] = []
    while sum(map(len, sounds)) < wanted:
        pitch, tract = voices[rng.integers(len(voices))]
        for _ in range(rng.integers(3, 8)):
            for sound, loudness in (
                (_consonant(rng, rng.integers(800, 2_000)), 0.2),
                (_vowel(rng, pitch, tract, rng.integers(2_000, 5_000)), 1.0),
            ):
                level = loudness * rng.lognormal(0.0, 0.3) / sound.std()
                sounds.append(level * sound * scipy.signal.windows.tukey(len(sound), 0.3))
        sounds.append(np.zeros(rng.integers(2_000, 8_000)))
    signal = np.concatenate(sounds)[:wanted]
    coloured = scipy.signal.lfilter([1.0], [1.0, -0.9], rng.normal(size=len(signal)))
    noisy = signal + 0.1 * coloured / coloured.std()
    _, _, spectrum = scipy.signal.stft(noisy, RATE, nperseg=512, noverlap=512 - hop)
    return np.abs(spectrum.T[1 : n_windows + 1])


SETS: dict[str, tuple[Callable[[np.random.Generator], Data], int]] = {
    "digits": (digits, 16),
    "land": (land, 4),
    "text": (text, 20),
    "cells": (cells, 10),
    "speech": (speech, 24),
    "patches": (patches, 40),
}
LARGE: dict[str, tuple[Callable[[np.random.Generator], Data], int]] = {
    "text-large": (text_large, 20),
    "package-summaries": (package_summaries, 20),
}


def load(name: str, seed: int = REPORTED_SEED) -> Set:
    """Return a set of `SETS` or `LARGE`; the seed makes the data and chooses the rows that are held out."""
    make, k = (SETS | LARGE)[name]
    rng = np.random.default_rng(seed)
    X = make(rng)
    order = rng.permutation(X.shape[0])
    n_test = int(HELD_OUT_SHARE * len(order))
    return Set(X[np.sort(order[n_test:])], X[np.sort(order[:n_test])], k)


def alike_spectra(seed: int = REPORTED_SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return 105 spectra that resemble each other, as those of a library do, and 500 mixtures of 3 of them.

    Both in 156 bands, 0 to 1. Each spectrum is one of four materials, tilted and lit differently.
    """
    rng = np.random.default_rng(seed)
    basic = land_spectra()
    bands = np.linspace(0, 1, basic.shape[1])
    kinds = rng.integers(len(basic), size=105)
    waves = sum(
        0.1 * rng.normal(size=(105, 1)) * np.cos(np.pi * order * bands) / order
        for order in range(1, 40)
    )
    library = basic[kinds] * np.exp(waves)
    active = np.array([rng.choice(105, size=3, replace=False) for _ in range(500)])
    mixed = np.einsum("nj,njf->nf", rng.dirichlet(np.ones(3), 500), library[active])
    return library, (mixed + rng.normal(scale=0.003, size=mixed.shape)).clip(0, 1)
