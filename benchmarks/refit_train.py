"""Train the refit network that is shipped with the package, on random problems, and calibrate it.

    python benchmarks/refit_train.py EXPOSURES.csv FOLDER [--problems 3000] [--steps 5000] [--without TYPE ...]

FOLDER keeps the problems (files of safetensors) and the checkpoint of the training: an interrupted run, given the same
command again, goes on to the same network. The result is FOLDER/refit.safetensors; to ship it, copy it to
src/dnmf/refit/data. The same seed gives the same problems, whatever the number of workers.
"""

import argparse
import json
import math
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from dnmf.refit.estimate import final_shares
from dnmf.refit.evidence import UNLIKE_SCALAR, Evidence
from dnmf.refit.model import (
    CALIBRATION_COUNTS,
    MODEL_FILE,
    NULL_LEVELS,
    RefitCalibration,
    distances,
)
from dnmf.refit.network import RefitNetwork, RefitOutput, interval_unit
from dnmf.refit.tumours import read_tumour_exposures
from dnmf.signatures import load_reference
from refit_problems import Problem, Problems
from refit_protocol import SPLIT, in_part

SHARD_PROBLEMS = 50
GROUPS_A_STEP = 4
LEARNING_RATE = 3e-3
CHECKPOINT_STEPS = 500
# Weight of a sample in the error of its shares: errors fall about as the root of the number of mutations.
EMPHASIS = 0.4
FOREIGN_WEIGHT = 0.3
MOVED_WEIGHT = 0.5
# Groups of each kind at each number of mutations, for calibration.
CALIBRATION_KINDS = {
    "all types": 8,
    "some types": 4,
    "types that the prior lacks": 4,
    "even": 4,
    "no prior": 4,
    "own cohort": 4,
}
# With fewer true shares to measure it on, a factor is 1.
MIN_TRUTHS = 30


def problems_of(exposures: Path, without: list[str], seed: int, part: str = "training") -> Problems:
    """Return the source of problems: tumours of one part, without some types."""
    tumours = read_tumour_exposures(exposures, load_reference("cosmic-v3.4-GRCh37").names)
    absent = [tumours.type_names.index(name) + 1 for name in without]
    allowed = ~np.isin(tumours.types, absent)
    training = in_part(tumours.samples, "training") & allowed
    if part == "training":
        return Problems(tumours, training, seed=seed)
    chosen = in_part(tumours.samples, "choice") & allowed
    return Problems(tumours, chosen, bank_part=training, seed=seed, calm=True)


def write_shard(arguments: tuple[Path, list[str], int, int, Path]) -> Path:
    """Draw the problems of one shard and write them; one that is there already is kept."""
    exposures, without, seed, shard, path = arguments
    if path.exists():
        return path
    torch.set_num_threads(1)
    source = problems_of(exposures, without, seed)
    tensors: dict[str, Tensor] = {}
    for index in range(shard * SHARD_PROBLEMS, (shard + 1) * SHARD_PROBLEMS):
        tensors |= {
            f"{index}.{name}": values for name, values in as_tensors(source.draw(index)).items()
        }
    part = path.with_suffix(".part")
    save_file(tensors, part)
    part.rename(path)
    return path


def as_tensors(problem: Problem) -> dict[str, Tensor]:
    """Return a problem as tensors that a file can hold."""
    evidence = evidence_tensors(problem.evidence, "")
    truth = {
        "true_shares": torch.from_numpy(problem.shares),
        "true_present": torch.from_numpy(problem.present),
        "true_foreign": torch.from_numpy(problem.foreign),
        "missed": torch.from_numpy(problem.missed),
        "mutations": torch.tensor(problem.mutations),
    }
    twin = {} if problem.twin is None else evidence_tensors(problem.twin, "twin_")
    return evidence | truth | twin


def evidence_tensors(evidence: Evidence, prefix: str) -> dict[str, Tensor]:
    """Return the tensors of an evidence by name."""
    return {prefix + f.name: getattr(evidence, f.name).contiguous() for f in fields(Evidence)}


def loss_of(
    network: RefitNetwork, group: dict[str, Tensor], evidence: Evidence
) -> tuple[Tensor, Tensor, RefitOutput]:
    """Return the loss of a group, the fitting errors of its samples, and the output.

    Half the absolute difference of the shares, weighted by ``(N / 1000)^0.4``; cross-entropy of presence and of foreign
    signatures; pinball losses of the ends of the intervals, mostly of signatures that are present; how far the shares
    move when one mutation in a hundred is exchanged, weighted as their error.
    """
    output = network(evidence)
    truth, present = group["true_shares"], group["true_present"]
    foreign = group["true_foreign"].float()
    trust = 1 - (1 - FOREIGN_WEIGHT) * foreign
    error = 0.5 * ((output.shares - truth).abs().sum(dim=1) + group["missed"])
    weight = (evidence.total / 1000).clamp(0.05, 50) ** EMPHASIS * trust
    presence = functional.binary_cross_entropy_with_logits(
        output.presence, present.float(), reduction="none"
    )
    unit = interval_unit(output.shares.detach(), evidence) + 0.002
    low, high = (truth - output.lower) / unit, (truth - output.upper) / unit
    pinball = torch.maximum(0.05 * low, -0.95 * low) + torch.maximum(0.95 * high, -0.05 * high)
    counted = trust[:, None] * (0.1 + 0.9 * present.float())
    pinball = (pinball * counted).sum() / counted.sum()
    missing = functional.binary_cross_entropy_with_logits(output.foreign, foreign)
    loss = (
        (weight * error).mean()
        + 2 * (trust[:, None] * presence).mean()
        + 0.5 * pinball
        + 0.2 * missing
    )
    if "twin_X" in group:
        twin = evidence_in(group, "twin_")
        moved = (whole_shares(output, evidence) - whole_shares(network(twin), twin)).abs()
        loss = loss + MOVED_WEIGHT * (weight * 0.5 * moved.sum(dim=1)).mean()
    return loss, error.detach(), output


def evidence_in(group: dict[str, Tensor], prefix: str = "") -> Evidence:
    """Return the evidence that `evidence_tensors` made the tensors of."""
    return Evidence(**{f.name: group[prefix + f.name] for f in fields(Evidence)})


def whole_shares(output: RefitOutput, evidence: Evidence) -> Tensor:
    """Return the shares (n, k) of all signatures."""
    return output.shares.new_zeros(len(evidence.seen), len(evidence.W)).scatter(
        1, evidence.seen, output.shares
    )


def train(groups: list[dict[str, Tensor]], steps: int, seed: int, checkpoint: Path) -> RefitNetwork:
    """Train on the groups, four a step, in a random order; goes on from its checkpoint."""
    network = RefitNetwork()
    network.initialise(torch.Generator().manual_seed(seed))
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))
    done = 0
    if checkpoint.exists():
        stored = load_file(checkpoint)
        done = int(stored.pop("step"))
        network.load_state_dict({n[2:]: v for n, v in stored.items() if n.startswith("n.")})
        optimiser_state = optimiser.state_dict()
        for place, parameter in enumerate(network.parameters()):
            optimiser_state["state"][place] = {
                name: stored[f"o.{place}.{name}"] for name in ("step", "exp_avg", "exp_avg_sq")
            }
            assert stored[f"o.{place}.exp_avg"].shape == parameter.shape
        optimiser.load_state_dict(optimiser_state)
    began, recent = time.process_time(), []
    for step in range(done, steps):
        position = step / steps
        rise = min(position / 0.08, 1.0)
        fall = 0.5 * (1 + math.cos(math.pi * max(position - 0.08, 0) / 0.92))
        optimiser.param_groups[0]["lr"] = LEARNING_RATE * rise * fall + 1e-6
        rng = np.random.default_rng([seed, step])
        optimiser.zero_grad()
        for index in rng.integers(len(groups), size=GROUPS_A_STEP):
            loss, error, _ = loss_of(network, groups[index], evidence_in(groups[index]))
            (loss / GROUPS_A_STEP).backward()
            recent.append(float(error.mean()))
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % CHECKPOINT_STEPS == 0 or step + 1 == steps:
            tensors = {"n." + n: v for n, v in network.state_dict().items()}
            tensors |= {
                f"o.{place}.{name}": value
                for place, state in optimiser.state_dict()["state"].items()
                for name, value in state.items()
            }
            save_file({**tensors, "step": torch.tensor(step + 1)}, checkpoint)
            spent = time.process_time() - began
            print(f"step {step + 1}/{steps} error {np.mean(recent):.4f} {spent:.0f} s", flush=True)
            recent.clear()
    return network


def calibrate(network: RefitNetwork, source: Problems) -> RefitCalibration:
    """Measure the factors of the intervals and the null distribution of the score for a missing signature.

    Intervals by split conformal scaling: each share has the smallest factor with which its interval holds it, and the
    table has their 95 % quantile (70 % for signatures that are present but not called: with more, nearly every
    signature of a sample with few mutations would get an interval).
    """
    tables = RefitCalibration.none()
    for row, count in enumerate(CALIBRATION_COUNTS):
        needed: list[list[list[np.ndarray]]] = [[[] for _ in range(2)] for _ in range(3)]
        scores: list[list[np.ndarray]] = [[], []]
        for turn in range(sum(CALIBRATION_KINDS.values())):
            kind = list(np.repeat(list(CALIBRATION_KINDS), list(CALIBRATION_KINDS.values())))[turn]
            problem = source.draw(1000 * row + turn, kind=str(kind), mutations=float(count))
            evidence = problem.evidence
            with torch.no_grad():
                output = network(evidence)
            _, called, shares = final_shares(evidence, output)
            below, above = distances(evidence, output)
            truth = problem.shares.astype(float)
            hidden = ~called & problem.present
            known = ~problem.foreign
            unlike = evidence.scalars[:, UNLIKE_SCALAR].numpy() > 0.5
            for side in range(2):
                rows = (known & (unlike == bool(side)))[:, None]
                needed[0][side].append(((shares - truth) / below)[called & rows])
                needed[1][side].append(((truth - shares) / above)[called & rows])
                needed[2][side].append(((truth - shares) / above)[hidden & rows])
            if not problem.dispersed:
                for side in range(2):
                    score = output.foreign.double().numpy()[known & (unlike == bool(side))]
                    scores[side].append(score)
        for table, kinds, level in zip(
            (tables.lower, tables.upper, tables.hidden), needed, (0.95, 0.95, 0.7), strict=True
        ):
            for side in range(2):
                values = np.concatenate(kinds[side])
                if len(values) >= MIN_TRUTHS:
                    table[row, side] = float(np.clip(np.quantile(values, level), 0.1, 20))
        for table, values in zip((tables.null, tables.null_unlike), scores, strict=True):
            table[row] = torch.from_numpy(np.quantile(np.concatenate(values), NULL_LEVELS))
        print(
            count,
            tables.lower[row].tolist(),
            tables.upper[row].tolist(),
            tables.hidden[row].tolist(),
            flush=True,
        )
    return tables


def main() -> None:
    """Draw problems, train, and write the network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exposures", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--problems", type=int, default=3000)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without", nargs="*", default=[], metavar="TYPE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    shards = range(math.ceil(arguments.problems / SHARD_PROBLEMS))
    jobs = [
        (
            arguments.exposures,
            arguments.without,
            arguments.seed,
            shard,
            arguments.folder / f"problems-{shard:03}.safetensors",
        )
        for shard in shards
    ]
    groups: list[dict[str, Tensor]] = []
    with ProcessPoolExecutor(arguments.workers) as pool:
        for path in pool.map(write_shard, jobs):
            tensors: dict[str, dict[str, Tensor]] = {}
            with safe_open(path, "pt") as file:
                for name in sorted(file.keys()):
                    index, _, field = name.partition(".")
                    tensors.setdefault(index, {})[field] = file.get_tensor(name)
            groups += [tensors[index] for index in sorted(tensors, key=int)]
            print(f"{len(groups)} problems", flush=True)
    network = train(
        groups, arguments.steps, arguments.seed, arguments.folder / "checkpoint.safetensors"
    )
    record = {
        "seed": arguments.seed,
        "problems": len(groups),
        "steps": arguments.steps,
        "without": arguments.without,
        "split": SPLIT,
    }
    tables = calibrate(
        network.eval(), problems_of(arguments.exposures, arguments.without, 1, "choice")
    )
    tensors = network.state_dict()
    tensors |= {f"calibration.{f.name}": getattr(tables, f.name).float() for f in fields(tables)}
    save_file(tensors, arguments.folder / MODEL_FILE, {"training": json.dumps(record)})


if __name__ == "__main__":
    main()
