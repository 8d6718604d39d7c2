"""Exact solutions as layers: gradients to data, dictionary and penalties by the implicit function theorem."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.implicit import differentiable_kl_exposures, differentiable_nnls
from dnmf.kernels.nnls import exposure_moments
from dnmf.kernels.objectives import Frobenius, Objective, Poisson
from dnmf.unfolding.layered import dictionary_shape, rows_of, shaped_like
from dnmf.unfolding.precision import full_precision, working_dtype


def exact_nnls(
    X: Float[Tensor, "*batch f"],
    W: Float[Tensor, "k f"],
    *,
    l1_reg: float | Tensor = 0.0,
    l2_reg: float | Tensor = 0.0,
) -> Float[Tensor, "*batch k"]:
    """Return ``argmin_{H >= 0} 1/2 ||X - H W||^2 + l1_reg sum(H) + l2_reg/2 sum(H^2)`` exactly, and differentiably.

    See :class:`ExactNNLS`, which holds the dictionary.

    Parameters
    ----------
    X : (..., f)
        One sample, or a batch of any number of dimensions.
    W : (k, f)
        The dictionary.
    l1_reg, l2_reg : float or tensor
        Penalties: scalars, or one of each component (k,); ``l1_reg`` also of each sample, (..., k) or (..., 1).

    Returns
    -------
    (..., k) tensor
        In the higher precision of X and W. Half precision is computed in single precision, also under autocast.

    Raises
    ------
    TypeError
        If one of X and W is in double precision and the other is not.
    ValueError
        If a sample has another number of features, a number is not finite, or a component is so small that its square
        is 0.

    Examples
    --------
    >>> X = torch.tensor([[3.0, 1.0]], requires_grad=True)
    >>> H = exact_nnls(X, torch.eye(2), l1_reg=2.0)
    >>> H.detach()
    tensor([[1., 0.]])
    >>> H.sum().backward()
    >>> X.grad
    tensor([[1., 0.]])
    """
    rows = rows_of(X, W.shape[-1])
    if isinstance(l1_reg, Tensor) and l1_reg.ndim > 1:
        l1_reg = l1_reg.broadcast_to(*X.shape[:-1], len(W)).reshape(-1, len(W))
    dtype = working_dtype(X.dtype, W.dtype)
    with full_precision(X):
        gram, moments = exposure_moments(rows.to(dtype), W.to(dtype), l1_reg=l1_reg, l2_reg=l2_reg)
        H = differentiable_nnls(gram, moments)
        return shaped_like(X, H).to(torch.promote_types(X.dtype, W.dtype))


def exact_poisson(
    X: Float[Tensor, "*batch f"], W: Float[Tensor, "k f"]
) -> Float[Tensor, "*batch k"]:
    """Return ``argmin_{H >= 0} sum(H W - X log(H W))`` exactly, and differentiably.

    See :class:`ExactPoisson`, which holds the dictionary.

    Parameters
    ----------
    X, W : (..., f), (k, f)
        Counts and dictionary, both >= 0; shapes, dtypes and errors are otherwise as for :func:`exact_nnls`.

    Examples
    --------
    >>> X = torch.tensor([[3.0, 1.0]], requires_grad=True)
    >>> H = exact_poisson(X, torch.tensor([[0.5, 0.5]]))
    >>> H.detach()
    tensor([[4.]])
    >>> H.sum().backward()
    >>> X.grad
    tensor([[1., 1.]])
    """
    rows = rows_of(X, W.shape[-1])
    dtype = working_dtype(X.dtype, W.dtype)
    with full_precision(X):
        H = differentiable_kl_exposures(rows.to(dtype), W.to(dtype))
        return shaped_like(X, H).to(torch.promote_types(X.dtype, W.dtype))


class _ExactLayer(nn.Module):
    """A dictionary that is trained, and what it owes its optimiser."""

    nonnegative: ClassVar[tuple[str, ...]] = ("dictionary",)
    dictionary: nn.Parameter

    def __init__(self, W: Float[Tensor, "k f"]) -> None:
        super().__init__()
        dictionary_shape(W)  # an error for what is none
        # Contiguous, whatever the table was: optimisers pair a parameter with its moments by place in memory.
        self.dictionary = nn.Parameter(W.detach().clone(memory_format=torch.contiguous_format))

    def project_nonnegative_(self) -> None:
        """Clamp the dictionary and the penalties at zero: after each optimiser step."""
        with torch.no_grad():
            for name in self.nonnegative:
                getattr(self, name).clamp_(min=0)

    def extra_repr(self) -> str:
        """Return the shape of the dictionary."""
        k, f = self.dictionary.shape
        return f"n_features={f}, n_components={k}"


class ExactNNLS(_ExactLayer):
    """Exact non-negative least squares as a layer: ``H = argmin_{H >= 0}`` of the cost below, with its gradients.

    ``1/2 ||X - H W||^2 + l1_reg sum(H) + l2_reg/2 sum(H^2)``

    With ``G = W W^T + diag(l2_reg)`` and ``c = x W^T - l1_reg``, a sample whose components in use are P has
    ``h_P = c_P G_PP^-1``, and P stays the same for small changes of the inputs. So a gradient g at h becomes::

        v_P = g_P G_PP^-1,  v = 0 off P
        gradient to x: v W       to W: v^T (x - h W) - h^T v W     to l1_reg: -v     to l2_reg: -v h

    Backward costs one triangular solve a sample, whatever it took to find h; nothing is unrolled or stored between. The
    derivative is differentiable again.

    Parameters
    ----------
    W : (k, f)
        The dictionary, finite and >= 0.
    l1_reg, l2_reg : float or tensor
        Penalties on the codes, scalars or one of each component (k,); where they start when ``learn_penalties``.
    learn_penalties : bool
        Whether the penalties are weights of the layer.

    Attributes
    ----------
    dictionary : Parameter (k, f)
        W. ``requires_grad_(False)`` keeps it as it is; ``project_nonnegative_()`` after each optimiser step keeps it
        feasible.
    l1_reg, l2_reg : buffer or Parameter
        The penalties.

    Notes
    -----
    Where the solution has a kink (a component enters or leaves) the derivative is that of the side on which it is out.
    Linearly dependent components: that of the solution found, which uses independent ones. A sample without any
    component in use, such as one of zeros, has gradient 0. Check a solution with :meth:`certificate`.

    It works under ``torch.compile(fullgraph=True)``, ``torch.export`` (import ``dnmf.unfolding`` before the file is
    loaded), ``torch.vmap`` and ``torch.func.grad``; not in ONNX. Products are taken on the device of the data; the
    solver, forward and backward, runs on the processor in float64, so (n, k) numbers go there and back.

    Amos and Kolter 2017, OptNet: differentiable optimization as a layer; Mairal, Bach and Ponce 2012, Task-driven
    dictionary learning. The function with the dictionary as an argument is :func:`dnmf.unfolding.exact_nnls`.

    Examples
    --------
    >>> layer = ExactNNLS(torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]))
    >>> H = layer(torch.tensor([[2.0, 2.0, 0.0]]))
    >>> H.detach()
    tensor([[2., 0.]])
    >>> H.sum().backward()
    >>> layer.dictionary.grad
    tensor([[-1., -1.,  0.],
            [ 0.,  0.,  0.]])
    """

    nonnegative = ("dictionary", "l1_reg", "l2_reg")
    l1_reg: Tensor
    l2_reg: Tensor

    def __init__(
        self,
        W: Float[Tensor, "k f"],
        *,
        l1_reg: float | Tensor = 0.0,
        l2_reg: float | Tensor = 0.0,
        learn_penalties: bool = False,
    ) -> None:
        super().__init__(W)
        for name, value in (("l1_reg", l1_reg), ("l2_reg", l2_reg)):
            penalty = torch.as_tensor(value, dtype=W.dtype, device=W.device).detach().clone()
            if penalty.shape not in ((), W.shape[:1]) or not (penalty >= 0).all():
                raise ValueError(f"{name} is one number >= 0, or one of each component ({len(W)},)")
            if learn_penalties:
                self.register_parameter(name, nn.Parameter(penalty))
            else:
                self.register_buffer(name, penalty)

    def forward(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "*batch k"]:
        """Return the exact codes of one sample or a batch of them; errors as :func:`dnmf.unfolding.exact_nnls`."""
        return exact_nnls(X, self.dictionary, l1_reg=self.l1_reg, l2_reg=self.l2_reg)

    def certificate(
        self, X: Float[Tensor, "*batch f"], H: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "*batch"]:
        """Return how far codes are from optimal: :func:`dnmf.kernels.nnls_kkt_residual`, 0 at the exact solution."""
        return _certified(Frobenius(self.l1_reg, self.l2_reg), X, H, self.dictionary)


class ExactPoisson(_ExactLayer):
    """Poisson maximum likelihood as a layer: ``H = argmin_{H >= 0} sum(H W - X log(H W))``, with its gradients.

    With ``r = h W`` and the Hessian ``A_jl = sum_c W_jc W_lc x_c / r_c^2``, a sample whose components in use are P has,
    for a gradient g that arrives at h::

        v_P = g_P A_PP^-1,  v = 0 off P
        gradient to x: (v W) / r        to W: v^T (x / r - 1) - h^T ((v W) x / r^2)

    Parameters
    ----------
    W : (k, f)
        The dictionary, finite and >= 0.

    Attributes
    ----------
    dictionary : Parameter (k, f)
        W. ``requires_grad_(False)`` keeps it as it is; ``project_nonnegative_()`` after each optimiser step keeps it
        feasible.

    Notes
    -----
    Where the counts of a sample do not tell its components apart (fewer counts than components), v is the smallest that
    solves its equations best. Features that no component in use produces have gradient 0. Differentiable once. All
    else, and the sources, as :class:`ExactNNLS`; the function with the dictionary as an argument is
    :func:`dnmf.unfolding.exact_poisson`.

    Examples
    --------
    >>> layer = ExactPoisson(torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]))
    >>> layer(torch.tensor([[2.0, 4.0, 2.0]])).detach().round(decimals=4)
    tensor([[4., 4.]])
    """

    def forward(self, X: Float[Tensor, "*batch f"]) -> Float[Tensor, "*batch k"]:
        """Return the exact codes of one sample or a batch of them; errors as :func:`dnmf.unfolding.exact_poisson`."""
        return exact_poisson(X, self.dictionary)

    def certificate(
        self, X: Float[Tensor, "*batch f"], H: Float[Tensor, "*batch k"]
    ) -> Float[Tensor, "*batch"]:
        """Return how many nats a sample's likelihood can be below its maximum: :func:`dnmf.kernels.kl_gap`."""
        return _certified(Poisson(), X, H, self.dictionary)


def _certified(objective: Objective, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
    with torch.no_grad():
        certificate = objective.certificate(rows_of(X, W.shape[-1]), H.reshape(-1, len(W)), W)
    return certificate.reshape(X.shape[:-1])
