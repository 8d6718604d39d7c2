"""How many signatures: every number from many restarts, judged by what it predicts and how stable it is."""

from dnmf.pipelines.selection.candidate import Candidate
from dnmf.pipelines.selection.checkpoint import Checkpoint
from dnmf.pipelines.selection.choice import Choice, choose, selection_table
from dnmf.pipelines.selection.run import Selection, run_identity, select_signatures

__all__ = [
    "Candidate",
    "Checkpoint",
    "Choice",
    "Selection",
    "choose",
    "run_identity",
    "select_signatures",
    "selection_table",
]
