"""Gene programmes of single cells: Kullback-Leibler NMF of a sparse table of counts, which is never made dense.

Cells express mixtures of programmes; what is counted is a small part of their molecules, and most entries are zero. The
programmes that made the cells are known here, so that those found can be compared with them. An AnnData is given in the
same way: `model.fit(adata)`.

    python examples/factorisation/single_cell_counts.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix

from dnmf import DNMF

N_PROGRAMMES = 6


def simulate(
    n_cells: int, n_genes: int, rng: np.random.Generator
) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    """Counts, the programmes' shares of each cell, and the programmes."""
    programmes = rng.dirichlet(np.full(n_genes, 0.1), size=N_PROGRAMMES)
    shares = rng.dirichlet(np.full(N_PROGRAMMES, 0.25), size=n_cells)
    depth = rng.lognormal(np.log(800), 0.5, size=(n_cells, 1))  # molecules counted in a cell
    bursts = rng.gamma(2.0, 0.5, size=(n_cells, n_genes))  # expression is noisier than counting
    return csr_matrix(rng.poisson(depth * (shares @ programmes) * bursts)), shares, programmes


def main(
    n_cells: int = 2000, n_genes: int = 1000, picture: Path = Path("single_cell_counts.png")
) -> float:
    """Return the smallest cosine of a programme and the one found for it."""
    counts, shares, programmes = simulate(n_cells, n_genes, np.random.default_rng(0))
    filled = counts.nnz / np.prod(counts.shape)

    model = DNMF(N_PROGRAMMES, layer="kl", random_state=0).fit(counts)
    found = model.transform(counts)

    similarity = np.corrcoef(programmes, model.components_)[:N_PROGRAMMES, N_PROGRAMMES:]
    _, order = linear_sum_assignment(-similarity)
    components, found = model.components_[order], found[:, order]
    norms = np.linalg.norm(programmes, axis=1) * np.linalg.norm(components, axis=1)
    cosines = (programmes * components).sum(axis=1) / norms
    found = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
    error = np.abs(found - shares).mean()
    print(f"{filled:.0%} of {n_cells} x {n_genes} entries are not zero; {model.n_iter_} iterations")
    print(f"cosines of true and found programmes: {', '.join(f'{c:.3f}' for c in cosines)}")
    print(f"mean error of a programme's share in a cell: {error:.3f}")

    cells = np.lexsort((-shares.max(axis=1), shares.argmax(axis=1)))
    figure, axes = plt.subplots(1, 2, figsize=(8, 4.4), sharey=True, layout="constrained")
    for ax, title, table in zip(axes, ("true", "found"), (shares, found), strict=True):
        image = ax.imshow(table[cells], aspect="auto", vmin=0, vmax=1, interpolation="none")
        ax.set(title=title, xlabel="programme", xticks=range(N_PROGRAMMES))
    axes[0].set_ylabel("cell")
    figure.colorbar(image, label="share")
    figure.savefig(picture, dpi=120)
    plt.close(figure)
    return float(cosines.min())


if __name__ == "__main__":
    main()
