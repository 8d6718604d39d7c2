"""The reference that a command works with, as its options choose it."""

from dataclasses import dataclass
from pathlib import Path

from dnmf.signatures import SignatureSet, choose_reference


@dataclass(frozen=True)
class ReferenceChoice:
    """``--reference``, ``--build``, ``--assay``, ``--genome`` and ``--made-for``."""

    reference: str = "cosmic-v3.4"
    build: str | None = None
    assay: str | None = None
    genome: Path | None = None
    made_for: str | None = None

    def load(self) -> SignatureSet:
        """Return the signatures; counting the sites of a panel takes a minute or two the first time."""
        return choose_reference(
            self.reference,
            build=self.build,
            assay=self.assay,
            genome=self.genome,
            made_for=self.made_for,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        """What may be a file that must not be overwritten."""
        others = (Path(self.assay) if self.assay else None, self.genome)
        return (Path(self.reference), *(path for path in others if path is not None))
