"""
From variant files to a report
==============================

From VCF files and a genome to counted channels, exposures and a page. The genome and the variants are made by the
script, so that it runs anywhere and every outcome is seen. With files of your own, begin at the count.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dnmf import count_variants, load_reference, plot_catalog, plot_exposures, refit_exposures

N_BASES = 300_000
N_VARIANTS = {
    "tumour_a": {"SBS2": 150, "SBS13": 150, "SBS5": 300},
    "tumour_b": {"SBS4": 500, "SBS5": 200},
}

# %%
# **A small genome** of random bases, written as FASTA, and **two VCF files** with substitutions of known signatures
# at sites that fit them.

folder = TemporaryDirectory()
here = Path(folder.name)
rng = np.random.default_rng(0)
bases = "".join(rng.choice(list("ACGT"), N_BASES))
(here / "genome.fa").write_text(f">chr1\n{bases}\n")
COMPLEMENT = str.maketrans("ACGT", "TGCA")
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def row(position, ref, alt, passed="PASS"):
    return f"chr1\t{position}\t.\t{ref}\t{alt}\t.\t{passed}\t.\n"


reference = load_reference("cosmic-v3.4")
free = rng.permutation(np.arange(100, N_BASES - 100, 10))  # ten bases between any two variants
sites = {}
for place in free:
    sites.setdefault(bases[place - 1 : place + 2], []).append(int(place))
rows = {}
for sample, exposures in N_VARIANTS.items():
    rows[sample] = []
    expected = sum(n * reference.profiles.loc[name] for name, n in exposures.items())
    for channel, n in zip(expected.index, rng.poisson(expected), strict=True):
        five, change, three = channel[0], channel[2:5], channel[6]
        site, alt = five + change[0] + three, change[2]
        for _ in range(n):
            if rng.random() < 0.5 and sites[site[::-1].translate(COMPLEMENT)]:  # the other strand
                place = sites[site[::-1].translate(COMPLEMENT)].pop()
                rows[sample].append(row(place + 1, bases[place], alt.translate(COMPLEMENT)))
            else:
                place = sites[site].pop()
                rows[sample].append(row(place + 1, bases[place], alt))

# %%
# A few rows are unlike the rest: one that a filter refused, one with an allele that is no bases, a doublet, a
# deletion, a row that is there twice, and one that replaces two bases by four.


def other(base):
    return "ACGT"[("ACGT".index(base) + 1) % 4]


rows["tumour_a"] += [
    row(21, bases[20], other(bases[20]), "weak_evidence"),
    row(31, bases[30], "<DEL>"),
    row(41, bases[40:42], other(bases[40]) + other(bases[41])),
    row(51, bases[50:53], bases[50]),
    rows["tumour_a"][0],
    row(61, bases[60:62], other(bases[60]) + "ACG"),
]
(here / "calls").mkdir()
for sample, lines in rows.items():
    (here / "calls" / f"{sample}.vcf").write_text(HEADER + "".join(lines))
print((here / "calls" / "tumour_a.vcf").read_text()[:180])

# %%
# **Count.** Every row of every file ends in a channel, or with a word that says why not. On the command line: ``dnmf
# count calls/ --genome genome.fa -o counted``. :doc:`/genomics/variants` has the rules and the words.

counts = count_variants(here / "calls", here / "genome.fa")
print(counts.outcomes.loc[:, counts.outcomes.any()].T)

# %%
# The odd rows one by one:

columns = ["sample", "line", "position", "ref", "alt", "outcome", "class", "channel"]
odd = counts.variants["class"] != "SBS96"
print(counts.variants.loc[odd, columns].to_string(index=False))

# %%
# **The catalogs**, one a class. A genome of random bases has other sites than a human one, so the spectra are near,
# not equal, to what the signatures would give there.

for name, catalog in counts.catalogs.items():
    print(name, catalog.burdens.to_dict())
plot_catalog(counts.catalogs["SBS96"])

# %%
# **Refit and save.** ``report.html`` opens in any browser and needs nothing else; the tables are in SigProfiler's
# layout.

result = refit_exposures(counts.catalogs["SBS96"], reference)
page = result.save(here / "report")
print(*sorted(path.name for path in page.parent.iterdir()), sep="\n")
plot_exposures(result.exposures.loc[:, result.exposures.max() > 0])

# %%
# The exposures, beside how many mutations were drawn from each signature:

drawn = {(sample, name): n for sample, own in N_VARIANTS.items() for name, n in own.items()}
for (sample, name), n in drawn.items():
    low, high = (
        table.loc[sample, name] for table in (result.exposure_lower, result.exposure_upper)
    )
    print(
        f"{sample} {name}: {n} drawn, {result.exposures.loc[sample, name]:.0f} found ({low:.0f} to {high:.0f})"
    )
for sample, advice in result.fit["advice"].items():
    print(f"{sample}: {advice or 'no advice'}")
folder.cleanup()

# %%
# The command ``dnmf refit calls/ --genome genome.fa -o OUT`` does all of this for every class that is in the files
# (:doc:`several_classes`).
