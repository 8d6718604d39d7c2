"""The result of an extraction."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from dnmf.extraction.findings import findings
from dnmf.extraction.record import ExtractionRecord
from dnmf.extraction.save import save_report
from dnmf.extraction.tables import solution
from dnmf.report.annotated import annotated_data
from dnmf.report.findings import Finding, listing
from dnmf.signatures import SignatureSet

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, repr=False)
class ExtractionResult(ExtractionRecord):
    """What an extraction found, to be read and saved."""

    save = save_report

    def __repr__(self) -> str:
        filled = self.fit[self.fit["mutations"] > 0]
        lines = [
            f"ExtractionResult: {len(self.fit):,} samples, {len(self.signatures)} signatures, "
            f"median cosine {filled['cosine'].median():.3f}",
            listing(self.signatures.names, 12),
        ]
        if self.layer is not None:
            lines.append(
                f"made of known ones: {listing(self.layer.known, 12) or 'none'}; novel: "
                f"{listing(self.layer.novel, 12) or 'none'}"
            )
        return "\n  ".join(lines)

    @cached_property
    def findings(self) -> list[Finding]:
        """What a reader should know before using the result, each with its numbers and a remedy; cautions first."""
        return findings(self)

    def to_anndata(self) -> "AnnData":
        """Return the exposures as AnnData, see `RefitResult.to_anndata`; without presence.

        ``lower`` and ``upper`` are percentiles over resampled restarts, if there were any.
        """
        matches = self.matches.set_index("found") if len(self.matches) else None
        return annotated_data(
            self,
            self.signatures,
            self.exposures,
            samples=self.fit,
            layers={"lower": self.exposure_lower, "upper": self.exposure_upper},
            of_signatures=matches,
        )

    def solution(self, n_signatures: int) -> tuple[SignatureSet, pd.DataFrame]:
        """Return the signatures of any number that was tried and their exact exposures ``(n, k)``, in mutations.

        The exposures are non-negative least squares without penalties, scaled down where they sum to more than the
        sample's mutations; both are named by share of all mutations.
        """
        return solution(self.catalog, self.selection, n_signatures)
