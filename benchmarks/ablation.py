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
from threadpoolctl import threadpool_limits

from dnmf import DNMF, load_reference
from dnmf.kernels import Phase, exact_exposures, initialize_factors, successive_projection
from dnmf.search import Search, find_dictionary
from dnmf.search.dictionary import SEARCH
from dnmf.unfolding import TrainConfig, UnfoldedMU, train_unsupervised
from paper.datasets import BREAST, SIMULATED, Dataset, folds, load_dataset
from paper.provenance import provenance
from paper.scores import found, summarise
from paper.scores import sample_costs as costs_of
from paper.table import Table
from protocol import parser

# Where ten steps of some rule are not exact already.
LAYER_SETS = ("pancreas_sa.sa.96", "2.7a.7b.bladder.and.melanoma_sa.sa.96", BREAST)
ITERATIONS = SEARCH.iterations(20) - Search().iterations(20)


def one_round(*phases: Phase) -> Search:
    """Return a search with all components from the beginning, as long as the default."""
    longer = ITERATIONS / sum(phase.iterations for phase in phases)
    return Search(
        with_all=tuple(replace(p, iterations=round(longer * p.iterations)) for p in phases)
    )


SPARSE, WIDE, RELEASED = SEARCH.with_all
SEARCHES = {
    "none": one_round(Phase(1)),
    "sparse exposures": one_round(SPARSE, Phase(180)),
    "wide signatures": one_round(Phase(130), WIDE, RELEASED),
    "sparse, then wide": one_round(*SEARCH.with_all),
    "sparse, then wide; apart": replace(one_round(*SEARCH.with_all), apart=SEARCH.apart),
    "two rounds": replace(SEARCH, apart=0.0),
    "two rounds; apart (default)": SEARCH,
}
STARTS = ("separable", "nndsvda", "random")
VOLUMES = (0.0, 10.0, 100.0, 1000.0)
POISSON_SEED = 0
LAYERS = ("newton", "admm", "mu", "weighted-mu", "projected-gradient")
REFERENCE = "cosmic-v3.4"


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


def rules(
    table: Table, data: Dataset, part: str, W: np.ndarray, X: np.ndarray, test: np.ndarray
) -> None:
    """Every rule for the same dictionary, untrained and trained, beside the exact solution."""
    if not table.has(data.name, part, "exact", ""):
        exact = exact_exposures(torch.tensor(test), torch.tensor(W)).numpy()
        row = {"set": data.name, "part": part, "first": "exact", "second": ""}
        table.add(row | summarise(costs_of(test, exact, W)))
    for layer in LAYERS:
        for trained, steps in (("untrained", 0), ("trained", None)):
            if table.has(data.name, part, layer, trained):
                continue
            model = DNMF(
                None, dictionary=W, search="signatures", layer=layer, n_steps=steps, random_state=0
            )
            began = time.process_time()
            model.fit(X)
            seconds = time.process_time() - began
            costs = summarise(costs_of(test, model.transform(test, exact=False), W))
            row = {"set": data.name, "part": part, "first": layer, "second": trained}
            table.add(row | costs | {"seconds": seconds})


def layers(table: Table, data: Dataset, X: np.ndarray, test: np.ndarray) -> None:
    """The rules for the dictionary found, and the paper's joint training from it."""
    samples = torch.tensor(X)
    W = find_dictionary(samples, start(samples, data.n_components, "separable")).W
    rules(table, data, "layers", W.numpy(), X, test)
    if not table.has(data.name, "layers", "mu", "joint with the dictionary"):
        joint(table, data, samples, torch.tensor(test), W)


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
    table.add(row | costs | recovery(W, data))


def recovery(W: torch.Tensor, data: Dataset) -> dict[str, int]:
    """Count the true signatures found, where they are known."""
    return {} if data.signatures is None else found(W.numpy(), data.signatures)


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--sets", nargs="*", default=[*SIMULATED, BREAST])
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
            if data.signatures is not None:
                dictionaries(table, data, X, data.X[test])
                volumes(table, data, train, test)
            if name in LAYER_SETS:
                layers(table, data, data.X[train], data.X[test])
            if name == BREAST:
                reference = load_reference(REFERENCE).profiles.to_numpy()
                rules(table, data, REFERENCE, reference, data.X[train], data.X[test])
            print(f"{name}: done", flush=True)


if __name__ == "__main__":
    main()
