"""Whether a catalog looks like exomes or panels while its reference is for genomes."""

import re

import numpy as np
import torch

from dnmf.criteria import EXOME_EVIDENCE, P_UNASSIGNED
from dnmf.kernels import kl_costs, kl_exposures
from dnmf.kernels.goodness_of_fit import deviance_p_value
from dnmf.signatures import DBS78, SBS96, MutationCatalog, SignatureSet, load_reference

# More samples than these hardly make the answer surer, and each takes time.
MOST_SAMPLES = 100
# How far below the highest log-likelihood of a sample the solver may stop.
_TOLERANCE_NATS = 0.01

_EXOME = re.compile(r"(?<![a-z])(exomes?|wes|wxs)(?![a-z])", re.IGNORECASE)
# Of SigProfilerMatrixGenerator, for mutations inside a BED file. Samples of many regions of a tumour are no panels.
_REGIONS = re.compile(r"\d\.(region)(?![a-z])", re.IGNORECASE)


def why_exome(catalog: MutationCatalog, reference: SignatureSet) -> str:
    """Return why the samples are hardly genomes, and what to do, in words; empty if nothing speaks against genomes.

    Only a reference that is known to be for genomes is doubted: by the name of the catalog's file, or because the
    samples' spectra are likelier under the exome's opportunities than under the genome's.

    Parameters
    ----------
    catalog : MutationCatalog
        ``n`` samples, in mutations.
    reference : SignatureSet
        Of the same channels.

    Notes
    -----
    ``sum_i max_h log P(x_i | h W_exome) - max_h log P(x_i | h W_genome)``, with all signatures of COSMIC v3.4 whatever
    the reference holds, so that a signature it lacks is not taken for an exome. Said when the sum exceeds
    ``EXOME_EVIDENCE``, most samples are on this side, and the exome's signatures explain most samples.

    Examples
    --------
    >>> from dnmf.signatures import example_catalog
    >>> why_exome(example_catalog(), load_reference("SBS1,SBS5"))
    ''
    """
    if reference.schema not in (SBS96, DBS78) or reference.target not in ("GRCh37", "GRCh38"):
        return ""
    where, known = catalog.source or "the catalog", reference.source or "the reference"
    name = str(catalog.file.get("name", ""))
    if _REGIONS.search(name):
        return (
            f"{name}: the file's name says that these are mutations of regions, but {known} is for whole genomes. Give "
            "the regions, --assay FILE.bed and --genome FILE.fa, if a panel was sequenced."
        )
    said = _EXOME.search(name)
    if said is not None:
        return (
            f"{name}: the file's name says {said[1]}, but {known} is for whole genomes. Give --assay exome if exomes "
            "were sequenced."
        )
    if reference.schema is SBS96 and _spectra_of_exomes(catalog, reference.target):
        return (
            f"{where}: these look like exomes, but {known} is for whole genomes: COSMIC's signatures of exomes explain "
            "the spectra better. Give --assay exome if exomes were sequenced, or the regions of a panel."
        )
    return ""


def _spectra_of_exomes(catalog: MutationCatalog, build: str) -> bool:
    counts = catalog.counts.to_numpy(dtype=float)
    counts = counts[counts.any(axis=1)]
    if not len(counts):
        return False
    chosen = np.unique(np.linspace(0, len(counts) - 1, MOST_SAMPLES).round().astype(int))
    X = torch.tensor(counts[chosen])
    costs = []
    for assay in ("genome", "exome"):
        known = load_reference(
            "cosmic-v3.4", build=build if assay == "genome" else None, assay=assay
        )
        W = torch.tensor(known.profiles.to_numpy(dtype=float))
        H = kl_exposures(X, W, tol=_TOLERANCE_NATS).H
        costs.append(kl_costs(X, H, W))
    gain = costs[0] - costs[1]
    if 2 * gain.sum() < EXOME_EVIDENCE or (gain > 0).double().mean() <= 0.5:
        return False
    explained = deviance_p_value(X, H @ W, (H > 0.5).double().sum(dim=1)) > P_UNASSIGNED
    return bool(explained.double().mean() > 0.5)
