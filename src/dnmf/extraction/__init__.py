"""Extraction: which signatures a catalog holds, how many, and how repeatable they are; from counts to report."""

from dnmf.extraction.candidate import Candidate
from dnmf.extraction.checkpoint import Checkpoint
from dnmf.extraction.choice import Choice, choose, selection_table
from dnmf.extraction.extract import extract_signatures
from dnmf.extraction.result import ExtractionResult
from dnmf.extraction.run import ExtractionRun
from dnmf.extraction.save import save_report
from dnmf.extraction.select import Selection, run_identity, select_signatures
from dnmf.extraction.transform import transform_catalog

__all__ = [
    "Candidate",
    "Checkpoint",
    "Choice",
    "ExtractionResult",
    "ExtractionRun",
    "Selection",
    "choose",
    "extract_signatures",
    "run_identity",
    "save_report",
    "select_signatures",
    "selection_table",
    "transform_catalog",
]
