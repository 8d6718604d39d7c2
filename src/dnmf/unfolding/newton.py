"""A rule of Newton steps on the face that the state has reached, their linear systems by conjugate gradients."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.unfolding.layers import UnfoldedLayer
from dnmf.unfolding.precision import inverse
from dnmf.unfolding.problem import Problem


class NewtonLayer(UnfoldedLayer):
    """One damped Newton step on the current support, with a learned damping and preconditioner per component.

    With ``G = W W^T``, ``c = X W^T``, ``d = diag(G)``, P the components whose state is positive, h the exposures of the
    incoming state::

        z_P = argmin 1/2 z G z^T - c z^T + 1/2 sum rho d (z - h)^2      over z that are zero off P
        state <- z on P,   (c - z G) / d off P

    A component that goes negative leaves P in the next layer, one whose gradient asks for it enters: the primal-dual
    active set method, whose fixed point is the exact non-negative least-squares solution for *any* rho > 0. The damping
    falls from layer to layer, so that early layers do not alternate between supports and late ones take full steps.

    The system is solved by 4 steps of conjugate gradients from h, preconditioned by ``(G + diag(tau d))^-1``, which all
    samples share: a layer is 10 products with k x k matrices. With tau = rho the 4 steps are exact if P lacks at most 3
    components or holds at most 3; if P lacks most of them, a larger tau is better. Both are trained.

    Attributes
    ----------
    log_rho, log_tau : Parameter (k,)
        Damping of the step and of its preconditioner, both relative to d, logarithms.

    Notes
    -----
    Hintermüller, Ito and Kunisch 2002, The primal-dual active set strategy as a semismooth Newton method; Rockafellar
    1976 for the damping (proximal points). A step may raise the cost, so a network returns the exposures of
    lowest cost that it reached.

    Examples
    --------
    >>> W = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    >>> problem = Problem(torch.tensor([[2.0, 2.0, 0.0]]), W)
    >>> NewtonLayer.from_dictionary(W)(torch.tensor([[1.0, -1.0]]), problem).detach().round(decimals=2)
    tensor([[2., 0.]])
    """

    keeps_cheapest = True
    exact_fixed_point = True
    # It learns logarithms, whose useful values differ by several units.
    learning_rate = 1e-1
    CONJUGATE_STEPS = 4
    # In the usual ten layers the damping falls by half a decade a layer.
    FIRST_DAMPING = 1e-1
    LAST_DAMPING = 1e-6
    INITIAL_TAU = 1e-3

    log_rho: nn.Parameter
    log_tau: nn.Parameter

    @classmethod
    def from_dictionary(
        cls, W: Float[Tensor, "k f"], *, damping: float = LAST_DAMPING
    ) -> "NewtonLayer":
        """Return a layer with rho at ``damping``, by default that of a network's last layer: hardly damped."""
        zeros = W.new_zeros(len(W))
        return cls(
            log_rho=zeros + math.log(damping),
            log_tau=zeros + math.log(max(damping, cls.INITIAL_TAU)),
        )

    @classmethod
    def stack(cls, W: Float[Tensor, "k f"], n_layers: int) -> list[UnfoldedLayer]:
        """Return layers whose damping falls geometrically."""
        exponents = torch.linspace(
            math.log(cls.FIRST_DAMPING), math.log(cls.LAST_DAMPING), n_layers
        ).tolist()
        return [cls.from_dictionary(W, damping=math.exp(e)) for e in exponents]

    @staticmethod
    def start_from(estimate: Float[Tensor, "*batch k"]) -> Float[Tensor, "*batch k"]:
        """Return the estimate: its negative entries are off the support."""
        return estimate

    def constants(self, problem: Problem) -> dict[str, Tensor]:
        """Return d, the damped Gram matrix and the preconditioner."""
        gram = problem.gram
        eps = torch.finfo(gram.dtype).eps
        # Components without mass get a positive scale, so that the gradients divided by it stay finite.
        scale = problem.diagonal.clamp(min=eps * problem.diagonal.max())
        damped = gram + torch.diag((self.log_rho.exp() + eps) * scale)
        # Similar components have a Gram matrix that rounding makes singular; a preconditioner need not be exact.
        solve = inverse(gram + torch.diag((self.log_tau.exp() + eps**0.5) * scale))
        return {"scale": scale, "damped": damped, "solve": solve}

    def forward(
        self, state: Float[Tensor, "*batch k"], problem: Problem
    ) -> Float[Tensor, "*batch k"]:
        """Return the next state."""
        fixed = self.constants_for(problem)
        scale, damped, solve = fixed["scale"], fixed["damped"], fixed["solve"]
        gram, moments = problem.gram, problem.moments
        tiny = torch.finfo(state.dtype).tiny ** 0.5
        on = state > 0
        face = on.to(state.dtype)

        z = state.relu()
        # At z = h the damping is zero: the residual is that of the undamped problem.
        residual = (moments - z @ gram) * face
        preconditioned = (residual @ solve) * face
        direction = preconditioned
        gain = (residual * preconditioned).sum(dim=-1, keepdim=True)
        for step in range(self.CONJUGATE_STEPS):
            image = (direction @ damped) * face
            curvature = (direction * image).sum(dim=-1, keepdim=True)
            length = gain / curvature.clamp(min=tiny)
            z = z + length * direction
            if step == self.CONJUGATE_STEPS - 1:
                break
            residual = residual - length * image
            preconditioned = (residual @ solve) * face
            before, gain = gain, (residual * preconditioned).sum(dim=-1, keepdim=True)
            direction = preconditioned + gain / before.clamp(min=tiny) * direction
        return torch.where(on, z, (moments - z @ gram) / scale)
