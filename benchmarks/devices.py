"""Fits of the estimator and epochs of layers on a CPU and, where there is one, on a CUDA device.

    python benchmarks/devices.py [--part 1.0] [--repeats 3] [--results DIR]

The data are mixtures of 20 components with noise. A fit is `DNMF` from a numpy array, 20 iterations (`tol=0`), all
that it does before and after them and the copy to the device included: by one thread, as it is by default, by a pool of
as many threads as there are cores (`executor`), and on the device. An epoch of training is on torch's threads, as many
as there are cores, and on the device, where the samples lie already. Writes devices.csv, after every row: median
seconds after a run that is not counted, and the cost that is reached.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from dnmf import DNMF
from dnmf.unfolding import TrainConfig, Unfolded, UnfoldedMU, train_supervised, train_unsupervised
from protocol import RESULTS, record

K, LAYERS, BATCH = 20, 10, 1024
CORES = os.cpu_count() or 1
DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
ITERATIONS = 20
RATE = TrainConfig(max_epochs=1, learning_rate=1e-4)
# Samples, features, precision, layer.
FITS = [
    (20_000, 2_000, "float32", "newton"),
    (20_000, 2_000, "float64", "newton"),
    (100_000, 1_000, "float32", "newton"),
    (5_000, 2_000, "float32", "kl"),
]


def problem(n: int, f: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return samples, exposures and dictionary, float32."""
    rng = np.random.default_rng(0)
    W = torch.tensor(rng.dirichlet(np.full(f, 0.1), size=K), dtype=torch.float32)
    H = torch.tensor(rng.gamma(0.5, 100.0, size=(n, K)), dtype=torch.float32)
    clean = H @ W
    noise = torch.rand(clean.shape, generator=torch.Generator().manual_seed(0))
    return clean + 0.2 * clean.mean() * noise, H, W


def seconds(job: Callable[[], float], repeats: int) -> tuple[float, float]:
    """Return the median time of a job and what it returned last."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = job()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), result


def fitted(X: np.ndarray, layer: str, device: str, workers: int) -> float:
    """Fit in the precision of the samples and return the last cost."""
    model = DNMF(K, layer=layer, max_iter=ITERATIONS, tol=0, device=device, random_state=0)
    with ThreadPoolExecutor(workers) as pool:
        model.fit(X, executor=pool if workers > 1 else None)
    return float(model.history_["dictionary"][-1])


def fits(part: float, repeats: int) -> Iterator[dict[str, object]]:
    places = [*((device, 1) for device in reversed(DEVICES)), ("cpu", CORES)]
    for n, f, dtype, layer in FITS:
        n = int(part * n)
        X = problem(n, f)[0].numpy().astype(dtype)
        for device, workers in places:
            fitted(X[:500], layer, device, workers)  # compiled code, the device's libraries
            taken, cost = seconds(partial(fitted, X, layer, device, workers), repeats)
            yield row(f"fit, {layer}", n, f, dtype, device, workers, repeats, taken, cost)


def epochs(part: float, repeats: int) -> Iterator[dict[str, object]]:
    """An epoch towards known exposures of classic and paper's layers, and the paper's epoch without them."""
    n, f = int(part * 20_000), 2_000
    given = problem(n, f)
    for device in reversed(DEVICES):
        X, H, W = (values.to(device) for values in given)
        networks: dict[str, torch.nn.Module] = {
            layer: Unfolded.from_dictionary(W, LAYERS, layer=layer)
            for layer in ("mu", "kl", "projected-gradient", "newton")
        }
        networks["UnfoldedMU"] = UnfoldedMU(f, K, n_layers=LAYERS, weight_init=0.1).to(device)
        for name, network in networks.items():
            epoch = partial(supervised, network, X, H)
            epoch()
            found = seconds(epoch, repeats)
            yield row(f"epoch, {name}", n, f, "float32", device, CORES, repeats, *found)
        epoch = partial(unsupervised, networks["UnfoldedMU"], X)
        epoch()
        found = seconds(epoch, repeats)
        what = "epoch without exposures, UnfoldedMU"
        yield row(what, n, f, "float32", device, CORES, repeats, *found)


def supervised(network: torch.nn.Module, X: torch.Tensor, H: torch.Tensor) -> float:
    order = torch.Generator().manual_seed(0)
    history = train_supervised(network, X, H, config=RATE, batch_size=BATCH, generator=order)
    return history.cost[-1]


def unsupervised(network: torch.nn.Module, X: torch.Tensor) -> float:
    return train_unsupervised(network, X, config=RATE)[1].cost[-1]


def row(
    what: str,
    n: int,
    f: int,
    dtype: str,
    device: str,
    threads: int,
    repeats: int,
    taken: float,
    cost: float,
) -> dict[str, object]:
    return {
        "what": what,
        "n_samples": n,
        "n_features": f,
        "dtype": dtype,
        "device": device,
        "threads": threads if device == "cpu" else 1,
        "repeats": repeats,
        "seconds": round(taken, 4),
        "cost": f"{cost:.6g}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--part", type=float, default=1.0, help="of the samples, for a trial")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    table = given.results / "devices.csv"
    rows: list[dict[str, object]] = []
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    for measure in (epochs, fits):
        for found in measure(given.part, given.repeats):
            rows.append(found)
            print(found, flush=True)
            pd.DataFrame(rows).to_csv(table, index=False)
            record(table, card=card, cores=CORES)


if __name__ == "__main__":
    main()
