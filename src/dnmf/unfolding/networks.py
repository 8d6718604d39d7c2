"""Networks of unfolded layers: their start, the scale in which they work, and the exposures they return."""

from itertools import chain
from typing import ClassVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.multiplicative import EPSILON
from dnmf.unfolding.layers import (
    ADMMLayer,
    KLLayer,
    MULayer,
    ProjectedGradientLayer,
    UnfoldedLayer,
    WeightedMULayer,
)
from dnmf.unfolding.newton import NewtonLayer
from dnmf.unfolding.problem import Problem

# The rules by the name that users give.
LAYERS: dict[str, type[UnfoldedLayer]] = {
    "mu": MULayer,
    "kl": KLLayer,
    "weighted-mu": WeightedMULayer,
    "projected-gradient": ProjectedGradientLayer,
    "admm": ADMMLayer,
    "newton": NewtonLayer,
}


def rows_of(X: Float[Tensor, "*batch f"], n_features: int) -> Float[Tensor, "n f"]:
    """Return one sample, or a batch of any number of dimensions, as rows; a ValueError for other features."""
    if X.ndim == 0 or X.shape[-1] != n_features:
        raise ValueError(
            f"expected samples of {n_features} features, (..., {n_features}), got a tensor of shape {tuple(X.shape)}"
        )
    return X.reshape(-1, n_features)


def _dictionary_shape(W: Tensor) -> tuple[int, int]:
    """Return components and features of a dictionary; a ValueError for what is none."""
    if W.ndim != 2 or not (torch.isfinite(W) & (W >= 0)).all():
        raise ValueError("a dictionary has two dimensions (k, f) and finite values >= 0")
    return W.shape[0], W.shape[1]


def shaped_like(X: Float[Tensor, "*batch f"], H: Float[Tensor, "n k"]) -> Float[Tensor, "*batch k"]:
    """Return the exposures of :func:`rows_of` samples in the shape of these."""
    return H.reshape(*X.shape[:-1], H.shape[-1])


class _LayeredNetwork(nn.Module):
    layers: nn.ModuleList
    n_features: int

    def _rows(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "n f"]:
        """Return checked samples as rows."""
        weights = next(chain(self.parameters(), self.buffers())).dtype
        if X.dtype != weights or weights not in EPSILON:
            raise TypeError(
                f"the samples are {X.dtype}, the network's weights {weights}: both must be torch.float64, or both "
                "torch.float32. Convert with .to(dtype)."
            )
        return rows_of(X, self.n_features)

    def _states(self, start: Tensor, problem: Problem) -> list[Tensor]:
        """Return the state before the first and after every layer."""
        states = [start]
        for layer in self.layers:
            states.append(layer(states[-1], problem))
        return states

    def project_nonnegative_(self) -> None:
        """Clamp at zero the weights that must not be negative: after each optimiser step (paper 2.2)."""
        for layer in self.layers:
            cast(UnfoldedLayer, layer).project_nonnegative_()


class UnfoldedMU(_LayeredNetwork):
    """The paper's network: L multiplicative updates, each with its own matrices, one shared pair of penalties.

    ``H_{l+1} = H_l * (X D_l^T + eps) / (H_l G_l^T + l1_reg + l2_reg H_l + eps)``, ``H_0 = 1``

    Parameters
    ----------
    n_features, n_components, n_layers : int
        f, k and L.
    l1_reg, l2_reg : float
        Penalties on the exposures; where they start when ``learn_penalties``.
    learn_penalties : bool
        Whether the penalties are weights of the network. Supervised training only: without known exposures the best
        penalty is always 0.
    weight_init : float
        Constant to which all matrices are set.
    dtype, device
        As for any torch module.

    Notes
    -----
    Paper 2.2 and figure 1. It works in the units of its input: to be trained on counts of one size.

    Examples
    --------
    >>> W = torch.tensor([[0.5, 0.5]], dtype=torch.float64)
    >>> network = UnfoldedMU.from_dictionary(W, n_layers=1)
    >>> network(torch.tensor([[3.0, 1.0]], dtype=torch.float64)).detach().round(decimals=6)
    tensor([[4.]], dtype=torch.float64)
    """

    def __init__(
        self,
        n_features: int,
        n_components: int,
        n_layers: int = 10,
        *,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        learn_penalties: bool = False,
        weight_init: float = 1.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        shape = torch.empty(n_components, n_features, dtype=dtype, device=device)
        self.layers = nn.ModuleList(MULayer.constant(shape, weight_init) for _ in range(n_layers))
        self.n_features, self.n_components = n_features, n_components
        for name, value in (("l1_reg", l1_reg), ("l2_reg", l2_reg)):
            penalty = torch.tensor(value, dtype=dtype, device=device)
            if learn_penalties:
                self.register_parameter(name, nn.Parameter(penalty))
            else:
                self.register_buffer(name, penalty)

    nonnegative: ClassVar[tuple[str, ...]] = ("l1_reg", "l2_reg")
    l1_reg: Tensor
    l2_reg: Tensor

    @classmethod
    def from_dictionary(
        cls,
        W: Float[Tensor, "k f"],
        n_layers: int,
        *,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        learn_penalties: bool = False,
    ) -> "UnfoldedMU":
        """Return the network that is exactly ``n_layers`` classic updates for the dictionary ``W``."""
        k, f = _dictionary_shape(W)
        network = cls(
            f,
            k,
            0,
            l1_reg=l1_reg,
            l2_reg=l2_reg,
            learn_penalties=learn_penalties,
            dtype=W.dtype,
            device=W.device,
        )
        network.layers.extend(MULayer.from_dictionary(W) for _ in range(n_layers))
        return network

    def iterates(
        self, X: Float[Tensor, "*batch f"], H0: Float[Tensor, "*batch k"] | None = None
    ) -> list[Float[Tensor, "*batch k"]]:
        """Return the exposures before the first and after every layer."""
        l1_reg, l2_reg = (p if p.requires_grad else p.item() for p in (self.l1_reg, self.l2_reg))
        problem = Problem(self._rows(X), l1_reg=l1_reg, l2_reg=l2_reg)
        shape = (*X.shape[:-1], self.n_components)
        start = X.new_ones(shape) if H0 is None else H0
        if tuple(start.shape) != shape:
            raise ValueError(
                f"expected starting exposures of shape {shape}, got {tuple(start.shape)}"
            )
        states = self._states(start.reshape(-1, self.n_components), problem)
        return [shaped_like(X, state) for state in states]

    def forward(
        self, X: Float[Tensor, "*batch f"], H0: Float[Tensor, "*batch k"] | None = None
    ) -> Float[Tensor, "*batch k"]:
        """Return the exposures of one sample or a batch of them, from ``H0`` (default: ones).

        Raises
        ------
        TypeError
            If samples and weights are not both float64 or both float32.
        ValueError
            If a sample has another number of features, or ``H0`` another shape.
        """
        return self.iterates(X, H0)[-1]

    def project_nonnegative_(self) -> None:
        """Clamp all weights, penalties included, at zero: after each optimiser step (paper 2.2)."""
        super().project_nonnegative_()
        with torch.no_grad():
            self.l1_reg.clamp_(min=0)
            self.l2_reg.clamp_(min=0)


class Unfolded(_LayeredNetwork):
    """A network of any rule that works on spectra: equivariant to the number of mutations by construction.

    A sample x is divided by its total s and components by their usual share sigma; the layers see a problem in which
    all numbers are near 1, and the exposures are ``s * sigma * max(state, 0)``. Layers start from the least-squares
    exposures ``x W^+``. Penalties keep their meaning in mutations.

    Parameters
    ----------
    n_features, n_components, n_layers : int
        f, k and L.
    layer : str
        The rule, one of ``LAYERS``.
    l1_reg, l2_reg : float
        Penalties on the exposures; ``l1_reg`` in mutations.
    dtype, device
        As for any torch module.

    Attributes
    ----------
    signatures : buffer (k, f)
        The dictionary, rows summing to 1.
    shares : buffer (k,)
        sigma, the root mean square share of each component in the training samples.

    Examples
    --------
    >>> W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], dtype=torch.float64)
    >>> network = Unfolded.from_dictionary(W, n_layers=3)
    >>> network(torch.tensor([[1.0, 3.0, 2.0]], dtype=torch.float64)).detach()
    tensor([[2.0000, 4.0000]], dtype=torch.float64)
    """

    def __init__(
        self,
        n_features: int,
        n_components: int,
        n_layers: int = 10,
        *,
        layer: str = "newton",
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if layer not in LAYERS:
            raise ValueError(f"unknown layer {layer!r}: choose one of {', '.join(LAYERS)}")
        self.rule = LAYERS[layer]
        self.n_features = n_features
        self.rule.objective(l1_reg, l2_reg)  # an error for penalties that it does not take
        zeros = torch.zeros(n_components, n_features, dtype=dtype, device=device)
        self.register_buffer("signatures", zeros)
        self.register_buffer("shares", zeros.new_ones(n_components))
        self.register_buffer("inverse", torch.zeros_like(zeros.mT))
        self.register_buffer("l1_reg", zeros.new_tensor(l1_reg))
        self.register_buffer("l2_reg", zeros.new_tensor(l2_reg))
        self.layers = nn.ModuleList(self.rule.stack(self.signatures, n_layers))

    nonnegative: ClassVar[tuple[str, ...]] = ("signatures", "shares", "l1_reg", "l2_reg")
    signatures: Tensor
    shares: Tensor
    inverse: Tensor
    l1_reg: Tensor
    l2_reg: Tensor

    @classmethod
    def from_dictionary(
        cls,
        W: Float[Tensor, "k f"],
        n_layers: int = 10,
        *,
        layer: str = "newton",
        shares: Float[Tensor, " k"] | None = None,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
    ) -> "Unfolded":
        """Return the network whose layers are the classic step for ``W`` (rows summing to 1).

        ``shares`` holds the usual share of each component in a sample, by default 1 for all.
        """
        k, f = _dictionary_shape(W)
        network = cls(
            f, k, 0, layer=layer, l1_reg=l1_reg, l2_reg=l2_reg, dtype=W.dtype, device=W.device
        )
        with torch.no_grad():
            network.signatures.copy_(W)
            if shares is not None:
                network.shares.copy_(shares)
            network.inverse.copy_(torch.linalg.pinv(network.scaled_signatures))
        network.layers.extend(network.rule.stack(network.scaled_signatures, n_layers))
        return network

    @property
    def scaled_signatures(self) -> Float[Tensor, "k f"]:
        """The dictionary of the layers' problem: each signature times its usual share."""
        return self.signatures * self.shares[:, None]

    def problem(self, X: Float[Tensor, "n f"]) -> Problem:
        """Return the layers' problem for the samples ``X``: spectra, scaled signatures, matching penalties."""
        totals = X.sum(dim=1, keepdim=True)
        safe = torch.where(totals > 0, totals, torch.ones_like(totals))
        # With exposures written as s sigma h, the cost over s^2 has the penalties l1 sigma / s and l2 sigma^2 on h.
        return Problem(
            X / safe,
            self.scaled_signatures,
            l1_reg=self.l1_reg / safe * self.shares,
            l2_reg=self.l2_reg * self.shares.square(),
        )

    def iterates(self, X: Float[Tensor, "*batch f"]) -> list[Float[Tensor, "*batch k"]]:
        """Return the exposures (mutations) at the start and after every layer."""
        states, _, unit = self._scaled_states(X)
        return [shaped_like(X, unit * state.clamp(min=0)) for state in states]

    def forward(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "*batch k"]:
        """Return the exposures (mutations) of one sample or a batch of them; empty samples get 0.

        They are those of the last layer or, with a rule whose steps may raise the cost, of the layer where the cost of
        the sample was lowest.

        Raises
        ------
        TypeError
            If samples and weights are not both float64 or both float32.
        ValueError
            If a sample has another number of features.
        """
        states, problem, unit = self._scaled_states(X)
        best = _cheapest(states, problem) if self.rule.keeps_cheapest else states[-1].clamp(min=0)
        return shaped_like(X, unit * best)

    def _scaled_states(
        self, X: Float[Tensor, "*batch f"]
    ) -> tuple[list[Tensor], Problem, Float[Tensor, "n k"]]:
        """Return the states of the layers, their problem, and the exposures (mutations) that a state of 1 means."""
        rows = self._rows(X)
        problem = self.problem(rows)
        states = self._states(self.rule.start_from(problem.X @ self.inverse), problem)
        return states, problem, rows.sum(dim=1, keepdim=True) * self.shares


def _cheapest(states: list[Tensor], problem: Problem) -> Float[Tensor, "n k"]:
    """Return for every sample the exposures of that state whose least-squares cost is lowest; the last of equals."""
    exposures = [state.clamp(min=0) for state in states]
    costs = [((0.5 * h @ problem.gram - problem.moments) * h).sum(dim=1) for h in exposures]
    # Costs that differ by rounding count as equal and the later state is taken: where the cost is flat, its exposures
    # are nearer to the exact ones.
    rounding = 4 * torch.finfo(problem.X.dtype).eps
    best, lowest = exposures[0], costs[0]
    for h, cost in zip(exposures[1:], costs[1:], strict=True):
        better = cost <= lowest + rounding * lowest.abs()
        best = torch.where(better[:, None], h, best)
        lowest = torch.where(better, cost, lowest)
    return best
