"""
Speech enhancement by Deep NMF
==============================

Speech and noise each have a dictionary of magnitude spectra. Ten unfolded updates find the exposures of a noisy frame,
and the share that speech explains is the mask. Training sets the matrices of every layer and the last dictionary free
(Deep NMF: Le Roux, Hershey and Weninger 2015). Voices and noise are synthetic.
"""

# %%
# Sounds
# ------
# A voice is a row of vowels and fricatives of 80 to 250 ms with pauses. The noise is that of a machine hall: bands that
# swell and fade, a hum with overtones, knocks.

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.signal import istft, lfilter, stft
from torch import nn

from dnmf import DNMF
from dnmf.kernels import kl_exposures
from dnmf.unfolding import Unfolded, fit, separate

N_TRAINING, N_TEST, EPOCHS = 16, 6, 12
RATE = 8000  # samples a second
SECONDS = 3
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


def resonate(signal, frequency, bandwidth):
    radius = np.exp(-np.pi * bandwidth / RATE)
    pole = [1, -2 * radius * np.cos(2 * np.pi * frequency / RATE), radius**2]
    return lfilter([1 - radius], pole, signal)


def speech(rng):
    pitch, size, parts, length = rng.uniform(90, 230), rng.uniform(0.9, 1.15), [], 0
    while length < SECONDS * RATE:
        n = int(RATE * rng.uniform(0.08, 0.25))
        if rng.uniform() < 0.65:
            glide = pitch * np.linspace(rng.uniform(0.85, 1.2), rng.uniform(0.85, 1.2), n)
            sound = np.diff(np.floor(np.cumsum(glide) / RATE), prepend=0.0)
            vowel = FORMANTS[rng.integers(9)] * size
            for frequency, bandwidth in zip(vowel, (80, 110, 160), strict=True):
                sound = resonate(sound, frequency, bandwidth)
        else:
            sound = 0.3 * resonate(rng.normal(size=n), rng.uniform(2500, 3600), 900)
        sound = sound * np.hanning(n) / max(sound.std(), 1e-9) * rng.uniform(0.4, 1.0)
        pause = np.zeros(int(RATE * rng.uniform(0, 0.12)))
        parts += [sound, pause]
        length += n + len(pause)
    return np.concatenate(parts)[: SECONDS * RATE]


def noise(rng):
    n = SECONDS * RATE
    t = np.arange(n) / RATE
    total = np.zeros(n)
    for frequency in rng.uniform(200, 3800, size=6):
        swell = 1 + 0.9 * np.sin(2 * np.pi * rng.uniform(0.2, 3) * t + rng.uniform(0, 6))
        total += 3 * swell * resonate(rng.normal(size=n), frequency, rng.uniform(200, 800))
    hum = rng.uniform(80, 140)
    total += sum(np.sin(2 * np.pi * hum * h * t) / h for h in range(1, 8)) * 0.4
    knocks = (rng.uniform(size=n) < 4 / RATE) * rng.normal(size=n) * 40
    return total + resonate(knocks, rng.uniform(800, 2500), 60)


def mixtures(n, rng):
    """Pairs of voice and noise, equally loud."""
    pairs = [(speech(rng), noise(rng)) for _ in range(n)]
    return [(voice / voice.std(), hall / hall.std()) for voice, hall in pairs]


def spectrum(signal):
    return stft(signal, nperseg=FRAME, noverlap=FRAME - HOP)[2].T  # (frames, frequencies)


def magnitudes(signals):
    return torch.tensor(np.concatenate([np.abs(spectrum(signal)) for signal in signals]))


rng = np.random.default_rng(0)
heard, unheard = mixtures(N_TRAINING, rng), mixtures(N_TEST, rng)
voices, halls = zip(*heard, strict=True)

# %%
# A dictionary of each
# --------------------
# The spectra of the louder frames, by Kullback-Leibler factorisation with :class:`dnmf.DNMF`.


def learned_atoms(signals):
    X = magnitudes(signals)
    X = X[X.sum(dim=1) > 0.01 * X.sum(dim=1).max()]
    model = DNMF(N_ATOMS, layer="kl", init="separable", tol=1e-2)
    return torch.tensor(model.fit(X.numpy()).components_)


W = torch.cat([learned_atoms(voices), learned_atoms(halls)])

# %%
# The network
# -----------
# :class:`dnmf.unfolding.Unfolded` finds the exposures, :func:`dnmf.unfolding.separate` gives each frame's share of
# speech, by a last dictionary of its own. The loss is the distance to the clean magnitudes.


class DeepNMF(nn.Module):
    def __init__(self, W, n_layers=10):
        super().__init__()
        self.unfolded = Unfolded.from_dictionary(W, n_layers, layer="kl")
        self.last = nn.Parameter(W.clone())

    def forward(self, X):
        return separate(X, self.unfolded(X), self.last, (N_ATOMS, N_ATOMS))[0]

    def project_nonnegative_(self):
        self.unfolded.project_nonnegative_()
        self.last.data.clamp_(min=0)


untrained, trained = DeepNMF(W), DeepNMF(W)
noisy, clean = magnitudes([voice + hall for voice, hall in heard]), magnitudes(voices)
order = torch.randperm(len(noisy), generator=torch.Generator().manual_seed(0))
batches = [(noisy[rows], clean[rows]) for rows in order.split(256)]
history = fit(
    trained,
    batches,
    lambda voice, batch: (voice - batch[1]).square().mean(),
    epochs=EPOCHS,
    optimizer=lambda weights: torch.optim.Adam(weights, lr=3e-3),
)

# %%
# Voices and noise never heard
# ----------------------------
# The gain of the ratio of signal to distortion, mean over the test mixtures. Ten classic updates are the network before
# training. Exact exposures are the limit of classic updates.


def distortion_ratio(voice, estimate):
    """Signal to distortion, dB."""
    return 10 * np.log10(np.square(voice).sum() / np.square(voice - estimate).sum())


def exact(X):
    return separate(X, kl_exposures(X, W).H, W, (N_ATOMS, N_ATOMS))[0]


methods = {"ten classic updates": untrained, "exact exposures": exact, "Deep NMF": trained}
gains = {}
for name, method in methods.items():
    values = []
    for voice, hall in unheard:
        mixed = spectrum(voice + hall)
        with torch.no_grad():
            magnitude = method(torch.tensor(np.abs(mixed))).numpy()
        enhanced = magnitude * np.exp(1j * np.angle(mixed))
        estimate = istft(enhanced.T, nperseg=FRAME, noverlap=FRAME - HOP)[1][: len(voice)]
        values.append(distortion_ratio(voice, estimate) - distortion_ratio(voice, voice + hall))
    gains[name] = float(np.mean(values))
    print(f"{name:20} gain {gains[name]:5.2f} dB")

# %%
# The last test mixture.

shown = {"noisy": mixed, "Deep NMF": enhanced, "clean": spectrum(voice)}
figure, axes = plt.subplots(3, 1, figsize=(8, 7), sharex=True, layout="constrained")
for ax, (title, frames) in zip(axes, shown.items(), strict=True):
    decibels = 20 * np.log10(np.abs(frames).T + 1e-4)
    extent = (0, SECONDS, 0, RATE / 2000)
    image = ax.imshow(
        decibels, "magma", vmin=-60, vmax=0, extent=extent, origin="lower", aspect="auto"
    )
    ax.set(title=title, ylabel="frequency / kHz")
axes[-1].set_xlabel("time / s")
figure.colorbar(image, ax=axes, label="magnitude / dB")
plt.show()

# %%
# Synthetic voices compare methods; they do not place them among today's enhancement. Published rules side by side on
# other sounds: :doc:`/explanation/unrolled`. Training loops: :doc:`/unrolling/training`.
