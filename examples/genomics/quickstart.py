"""Simulate 100 tumours from three known signatures, find the signatures again, and say which "
"they are."""

from dnmf import extract_signatures, load_reference, simulate_catalog

reference = load_reference("cosmic-v3.4")
truth = reference.select(["SBS2", "SBS4", "SBS7a"])
catalog, _ = simulate_catalog(truth, 100, mean_burden=20_000, sparsity=0.3, random_state=1)

result = extract_signatures(catalog, 3, reference=reference, random_state=1)

print(result.matches[["found", "reference", "cosine", "share"]].round(3))
print(f"median cosine of spectrum and reconstruction: {result.fit['cosine'].median():.4f}")
