"""The tools that `factorisation.py` compares, each as `fit(X, k)` and the transform of what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse
import torch
from sklearn.decomposition import NMF, MiniBatchNMF
from torchnmf.nmf import NMF as TorchNMF

from dnmf import DNMF
from general_data import Data

SEED = 0
LEAST_SQUARES, KULLBACK_LEIBLER = "least squares", "Kullback-Leibler"
# scikit-learn run until it hardly improves, and the most iterations any tool is given.
TIGHT, MOST_ITERATIONS = 1e-6, 1_000
# Chosen by the held-out error on another seed of the data, see `factorisation.py --part choice`.
MINIBATCH = {"batch_size": 1024, "max_iter": 500, "forget_factor": 0.7}
MINIBATCH_CHOICES = [
    {"batch_size": batch, "max_iter": epochs, "forget_factor": forget}
    for batch in (256, 1024, 4096)
    for epochs in (200, 500)
    for forget in (0.7, 1.0)
]


@dataclass(frozen=True)
class Fitted:
    """A dictionary (k, f), the tool's own transform of new samples, and the iterations that were done."""

    components: np.ndarray
    transform: Callable[[Data], np.ndarray]
    n_iter: int


Fit = Callable[[Data, int], Fitted]


def of_estimator(make: Callable[[int], NMF | MiniBatchNMF | DNMF], X: Data, k: int) -> Fitted:
    model = make(k).fit(X)
    return Fitted(model.components_, model.transform, int(model.n_iter_))


def coordinate_descent(k: int, tol: float = TIGHT) -> NMF:
    return NMF(k, init="nndsvda", tol=tol, max_iter=MOST_ITERATIONS, random_state=SEED)


def likelihood_updates(k: int) -> NMF:
    return NMF(
        k, init="nndsvda", solver="mu", beta_loss="kullback-leibler", tol=TIGHT,
        max_iter=MOST_ITERATIONS, random_state=SEED,
    )  # fmt: skip


def minibatch(k: int, beta_loss: str = "frobenius", **settings: float) -> MiniBatchNMF:
    return MiniBatchNMF(
        k, init="nndsvda", beta_loss=beta_loss, tol=0.0, max_no_improvement=None,
        random_state=SEED, **(settings or MINIBATCH),
    )  # fmt: skip


def plain(k: int, layer: str = "newton") -> DNMF:
    return DNMF(k, search="plain", layer=layer, random_state=SEED)


def torchnmf(X: Data, k: int, *, beta: int) -> Fitted:
    """torchnmf's multiplicative updates with its own tolerance, from a random start of the data's mean."""
    torch.manual_seed(SEED)  # noqa: TID251 - torchnmf draws from the global generator
    V = _tensor(X)
    model = TorchNMF(V.shape, rank=k).double()
    with torch.no_grad():
        mean = float(X.mean())
        model.H.copy_(torch.rand_like(model.H) * 2 * (mean / k) ** 0.5)
        model.W.copy_(torch.rand_like(model.W) * 2 * (mean / k) ** 0.5)
    n_iter = model.fit(V, beta=beta)

    def transform(T: Data) -> np.ndarray:
        start = torch.full((T.shape[0], k), (mean / k) ** 0.5, dtype=torch.float64)
        new = TorchNMF(W=model.W.detach(), H=start, trainable_W=False)
        new.fit(_tensor(T), beta=beta)
        return new.H.detach().numpy()

    return Fitted(model.W.detach().numpy().T, transform, n_iter)


def _tensor(X: Data) -> torch.Tensor:
    return torch.from_numpy(X.toarray() if scipy.sparse.issparse(X) else np.ascontiguousarray(X))


OURS = "DNMF plain"
METHODS: dict[str, dict[str, Fit]] = {
    LEAST_SQUARES: {
        "scikit-learn CD, tol 1e-6": partial(of_estimator, coordinate_descent),
        "scikit-learn CD, tol 1e-4": partial(of_estimator, partial(coordinate_descent, tol=1e-4)),
        "scikit-learn MiniBatchNMF": partial(of_estimator, minibatch),
        "torchnmf": partial(torchnmf, beta=2),
        OURS: partial(of_estimator, plain),
    },
    KULLBACK_LEIBLER: {
        "scikit-learn MU, tol 1e-6": partial(of_estimator, likelihood_updates),
        "scikit-learn MiniBatchNMF": partial(
            of_estimator, partial(minibatch, beta_loss="kullback-leibler")
        ),
        "torchnmf": partial(torchnmf, beta=1),
        OURS: partial(of_estimator, partial(plain, layer="kl")),
    },
}
PEER = {LEAST_SQUARES: "scikit-learn CD, tol 1e-6", KULLBACK_LEIBLER: "scikit-learn MU, tol 1e-6"}
