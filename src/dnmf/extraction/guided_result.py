"""The result of a guided extraction."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dnmf.extraction.guided_findings import found_in_words, guided_findings
from dnmf.extraction.guided_record import GuidedRecord
from dnmf.extraction.guided_save import save_guided_report
from dnmf.report.annotated import plain_texts
from dnmf.report.findings import Finding, listing

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, repr=False)
class GuidedResult(GuidedRecord):
    """What a guided extraction found, to be read and saved."""

    save = save_guided_report

    @cached_property
    def findings(self) -> list[Finding]:
        """What a reader should know before using the result, each with its numbers and a remedy; cautions first."""
        return guided_findings(self)

    def to_anndata(self) -> "AnnData":
        """Return the exposures as AnnData, see `RefitResult.to_anndata`; the evidence of the signatures is ``var``."""
        data = self.refit.to_anndata()
        data.var = plain_texts(self.evidence.reindex(data.var_names))
        return data

    def __repr__(self) -> str:
        filled = self.refit.fit[self.refit.fit["mutations"] > 0]
        lines = [
            f"GuidedResult: {len(self.refit.fit):,} samples, {found_in_words(self)}, "
            f"median cosine {filled['cosine'].median():.3f}",
            f"known, of {self.reference.source or 'the reference'}: {listing(self.known, 20) or 'none'}",
        ]
        if self.novel:
            closest = [
                f"{name} (closest {reference} {cosine:.2f})"
                for name, reference, cosine in self.matches[
                    ["found", "reference", "cosine"]
                ].to_numpy()
            ]
            lines.append(f"novel: {listing(closest, 12)}")
        lines.append(f"things to know before using it, in .findings: {len(self.findings)}")
        return "\n  ".join(lines)
