"""Deep NMF for speech enhancement: unfolded multiplicative updates, trained to take the noise away.

Speech and noise each have a dictionary of magnitude spectra. Ten unfolded updates find the exposures of a noisy frame,
and the share that speech explains is the mask. Training sets the matrices of every layer and the last dictionary free
(Le Roux, Hershey and Weninger 2015, Deep NMF for speech separation). Voices and noise are synthetic.

    python examples/unrolling/speech_enhancement.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.signal import istft, lfilter, stft
from torch import Tensor, nn

from dnmf.kernels import kl_exposures, nmf_kl, successive_projection
from dnmf.unfolding import Unfolded, separate

RATE = 8000  # samples a second
FRAME, HOP = 256, 64  # samples
N_ATOMS = 24  # of speech, and as many of noise
FORMANTS = np.array(  # Hz, of nine vowels
    [
        [270, 2290, 3010],
        [390, 1990, 2550],
        [530, 1840, 2480],
        [660, 1720, 2410],
        [730, 1090, 2440],
        [570, 840, 2410],
        [440, 1020, 2240],
        [300, 870, 2240],
        [490, 1350, 1690],
    ]
)


def resonate(signal: np.ndarray, frequency: float, bandwidth: float) -> np.ndarray:
    radius = np.exp(-np.pi * bandwidth / RATE)
    pole = [1, -2 * radius * np.cos(2 * np.pi * frequency / RATE), radius**2]
    return lfilter([1 - radius], pole, signal)


def speech(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """One voice: vowels and fricatives of 80 to 250 ms with pauses."""
    pitch, size, parts, length = rng.uniform(90, 230), rng.uniform(0.9, 1.15), [], 0
    while length < seconds * RATE:
        n = int(RATE * rng.uniform(0.08, 0.25))
        if rng.uniform() < 0.65:
            glide = pitch * np.linspace(rng.uniform(0.85, 1.2), rng.uniform(0.85, 1.2), n)
            phase = np.cumsum(glide) / RATE
            sound = np.diff(np.floor(phase), prepend=0.0)
            for frequency, bandwidth in zip(
                FORMANTS[rng.integers(9)] * size, (80, 110, 160), strict=True
            ):
                sound = resonate(sound, frequency, bandwidth)
        else:
            sound = 0.3 * resonate(rng.normal(size=n), rng.uniform(2500, 3600), 900)
        sound = sound * np.hanning(n) / max(sound.std(), 1e-9) * rng.uniform(0.4, 1.0)
        pause = np.zeros(int(RATE * rng.uniform(0, 0.12)))
        parts += [sound, pause]
        length += n + len(pause)
    return np.concatenate(parts)[: int(seconds * RATE)]


def noise(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A machine hall: coloured bands that swell and fade, a hum with overtones, knocks."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    total = np.zeros(n)
    for frequency in rng.uniform(200, 3800, size=6):
        swell = 1 + 0.9 * np.sin(2 * np.pi * rng.uniform(0.2, 3) * t + rng.uniform(0, 6))
        total += 3 * swell * resonate(rng.normal(size=n), frequency, rng.uniform(200, 800))
    hum = rng.uniform(80, 140)
    total += sum(np.sin(2 * np.pi * hum * h * t) / h for h in range(1, 8)) * 0.4
    knocks = (rng.uniform(size=n) < 4 / RATE) * rng.normal(size=n) * 40
    return total + resonate(knocks, rng.uniform(800, 2500), 60)


def mixtures(n: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of speech and noise, three seconds each, equally loud."""
    pairs = []
    for _ in range(n):
        voice, hall = speech(3, rng), noise(3, rng)
        pairs.append((voice / voice.std(), hall / hall.std()))
    return pairs


def spectrum(signal: np.ndarray) -> np.ndarray:
    return stft(signal, nperseg=FRAME, noverlap=FRAME - HOP)[2].T


def magnitudes(signals: list[np.ndarray]) -> Tensor:
    return torch.tensor(np.concatenate([np.abs(spectrum(signal)) for signal in signals]))


def learned_atoms(X: Tensor) -> Tensor:
    """The dictionary of the louder frames by Kullback-Leibler NMF; spectra sum to 1."""
    X = X[X.sum(dim=1) > 0.01 * X.sum(dim=1).max()]
    return nmf_kl(X, successive_projection(X, N_ATOMS), max_iter=30).W


class DeepNMF(nn.Module):
    """What speech contributes to the magnitudes of noisy frames."""

    def __init__(self, W: Tensor, n_layers: int = 10) -> None:
        super().__init__()
        self.unfolded = Unfolded.from_dictionary(W, n_layers, layer="kl")
        self.last = nn.Parameter(W.clone())

    def forward(self, X: Tensor) -> Tensor:
        return separate(X, self.unfolded(X), self.last, (N_ATOMS, N_ATOMS))[0]

    def project_nonnegative_(self) -> None:
        self.unfolded.project_nonnegative_()
        self.last.data.clamp_(min=0)


def train(network: DeepNMF, noisy: Tensor, clean: Tensor, epochs: int) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(noisy), generator=order).split(256):
            optimiser.zero_grad()
            (network(noisy[rows]) - clean[rows]).square().mean().backward()
            optimiser.step()
            network.project_nonnegative_()


def distortion(voice: np.ndarray, estimate: np.ndarray) -> float:
    """Signal to distortion ratio in dB."""
    return 10 * np.log10(np.square(voice).sum() / np.square(voice - estimate).sum())


def main(
    n_training: int = 24, epochs: int = 20, picture: Path = Path("speech_enhancement.png")
) -> dict[str, float]:
    """Return the gain in signal to distortion ratio on voices and noise never heard, in dB."""
    rng = np.random.default_rng(0)
    heard, unheard = mixtures(n_training, rng), mixtures(8, rng)
    voices, halls = zip(*heard, strict=True)
    W = torch.cat([learned_atoms(magnitudes(part)) for part in (voices, halls)])
    noisy = magnitudes([voice + hall for voice, hall in heard])
    untrained, trained = DeepNMF(W), DeepNMF(W)
    train(trained, noisy, magnitudes(voices), epochs)

    methods = {
        "ten classic updates": untrained,
        "exact exposures": lambda X: separate(X, kl_exposures(X, W).H, W, (N_ATOMS, N_ATOMS))[0],
        "Deep NMF, ten layers": trained,
    }
    gains: dict[str, list[float]] = {name: [] for name in methods}
    for voice, hall in unheard:
        mixed = spectrum(voice + hall)
        for name, method in methods.items():
            with torch.no_grad():
                magnitude = method(torch.tensor(np.abs(mixed))).numpy()
            enhanced = magnitude * np.exp(1j * np.angle(mixed))
            estimate = istft(enhanced.T, nperseg=FRAME, noverlap=FRAME - HOP)[1][: len(voice)]
            gains[name].append(distortion(voice, estimate) - distortion(voice, voice + hall))
    means = {name: float(np.mean(values)) for name, values in gains.items()}
    for name, gain in means.items():
        print(f"{name:22} SDR gain {gain:5.2f} dB")

    figure, axes = plt.subplots(3, 1, figsize=(8, 7), sharex=True, layout="constrained")
    shown = {"noisy": mixed, "Deep NMF": enhanced, "clean": spectrum(voice)}
    for ax, (title, frames) in zip(axes, shown.items(), strict=True):
        ax.imshow(
            20 * np.log10(np.abs(frames).T + 1e-4),
            origin="lower",
            aspect="auto",
            extent=(0, 3, 0, RATE / 2000),
            vmin=-60,
            vmax=0,
            cmap="magma",
        )
        ax.set(title=title, ylabel="kHz")
    axes[-1].set_xlabel("seconds")
    figure.savefig(picture, dpi=120)
    plt.close(figure)
    return means


if __name__ == "__main__":
    main()
