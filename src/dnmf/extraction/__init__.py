"""Extraction: which signatures a catalog holds, guided by known ones or blind, and how sure they are; with report."""

from dnmf.extraction.checkpoint import Checkpoint
from dnmf.extraction.extract import extract_signatures
from dnmf.extraction.guided import guided_extraction
from dnmf.extraction.guided_result import GuidedResult
from dnmf.extraction.result import ExtractionResult
from dnmf.extraction.run import ExtractionRun
from dnmf.extraction.save import save_report
from dnmf.extraction.second_layer import SecondLayer
from dnmf.extraction.select import Selection, run_identity, select_signatures
from dnmf.extraction.transform import transform_catalog

__all__ = [
    "Checkpoint",
    "ExtractionResult",
    "ExtractionRun",
    "GuidedResult",
    "SecondLayer",
    "Selection",
    "extract_signatures",
    "guided_extraction",
    "run_identity",
    "save_report",
    "select_signatures",
    "transform_catalog",
]
