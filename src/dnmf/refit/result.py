"""The result of a refit."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from dnmf.refit.findings import refit_findings
from dnmf.refit.former import GOES
from dnmf.refit.record import RefitRecord
from dnmf.refit.save import save_refit_report
from dnmf.report.annotated import annotated_data
from dnmf.report.findings import Finding

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, repr=False)
class RefitResult(RefitRecord):
    """What a refit found, to be read and saved."""

    save = save_refit_report

    @property
    def findings(self) -> list[Finding]:
        """What to know before using the exposures, cautions first."""
        return refit_findings(self)

    @property
    def lower(self) -> pd.DataFrame:
        """Deprecated: ``exposure_lower``."""
        _warn("lower is now exposure_lower")
        return self.exposure_lower

    @property
    def upper(self) -> pd.DataFrame:
        """Deprecated: ``exposure_upper``."""
        _warn("upper is now exposure_upper")
        return self.exposure_upper

    def to_anndata(self) -> "AnnData":
        """Return the exposures as AnnData: samples in ``obs``, signatures in ``var``, mutations in ``X``.

        ``layers`` hold the ends of the 90 % intervals (``lower``, ``upper``) and ``presence``, ``obs`` the table
        ``fit`` and ``unassigned`` mutations, ``varm["profiles"]`` the signatures, ``obsm["counts"]`` the catalog,
        ``uns["dnmf"]`` parameters, versions and warnings.

        Raises
        ------
        ImportError
            The package anndata is not installed: ``pip install anndata``.
        """
        return annotated_data(
            self,
            self.reference,
            self.exposures,
            samples=self.fit.assign(unassigned=self.unassigned),
            layers={
                "lower": self.exposure_lower,
                "upper": self.exposure_upper,
                "presence": self.presence,
            },
        )

    def __repr__(self) -> str:
        total = float(self.fit["mutations"].sum())
        return (
            f"RefitResult: {len(self.fit):,} samples, {total:,.0f} mutations, {len(self.reference.names)} signatures "
            f"of {self.reference.source or 'a reference'}\n"
            f"  method {self.parameters['method']}, prior {self.prior_in_words}\n"
            f"  unassigned {self.unassigned.sum() / max(total, 1):.1%} of the mutations\n"
            f"  {len(self.findings)} findings to read, see .findings and .summary()"
        )


def _warn(what: str) -> None:
    warnings.warn(f"{what}; {GOES}.", DeprecationWarning, stacklevel=3)
