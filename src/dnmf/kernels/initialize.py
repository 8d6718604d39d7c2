"""Starting factors of a factorisation."""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.finite import finite
from dnmf.kernels.nnls import exact_exposures

InitMethod = Literal["random", "nndsvd", "nndsvda", "separable", "ones"]
INIT_METHODS: tuple[str, ...] = get_args(InitMethod)


def initialize_factors(
    X: Float[Tensor, "n f"],
    n_components: int,
    method: InitMethod,
    *,
    generator: torch.Generator | None = None,
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "k f"]]:
    """Return starting exposures and signatures.

    Parameters
    ----------
    X : (n, f)
        Counts.
    n_components : int
        k.
    method : str
        ``"random"``
            uniform in (0, 1), scaled so that the product has the mean of X.
        ``"nndsvd"``, ``"nndsvda"``
            from the singular vectors (Boutsidis and Gallopoulos 2008), zeros kept or filled with the mean of X;
            at most min(n, f) components.
        ``"separable"``
            the most extreme samples as signatures (:func:`successive_projection`), exact exposures to them.
        ``"ones"``
            equal entries, the paper's start: H = 1, W = 1/f. Multiplicative updates cannot leave it.
    generator : torch.Generator, optional
        Randomness of ``"random"``; on the CPU.

    Returns
    -------
    H, W : (n, k), (k, f)

    Raises
    ------
    ValueError
        For an unknown method, more components than it can give, or data whose squares overflow.
    """
    n, f = X.shape
    finite("initialize_factors", X.square().sum())
    if method == "random":
        scale = (X.mean() / (n_components * 0.25)).sqrt()  # 0.25 = E[uv] for u, v uniform
        H, W = (
            torch.rand(shape, generator=generator, dtype=X.dtype).to(X.device) * scale
            for shape in ((n, n_components), (n_components, f))
        )
        return H, W
    if method == "ones":
        return X.new_ones(n, n_components), X.new_full((n_components, f), 1 / f)
    if method in ("nndsvd", "nndsvda"):
        if n_components > min(n, f):
            raise ValueError(
                f"{method} gives at most min(n_samples, n_features) = {min(n, f)} components, not {n_components}; "
                "use method='random'"
            )
        H, W = _from_singular_vectors(X, n_components)
        if method == "nndsvda":
            fill = X.mean()
            H, W = (torch.where(factor == 0, fill, factor) for factor in (H, W))
        return H, W
    if method == "separable":
        W = successive_projection(X, n_components)
        return exact_exposures(X, W), W
    raise ValueError(f"unknown initialisation {method!r}: choose one of {', '.join(INIT_METHODS)}")


def _from_singular_vectors(
    X: Float[Tensor, "n f"], k: int
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "k f"]]:
    """Keep, of each singular pair, the sign pattern that carries more of it."""
    left, values, right = torch.linalg.svd(X, full_matrices=False)
    left, values, right = left[:, :k], values[:k], right[:k]
    plus, minus = (
        (sign * left).clamp(min=0).norm(dim=0) * (sign * right).clamp(min=0).norm(dim=1)
        for sign in (1, -1)
    )
    signs = torch.where(plus >= minus, 1.0, -1.0).to(X)
    u, v = (signs * left).clamp(min=0), (signs[:, None] * right).clamp(min=0)
    u_norm, v_norm = u.norm(dim=0), v.norm(dim=1)
    root = (values * (u_norm * v_norm)).sqrt()
    tiny = torch.finfo(X.dtype).tiny
    H = u * (root / u_norm.clamp(min=tiny))
    W = v * (root / v_norm.clamp(min=tiny))[:, None]
    return H, W


def successive_projection(X: Float[Tensor, "n f"], n_components: int) -> Float[Tensor, "k f"]:
    """Pick the samples that span the data best as signatures, each a mixture of the fewest processes.

    On spectra ``x / sum(x)``: take the sample of largest norm, project all others on its orthogonal complement, repeat.
    When every process rules at least one sample (separable data) these samples are the signatures.

    Parameters
    ----------
    X : (n, f)
        Counts; empty samples are passed over.
    n_components : int
        k. Beyond the rank of the data, the samples least alike to those already taken follow.

    Returns
    -------
    (k, f) tensor
        Rows sum to 1.

    Raises
    ------
    ValueError
        When fewer than ``n_components`` samples have mutations.

    Notes
    -----
    Araújo et al. 2001; Gillis and Vavasis 2014, IEEE TPAMI 36:698.

    Examples
    --------
    >>> X = torch.tensor([[4.0, 0.0], [2.0, 2.0], [0.0, 3.0]], dtype=torch.float64)
    >>> successive_projection(X, 2)
    tensor([[1., 0.],
            [0., 1.]], dtype=torch.float64)
    """
    totals = X.sum(dim=1)
    spectra = X[totals > 0] / totals[totals > 0][:, None]
    if len(spectra) < n_components:
        raise ValueError(
            f"only {len(spectra)} samples have mutations: too few to start {n_components} components from"
        )
    residual = spectra.clone()
    available = torch.ones(len(spectra), dtype=torch.bool, device=X.device)
    chosen: list[int] = []
    for _ in range(n_components):
        norms = torch.linalg.vector_norm(residual, dim=1).masked_fill(~available, -1.0)
        index = int(norms.argmax())
        chosen.append(index)
        available[index] = False
        direction = residual[index] / residual[index].norm().clamp(min=1e-150)
        residual.addr_(residual @ direction, direction, alpha=-1)
    return spectra[chosen]
