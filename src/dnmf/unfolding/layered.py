"""What networks of layers share: the shape and precision of samples and answers, projection, freezing."""

from copy import deepcopy
from itertools import chain
from typing import ClassVar, TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.unfolding.layers import UnfoldedLayer
from dnmf.unfolding.precision import call_in, working_dtype
from dnmf.unfolding.problem import Problem

Network = TypeVar("Network", bound="LayeredNetwork")


def rows_of(X: Float[Tensor, "*batch f"], n_features: int) -> Float[Tensor, "n f"]:
    """Return one sample, or a batch of any number of dimensions, as rows; a ValueError for other features."""
    if X.ndim == 0 or X.shape[-1] != n_features:
        raise ValueError(
            f"expected samples of {n_features} features, (..., {n_features}), got a tensor of shape {tuple(X.shape)}"
        )
    return X.reshape(-1, n_features)


def dictionary_shape(W: Tensor) -> tuple[int, int]:
    """Return components and features of a dictionary; a ValueError for what is none."""
    if W.ndim != 2 or not W.is_floating_point() or not (torch.isfinite(W) & (W >= 0)).all():
        raise ValueError(
            "a dictionary has two dimensions (k, f) and finite values >= 0, in floating point"
        )
    return W.shape[0], W.shape[1]


def shaped_like(X: Float[Tensor, "*batch f"], H: Float[Tensor, "n k"]) -> Float[Tensor, "*batch k"]:
    """Return the exposures of :func:`rows_of` samples in the shape of these."""
    return H.reshape(*X.shape[:-1], H.shape[-1])


class LayeredNetwork(nn.Module):
    """Base of the networks of layers."""

    layers: nn.ModuleList
    n_features: int
    n_components: int
    # Parameters of the network itself that must not be negative, and buffers that never are.
    nonnegative: ClassVar[tuple[str, ...]] = ()

    def _hold(self, name: str, values: Tensor, *, learned: bool) -> None:
        """Register what the network knows, as a weight if it is learned."""
        if learned:
            self.register_parameter(name, nn.Parameter(values))
        else:
            self.register_buffer(name, values)

    @property
    def _dtype(self) -> torch.dtype:
        """The precision in which the weights are stored."""
        return next(chain(self.parameters(), self.buffers())).dtype

    def _rows(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "n f"]:
        """Return checked samples as rows, in the precision in which the network computes."""
        return rows_of(X, self.n_features).to(working_dtype(X.dtype, self._dtype))

    def _start(
        self, X: Float[Tensor, "*batch f"], H0: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "n k"]:
        """Return checked starting exposures as rows."""
        shape = (*X.shape[:-1], self.n_components)
        if tuple(H0.shape) != shape:
            raise ValueError(f"expected starting exposures of shape {shape}, got {tuple(H0.shape)}")
        return H0.reshape(-1, self.n_components)

    def _answer(
        self, X: Float[Tensor, "*batch f"], H: Float[Tensor, "n k"]
    ) -> Float[Tensor, "*batch k"]:
        """Return exposures in the shape of the samples, and in the higher precision of samples and weights."""
        return shaped_like(X, H).to(torch.promote_types(X.dtype, self._dtype))

    def _states(self, start: Tensor, problem: Problem) -> list[Tensor]:
        """Return the state before the first and after every layer."""
        states = [start]
        for layer in self.layers:
            if start.dtype == self._dtype:
                states.append(layer(states[-1], problem))
            else:
                states.append(call_in(start.dtype, layer, states[-1], problem))
        return states

    def _problem_to_freeze(self) -> Problem:
        """Return a problem without samples."""
        raise NotImplementedError

    def freeze(self: Network) -> Network:
        """Return a copy for inference that stores what no sample changes: inverses, Gram matrices, scaled dictionary.

        Its answers are the same, faster, and without operations that other runtimes lack (ONNX has no inverse).
        Gradients flow to samples, not to weights. Weights and precision are changed before freezing, not after; a
        network in half precision is frozen in single precision.
        """
        frozen = deepcopy(self).requires_grad_(False)
        frozen.to(working_dtype(self._dtype, self._dtype))
        with torch.no_grad():
            problem = frozen._problem_to_freeze()
            for layer in frozen.layers:
                cast(UnfoldedLayer, layer).freeze(problem)
        return frozen

    def project_nonnegative_(self) -> None:
        """Clamp at zero the weights that must not be negative: after each optimiser step (paper 2.2)."""
        for layer in self.layers:
            cast(UnfoldedLayer, layer).project_nonnegative_()
        with torch.no_grad():
            for name in self.nonnegative:
                if isinstance(weight := getattr(self, name), nn.Parameter):
                    weight.clamp_(min=0)
