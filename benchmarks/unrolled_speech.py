"""Enhancement of synthetic speech by unrolled networks, beside exact solutions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import unrolled_tasks as tasks
from dnmf.kernels import exact_exposures, kl_exposures, nmf_kl
from dnmf.unfolding import (
    BlindRule,
    DeepNMFLayer,
    Factors,
    UnfoldedNMF,
    separate,
)
from unrolled_protocol import (
    ATOMS,
    BATCH,
    CHOICE_DEPTH,
    KNOWN_RULES,
    SCHEDULES,
    SPEECH_RULES,
    TEST,
    Result,
    Row,
    train,
    tuned,
)


@dataclass(frozen=True)
class Mixtures:
    """Voices and noises at 0 dB, and dictionaries found in other voices and noises."""

    W: Tensor
    X: Tensor
    voice: Tensor
    test: list[tuple[np.ndarray, np.ndarray]]


def mixtures(seed: int) -> Mixtures:
    """Twenty pairs to train on, ten to test."""
    pairs = tasks.speech(seed, 20)
    voices, mixed = (
        torch.from_numpy(np.abs(np.concatenate([tasks.frames(part(p)) for p in pairs])))
        for part in (lambda p: p[0], lambda p: p[0] + p[1])
    )
    noises = torch.from_numpy(np.abs(np.concatenate([tasks.frames(p[1]) for p in pairs])))
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for sounds, k in zip((voices, noises), ATOMS, strict=True):
        rows = torch.randperm(len(sounds), generator=generator)[:k]
        parts.append(nmf_kl(sounds, sounds[rows] + 1e-3 * sounds.mean(), max_iter=100).W)
    return Mixtures(torch.cat(parts), mixed, voices, tasks.speech(1000 + seed, 10))


def voice_of(found: Factors, X: Tensor) -> Tensor:
    """The voice's share of the magnitudes."""
    return separate(X, found.H, found.W, ATOMS)[0]


def gain(task: Mixtures, answer: Callable[[Tensor], Factors]) -> Result:
    """Mean gain of the ratio of signal to distortion, in dB, as a negative error; the phase is the mixture's."""
    gains = []
    for voice, noise in task.test:
        spectrum = tasks.frames(voice + noise)
        magnitude = torch.from_numpy(np.abs(spectrum))
        with torch.no_grad():
            estimate = voice_of(answer(magnitude), magnitude).numpy()
        sound = tasks.sound_of(estimate * np.exp(1j * np.angle(spectrum)), len(voice))
        gains.append(tasks.gain_in_decibel(sound, voice, voice + noise))
    return {"error": -float(np.mean(gains))}


def speech_network(rule: str, W: Tensor, n_layers: int) -> UnfoldedNMF:
    """A network of the exposures, and a dictionary of its own to rebuild the voice."""
    layer = DeepNMFLayer if rule == "deep-nmf" else KNOWN_RULES[rule]
    exposures = BlindRule(layer.from_dictionary)
    return UnfoldedNMF.from_dictionary(W, n_layers, rule=exposures, learn_start=True)


def trained_speech(seed: int, rule: str, n_layers: int, rate: float) -> Result:
    """Train on the masked magnitudes, frame by frame."""
    task = mixtures(seed)
    network = speech_network(rule, task.W, n_layers)
    generator = torch.Generator().manual_seed(seed)

    def loss_of() -> Tensor:
        rows = torch.randint(len(task.X), (BATCH,), generator=generator)
        X, voice = task.X[rows], task.voice[rows]
        return (voice_of(network(X), X) - voice).square().sum() / voice.square().sum()

    seconds = train(network, loss_of, rate)
    return {**gain(task, network), "train_seconds": seconds}


def speech(_: Path) -> Iterator[Row]:
    """Enhancement of synthetic voices: `error` is minus the gain in dB."""
    for seed in TEST["speech"]:
        task = mixtures(seed)
        here = partial(Row, "speech", "test", "speech", seed)

        def solved(
            solver: Callable[[Tensor, Tensor], Tensor], W: Tensor = task.W
        ) -> Callable[[Tensor], Factors]:
            return lambda X: Factors(solver(X, W), W)

        yield here("exact", None, False, **gain(task, solved(exact_exposures)))
        yield here(
            "exact Poisson", None, False, **gain(task, solved(lambda X, W: kl_exposures(X, W).H))
        )
        for rule, depth in product(SPEECH_RULES, (10, 100)):
            yield here(rule, depth, False, **gain(task, speech_network(rule, task.W, depth)))
    for rule in SPEECH_RULES:
        yield from tuned(
            ("speech", "speech", rule),
            lambda seed, depth, rate, schedule, rule=rule: trained_speech(seed, rule, depth, rate),
            depths=(CHOICE_DEPTH,),
            schedules=SCHEDULES[:1],
        )
