"""The second layer of a blind extraction: the known signatures that make up its own, and the exposures to them."""

from dataclasses import dataclass, replace

import pandas as pd

from dnmf.metrics import reconstruction_quality
from dnmf.progress import Progress
from dnmf.refit import RefitResult, refit_exposures
from dnmf.signatures import (
    Decomposition,
    MutationCatalog,
    SignatureSet,
    decompose_to_reference,
)


@dataclass(frozen=True)
class SecondLayer:
    """Known signatures that de novo ones are made of, those that stay novel, and the exposures to both.

    Attributes
    ----------
    decomposition : Decomposition
        Which references make up each de novo signature, how close they come, and which others nearly do.
    signatures : SignatureSet
        The known ones, in the order of the reference and with its names and profiles, then the novel ones with their
        de novo names and profiles (``_novel`` is put behind a name that the reference has, too).
    refit : RefitResult or None
        Exposures of all samples to ``signatures``, with intervals and presence, as of :func:`dnmf.refit_exposures`.
        None for a catalog in another unit than mutations.
    """

    decomposition: Decomposition
    signatures: SignatureSet
    refit: RefitResult | None

    @property
    def known(self) -> list[str]:
        """Names of the known among ``signatures``."""
        return self.signatures.names[: len(self.decomposition.known)]

    @property
    def novel(self) -> list[str]:
        """Names of the novel among ``signatures``."""
        return self.signatures.names[len(self.decomposition.known) :]


def second_layer(
    catalog: MutationCatalog,
    found: SignatureSet,
    reference: SignatureSet,
    *,
    progress: Progress | None = None,
) -> SecondLayer:
    """Decompose de novo signatures into references, and refit the catalog to these and to the novel ones."""
    layer = known_and_novel(found, reference)
    if catalog.why_not_counts:
        return layer
    return replace(layer, refit=refit_exposures(catalog, layer.signatures, progress=progress))


def known_and_novel(found: SignatureSet, reference: SignatureSet) -> SecondLayer:
    """Return the second layer without exposures."""
    decomposition = decompose_to_reference(found, reference)
    known = [name for name in reference.names if name in set(decomposition.known)]
    novel = found.profiles.loc[decomposition.novel]
    names = [_unused(str(name), set(reference.names)) for name in novel.index]
    parts = decomposition.parts.copy()
    parts.loc[parts["found"].isin(decomposition.novel), "reference"] = names
    signatures = SignatureSet(
        pd.concat([reference.profiles.loc[known], novel.set_axis(names)]),
        "known and novel signatures",
        found.schema,
        reference.target,
    )
    return SecondLayer(replace(decomposition, parts=parts), signatures, None)


def _unused(name: str, taken: set[str]) -> str:
    # The reference may hold signatures of an earlier extraction.
    while name in taken:
        name = f"{name}_novel"
    return name


def decomposition_map(layer: SecondLayer, found: SignatureSet) -> pd.DataFrame:
    """Return what each de novo signature is made of, in the columns of SigProfiler's ``De_Novo_map_to_COSMIC_*.csv``.

    A novel signature is mapped to itself, without error. L1 and L2 errors are in percent, the divergence in nats.
    """
    novel = layer.decomposition.novel
    parts = layer.decomposition.parts
    words = pd.Series(
        [
            f"Signature {name} ({100 * share:.2f}%)"
            for name, share in zip(parts["reference"], parts["share"], strict=True)
        ]
    )
    profiles, mixtures = found.profiles, layer.decomposition.mixtures.copy()
    mixtures.loc[novel] = profiles.loc[novel]
    quality = reconstruction_quality(profiles, mixtures)
    return pd.DataFrame(
        {
            "De novo extracted": found.names,
            "Global NMF Signatures": words.groupby(parts["found"].to_numpy(), sort=False)
            .agg(" & ".join)
            .to_numpy(),
            "L1 Error %": 100 * quality["relative_l1"],
            "L2 Error %": 100 * quality["relative_l2"],
            "KL Divergence": quality["kl_divergence"],
            "Cosine Similarity": quality["cosine"],
            "Correlation": profiles.corrwith(mixtures, axis=1).to_numpy(),
        }
    )
