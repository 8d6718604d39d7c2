"""Which cells make up which figure of the paper."""

from collections.abc import Callable, Iterable, Iterator

from paper.cells import LEARNED, Cell
from paper.datasets import BREAST, SIMULATED

LAYERS, DEPTHS = 10, (5, 10, 15, 20)
PENALTIES = ("0", "1", "2")
FOLDS = (0, 1, 2, 3, 4)
TIMED_SETS = ("pancreas_sp.sp", "many.types_sa.sa.96")
POISSON_SETS, MUTATIONS = TIMED_SETS, (50, 200, 1000, 5000)
QUICK_SETS = ("3.5.40.abst_sa.sa.96", "pancreas_sp.sp")
OUR_SUPERVISED = (("least squares", 0), ("dnmf", LAYERS), ("ridge", 0), ("perceptron", 0))
OUR_CLASSICS = ("mu best of 10", "alternating", "scikit-learn cd", "kl mu")


def _regularisation(name: str, fold: int) -> Iterator[Cell]:
    """Figure 3: supervised, with penalties and without."""
    for penalty in (LEARNED, "1", "0"):
        yield Cell("authors", "supervised", name, fold, "dnmf", penalty, LAYERS)
    for penalty in (LEARNED, "0"):
        yield Cell("paper", "supervised", name, fold, "dnmf", penalty, LAYERS)


def _depth(name: str, fold: int) -> Iterator[Cell]:
    """Figure 4: both settings at four depths."""
    for layers in DEPTHS:
        yield Cell("authors", "supervised", name, fold, "dnmf", LEARNED, layers)
        yield Cell("authors", "unsupervised", name, fold, "dnmf", "0", layers)


def _supervised(name: str, fold: int) -> Iterator[Cell]:
    """Figure 5: supervised, against MU; and against regression."""
    for protocol in ("authors", "paper"):
        yield Cell(protocol, "supervised", name, fold, "dnmf", LEARNED, LAYERS)
        for penalty in PENALTIES:
            yield Cell(protocol, "supervised", name, fold, "mu", penalty)
    yield from _our_supervised("supervised", name, fold)


def _our_supervised(experiment: str, name: str, fold: int) -> Iterator[Cell]:
    yield Cell("ours", experiment, name, fold, "true signatures")
    yield Cell("ours", experiment, name, fold, "dnmf of the paper", LEARNED, LAYERS)
    for method, layers in OUR_SUPERVISED:
        yield Cell("ours", experiment, name, fold, method, "0", layers)


def _unsupervised(name: str, fold: int) -> Iterator[Cell]:
    """Figures 6 and 7: unsupervised, against MU; and against strong solvers."""
    for protocol in ("authors", "paper"):
        for penalty in PENALTIES:
            yield Cell(protocol, "unsupervised", name, fold, "dnmf", penalty, LAYERS)
            yield Cell(protocol, "unsupervised", name, fold, "mu", penalty)
    for penalty in PENALTIES:
        yield Cell("ours", "unsupervised", name, fold, "dnmf of the paper", penalty, LAYERS)
    if name != BREAST:
        yield Cell("ours", "unsupervised", name, fold, "true signatures")
    yield Cell("ours", "unsupervised", name, fold, "dnmf", "0", LAYERS)
    for method in OUR_CLASSICS:
        yield Cell("ours", "unsupervised", name, fold, method)
    for penalty in PENALTIES[1:]:
        for method in OUR_CLASSICS[:2]:
            yield Cell("ours", "unsupervised", name, fold, method, penalty)


def _training_cost(name: str, fold: int) -> Iterator[Cell]:
    """Figure 8: the cost along training."""
    for penalty in PENALTIES:
        yield Cell("authors", "training cost", name, fold, "dnmf", penalty, LAYERS)
        yield Cell("authors", "training cost", name, fold, "mu", penalty)
    yield Cell("ours", "training cost", name, fold, "alternating")


def _run_time(name: str, fold: int) -> Iterator[Cell]:
    """Section 2.5: the time of inference."""
    yield Cell("ours", "run time", name, fold, "inference", "0", LAYERS)


def _poisson(name: str, fold: int) -> Iterator[Cell]:
    """Noise, which the paper did not look at."""
    for n_mutations in MUTATIONS:
        yield from _our_supervised(f"poisson {n_mutations}", name, fold)


Figure = Callable[[str, int], Iterator[Cell]]
# Of which sets a figure is made, in all five folds; by the name it has on the command line.
FIGURES: dict[str, tuple[Figure, tuple[str, ...]]] = {
    "3": (_regularisation, SIMULATED),
    "4": (_depth, SIMULATED),
    "5": (_supervised, SIMULATED),
    "6": (_unsupervised, SIMULATED),
    "7": (_unsupervised, (BREAST,)),
    "8": (_training_cost, (BREAST,)),
    "noise": (_poisson, POISSON_SETS),
    "time": (_run_time, TIMED_SETS),
}


def plan(
    figures: Iterable[str] = tuple(FIGURES),
    sets: Iterable[str] = (*SIMULATED, BREAST),
    folds: Iterable[int] = FOLDS,
) -> list[Cell]:
    """Return every cell of these figures once: fold by fold, so that a run cut short has something of everything.

    Examples
    --------
    >>> len(plan(["8"]))
    35
    >>> plan(["4"], ["pancreas_sp.sp"], [0])[0].layers
    5
    """
    chosen, cells = set(sets), dict[Cell, None]()
    for fold in folds:
        for figure in figures:
            make, figure_sets = FIGURES[figure]
            for name in figure_sets:
                if name in chosen:
                    cells |= dict.fromkeys(make(name, fold))
    return list(cells)


def quick_plan() -> list[Cell]:
    """Return what two minutes of two cores can do: two small sets, one fold, no figure of the breast genomes."""
    return plan([f for f in FIGURES if f not in ("7", "8")], QUICK_SETS, (0,))
