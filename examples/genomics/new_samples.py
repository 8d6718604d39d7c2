"""
New samples with a stored model
===============================

An extraction trains a network to its signatures. Stored, it gives the exposures of samples that come later, in one
pass, with nothing found anew: the signatures stay the same from batch to batch.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np

from dnmf import (
    extract_signatures,
    load_model,
    load_reference,
    save_model,
    simulate_catalog,
    transform_catalog,
)
from dnmf.metrics import cosine_similarity

N_FIRST, N_LATER = 60, 40

# %%
# **The first batch** has four signatures. They are found, and the model is stored as two files: numbers and a card
# that says what they are. No code is in them, and none is run when they are loaded.

reference = load_reference("cosmic-v3.4")
process = reference.select(["SBS1", "SBS2", "SBS5", "SBS17b"])
first, _ = simulate_catalog(process, N_FIRST, mean_burden=4000, sparsity=0.3, random_state=0)
result = extract_signatures(first, 4, n_restarts=5, reference=reference, random_state=0)
print(result.matches[["found", "reference", "cosine"]].round(3).to_string(index=False))

folder = TemporaryDirectory()
save_model(result.model, Path(folder.name) / "model", metadata=result.model_metadata)
print(sorted(path.name for path in (Path(folder.name) / "model").iterdir()))

# %%
# ``result.save(OUT)`` and ``dnmf extract ... -o OUT`` store it beside tables and report, and ``load_model(OUT)``
# takes that folder, too.
#
# **Later samples.** On the command line: ``dnmf transform OUT new.tsv -o exposures.tsv``. Channels are found by their
# names, in any order.

later, truth = simulate_catalog(process, N_LATER, mean_burden=4000, sparsity=0.3, random_state=1)
model, metadata = load_model(Path(folder.name) / "model")
folder.cleanup()
exposures = transform_catalog(model, metadata, later)
known = dict(zip(result.matches["found"], result.matches["reference"], strict=True))
exposures = exposures.rename(columns=known)
error = (exposures - truth).abs().sum(axis=1) / 2 / truth.sum(axis=1)
print(f"median part of a sample that goes to a wrong signature: {error.median():.1%}")

figure, ax = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
ax.axline((0, 0), slope=1, color="0.6", linewidth=1)
for name in truth:
    ax.plot(truth[name], exposures[name], "o", markersize=4, label=name)
ax.set(xlabel="true exposure, mutations", ylabel="exposure of the stored network, mutations")
ax.legend(frameon=False)

# %%
# **A sample with a new process** gets exposures, too, as any sample does. That they do not explain it shows in the
# cosine of its spectrum and their reconstruction, which has to be looked at for every new batch. Here one sample has
# tobacco's SBS4:

odd, _ = simulate_catalog(
    reference.select(["SBS4"]), 1, mean_burden=4000, sparsity=0, random_state=2
)


def cosines(catalog):
    found = transform_catalog(model, metadata, catalog)
    rebuilt = found @ result.signatures.profiles.loc[found.columns]
    pairs = cosine_similarity(catalog.counts, rebuilt[catalog.counts.columns])
    return np.diagonal(pairs)


print(f"the later samples: {cosines(later).min():.3f} or more; the odd one: {cosines(odd)[0]:.3f}")

# %%
# When new processes appear, extract again from all samples. For exposures with intervals and tests, refit the stored
# signatures: ``dnmf refit new.tsv --reference OUT/signatures.tsv -o refitted`` (:func:`dnmf.refit_exposures`).
