"""The fixed point of a rule as a layer: unlimited depth, and a backward pass that stores one layer."""

import warnings

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from dnmf.exceptions import DoubtfulDataWarning
from dnmf.kernels.implicit import solve_on_support
from dnmf.unfolding.layered import rows_of, shaped_like
from dnmf.unfolding.layers import UnfoldedLayer
from dnmf.unfolding.precision import call_in, full_precision, working_dtype
from dnmf.unfolding.problem import Problem


class FixedPoint(nn.Module):
    """One layer, repeated until its state no longer changes: a deep equilibrium model of any rule.

    Forward: ``s <- layer(s, problem)`` until no sample's state changes by more than ``tol`` of the largest it had.
    Backward, by the implicit function theorem: with J the Jacobian of the layer in the state of one sample, a gradient
    g at the fixed point becomes ``u = g (I - J)^-1``, which goes once through the layer to its weights, the data, the
    dictionary and the penalties. Memory and time do not grow with the number of steps. A rule whose fixed point is the
    exact solution whatever its weights are (``exact_fixed_point``: ADMM, Newton) has the gradients of
    :class:`dnmf.unfolding.ExactNNLS`, and its weights have none.

    Parameters
    ----------
    layer : UnfoldedLayer
        The rule; its weights are trained.
    W : (k, f)
        The dictionary: where the layer's start comes from, and what rules that keep their dependence on it work with. A
        ``Parameter`` is trained too.
    l1_reg, l2_reg : float or tensor
        Penalties, as in :class:`dnmf.unfolding.Problem`. A ``Parameter`` is trained too.
    tol : float, optional
        Default ``eps^(2/3)`` of the dtype: 4e-11 in float64, 2e-5 in float32.
    max_steps : int
        Most repetitions. A DoubtfulDataWarning says how many samples have not arrived then.

    Notes
    -----
    J is found by k vector-Jacobian products for all samples at once, since a rule treats each sample by itself, and the
    k x k systems are solved directly. Where one is singular (a component without any mass) the smallest solution of
    least error is taken.

    For the classic steps the fixed point is the exact solution, which :class:`dnmf.unfolding.ExactNNLS` and
    :class:`dnmf.unfolding.ExactPoisson` find in a small part of the time. This class is for layers whose weights are
    trained, and for rules of one's own. The layer works in the unit of the data: scale them so that codes are near 1.

    The number of steps depends on the data: ``torch.compile`` breaks the graph, and there is no export and no
    ``torch.vmap``. Differentiable once.

    Bai, Kolter and Koltun 2019, Deep equilibrium models.

    Examples
    --------
    >>> from dnmf.unfolding import ADMMLayer
    >>> W = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    >>> FixedPoint(ADMMLayer.from_dictionary(W), W)(torch.tensor([[2.0, 2.0, 0.0]])).detach().round(decimals=3)
    tensor([[2., 0.]])
    """

    dictionary: Tensor
    l1_reg: Tensor
    l2_reg: Tensor

    def __init__(
        self,
        layer: UnfoldedLayer,
        W: Float[Tensor, "k f"],
        *,
        l1_reg: float | Tensor = 0.0,
        l2_reg: float | Tensor = 0.0,
        tol: float | None = None,
        max_steps: int = 10_000,
    ) -> None:
        super().__init__()
        if max_steps < 1:
            raise ValueError(f"max_steps is at least 1, not {max_steps}")
        layer.objective(l1_reg, l2_reg)  # an error for penalties that it does not take
        self.layer = layer
        self.tol, self.max_steps = tol, max_steps
        for name, value in (("dictionary", W), ("l1_reg", l1_reg), ("l2_reg", l2_reg)):
            if isinstance(value, nn.Parameter):
                self.register_parameter(name, value)
            else:
                constant = torch.as_tensor(value, dtype=W.dtype, device=W.device)
                self.register_buffer(name, constant.detach().clone())

    def forward(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "*batch k"]:
        """Return the codes of one sample or a batch of them.

        Raises
        ------
        TypeError
            If one of samples and dictionary is in double precision and the other is not.
        ValueError
            If a sample has another number of features.
        FloatingPointError
            If the layer's states do not stay finite.
        """
        dtype = working_dtype(X.dtype, self.dictionary.dtype)
        rows = rows_of(X, self.dictionary.shape[-1]).to(dtype)
        with full_precision(X):
            state = self._iterate(self._problem(rows))
            if torch.is_grad_enabled():
                # A new problem: what one keeps for its next layer knows no gradients when it was computed without.
                state = self._with_gradient(state, self._problem(rows))
        answer = torch.promote_types(X.dtype, self.dictionary.dtype)
        return shaped_like(X, state.clamp(min=0)).to(answer)

    def project_nonnegative_(self) -> None:
        """Clamp at zero the layer's weights that must not be negative, the dictionary and the penalties."""
        self.layer.project_nonnegative_()
        with torch.no_grad():
            for part in (self.dictionary, self.l1_reg, self.l2_reg):
                part.clamp_(min=0)

    def _problem(self, X: Float[Tensor, "n f"]) -> Problem:
        dictionary, l1_reg, l2_reg = (v.to(X) for v in (self.dictionary, self.l1_reg, self.l2_reg))
        return Problem(X, dictionary, l1_reg=l1_reg, l2_reg=l2_reg)

    def _step(self, state: Float[Tensor, "n k"], problem: Problem) -> Float[Tensor, "n k"]:
        return call_in(state.dtype, self.layer, state, problem)

    @torch.no_grad()
    def _iterate(self, problem: Problem) -> Float[Tensor, "n k"]:
        state = self.layer.start_from(problem.X @ torch.linalg.pinv(problem.dictionary))
        tol = torch.finfo(state.dtype).eps ** (2 / 3) if self.tol is None else self.tol
        largest = state.abs().amax(dim=1, keepdim=True)
        arrived: Bool[Tensor, " n"] = torch.zeros(len(state), dtype=torch.bool, device=state.device)
        for _ in range(self.max_steps):
            before, state = state, self._step(state, problem)
            largest = torch.maximum(largest, state.abs().amax(dim=1, keepdim=True))
            arrived = ((state - before).abs() <= tol * largest).all(dim=1)
            if not bool(largest.isfinite().all()):
                raise FloatingPointError(
                    "the states of the layer do not stay finite: the data are not, or it has no fixed point for them"
                )
            if bool(arrived.all()):
                return state
        warnings.warn(
            f"{int((~arrived).sum())} of {len(state)} samples have not reached the fixed point of the layer after "
            f"{self.max_steps} steps: raise max_steps or tol",
            DoubtfulDataWarning,
            stacklevel=3,
        )
        return state

    def _with_gradient(self, state: Tensor, problem: Problem) -> Tensor:
        """Return one more step from the fixed point, whose gradient is that of all steps."""
        if self.layer.exact_fixed_point:
            H = state.clamp(min=0)
            return H + solve_on_support(problem.gram, H, problem.moments - H @ problem.gram)
        answer = self._step(state, problem)
        if not answer.requires_grad:
            return answer
        # A second step, since asking the first for its Jacobian would call the hook again.
        at = state.detach().requires_grad_()
        image = self._step(at, problem)

        def through_all_steps(gradient: Tensor) -> Tensor:
            return _solve_transposed(_jacobians(image, at), gradient)

        answer.register_hook(through_all_steps)
        return answer


def _jacobians(image: Float[Tensor, "n k"], at: Float[Tensor, "n k"]) -> Float[Tensor, "n k k"]:
    """Return the Jacobian of every sample's image in the state of that sample."""
    rows = []
    for component in range(image.shape[1]):
        one = torch.zeros_like(image)
        one[:, component] = 1
        (row,) = torch.autograd.grad(image, at, one, retain_graph=True)
        rows.append(row)
    return torch.stack(rows, dim=1)


def _solve_transposed(
    jacobians: Float[Tensor, "n k k"], gradient: Float[Tensor, "n k"]
) -> Float[Tensor, "n k"]:
    """Return ``u (I - J) = g`` for every sample, the smallest u of least error where that is singular."""
    eye = torch.eye(jacobians.shape[-1], dtype=jacobians.dtype, device=jacobians.device)
    system = (eye - jacobians).mT
    solution, info = torch.linalg.solve_ex(system, gradient[:, :, None])
    singular = info > 0
    if bool(singular.any()):
        smallest = torch.linalg.pinv(system[singular]) @ gradient[singular][:, :, None]
        solution = solution.index_put((singular.nonzero()[:, 0],), smallest)
    return solution[:, :, 0]
