"""Starting factors, with warnings where the start or the data make the result doubtful."""

import warnings
from typing import cast

import numpy as np
import torch

from dnmf.exceptions import DoubtfulDataWarning, SymmetricInitWarning
from dnmf.kernels.initialize import InitMethod, initialize_factors


def start_factors(
    X: torch.Tensor, n_components: int, init: str, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return starting exposures and signatures; ``init`` falls back to random where the data cannot give that many."""
    warn_of_rank(X, n_components)
    if init == "ones" and n_components > 1:
        warnings.warn(
            f"all {n_components} components start equal: multiplicative updates cannot make them differ, the result "
            "has rank 1. Use init='separable' or 'random'.",
            SymmetricInitWarning,
            stacklevel=4,
        )
    occupied, rank = int((X.sum(dim=1) > 0).sum()), min(X.shape)
    most = {"separable": occupied, "nndsvd": rank, "nndsvda": rank}
    if n_components > most.get(init, n_components):
        init = "random"
    method = cast(InitMethod, init)  # checked by the estimators
    return initialize_factors(X, int(n_components), method, generator=generator)


def warn_of_rank(X: torch.Tensor, n_components: int) -> None:
    """Warn when there are more components than the data can tell apart."""
    rank = int(np.linalg.matrix_rank(X.detach().cpu().numpy()))
    if n_components > rank:
        warnings.warn(
            f"{n_components} components asked of data of rank {rank}: at least {n_components - rank} of them are not "
            "determined by the data. Ask for fewer.",
            DoubtfulDataWarning,
            stacklevel=5,
        )
