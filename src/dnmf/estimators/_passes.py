"""What is asked of every chunk of samples once a dictionary is known: exposures, costs, certificates."""

from dataclasses import dataclass

import torch
from torch import Tensor

from dnmf.engine.chunks import State, Sums
from dnmf.engine.exact import certificates, costs, exact_exposures
from dnmf.engine.samples import Chunk
from dnmf.exceptions import InputDataError
from dnmf.kernels.objectives import Objective, Poisson


@dataclass(frozen=True)
class Model:
    """A dictionary and how exposures to it are inferred.

    Attributes
    ----------
    W : (k, f)
        The dictionary.
    objective : Objective
        What exposures minimise.
    network : torch module, optional
        Infers them; without it they are exact.
    bound : float, optional
        Certificate above which a sample's exposures from the network are finished exactly, of a likelihood for each 1
        of its sum; None for never.
    """

    W: Tensor
    objective: Objective
    network: torch.nn.Module | None = None
    bound: float | None = None


def infer(chunk: Chunk, state: State, model: Model) -> Tensor:
    """Return exposures of the samples."""
    X, network = chunk.X, model.network
    complete = chunk.observed is None
    if network is None or (not complete and model.bound is not None):
        return exact_exposures(chunk, model.W, model.objective)
    if not complete:
        raise InputDataError(
            "the network needs samples without missing entries: transform(X, exact='auto') infers from what is known"
        )
    dense = X if isinstance(X, Tensor) else torch.from_numpy(X.toarray())
    H: Tensor = network(dense)
    if model.bound is not None:
        # That of a likelihood is in nats, which grow with the sample.
        unit = dense.sum(dim=1) if isinstance(model.objective, Poisson) else 1.0
        certificate = model.objective.certificate(dense, H, model.W)
        rest = (certificate > model.bound * unit).nonzero()[:, 0]
        if len(rest):
            H[rest] = exact_exposures(Chunk(dense[rest]), model.W, model.objective)
    return H


def judge(chunk: Chunk, state: State, model: Model) -> tuple[State, Sums]:
    """Return what the exact exposures leave, without penalties, and how much every component is used."""
    H = exact_exposures(chunk, model.W, model.objective, state=state)
    left = costs(chunk, H, model.W, type(model.objective)())
    weighted = H if chunk.weights is None else H * chunk.weights[:, None]
    left = left if chunk.weights is None else left * chunk.weights
    return state, {"cost": left.sum(), "used": weighted.sum(dim=0)}


def deviances(chunk: Chunk, state: State, model: Model) -> Tensor:
    """Return for every sample minus twice what its exposures leave, without penalties."""
    H = infer(chunk, state, model)
    return -2 * costs(chunk, H, model.W, type(model.objective)())


def certify(chunk: Chunk, state: State, model: Model) -> Tensor:
    """Return the certificates of the exposures that the chunk brings."""
    if chunk.start is None:
        raise ValueError("certify: no exposures were given")
    return certificates(chunk, chunk.start, model.W, model.objective)
