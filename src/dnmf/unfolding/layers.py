"""One class per unfolded rule. Each is one step of a classic algorithm with some of its matrices set free.

Every layer maps ``(state, problem) -> state``, for samples of any number of batch dimensions. The exposures of a state
are its positive part; multiplicative rules keep states non-negative, ADMM uses the negative part to carry its dual
variable.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.kl import kl_step
from dnmf.kernels.multiplicative import mu_step
from dnmf.kernels.objectives import Frobenius, Objective, Poisson
from dnmf.unfolding.precision import inverse
from dnmf.unfolding.problem import Problem


class UnfoldedLayer(nn.Module):
    """What all rules share: how they are built from a dictionary, started, and kept feasible.

    Parameters
    ----------
    **weights : tensor
        The weights, by the names of the rule's parameters; ``from_dictionary`` makes those of the classic step.

    Attributes
    ----------
    objective : callable(l1_reg, l2_reg) -> Objective
        Makes the cost that the classic step lowers.
    learning_rate : float
        The peak at which :func:`dnmf.unfolding.train_to_dictionary` trains such layers.
    keeps_cheapest : bool
        Whether a step may raise the cost, so that a network must return the exposures of lowest cost that it reached.
    exact_fixed_point : bool
        Whether a state that the step leaves as it is holds the exact solution, whatever the weights are.
    nonnegative : tuple of str
        The weights that must not be negative.
    """

    objective: ClassVar[Callable[..., Objective]] = Frobenius
    learning_rate: ClassVar[float] = 3e-3
    keeps_cheapest: ClassVar[bool] = False
    exact_fixed_point: ClassVar[bool] = False
    nonnegative: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **weights: Tensor) -> None:
        super().__init__()
        self._frozen: tuple[str, ...] | None = None  # names of the stored constants
        for name, weight in weights.items():
            # Contiguous, whatever the table was: optimisers pair a parameter with its moments by place in memory.
            copy = weight.detach().clone(memory_format=torch.contiguous_format)
            self.register_parameter(name, nn.Parameter(copy))

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "UnfoldedLayer":
        """Return the layer that is exactly one classic step for the dictionary ``W``."""
        raise NotImplementedError

    @classmethod
    def stack(cls, W: Float[Tensor, "k f"], n_layers: int) -> "list[UnfoldedLayer]":
        """Return the layers of a network for the dictionary ``W``: all alike, unless the rule has a schedule."""
        return [cls.from_dictionary(W) for _ in range(n_layers)]

    @staticmethod
    def start_from(estimate: Float[Tensor, "*batch k"]) -> Float[Tensor, "*batch k"]:
        """Return the state from which this rule should start, given signed least-squares exposures."""
        return estimate.clamp(min=0)

    def constants(self, problem: Problem) -> dict[str, Tensor]:
        """Return what a step needs that is the same for all samples, e.g. an inverse: what :meth:`freeze` stores.

        It may depend on the weights, the dictionary and the quadratic penalty. A rule that has none inherits this one;
        a rule that has some asks for them by :meth:`constants_for`.
        """
        return {}

    def constants_for(self, problem: Problem) -> dict[str, Tensor]:
        """Return the stored constants of a frozen layer, else those that its weights and the problem give."""
        if self._frozen is None:
            return self.constants(problem)
        return {name: self.get_buffer(f"frozen_{name}") for name in self._frozen}

    def freeze(self, problem: Problem) -> None:
        """Store the constants as buffers: later changes of weights and dictionary do not reach them."""
        constants = self.constants(problem)
        for name, value in constants.items():
            self.register_buffer(f"frozen_{name}", value.detach().clone())
        self._frozen = tuple(constants)

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the next state."""
        raise NotImplementedError

    def project_nonnegative_(self) -> None:
        """Clamp the weights that must not be negative; called after every optimiser step (paper 2.2)."""
        with torch.no_grad():
            for name in self.nonnegative:
                self.get_parameter(name).clamp_(min=0)


class MultiplicativeLayer(UnfoldedLayer):
    """Base of the rules that multiply: they never leave zero, so they start a little above it."""

    # Share of a sample's total, far below any that matters.
    START_FLOOR: ClassVar[float] = 1e-6

    @staticmethod
    def start_from(estimate: Float[Tensor, "*batch k"]) -> Float[Tensor, "*batch k"]:
        """Return the positive part, lifted off zero."""
        return estimate.clamp(min=0) + MultiplicativeLayer.START_FLOOR


class MULayer(MultiplicativeLayer):
    """One multiplicative update whose two matrices are free (the paper's layer).

    ``H <- H * (X D^T + eps) / (H G^T + l1_reg + l2_reg H + eps)``

    Attributes
    ----------
    gram : Parameter (k, k)
        G, the learned stand-in for ``W W^T``; not symmetric once trained.
    dictionary : Parameter (k, f)
        D, the learned stand-in for ``W``.

    Notes
    -----
    Paper 2.2, transposed; the step is :func:`dnmf.kernels.mu_step`, the classic solver's own.

    Examples
    --------
    >>> W = torch.tensor([[1.0, 1.0]])
    >>> layer = MULayer.from_dictionary(W)
    >>> layer(torch.ones(1, 1), Problem(torch.tensor([[2.0, 2.0]]))).detach().round(decimals=4)
    tensor([[2.]])
    """

    # At 3e-3 training never lowered the cost below that of the untrained network.
    learning_rate = 1e-4
    nonnegative = ("gram", "dictionary")
    gram: nn.Parameter
    dictionary: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "MULayer":
        """Return the layer that is one classic update for the dictionary ``W``."""
        return cls(gram=W @ W.mT, dictionary=W)

    @classmethod
    def constant(cls, like: Float[Tensor, "k f"], value: float) -> "MULayer":
        """Return the layer whose matrices, for a dictionary of this shape, hold one value: the paper's start."""
        k = len(like)
        return cls(gram=like.new_full((k, k), value), dictionary=torch.full_like(like, value))

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the updated exposures."""
        numerator = problem.X @ self.dictionary.mT
        return mu_step(state, numerator, self.gram, problem.l1_reg, problem.l2_reg)


class ADMMLayer(UnfoldedLayer):
    """One over-relaxed ADMM step with a learned penalty and relaxation per component.

    With ``G = W W^T``, ``c = X W^T``, ``d = diag(G)``, exposures h and dual u of the incoming state::

        y = (c + rho d (h - u)) (G + diag(rho d))^-1
        t = alpha y + (1 - alpha) h + u
        h <- max(t, 0),   u <- min(t, 0)

    Its fixed point is the exact non-negative least-squares solution, and repeating it converges there, for *any*
    rho > 0 and 0 < alpha < 2; ``project_nonnegative_`` keeps alpha in that range after every training step. It follows
    the dictionary when that changes.

    Attributes
    ----------
    log_rho, alpha : Parameter (k,)
        Penalty (relative to d, logarithm) and relaxation.

    Notes
    -----
    Boyd et al. 2011, Distributed Optimization and Statistical Learning via ADMM, sections 3.4 and 5.2. The state is
    ``h + rho u``: the two have disjoint supports, and ``rho u`` (unlike ``u``) means the same in every layer.
    One alpha per component converges as a single one does (Eckstein and Bertsekas 1992): ``h + u`` comes nearer to its
    limit in the norm with the weights ``rho d / alpha``.
    """

    exact_fixed_point = True
    # Larger than for free matrices: two numbers per component are trained stably at this rate.
    learning_rate = 3e-2
    INITIAL_RHO = 0.3
    INITIAL_ALPHA = 1.8
    # Where training may move alpha: convergence needs 0 < alpha < 2, and stops at either end.
    MIN_ALPHA, MAX_ALPHA = 0.05, 1.99

    log_rho: nn.Parameter
    alpha: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "ADMMLayer":
        """Return the layer with the usual penalty and relaxation for ``W``'s number of components."""
        k = len(W)
        return cls(
            log_rho=W.new_full((k,), cls.INITIAL_RHO).log(),
            alpha=W.new_full((k,), cls.INITIAL_ALPHA),
        )

    @staticmethod
    def start_from(estimate: Float[Tensor, "*batch k"]) -> Float[Tensor, "*batch k"]:
        """Return the estimate, its negative part as the dual."""
        return estimate.clamp(min=0) + ADMMLayer.INITIAL_RHO * estimate.clamp(max=0)

    def constants(self, problem: Problem) -> dict[str, Tensor]:
        """Return rho, rho d and the inverse."""
        rho = self.log_rho.exp()
        strength = rho * problem.diagonal
        solve = inverse(problem.gram + torch.diag(strength))
        return {"rho": rho, "strength": strength, "solve": solve}

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the next state."""
        fixed = self.constants_for(problem)
        rho, strength, solve = fixed["rho"], fixed["strength"], fixed["solve"]
        exposures = state.relu()
        dual = (state - exposures) / rho
        y = torch.addcmul(problem.moments, strength, exposures - dual) @ solve
        t = exposures + self.alpha * (y - exposures) + dual
        # The positive part as it is, the negative one times rho: the state.
        return torch.where(t > 0, t, rho * t)

    def project_nonnegative_(self) -> None:
        """Clamp alpha to where repeated steps converge."""
        with torch.no_grad():
            self.alpha.clamp_(self.MIN_ALPHA, self.MAX_ALPHA)


class WeightedMULayer(MultiplicativeLayer):
    """One multiplicative update of the current dictionary, every term of it weighted by a learned factor.

    ``H <- H * (X (A * W)^T + eps) / (H (B * W W^T)^T + l1_reg + l2_reg H + eps)``

    All factors at 1 is the classic update. It keeps its dependence on W: it follows the dictionary when that changes.
    Called NALMU in former versions, which it is not: that is :class:`dnmf.unfolding.NALMULayer`.

    Attributes
    ----------
    dictionary_weights, gram_weights : Parameter (k, f), (k, k)
        A and B.
    """

    nonnegative = ("dictionary_weights", "gram_weights")
    dictionary_weights: nn.Parameter
    gram_weights: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "WeightedMULayer":
        """Return the layer that is one classic update for whatever dictionary its problem has."""
        k = len(W)
        return cls(dictionary_weights=torch.ones_like(W), gram_weights=W.new_ones(k, k))

    def constants(self, problem: Problem) -> dict[str, Tensor]:
        """Return both weighted matrices."""
        W = problem.dictionary
        return {"dictionary": self.dictionary_weights * W, "gram": self.gram_weights * (W @ W.mT)}

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the updated exposures."""
        fixed = self.constants_for(problem)
        numerator = problem.X @ fixed["dictionary"].mT
        return mu_step(state, numerator, fixed["gram"], problem.l1_reg, problem.l2_reg)


class ProjectedGradientLayer(UnfoldedLayer):
    """One projected gradient step with free matrices: non-negative LISTA.

    ``H <- max(H S^T + X D^T - step (l1_reg + l2_reg H), 0)``

    Started as the classic step ``H - (H W W^T - X W^T + l1_reg + l2_reg H) / ||W W^T||``.

    Attributes
    ----------
    mixing, dictionary, step : Parameter (k, k), (k, f), (k,)
        S, D and the step size of the penalties.

    Notes
    -----
    Gregor and LeCun 2010, Learning fast approximations of sparse coding.
    """

    nonnegative = ("step",)  # with a negative step the penalties would raise the exposures
    dictionary: nn.Parameter
    mixing: nn.Parameter
    step: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "ProjectedGradientLayer":
        """Return the layer that is one classic step for the dictionary ``W``."""
        gram = W @ W.mT
        lipschitz = torch.linalg.matrix_norm(gram, 2).clamp(min=torch.finfo(W.dtype).tiny)
        return cls(
            dictionary=W / lipschitz,
            mixing=torch.eye(len(W), dtype=W.dtype, device=W.device) - gram / lipschitz,
            step=W.new_ones(len(W)) / lipschitz,
        )

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the next exposures."""
        penalty = self.step * (problem.l1_reg + problem.l2_reg * state)
        return (state @ self.mixing.mT + problem.X @ self.dictionary.mT - penalty).clamp(min=0)


class KLLayer(MultiplicativeLayer):
    """One multiplicative update for Poisson counts (Kullback-Leibler cost) with free matrices.

    ``H <- H * ((X / (H F)) B^T) / rowsum(B)``, with ``0 / 0 = 0``

    Attributes
    ----------
    forward_dictionary, backward_dictionary : Parameter (k, f)
        F, which predicts the counts, and B, which returns what they miss; both the dictionary in the classic step.

    Notes
    -----
    The step of :func:`dnmf.kernels.kl_step` with its two uses of W set free.
    """

    objective = Poisson

    nonnegative = ("forward_dictionary", "backward_dictionary")
    forward_dictionary: nn.Parameter
    backward_dictionary: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "KLLayer":
        """Return the layer that is one classic update for the dictionary ``W``."""
        return cls(forward_dictionary=W, backward_dictionary=W)

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the updated exposures."""
        return kl_step(problem.X, state, self.forward_dictionary, backward=self.backward_dictionary)
