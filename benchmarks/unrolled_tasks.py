"""The problems of `unrolled.py`: data with known factors, drawn from a seed. Samples are rows: X = H W."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.signal
import torch
from torch import Tensor

from paper.datasets import folds, load_dataset

Array = np.ndarray
# Of the toy of Cohen's page on NALMU: components, features, training samples, test samples, noise.
TOY = {"k": 5, "f": 20, "train": 500, "test": 40, "noise": 0.1}
BANDS, ENDMEMBERS, PIXELS = 120, 3, 2000
# A cube's spectra differ from the library's by 10 % in each component and band, a toy's by 20 %.
BLIND = {"blind toy": 0.2, "blind unmixing": 0.1}
BLIND_PROBLEMS, BLIND_SAMPLES = 32, 40
PAPER_SET, PAPER_COUNT = "many.types_sa.sa.96", 500
RATE, WINDOW = 8000, 256


@dataclass(frozen=True)
class Task:
    """Samples whose exposures are known, for a known dictionary.

    Attributes
    ----------
    W : (k, f)
        The dictionary.
    X, H, X_test, H_test
        Training and test samples.
    W_other, X_other, H_other
        Test samples of another dictionary, which training never saw; None: there is none.
    sum_to_one : bool
        Whether the exposures of a sample sum to 1.
    """

    W: Tensor
    X: Tensor
    H: Tensor
    X_test: Tensor
    H_test: Tensor
    W_other: Tensor | None = None
    X_other: Tensor | None = None
    H_other: Tensor | None = None
    sum_to_one: bool = False


@dataclass(frozen=True)
class BlindTask:
    """Problems ``X (b, n, f)``, each with a dictionary of its own near a common one, ``W_mean``."""

    W_mean: Tensor
    X: Tensor
    H: Tensor
    W: Tensor
    X_test: Tensor
    H_test: Tensor
    W_test: Tensor


def _tensors(*arrays: Array) -> list[Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]


def toy(seed: int) -> Task:
    """The toy of the NALMU authors: https://cohenjer.github.io/HDR/part2/Fast_algorithms_for_rLRA/UnrolledNMF.html.

    ``W`` uniform in (0, 1); exposures normal around a mean that is uniform in (0, 50), those of the test uniform in an
    interval of length 1 above it. The other dictionary is a new draw, with the same exposures.
    """
    rng = np.random.default_rng(seed)
    k, f = TOY["k"], TOY["f"]
    mean = 50 * rng.random(k)
    W, W_other = rng.random((k, f)), rng.random((k, f))
    H = np.abs(mean + rng.normal(size=(TOY["train"], k)))
    H_test = mean + rng.random((TOY["test"], k))

    def observed(H: Array, W: Array) -> Array:
        return np.maximum(H @ W + TOY["noise"] * rng.normal(size=(len(H), f)), 0)

    X, X_test, X_other = observed(H, W), observed(H_test, W), observed(H_test, W_other)
    return Task(*_tensors(W, X, H, X_test, H_test, W_other, X_other, H_test))


def spectra(rng: np.random.Generator, n: int) -> Array:
    """Smooth reflectances between 0 and 1, as alike as those of a library: a common slope and broad bands."""
    wavelength = np.linspace(0, 1, BANDS)
    common = 0.25 + 0.3 * wavelength
    bands = np.zeros((n, BANDS))
    for _ in range(6):
        centre, width = rng.random((n, 1)), rng.uniform(0.05, 0.2, (n, 1))
        bands += rng.normal(0, 0.12, (n, 1)) * np.exp(-(((wavelength - centre) / width) ** 2))
    return np.clip(common + bands, 0.02, 1)


def unmixing(seed: int, *, gain: float = 0.0) -> Task:
    """Abundances from a flat Dirichlet distribution, 20 dB of white noise, each pixel's brightness within ``gain``."""
    rng = np.random.default_rng(seed)
    W, W_other = spectra(rng, ENDMEMBERS), spectra(rng, ENDMEMBERS)

    def draw(W: Array) -> tuple[Array, Array]:
        H = rng.dirichlet(np.ones(ENDMEMBERS), PIXELS)
        clean = (1 + gain * rng.normal(size=(PIXELS, 1))).clip(0.1) * (H @ W)
        return np.maximum(clean + _noise(rng, clean, 20), 0), H

    X, H = draw(W)
    X_test, H_test = draw(W)
    X_other, H_other = draw(W_other)
    return Task(*_tensors(W, X, H, X_test, H_test, W_other, X_other, H_other), sum_to_one=True)


def _noise(rng: np.random.Generator, clean: Array, decibel: float) -> Array:
    size = np.sqrt(np.mean(clean**2)) * 10 ** (-decibel / 20)
    noise: Array = size * rng.normal(size=clean.shape)
    return noise


def paper_set(data: Path, seed: int) -> Task:
    """One of the paper's simulated sets, with Poisson noise of few mutations; shares of exposures, and of counts."""
    found = load_dataset(data, PAPER_SET)
    assert found.exposures is not None
    assert found.signatures is not None
    rng = np.random.default_rng(seed)
    train, test = list(folds(found.X))[seed % 5]
    H = found.exposures / found.exposures.sum(axis=1, keepdims=True)
    X = rng.poisson(PAPER_COUNT * (H @ found.signatures)) / PAPER_COUNT
    return Task(*_tensors(found.signatures, X[train], H[train], X[test], H[test]))


def blind(name: str, seed: int) -> BlindTask:
    """Problems whose dictionaries vary around one; exposures differ between samples, as a factorisation needs."""
    rng = np.random.default_rng(seed)
    is_toy = name == "blind toy"
    mean = rng.random((TOY["k"], TOY["f"])) if is_toy else spectra(rng, ENDMEMBERS)
    k, f = mean.shape

    def draw() -> list[Array]:
        shape = (BLIND_PROBLEMS, BLIND_SAMPLES)
        bumps = rng.normal(size=(BLIND_PROBLEMS, k, f))
        if not is_toy:
            bumps = scipy.ndimage.gaussian_filter1d(bumps, 8, axis=2)
            bumps /= bumps.std()
        W = mean * np.exp(BLIND[name] * bumps)
        if is_toy:
            H = rng.gamma(1.0, 25.0, (*shape, k)) * (rng.random((*shape, k)) < 0.7)
            X = H @ W + TOY["noise"] * rng.normal(size=(*shape, f))
        else:
            H = rng.dirichlet(np.ones(k), shape)
            X = H @ W + _noise(rng, H @ W, 30)
        return [np.maximum(X, 0), H, W]

    return BlindTask(*_tensors(mean, *draw(), *draw()))


# ── speech ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def voice(rng: np.random.Generator, seconds: float = 2.0) -> Array:
    """A synthetic voice: a gliding pitch through three moving resonances, hisses between syllables, pauses."""
    n = int(RATE * seconds)
    sound, at = np.zeros(n), 0
    pitch = rng.uniform(90, 230)
    while at < n:
        length = int(RATE * rng.uniform(0.08, 0.25))
        t = np.arange(length) / RATE
        if rng.random() < 0.7:
            glide = pitch * (1 + 0.1 * rng.normal() * t / t[-1]) * rng.uniform(0.9, 1.1)
            source = scipy.signal.sawtooth(2 * np.pi * np.cumsum(glide) / RATE)
            formants = rng.uniform((250, 800, 2200), (850, 2200, 3200))
        else:
            source, formants = 0.4 * rng.normal(size=length), rng.uniform((2000, 2500, 3000), 3700)
        piece = np.zeros(length)
        for formant in formants:
            b, a = scipy.signal.iirpeak(formant, formant / 120, fs=RATE)
            piece += scipy.signal.lfilter(b, a, source)
        piece *= np.hanning(length) * rng.uniform(0.5, 1)
        end = min(at + length, n)
        sound[at:end] += piece[: end - at]
        at += length + int(RATE * rng.exponential(0.04))
    return sound / sound.std()


def noise(rng: np.random.Generator, seconds: float = 2.0) -> Array:
    """Coloured noise that swells, with the hum of a machine and clatter."""
    n = int(RATE * seconds)
    t = np.arange(n) / RATE
    low = scipy.signal.butter(2, rng.uniform(400, 1500), fs=RATE)
    hiss = scipy.signal.lfilter(*low, rng.normal(size=n)) * (
        1.2 + np.sin(2 * np.pi * t * rng.uniform(0.3, 2))
    )
    base = rng.uniform(100, 300)
    hum = sum(np.sin(2 * np.pi * base * h * t) / h for h in range(1, 8))
    clatter = np.zeros(n)
    for at in rng.integers(0, n - 400, 12):
        clatter[at : at + 400] += rng.normal(size=400) * np.exp(-np.arange(400) / 80)
    parts = [part / part.std() for part in (hiss, hum, clatter)]
    sound = sum(rng.uniform(0.3, 1) * part for part in parts)
    return sound / np.std(sound)


def frames(sound: Array) -> Array:
    """The short-time spectrum, one frame a row."""
    found: Array = scipy.signal.stft(sound, RATE, nperseg=WINDOW)[2].T
    return found


def sound_of(spectrum: Array, n: int) -> Array:
    """The inverse of `frames`."""
    found: Array = scipy.signal.istft(spectrum.T, RATE, nperseg=WINDOW)[1][:n]
    return found


def speech(seed: int, n: int) -> list[tuple[Array, Array]]:
    """Pairs of a voice and a noise of the same loudness: mixtures at 0 dB."""
    rng = np.random.default_rng(seed)
    return [(voice(rng), noise(rng)) for _ in range(n)]


def gain_in_decibel(estimate: Array, clean: Array, mixture: Array) -> float:
    """By how much an estimate is nearer to the clean voice than the mixture is: ratio of signal to distortion."""

    def ratio(sound: Array) -> float:
        return float(10 * np.log10(np.sum(clean**2) / np.sum((sound - clean) ** 2)))

    return ratio(estimate) - ratio(mixture)
