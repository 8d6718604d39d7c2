"""Starting factors of a factorisation."""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from dnmf.kernels.finite import finite
from dnmf.kernels.nnls import exact_exposures

InitMethod = Literal["random", "nndsvd", "nndsvda", "separable", "ones"]
INIT_METHODS: tuple[str, ...] = get_args(InitMethod)
"""The starts that :func:`initialize_factors` knows, by name."""
# Directions beyond the wanted ones, and iterations, by which singular vectors are found well enough to start from.
SPARE_DIRECTIONS, SUBSPACE_ITERATIONS = 10, 7


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
    left, values, right = _leading_singular_vectors(X, k)
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


def _leading_singular_vectors(
    X: Float[Tensor, "n f"], k: int
) -> tuple[Float[Tensor, "n k"], Float[Tensor, " k"], Float[Tensor, "k f"]]:
    """Return the k leading singular vectors and values: by subspace iteration where that is less work than all of them.

    Halko, Martinsson and Tropp 2011, SIAM Review 53:217. The directions at the beginning are always the same.
    """
    width = k + SPARE_DIRECTIONS
    if 2 * width >= min(X.shape):
        left, values, right = torch.linalg.svd(X, full_matrices=False)
        return left[:, :k], values[:k], right[:k]
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(X.shape[1], width, generator=generator, dtype=X.dtype).to(X.device)
    for _ in range(SUBSPACE_ITERATIONS):
        basis = torch.linalg.qr(X.mT @ (X @ basis)).Q
    basis = torch.linalg.qr(X @ basis).Q
    left, values, right = torch.linalg.svd(basis.mT @ X, full_matrices=False)
    return basis @ left[:, :k], values[:k], right[:k]


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
    return extreme_rows(spectra, n_components)


def extreme_rows(
    rows: Float[Tensor, "n f"],
    n_rows: int,
    *,
    apart_from: Float[Tensor, "m f"] | None = None,
) -> Float[Tensor, "k f"]:
    """Return the row of largest norm, then that of largest norm orthogonal to those taken, and so on.

    Parameters
    ----------
    rows : (n, f)
        Candidates, at least ``n_rows`` of them.
    n_rows : int
        How many to take.
    apart_from : (m, f), optional
        Rows that count as taken already.

    Notes
    -----
    No value is read out of a tensor: it may be traced, exported and mapped over a batch.
    """
    residual = rows
    if apart_from is not None:
        basis = torch.linalg.qr(apart_from.mT).Q
        residual = residual - residual @ basis @ basis.mT
    places = torch.arange(len(rows), device=rows.device)
    taken = torch.zeros_like(places, dtype=torch.bool)
    chosen = []
    for _ in range(n_rows):
        norms = residual.square().sum(dim=1)
        place = torch.where(taken, -torch.ones_like(norms), norms).argmax()
        taken = taken | (places == place)
        here = place.reshape(1, 1).expand(1, rows.shape[1])
        chosen.append(rows.gather(0, here))
        row = residual.gather(0, here)[0]
        direction = row / row.norm().clamp(min=torch.finfo(rows.dtype).tiny ** 0.5)
        residual = torch.addr(residual, residual @ direction, direction, alpha=-1)
    return torch.cat(chosen)
