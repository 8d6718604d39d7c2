"""
Gene programmes of single cells
===============================

Kullback-Leibler factorisation of a sparse table of counts, which is never made dense. Cells express mixtures of
programmes; what is counted is a small part of their molecules, and most entries are zero. The cells are simulated, so
the programmes found can be compared with those that made them.
"""

# %%
# Cells
# -----
# 1,500 cells, 800 genes, 6 programmes. Expression is noisier than counting alone, and cells differ in how many
# molecules are counted.

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_matrix

from dnmf import DNMF
from dnmf.metrics import match_components

N_CELLS, N_GENES = 1500, 800
N_PROGRAMMES = 6

rng = np.random.default_rng(0)
programmes = rng.dirichlet(np.full(N_GENES, 0.1), size=N_PROGRAMMES)
shares = rng.dirichlet(np.full(N_PROGRAMMES, 0.25), size=N_CELLS)
depth = rng.lognormal(np.log(800), 0.5, size=(N_CELLS, 1))  # molecules counted in a cell
bursts = rng.gamma(2.0, 0.5, size=(N_CELLS, N_GENES))
counts = csr_matrix(rng.poisson(depth * (shares @ programmes) * bursts))
print(f"{counts.nnz / np.prod(counts.shape):.0%} of the entries are not zero")

# %%
# Fit
# ---
# ``layer="kl"`` is maximum likelihood for Poisson counts. How an AnnData object is given: :doc:`/estimators/data`.

model = DNMF(N_PROGRAMMES, layer="kl", random_state=0).fit(counts)
exposures = model.transform(counts)  # molecules of each programme in each cell

# %%
# Found and true
# --------------
# Components come in any order: :func:`dnmf.metrics.match_components` pairs them with the true ones.

rows, columns, cosines = match_components(programmes, model.components_)
print("cosines of true and found programmes:", np.round(cosines, 3))
found = exposures[:, columns] / np.maximum(exposures.sum(axis=1, keepdims=True), 1e-12)
error = np.abs(found - shares[:, rows]).mean()
print(f"mean error of a programme's share in a cell: {error:.3f}")

cells = np.lexsort((-shares.max(axis=1), shares.argmax(axis=1)))
figure, axes = plt.subplots(1, 2, figsize=(8, 4.4), sharey=True, layout="constrained")
for ax, title, table in zip(axes, ("true", "found"), (shares[:, rows], found), strict=True):
    image = ax.imshow(table[cells], aspect="auto", vmin=0, vmax=1, interpolation="none")
    ax.set(title=title, xlabel="programme", xticks=range(N_PROGRAMMES))
axes[0].set_ylabel("cell")
figure.colorbar(image, label="share of the cell's molecules")
plt.show()

# %%
# The number of programmes was given here. With real cells it is a question: :doc:`/estimators/components`.
