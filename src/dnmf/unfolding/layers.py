"""One class per unfolded rule. Each is one step of a classic algorithm with some of its matrices set free.

Every layer maps ``(state, problem) -> state``. The exposures of a state are its positive part; multiplicative rules
keep states non-negative, ADMM uses the negative part to carry its dual variable.
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.kl import kl_step
from dnmf.kernels.multiplicative import mu_step
from dnmf.unfolding.problem import Problem


class UnfoldedLayer(nn.Module):
    """What all rules share: how they are built from a dictionary, started, and kept feasible.

    Attributes
    ----------
    objective : str
        The cost that the classic step lowers: ``"frobenius"`` or ``"kl"``.
    learning_rate : float
        The peak at which :func:`dnmf.unfolding.train_to_dictionary` trains such layers.
    keeps_cheapest : bool
        Whether steps may raise the cost on their way, so that a network must return the best exposures it came across.
    """

    objective: ClassVar[str] = "frobenius"
    learning_rate: ClassVar[float] = 3e-3
    keeps_cheapest: ClassVar[bool] = False

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "UnfoldedLayer":
        """Return the layer that is exactly one classic step for the dictionary ``W``."""
        raise NotImplementedError

    @classmethod
    def stack(cls, W: Float[Tensor, "k f"], n_layers: int) -> "list[UnfoldedLayer]":
        """Return the layers of a network for the dictionary ``W``: all alike, unless the rule has a schedule."""
        return [cls.from_dictionary(W) for _ in range(n_layers)]

    @staticmethod
    def start_from(estimate: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the state from which this rule should start, given signed least-squares exposures."""
        return estimate.clamp(min=0)

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the next state."""
        raise NotImplementedError

    def project_nonnegative_(self) -> None:
        """Clamp the weights that must not be negative; called after every optimiser step (paper 2.2)."""


class MULayer(UnfoldedLayer):
    """One multiplicative update whose two matrices are free (the paper's layer).

    ``H <- H * (X D^T + eps) / (H G^T + l1_reg + l2_reg H + eps)``

    Parameters
    ----------
    n_features, n_components : int
        f and k.
    weight_init : float
        Constant to which both matrices are set; the paper uses 1, its authors' code 0.1.
    dtype, device
        As for any torch module.

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

    # At 3e-3 it never became better than untrained.
    learning_rate = 1e-4
    # Multiplicative rules never leave zero, so they start a little above it (shares of a sample, so far below 1).
    START_FLOOR = 1e-6

    def __init__(
        self,
        n_features: int,
        n_components: int,
        *,
        weight_init: float = 1.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        shape_of = {"gram": (n_components, n_components), "dictionary": (n_components, n_features)}
        for name, shape in shape_of.items():
            weight = torch.full(shape, weight_init, dtype=dtype, device=device)
            self.register_parameter(name, nn.Parameter(weight))

    gram: nn.Parameter
    dictionary: nn.Parameter

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "MULayer":
        """Return the layer that is one classic update for the dictionary ``W``."""
        k, f = W.shape
        layer = cls(f, k, dtype=W.dtype, device=W.device)
        with torch.no_grad():
            layer.gram.copy_(W @ W.mT)
            layer.dictionary.copy_(W)
        return layer

    @staticmethod
    def start_from(estimate: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the positive part, lifted off zero."""
        return estimate.clamp(min=0) + MULayer.START_FLOOR

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the updated exposures."""
        numerator = problem.X @ self.dictionary.mT
        return mu_step(state, numerator, self.gram, problem.l1_reg, problem.l2_reg)

    def project_nonnegative_(self) -> None:
        """Clamp both matrices at zero."""
        with torch.no_grad():
            self.gram.clamp_(min=0)
            self.dictionary.clamp_(min=0)


class ADMMLayer(UnfoldedLayer):
    """One over-relaxed ADMM step with a learned penalty and relaxation per component.

    With ``G = W W^T``, ``c = X W^T``, ``d = diag(G)``, exposures h and dual u of the incoming state::

        y = (c + rho d (h - u)) (G + diag(rho d))^-1
        t = alpha y + (1 - alpha) h + u
        h <- max(t, 0),   u <- min(t, 0)

    Its fixed point is the exact non-negative least-squares solution for *any* rho > 0 and 0 < alpha < 2: training can
    only make it faster, more layers always help, and it follows the dictionary when that changes.

    Parameters
    ----------
    n_components : int
        k; the layer has 2 k weights.

    Attributes
    ----------
    log_rho, alpha : Parameter (k,)
        Penalty (relative to d, logarithm) and relaxation.

    Notes
    -----
    Boyd et al. 2011, Distributed Optimization and Statistical Learning via ADMM, sections 3.4 and 5.2. The state is
    ``h + rho u``: the two have disjoint supports, and ``rho u`` (unlike ``u``) means the same in every layer.
    """

    # Its two numbers per component bear steps that would ruin free matrices.
    learning_rate = 3e-2
    INITIAL_RHO = 0.3
    INITIAL_ALPHA = 1.8

    def __init__(
        self,
        n_components: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        full = torch.full((n_components,), self.INITIAL_RHO, dtype=dtype, device=device)
        self.log_rho = nn.Parameter(full.log())
        self.alpha = nn.Parameter(torch.full_like(full, self.INITIAL_ALPHA))

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "ADMMLayer":
        """Return the layer with the usual penalty and relaxation for ``W``'s number of components."""
        return cls(len(W), dtype=W.dtype, device=W.device)

    @staticmethod
    def start_from(estimate: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the estimate, its negative part as the dual."""
        return estimate.clamp(min=0) + ADMMLayer.INITIAL_RHO * estimate.clamp(max=0)

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the next state."""
        rho = self.log_rho.exp()
        strength = rho * problem.diagonal
        solve = torch.linalg.inv(problem.gram + torch.diag(strength))
        exposures = state.relu()
        dual = (state - exposures) / rho
        y = torch.addcmul(problem.moments, strength, exposures - dual) @ solve
        t = exposures + self.alpha * (y - exposures) + dual
        # The positive part as it is, the negative one times rho: the state.
        return torch.where(t > 0, t, rho * t)


class NALMULayer(UnfoldedLayer):
    """One multiplicative update of the current dictionary, every term of it weighted by a learned factor.

    ``H <- H * (X (A * W)^T + eps) / (H (B * W W^T)^T + l1_reg + l2_reg H + eps)``

    All factors at 1 is the classic update. It keeps its dependence on W: it follows the dictionary when that changes.

    Parameters
    ----------
    n_features, n_components : int
        f and k.
    dtype, device
        As for any torch module.

    Attributes
    ----------
    dictionary_weights, gram_weights : Parameter (k, f), (k, k)
        A and B.
    """

    def __init__(
        self,
        n_features: int,
        n_components: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        ones = torch.ones(n_components, n_features, dtype=dtype, device=device)
        self.dictionary_weights = nn.Parameter(ones)
        self.gram_weights = nn.Parameter(ones.new_ones(n_components, n_components))

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "NALMULayer":
        """Return the layer that is one classic update for whatever dictionary its problem has."""
        k, f = W.shape
        return cls(f, k, dtype=W.dtype, device=W.device)

    @staticmethod
    def start_from(estimate: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the positive part, lifted off zero."""
        return MULayer.start_from(estimate)

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the updated exposures."""
        W = problem.dictionary
        numerator = problem.X @ (self.dictionary_weights * W).mT
        gram = self.gram_weights * (W @ W.mT)
        return mu_step(state, numerator, gram, problem.l1_reg, problem.l2_reg)

    def project_nonnegative_(self) -> None:
        """Clamp both weights at zero."""
        with torch.no_grad():
            self.dictionary_weights.clamp_(min=0)
            self.gram_weights.clamp_(min=0)


class ProjectedGradientLayer(UnfoldedLayer):
    """One projected gradient step with free matrices: non-negative LISTA.

    ``H <- max(H S^T + X D^T - step (l1_reg + l2_reg H), 0)``

    Started as the classic step ``H - (H W W^T - X W^T + l1_reg + l2_reg H) / ||W W^T||``.

    Parameters
    ----------
    n_features, n_components : int
        f and k.
    dtype, device
        As for any torch module.

    Attributes
    ----------
    mixing, dictionary, step : Parameter (k, k), (k, f), (k,)
        S, D and the step size of the penalties.

    Notes
    -----
    Gregor and LeCun 2010, Learning fast approximations of sparse coding.
    """

    def __init__(
        self,
        n_features: int,
        n_components: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        zeros = torch.zeros(n_components, n_features, dtype=dtype, device=device)
        self.dictionary = nn.Parameter(zeros)
        self.mixing = nn.Parameter(torch.eye(n_components, dtype=dtype, device=device))
        self.step = nn.Parameter(zeros.new_ones(n_components))

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "ProjectedGradientLayer":
        """Return the layer that is one classic step for the dictionary ``W``."""
        k, f = W.shape
        layer = cls(f, k, dtype=W.dtype, device=W.device)
        gram = W @ W.mT
        lipschitz = torch.linalg.matrix_norm(gram, 2).clamp(min=torch.finfo(W.dtype).tiny)
        with torch.no_grad():
            layer.dictionary.copy_(W / lipschitz)
            layer.mixing.sub_(gram / lipschitz)
            layer.step.div_(lipschitz)
        return layer

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the next exposures."""
        penalty = self.step * (problem.l1_reg + problem.l2_reg * state)
        return (state @ self.mixing.mT + problem.X @ self.dictionary.mT - penalty).clamp(min=0)

    def project_nonnegative_(self) -> None:
        """Clamp the step at zero: a penalty must not become a reward."""
        with torch.no_grad():
            self.step.clamp_(min=0)


class KLLayer(UnfoldedLayer):
    """One multiplicative update for Poisson counts (Kullback-Leibler cost) with free matrices.

    ``H <- H * ((X / (H F)) B^T) / rowsum(B)``, with ``0 / 0 = 0``

    Parameters
    ----------
    n_features, n_components : int
        f and k.
    dtype, device
        As for any torch module.

    Attributes
    ----------
    forward_dictionary, backward_dictionary : Parameter (k, f)
        F, which predicts the counts, and B, which returns what they miss; both the dictionary in the classic step.

    Notes
    -----
    The step of :func:`dnmf.kernels.kl_step` with its two uses of W set free.
    """

    objective = "kl"

    def __init__(
        self,
        n_features: int,
        n_components: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        ones = torch.ones(n_components, n_features, dtype=dtype, device=device)
        self.forward_dictionary = nn.Parameter(ones)
        self.backward_dictionary = nn.Parameter(ones.clone())

    @classmethod
    def from_dictionary(cls, W: Float[Tensor, "k f"]) -> "KLLayer":
        """Return the layer that is one classic update for the dictionary ``W``."""
        k, f = W.shape
        layer = cls(f, k, dtype=W.dtype, device=W.device)
        with torch.no_grad():
            layer.forward_dictionary.copy_(W)
            layer.backward_dictionary.copy_(W)
        return layer

    @staticmethod
    def start_from(estimate: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the positive part, lifted off zero."""
        return MULayer.start_from(estimate)

    def forward(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        """Return the updated exposures."""
        return kl_step(problem.X, state, self.forward_dictionary, backward=self.backward_dictionary)

    def project_nonnegative_(self) -> None:
        """Clamp both matrices at zero."""
        with torch.no_grad():
            self.forward_dictionary.clamp_(min=0)
            self.backward_dictionary.clamp_(min=0)
