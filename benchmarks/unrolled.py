"""Unrolled NMF, side by side: layers against error, with known dictionaries, with unknown ones, and on speech.

python benchmarks/unrolled.py --data DIR [--part known|blind|speech]

Learning rates and the weights of the layers' losses are chosen on `CHOICE` seeds, the figures are of other seeds.
"""

import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import RidgeCV
from threadpoolctl import threadpool_limits
from torch import Tensor

import unrolled_tasks as tasks
from dnmf.kernels import exact_exposures, kl_exposures, nmf_anls, nmf_kl
from dnmf.kernels.alternating import Phase
from dnmf.unfolding import (
    LAYERS,
    BlindRule,
    DeepNMFLayer,
    ExactNNLS,
    Factors,
    NALMULayer,
    PALMLayer,
    UnfoldedLayer,
    UnfoldedNMF,
    factor_loss,
    separate,
)
from dnmf.unfolding.training import take_step
from paper.run import provenance
from protocol import parser

DEPTHS, CHOICE_DEPTH = (5, 10, 20), 10
CHOICE = (100,)
# Nothing was chosen on these.
TEST = {"known": (3, 4, 5), "blind": (0, 1), "speech": (0, 1)}
STEPS, BATCH = 300, 200
RATES = {
    "known": (1e-4, 1e-3, 1e-2, 1e-1),
    "blind": (1e-4, 1e-3, 1e-2),
    "speech": (1e-4, 1e-3, 1e-2),
}
# Weights of the layers' losses: the last layer alone, or all, growing as on Cohen's page.
SCHEDULES = ("last", "all")
CLASSIC_DEPTHS = (5, 10, 20, 100)
# A channel of this size that is 1 for every component: with it least squares nearly makes exposures sum to 1.
SUM_CHANNEL = 1.0

KNOWN_RULES: dict[str, type[UnfoldedLayer]] = {
    "mu": LAYERS["mu"],
    "nalmu": NALMULayer,
    "projected-gradient": LAYERS["projected-gradient"],
    "palm": PALMLayer,
    "admm": LAYERS["admm"],
}
SUM = " + sum"
BLIND_METHODS = ("nalmu", "weighted-mu", "palm", "lp-palm", "admm")
SPEECH_RULES = ("deep-nmf", "nalmu", "mu", "palm", "admm")
# Of voice and noise.
ATOMS = (24, 16)


Result = dict[str, float | None]


@dataclass(frozen=True)
class Row:
    """One cell of the table; see the page for what the columns hold."""

    part: str
    seeds: str
    task: str
    seed: int
    method: str
    layers: int | None
    trained: bool
    error: float
    rate: float | None = None
    schedule: str = ""
    dictionary_error: float | None = None
    other_error: float | None = None
    train_seconds: float = 0.0


def relative(found: Tensor, true: Tensor) -> float:
    """The error in the unit of the truth."""
    return ((found - true).norm() / true.norm()).item()


def depths_of(task: str) -> tuple[int, ...]:
    """The depths of trained networks: several where the page shows error against layers."""
    return DEPTHS if "toy" in task else (CHOICE_DEPTH,)


def layer_weights(schedule: str, n_layers: int) -> list[float]:
    """Weights of the layers' losses, the last one 1."""
    if schedule == "last":
        return [0.0] * (n_layers - 1) + [1.0]
    return torch.logspace(-7, 0, n_layers).tolist()


def train(network: torch.nn.Module, loss_of: Callable[[], Tensor], rate: float) -> float:
    """Adam with a constant rate; return the seconds of processor time."""
    started = time.process_time()
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(STEPS):
        take_step(network, loss_of(), optimiser)
    return time.process_time() - started


def tuned(
    names: tuple[str, str, str],
    run: Callable[[int, int | None, float, str], Result],
    *,
    depths: tuple[int | None, ...] = DEPTHS,
    schedules: tuple[str, ...] = SCHEDULES,
) -> Iterator[Row]:
    """Choose rate and schedule at one depth, on the seeds for it; then yield the results of the others."""
    part, task, method = names
    choice_depth = CHOICE_DEPTH if CHOICE_DEPTH in depths else None

    def row(seeds: str, seed: int, depth: int | None, rate: float, schedule: str) -> Row:
        try:
            result = run(seed, depth, rate, schedule)
        except (FloatingPointError, ValueError):  # diverged: the solvers refuse what is not finite
            result = {"error": float("inf")}
        return Row(
            part, seeds, task, seed, method, depth, True, rate=rate, schedule=schedule, **result
        )

    def tried(rate: float, schedule: str) -> tuple[float, list[Row]]:
        found = [row("choice", seed, choice_depth, rate, schedule) for seed in CHOICE]
        total = np.mean([r.error + (r.dictionary_error or 0) for r in found])
        return float(np.nan_to_num(total, nan=np.inf)), found

    # The rate first, with the loss of the last layer alone; then the other schedules at this rate.
    lowest, chosen = np.inf, (RATES[part][0], schedules[0])
    for rate in RATES[part]:
        total, found = tried(rate, schedules[0])
        yield from found
        lowest, chosen = min((lowest, chosen), (total, (rate, schedules[0])))
    for schedule in schedules[1:]:
        total, found = tried(chosen[0], schedule)
        yield from found
        lowest, chosen = min((lowest, chosen), (total, (chosen[0], schedule)))
    for seed, depth in product(TEST[part], depths):
        yield row("test", seed, depth, *chosen)


# ── known dictionaries ───────────────────────────────────────────────────────────────────────────────────────────────


def known_tasks(data: Path) -> dict[str, Callable[[int], tasks.Task]]:
    """The tasks by name."""
    return {
        "toy": tasks.toy,
        "unmixing": tasks.unmixing,
        "unmixing, gain varies": partial(tasks.unmixing, gain=0.2),
        "paper's set": partial(tasks.paper_set, data),
    }


def with_channel(task: tasks.Task) -> tasks.Task:
    """The task with one more channel: 1 in every sample and component."""
    names = ("W", "X", "X_test", "W_other", "X_other")
    found = {name: getattr(task, name) for name in names if getattr(task, name) is not None}
    return replace(
        task,
        **{
            n: torch.cat([v, v.new_full((len(v), 1), SUM_CHANNEL)], dim=1) for n, v in found.items()
        },
    )


def as_it_is(task: tasks.Task) -> tasks.Task:
    """The task."""
    return task


def network_of(rule: str, W: Tensor, n_layers: int) -> UnfoldedNMF:
    """A network of the exposures alone: no layer changes the dictionary."""
    exposures = BlindRule(KNOWN_RULES[rule].from_dictionary)
    return UnfoldedNMF.from_dictionary(W, n_layers, rule=exposures)


def judged(network: UnfoldedNMF, task: tasks.Task) -> Result:
    """Errors of new samples, and of samples of the other dictionary, given to the network without training."""
    with torch.no_grad():
        error = relative(network(task.X_test).H, task.H_test)
        if task.W_other is None:
            return {"error": error}
        before = network.W0
        network.W0 = task.W_other
        other = relative(network(task.X_other).H, task.H_other)
        network.W0 = before
    return {"error": error, "other_error": other}


def trained_network(
    task: tasks.Task, rule: str, n_layers: int, rate: float, schedule: str, seed: int
) -> Result:
    """Train a network on the pairs of a task and judge it."""
    network = network_of(rule, task.W, n_layers)
    weights = layer_weights(schedule, n_layers)
    generator = torch.Generator().manual_seed(seed)

    def loss_of() -> Tensor:
        rows = torch.randint(len(task.X), (BATCH,), generator=generator)
        true = task.H[rows]
        found = network.iterates(task.X[rows])[1:]
        errors = [
            v * (pair.H - true).square().sum() for v, pair in zip(weights, found, strict=True) if v
        ]
        return torch.stack(errors).sum() / true.square().sum()

    seconds = train(network, loss_of, rate)
    return {**judged(network, task), "train_seconds": seconds}


def trained_exact(task: tasks.Task, rate: float, seed: int) -> Result:
    """The exact solution as a layer, its dictionary learned; what it learned is bound to its dictionary."""
    layer = ExactNNLS(task.W)
    generator = torch.Generator().manual_seed(seed)

    def loss_of() -> Tensor:
        rows = torch.randint(len(task.X), (BATCH,), generator=generator)
        return (layer(task.X[rows]) - task.H[rows]).square().sum() / task.H[rows].square().sum()

    seconds = train(layer, loss_of, rate)
    with torch.no_grad():
        return {"error": relative(layer(task.X_test), task.H_test), "train_seconds": seconds}


def exact(task: tasks.Task) -> Result:
    """Non-negative least squares, as the solver gives it."""
    result: Result = {"error": relative(exact_exposures(task.X_test, task.W), task.H_test)}
    if task.W_other is not None:
        found = exact_exposures(task.X_other, task.W_other)
        result["other_error"] = relative(found, task.H_other)
    return result


def ridge(task: tasks.Task) -> Result:
    """Linear regression of exposures on samples, negative ones set to 0."""
    started = time.process_time()
    model = RidgeCV(np.logspace(-6, 2, 9)).fit(task.X.numpy(), task.H.numpy())
    seconds = time.process_time() - started
    found = torch.from_numpy(model.predict(task.X_test.numpy())).clamp(min=0)
    return {"error": relative(found, task.H_test), "train_seconds": seconds}


def known(data: Path) -> Iterator[Row]:
    """All methods for known dictionaries."""
    for name, draw in known_tasks(data).items():
        for suffix in ("", SUM) if draw(CHOICE[0]).sum_to_one else ("",):
            prepare = with_channel if suffix else as_it_is
            for seed in TEST["known"]:
                task = prepare(draw(seed))
                here = partial(Row, "known", "test", name, seed)
                yield here("exact" + suffix, None, False, **exact(task))
                if not suffix:
                    yield here("ridge", None, True, **ridge(task))
                for rule, depth in product(KNOWN_RULES, CLASSIC_DEPTHS):
                    found = judged(network_of(rule, task.W, depth), task)
                    yield here(rule + suffix, depth, False, **found)
            for rule in KNOWN_RULES:
                yield from tuned(
                    ("known", name, rule + suffix),
                    lambda seed, depth, rate, schedule, rule=rule, prepare=prepare, draw=draw: (
                        trained_network(prepare(draw(seed)), rule, depth, rate, schedule, seed)
                    ),
                    depths=depths_of(name),
                )
            yield from tuned(
                ("known", name, "exact" + suffix),
                lambda seed, depth, rate, schedule, prepare=prepare, draw=draw: trained_exact(
                    prepare(draw(seed)), rate, seed
                ),
                depths=(None,),
                schedules=SCHEDULES[:1],
            )


# ── unknown dictionaries ─────────────────────────────────────────────────────────────────────────────────────────────


def unit_rows(pair: Factors) -> Factors:
    """The same factorisation with a dictionary whose rows sum to 1."""
    mass = pair.W.sum(dim=-1).clamp(min=1e-30)
    return Factors(pair.H * mass[..., None, :], pair.W / mass[..., None])


def matched_errors(found: Factors, true: Factors) -> Result:
    """Mean relative errors of both factors, scaled alike, components in the order that fits best."""
    found, true = unit_rows(found), unit_rows(true)
    errors = []
    for H, W, H_true, W_true in zip(found.H, found.W, true.H, true.W, strict=True):
        distances = torch.cdist(W_true, W).nan_to_num(nan=1e9).numpy()
        _, order = linear_sum_assignment(distances)
        errors.append((relative(H[:, order], H_true), relative(W[order], W_true)))
    exposures, dictionary = np.mean(errors, axis=0)
    return {"error": float(exposures), "dictionary_error": float(dictionary)}


def blind_network(rule: str, task: tasks.BlindTask, n_layers: int) -> UnfoldedNMF:
    """A network that starts from the mean dictionary."""
    return UnfoldedNMF.from_dictionary(task.W_mean, n_layers, rule=rule)


def trained_blind(
    task: tasks.BlindTask, rule: str, n_layers: int, rate: float, schedule: str
) -> Result:
    """Train on problems whose factors are known; judge on others, of other dictionaries."""
    network = blind_network(rule, task, n_layers)
    weights = layer_weights(schedule, n_layers)
    true = unit_rows(Factors(task.H, task.W))

    def loss_of() -> Tensor:
        return factor_loss([unit_rows(p) for p in network.iterates(task.X)], *true, weights)

    seconds = train(network, loss_of, rate)
    with torch.no_grad():
        errors = matched_errors(network(task.X_test), Factors(task.H_test, task.W_test))
    return {**errors, "train_seconds": seconds}


def classic_blind(task: tasks.BlindTask) -> Iterator[tuple[str, int | None, Factors]]:
    """What needs no training, all from the mean dictionary."""
    W = task.W_mean.expand(len(task.X_test), -1, -1)
    H = torch.stack([exact_exposures(X, task.W_mean) for X in task.X_test])
    yield "mean dictionary, exact", None, Factors(H, W)
    for depth in (10, 100):
        found = [nmf_anls(X, task.W_mean, phases=[Phase(depth)]) for X in task.X_test]
        H, W = (torch.stack([getattr(r, name) for r in found]) for name in "HW")
        yield "alternating least squares", depth, Factors(H, W)
    with torch.no_grad():
        for rule, depth in product(BLIND_METHODS, CLASSIC_DEPTHS):
            yield rule, depth, blind_network(rule, task, depth)(task.X_test)


def blind(_: Path) -> Iterator[Row]:
    """All methods for unknown dictionaries."""
    for name in tasks.BLIND:
        for seed in TEST["blind"]:
            task = tasks.blind(name, seed)
            for method, depth, found in classic_blind(task):
                errors = matched_errors(found, Factors(task.H_test, task.W_test))
                yield Row("blind", "test", name, seed, method, depth, False, **errors)
        for rule in BLIND_METHODS:
            yield from tuned(
                ("blind", name, rule),
                lambda seed, depth, rate, schedule, rule=rule, name=name: trained_blind(
                    tasks.blind(name, seed), rule, depth, rate, schedule
                ),
                depths=depths_of(name),
            )


# ── speech ───────────────────────────────────────────────────────────────────────────────────────────────────────────


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


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    parts = {"known": known, "blind": blind, "speech": speech}
    options.add_argument("--part", choices=parts, action="append", help="default: all")
    chosen = options.parse_args()
    table = chosen.results / "unrolled.csv"
    rows = list(csv.DictReader(table.open())) if table.is_file() else []
    for part in chosen.part or parts:
        rows = [row for row in rows if row["part"] != part]
        with threadpool_limits(1):
            for row in parts[part](Path(chosen.data)):
                rows.append({k: "" if v is None else str(v) for k, v in asdict(row).items()})
                print(*rows[-1].values(), flush=True)
        with table.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [f.name for f in fields(Row)])
            writer.writeheader()
            writer.writerows(rows)
    table.with_suffix(".json").write_text(json.dumps(provenance(), indent=1) + "\n")


if __name__ == "__main__":
    main()
