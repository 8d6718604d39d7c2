"""Networks of unfolded layers: their start, the scale in which they work, and the exposures they return."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.unfolding.layered import LayeredNetwork, dictionary_shape
from dnmf.unfolding.layers import MULayer, UnfoldedLayer
from dnmf.unfolding.precision import full_precision, working_dtype
from dnmf.unfolding.problem import Problem
from dnmf.unfolding.rules import rule_of


class UnfoldedMU(LayeredNetwork):
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
            self._hold(name, shape.new_tensor(value), learned=learn_penalties)

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
        k, f = dictionary_shape(W)
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
        with full_precision(X):
            rows = self._rows(X)
            start = rows.new_ones(*X.shape[:-1], self.n_components) if H0 is None else H0.to(rows)
            states = self._states(self._start(X, start), self._problem(rows))
            return [self._answer(X, state) for state in states]

    def _problem(self, rows: Float[Tensor, "n f"]) -> Problem:
        return Problem(rows, l1_reg=self.l1_reg.to(rows), l2_reg=self.l2_reg.to(rows))

    def _problem_to_freeze(self) -> Problem:
        return self._problem(self.l1_reg.new_zeros(0, self.n_features))

    def forward(
        self, X: Float[Tensor, "*batch f"], H0: Float[Tensor, "*batch k"] | None = None
    ) -> Float[Tensor, "*batch k"]:
        """Return the exposures of one sample or a batch of them, from ``H0`` (default: ones).

        Raises
        ------
        TypeError
            If samples and weights are not both float64, or both float32 or less.
        ValueError
            If a sample has another number of features, or ``H0`` another shape.
        """
        return self.iterates(X, H0)[-1]


class Unfolded(LayeredNetwork):
    """A network of any rule that works on shares: equivariant to the size of a sample by construction.

    A sample x is divided by its total s and components by their usual share sigma; the layers see a problem in which
    all numbers are near 1, and the exposures are ``s * sigma * max(state, 0)``. Layers start from the least-squares
    exposures ``x W^+``. Penalties keep their meaning in the unit of the samples.

    Parameters
    ----------
    n_features, n_components, n_layers : int
        f, k and L.
    layer : str or subclass of UnfoldedLayer
        The rule: a name in ``LAYERS``, or one's own (:func:`dnmf.unfolding.register_rule`).
    l1_reg, l2_reg : float
        Penalties on the exposures; ``l1_reg`` in the unit of the samples.
    tied : bool
        Whether all layers share one set of weights, that of ``rule.from_dictionary``.
    learn_dictionary, learn_penalties : bool
        Whether dictionary and penalties are weights of the network, >= 0. The dictionary teaches the rules that refer
        to it (weighted-mu, admm, newton); the others have matrices of their own, which are always learned.
    dtype, device
        As for any torch module.

    Attributes
    ----------
    signatures : buffer or Parameter (k, f)
        The dictionary, rows summing to 1 when built.
    shares : buffer (k,)
        sigma, the root mean square share of each component in the training samples.
    l1_reg, l2_reg : buffer or Parameter ()
        The penalties.

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
        layer: str | type[UnfoldedLayer] = "newton",
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        tied: bool = False,
        learn_dictionary: bool = False,
        learn_penalties: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.rule = rule_of(layer)
        self.n_features, self.n_components = n_features, n_components
        # An error for penalties that the rule does not take.
        self.rule.objective(l1_reg, l2_reg)
        if learn_penalties:
            self.rule.objective(1.0, 1.0)
        zeros = torch.zeros(n_components, n_features, dtype=dtype, device=device)
        self._hold("signatures", zeros, learned=learn_dictionary)
        self.register_buffer("shares", zeros.new_ones(n_components))
        self.register_buffer("inverse", torch.zeros_like(zeros.mT))
        self._hold("l1_reg", zeros.new_tensor(l1_reg), learned=learn_penalties)
        self._hold("l2_reg", zeros.new_tensor(l2_reg), learned=learn_penalties)
        self.layers = nn.ModuleList(self._stack(zeros, n_layers, tied=tied))
        self._frozen = False

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
        layer: str | type[UnfoldedLayer] = "newton",
        shares: Float[Tensor, " k"] | None = None,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        tied: bool = False,
        learn_dictionary: bool = False,
        learn_penalties: bool = False,
    ) -> "Unfolded":
        """Return the network whose layers are the classic step for ``W`` (rows summing to 1).

        ``shares`` holds the usual share of each component in a sample, by default 1 for all.
        """
        k, f = dictionary_shape(W)
        network = cls(
            f,
            k,
            0,
            layer=layer,
            l1_reg=l1_reg,
            l2_reg=l2_reg,
            learn_dictionary=learn_dictionary,
            learn_penalties=learn_penalties,
            dtype=W.dtype,
            device=W.device,
        )
        with torch.no_grad():
            network.signatures.copy_(W)
            if shares is not None:
                network.shares.copy_(shares)
            scaled = network.scaled_signatures
            network.inverse.copy_(torch.linalg.pinv(scaled))
            network.layers.extend(network._stack(scaled, n_layers, tied=tied))
        return network.to(W.dtype)

    def _stack(
        self, W: Float[Tensor, "k f"], n_layers: int, *, tied: bool
    ) -> Sequence[UnfoldedLayer]:
        return [self.rule.from_dictionary(W)] * n_layers if tied else self.rule.stack(W, n_layers)

    @property
    def scaled_signatures(self) -> Float[Tensor, "k f"]:
        """The dictionary of the layers' problem, each component times its usual share, in single precision at least."""
        dtype = working_dtype(self.signatures.dtype, self.signatures.dtype)
        return self.signatures.to(dtype) * self.shares.to(dtype)[:, None]

    def problem(self, X: Float[Tensor, "n f"]) -> Problem:
        """Return the layers' problem for the samples ``X``: their shares, scaled dictionary, matching penalties."""
        totals = X.sum(dim=1, keepdim=True)
        safe = torch.where(totals > 0, totals, torch.ones_like(totals))
        shares = self.shares.to(X)
        # With exposures written as s sigma h, the cost over s^2 has the penalties l1 sigma / s and l2 sigma^2 on h.
        return Problem(
            X / safe,
            self.get_buffer("frozen_dictionary") if self._frozen else self.scaled_signatures,
            l1_reg=self.l1_reg.to(X) / safe * shares,
            l2_reg=self.l2_reg.to(X) * shares.square(),
            gram=self.get_buffer("frozen_gram") if self._frozen else None,
        )

    def _problem_to_freeze(self) -> Problem:
        problem = self.problem(self.scaled_signatures.new_zeros(0, self.n_features))
        self.register_buffer("frozen_dictionary", problem.dictionary)
        self.register_buffer("frozen_gram", problem.gram)
        self._frozen = True
        return problem

    def iterates(
        self, X: Float[Tensor, "*batch f"], H0: Float[Tensor, "*batch k"] | None = None
    ) -> list[Float[Tensor, "*batch k"]]:
        """Return the exposures at the start and after every layer."""
        with full_precision(X):
            states, _, unit = self._scaled_states(X, H0)
            return [self._answer(X, unit * state.clamp(min=0)) for state in states]

    def forward(
        self, X: Float[Tensor, "*batch f"], H0: Float[Tensor, "*batch k"] | None = None
    ) -> Float[Tensor, "*batch k"]:
        """Return the exposures of one sample or a batch of them; empty samples get 0.

        They are those of the last layer or, with a rule whose steps may raise the cost, of the layer where the cost of
        the sample was lowest. Layers start from the exposures ``H0`` (default: least squares).

        Raises
        ------
        TypeError
            If samples and weights are not both float64, or both float32 or less.
        ValueError
            If a sample has another number of features, or ``H0`` another shape.
        """
        with full_precision(X):
            states, problem, unit = self._scaled_states(X, H0)
            best = _cheapest(states, problem) if self.rule.keeps_cheapest else states[-1].clamp(0)
            return self._answer(X, unit * best)

    def _scaled_states(
        self, X: Float[Tensor, "*batch f"], H0: Float[Tensor, "*batch k"] | None
    ) -> tuple[list[Tensor], Problem, Float[Tensor, "n k"]]:
        """Return the states of the layers, their problem, and the exposures that a state of 1 means."""
        rows = self._rows(X)
        problem = self.problem(rows)
        unit = rows.sum(dim=1, keepdim=True) * self.shares.to(rows)
        if H0 is None:
            estimate = problem.X @ self.inverse.to(rows)
        else:
            estimate = self._start(X, H0).to(rows) / torch.where(unit > 0, unit, 1.0)
        return self._states(self.rule.start_from(estimate), problem), problem, unit


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
