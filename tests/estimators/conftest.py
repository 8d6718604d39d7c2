"""Simulated counts with known signatures, and every estimator in each of its forms, quick to fit."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from jaxtyping import config as jaxtyping_config
from numpy.typing import NDArray

from dnmf import DNMF, MultiplicativeNMF, PaperDNMF, PaperSupervisedDNMF, SupervisedDNMF
from dnmf.estimators import _search
from dnmf.posterior import training as supervised_training
from dnmf.search import Search, dictionary, find_dictionary

Array = NDArray[np.float64]


@pytest.fixture(scope="session")
def counts(problem: Callable[..., Any]) -> tuple[Array, Array, Array]:
    """``X (60, 24), exposures (60, 3), signatures (3, 24)``."""
    X, H, W = problem(60, 24, 3, 0)
    return X.numpy(), H.numpy(), W.numpy()


@pytest.fixture(
    params=[
        "dnmf",
        "dnmf-signatures",
        "dnmf-kl",
        "dnmf-paper",
        "supervised",
        # A few epochs are too few to become better than the mean.
        pytest.param(
            "supervised-paper",
            marks=pytest.mark.filterwarnings("ignore:training ended worse than predicting"),
        ),
        "multiplicative",
    ]
)
def estimator(request: pytest.FixtureRequest) -> Any:
    """An unfitted estimator; ``y`` is ignored where it is not needed, so all are fitted alike."""
    quick = {"n_layers": 3, "n_steps": 8, "random_state": 0}
    epochs = {"n_layers": 3, "max_epochs": 8}
    return {
        "dnmf": lambda: DNMF(3, **quick),
        "dnmf-signatures": lambda: DNMF(3, search="signatures", **quick),
        "dnmf-kl": lambda: DNMF(3, layer="kl", **quick),
        "dnmf-paper": lambda: PaperDNMF(3, **epochs),
        "supervised": lambda: SupervisedDNMF(**epochs, random_state=0),
        "supervised-paper": lambda: PaperSupervisedDNMF(**epochs, random_state=0),
        "multiplicative": lambda: MultiplicativeNMF(
            3, random_state=0, max_iter=2000, transform_max_iter=50
        ),
    }[request.param]()


@pytest.fixture
def quick_fits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For tests of hundreds of fits that ask how an estimator behaves, not what it finds.

    The dictionary search is cut to thirty iterations (forty for ``layer="kl"``), an epoch of the supervised network to
    five steps, and array shapes are not checked: all have tests of their own.
    """
    monkeypatch.setattr(supervised_training, "STEPS_PER_EPOCH", 5)
    for stage in ("SQUARE_ROOT_ITERATIONS", "EQUAL_ITERATIONS", "SETTLING_ITERATIONS"):
        monkeypatch.setattr(dictionary, stage, 10)
    monkeypatch.setattr(_search, "find_dictionary", partial(find_dictionary, search=Search()))
    monkeypatch.setattr(_search, "LIKELIHOOD_ITERATIONS", 10)
    before = jaxtyping_config.jaxtyping_disable
    jaxtyping_config.update("jaxtyping_disable", True)
    yield
    jaxtyping_config.update("jaxtyping_disable", before)
