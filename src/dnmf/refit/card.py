"""What a refit network is for: its reference, cohorts, range of counts, how it was trained and how good it is."""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from difflib import get_close_matches
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from dnmf.exceptions import InputDataError, ModelFileError
from dnmf.strict_json import check_entries
from dnmf.unfolding.conditioned import ConditionedDesign


@dataclass(frozen=True)
class RefitCard:
    """The card of a refit network.

    Attributes
    ----------
    name : str
        Of the model.
    reference : str
        Name of the reference it was trained for, e.g. ``"cosmic-v3.4-GRCh37"``.
    reference_sha256 : str
        :func:`reference_hash` of that reference.
    signatures, channels : list of str
        In the order of the network's outputs and inputs.
    cohorts : list of str
        Tumour types it can be told, indices from 1.
    counts : (low, high)
        Range of mutations per sample that training showed.
    presence_threshold : float
        Probability from which a signature is called present.
    design : dict
        Sizes of the network.
    unseen_signatures : list of str
        Signatures without an example among the training tumours: found through a small broad prior only.
    renamed_signatures : dict
        Names in the training exposures -> names in the reference.
    notes : list of str
        What a reader must know, in sentences.
    training : dict
        Data, split, settings, seed, versions.
    measured : dict
        Errors on tumours that were never used in training.
    """

    name: str
    reference: str
    reference_sha256: str
    signatures: list[str]
    channels: list[str]
    cohorts: list[str]
    counts: tuple[float, float]
    presence_threshold: float = 0.5
    design: dict[str, int] = field(default_factory=lambda: asdict(ConditionedDesign()))
    unseen_signatures: list[str] = field(default_factory=list)
    renamed_signatures: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)

    def cohort_index(self, cohort: str | None) -> int:
        """Return the network's index of a tumour type; 0 for None and ``"pan-cancer"``.

        Raises
        ------
        InputDataError
            If the model does not know the type; the message says which are near.
        """
        if cohort is None or cohort.lower() in ("pan-cancer", "none"):
            return 0
        known = {name.lower(): index for index, name in enumerate(self.cohorts, start=1)}
        if cohort.lower() in known:
            return known[cohort.lower()]
        near = get_close_matches(cohort.lower(), known, n=3, cutoff=0.4)
        names = ", ".join(self.cohorts[known[own] - 1] for own in near)
        hint = f"Did you mean {names}? " if near else ""
        raise InputDataError(
            f"the model {self.name} does not know the tumour type {cohort!r}. {hint}"
            f"It knows pan-cancer, {', '.join(self.cohorts)}."
        )

    @classmethod
    def from_entries(cls, entries: Mapping[str, Any], source: str) -> "RefitCard":
        """Return the card of what its file holds; entries that are no part of it are ignored.

        Raises
        ------
        ModelFileError
            If an entry is missing or not what it should be; ``source`` names the file.
        """
        optional = {f.name for f in fields(cls) if f.default_factory is not MISSING}
        optional |= {f.name for f in fields(cls) if f.default is not MISSING}
        kinds = {
            name: kind
            for name, kind in get_type_hints(cls).items()
            if name in entries or name not in optional
        }
        check_entries(entries, kinds, source, ModelFileError)
        card = cls(**{name: entries[name] for name in kinds})
        for name, fault in card._faults():
            raise ModelFileError(f"{source}: the entry {name!r} {fault}")
        return card

    def _faults(self) -> Iterator[tuple[str, str]]:
        """Yield entries that cannot be, and why."""
        for name in ("signatures", "channels", "cohorts"):
            names = getattr(self, name)
            if not names and name != "cohorts":
                yield name, "names nothing"
            if len(set(names)) < len(names):
                yield name, "names something twice"
            if any(unicodedata.category(letter) == "Cc" for text in names for letter in text):
                yield name, "holds control characters"
        low, high = self.counts
        if not 0 <= low < high:
            yield "counts", f"is the range of counts {low} to {high}"
        if not 0 <= self.presence_threshold <= 1:
            yield "presence_threshold", f"is {self.presence_threshold}, no probability"
        sizes = [f.name for f in fields(ConditionedDesign)]
        if sorted(self.design) != sorted(sizes) or min(self.design.values()) < 1:
            yield "design", f"must hold whole numbers from 1: {', '.join(sizes)}"


def reference_hash(signatures: Sequence[str], profiles: NDArray[np.float64]) -> str:
    """Return a checksum of a reference: names, order and profiles to seven decimals. A record, not a test.

    Whether a reference *is* the model's is decided by :func:`dnmf.refit.check_reference`, which compares numbers: a
    checksum would refuse one that was written and read again.
    """
    digest = hashlib.sha256("\n".join(signatures).encode())
    scaled = np.rint(np.asarray(profiles, dtype=np.float64) * 1e7).astype("<i8")
    digest.update(scaled.tobytes())
    return digest.hexdigest()
