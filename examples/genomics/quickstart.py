"""
Quickstart: find signatures again
=================================

100 tumours are simulated from three known signatures. The extraction is told that there are three, finds them, and
says which ones they are.
"""

from dnmf import extract_signatures, load_reference, simulate_catalog

reference = load_reference("cosmic-v3.4")
truth = reference.select(["SBS2", "SBS4", "SBS7a"])
catalog, _ = simulate_catalog(truth, 100, mean_burden=20_000, sparsity=0.3, random_state=1)

result = extract_signatures(catalog, 3, reference=reference, random_state=1)

print(result.matches[["found", "reference", "cosine", "share"]].round(3))
print(f"median cosine of spectrum and reconstruction: {result.fit['cosine'].median():.4f}")

# %%
# ``cosine`` says how alike the signature that was found and the closest one of the reference are: 1 is the same.
# ``share`` is the part of all mutations that it explains. In the picture the reference is drawn behind the bars.

from dnmf import plot_signatures

plot_signatures(result.signatures, reference_matches=result.matches, reference=reference)

# %%
# For counts of your own, :func:`dnmf.read_catalog` takes the place of the simulation, and :func:`dnmf.save_report`
# writes everything that was found into a folder. On the command line: ``dnmf extract CATALOG -k 3 -o OUT``. Tumours
# are not as clean as this: :doc:`breast_genomes` shows real ones.
