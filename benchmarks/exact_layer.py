"""Forward and backward of the exact layers beside ten ADMM layers: process CPU seconds, one thread.

python benchmarks/exact_layer.py [--rows 5000] [--features 200] [--components 40]

Writes exact_layer.csv, a row for each layer.
"""

import argparse
from collections.abc import Callable
from time import process_time

import numpy as np
import torch
from torch import Tensor, nn

from dnmf.unfolding import ExactNNLS, ExactPoisson, Unfolded
from refit_protocol import RESULTS, write_rows

REPEATS = 7


def data(n: int, f: int, k: int) -> tuple[Tensor, Tensor]:
    """Counts of mixtures in which each component is nearly absent from half of the samples, and the dictionary."""
    rng = np.random.default_rng(0)
    W = rng.dirichlet(np.full(f, 0.3), size=k)
    X = rng.poisson(rng.gamma(0.4, 500.0, size=(n, k)) @ W)
    return torch.tensor(X, dtype=torch.float64), torch.tensor(W)


def seconds(layer: nn.Module, X: Tensor) -> tuple[float, float]:
    """Median CPU seconds of a forward and of a backward pass, to the data and to all weights."""

    def timed(action: Callable[[], Tensor | None]) -> tuple[float, Tensor | None]:
        start = process_time()
        result = action()
        return process_time() - start, result

    times = []
    for _ in range(REPEATS + 1):  # the first is thrown away: compilation
        samples = X.clone().requires_grad_()
        forward, H = timed(lambda samples=samples: layer(samples))
        assert H is not None
        backward, _ = timed(lambda H=H: H.backward(torch.ones_like(H)))
        times.append((forward, backward))
    forward, backward = np.median(times[1:], axis=0)
    return float(forward), float(backward)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 5000), ("features", 200), ("components", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(1)
    X, W = data(options.rows, options.features, options.components)
    layers = {
        "ADMM, ten layers": Unfolded.from_dictionary(W, 10, layer="admm"),
        "ExactNNLS": ExactNNLS(W),
        "KL, ten layers": Unfolded.from_dictionary(W, 10, layer="kl"),
        "ExactPoisson": ExactPoisson(W),
    }
    size = {name: getattr(options, name) for name in ("rows", "features", "components")}
    for name, layer in layers.items():
        forward, backward = seconds(layer, X)
        row = size | {"layer": name, "forward": forward, "backward": backward}
        write_rows(RESULTS / "exact_layer.csv", [row], (*size, "layer"))
        print(row, flush=True)
    in_use = (layers["ExactNNLS"](X) > 0).sum(dim=1).double().mean()
    print(f"components in use per sample: {in_use:.1f} of {options.components}")


if __name__ == "__main__":
    main()
