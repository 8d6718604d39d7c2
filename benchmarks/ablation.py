"""What the parts of the unsupervised model are worth: start x search of the dictionary, its volume, rule of the layers.

python benchmarks/ablation.py --data DIR
"""

import json
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from protocol import parser
from threadpoolctl import threadpool_limits

from dnmf.bench.datasets import SIMULATED, Dataset, folds, load_dataset
from dnmf.bench.paper import provenance
from dnmf.bench.scores import found, summarise
from dnmf.bench.scores import sample_costs as costs_of
from dnmf.bench.table import Table
from dnmf.kernels import (
    Phase,
    Search,
    exact_exposures,
    find_dictionary,
    initialize_factors,
    successive_projection,
)
from dnmf.kernels.dictionary import SEARCH
from dnmf.nn import (
    TrainConfig,
    Unfolded,
    UnfoldedMU,
    train_to_dictionary,
    train_unsupervised,
)

# The rules of the layers on these only: every further set says the same.
LAYER_SETS = (
    "pancreas_sp.sp",
    "3.5.40.rcc.and.ovary_sa.sa.96",
    "2.7a.7b.bladder.and.melanoma_sp.sp",
)
ONE_ROUND = replace(SEARCH, late_components=0, apart=0.0)
SPARSE, WIDE, RELEASED = SEARCH.with_all
SEARCHES = {
    "none": Search(with_all=(Phase(450),)),
    "sparse exposures": replace(ONE_ROUND, with_all=(SPARSE, Phase(180))),
    "wide signatures": replace(ONE_ROUND, with_all=(Phase(130), WIDE, RELEASED)),
    "sparse, then wide": ONE_ROUND,
    "sparse, then wide; apart": replace(SEARCH, late_components=0),
    "two rounds": replace(SEARCH, apart=0.0),
    "two rounds; apart (default)": SEARCH,
}
STARTS = ("separable", "nndsvda", "random")
VOLUMES = (0.0, 10.0, 100.0, 1000.0)
POISSON_SEED = 0
LAYERS = {"newton": 1e-1, "admm": 3e-2, "mu": 1e-4, "nalmu": 3e-3, "projected-gradient": 3e-4}


def start(X: torch.Tensor, k: int, name: str) -> torch.Tensor:
    if name == "separable":
        return successive_projection(X, k)
    generator = torch.Generator().manual_seed(0)
    return initialize_factors(X, k, name, generator=generator)[1]


def dictionary_cell(
    table: Table,
    data: Dataset,
    fold: tuple[torch.Tensor, np.ndarray],
    key: dict[str, str],
    init: str,
    **options: Any,
) -> None:
    if table.has(data.name, *key.values()):
        return
    X, test = fold
    began = time.process_time()
    W = find_dictionary(X, start(X, data.n_components, init), **options).W
    seconds = time.process_time() - began
    exposures = exact_exposures(torch.tensor(test), W).numpy()
    costs = summarise(costs_of(test, exposures, W.numpy()))
    row = {"set": data.name} | key | costs | found(W.numpy(), data.signatures)
    table.add(row | {"seconds": seconds})


def dictionaries(table: Table, data: Dataset, X: torch.Tensor, test: np.ndarray) -> None:
    """Every start with every search."""
    for init in STARTS:
        for search, phases in SEARCHES.items():
            key = {"part": "dictionary", "first": init, "second": search}
            dictionary_cell(table, data, (X, test), key, init, search=phases)


def volumes(table: Table, data: Dataset, train: np.ndarray, test: np.ndarray) -> None:
    """Minimum volume, on the expectations as they are and on Poisson counts around them."""
    counts = np.random.default_rng(POISSON_SEED).poisson(data.X).astype(float)
    for noise, X in (("rounded", data.X), ("poisson", counts)):
        for volume in VOLUMES:
            key = {"part": "min_volume", "first": noise, "second": f"{volume:g}"}
            rows = (torch.tensor(X[train]), X[test])
            dictionary_cell(table, data, rows, key, "separable", min_volume=volume)


def layers(table: Table, data: Dataset, X: torch.Tensor, test: np.ndarray) -> None:
    """Every rule for the same dictionary, untrained and trained; and the paper's joint training from it."""
    if table.has(data.name, "layers", "mu", "joint with the dictionary"):
        return
    W = find_dictionary(X, start(X, data.n_components, "separable")).W
    H = exact_exposures(X, W)
    shares = (H / X.sum(dim=1, keepdim=True)).square().mean(dim=0).sqrt()
    samples = torch.tensor(test)
    for layer, rate in LAYERS.items():
        for steps in (0, 300):
            began = time.process_time()
            network = Unfolded.from_dictionary(W, 10, layer=layer, shares=shares)
            generator = torch.Generator().manual_seed(0)
            train_to_dictionary(network, X, n_steps=steps, learning_rate=rate, generator=generator)
            seconds = time.process_time() - began
            with torch.no_grad():
                exposures = network(samples).numpy()
            trained = "trained to the dictionary" if steps else "untrained"
            row = {"set": data.name, "part": "layers", "first": layer, "second": trained}
            costs = summarise(costs_of(test, exposures, W.numpy()))
            table.add(row | costs | {"seconds": seconds})
    joint(table, data, X, samples, W)


def joint(
    table: Table, data: Dataset, X: torch.Tensor, test: torch.Tensor, W: torch.Tensor
) -> None:
    began = time.process_time()
    network = UnfoldedMU.from_dictionary(W, 10)
    W, _ = train_unsupervised(network, X, config=TrainConfig(300, 1e-4))
    seconds = time.process_time() - began
    with torch.no_grad():
        exposures = network(test)
    row = {"set": data.name, "part": "layers", "first": "mu"}
    row |= {"second": "joint with the dictionary", "seconds": seconds}
    costs = summarise(costs_of(test.numpy(), exposures.numpy(), W.numpy()))
    table.add(row | costs | found(W.numpy(), data.signatures))


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--sets", nargs="*", default=SIMULATED)
    chosen = options.parse_args()
    values = ("mean", "median", "trimmed", "found_90", "found_95", "found_99", "seconds")
    table = Table(chosen.results / "ablation.csv", ("set", "part", "first", "second"), values)
    record = provenance() | {"protocol": "ours, fold 0", "seed": 0, "poisson_seed": POISSON_SEED}
    (chosen.results / "ablation.json").write_text(json.dumps(record, indent=2) + "\n")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for name in chosen.sets:
            data = load_dataset(chosen.data, name)
            train, test = next(folds(data.X))
            X = torch.tensor(data.X[train])
            dictionaries(table, data, X, data.X[test])
            volumes(table, data, train, test)
            if name in LAYER_SETS:
                layers(table, data, X, data.X[test])
            print(f"{name}: done", flush=True)


if __name__ == "__main__":
    main()
