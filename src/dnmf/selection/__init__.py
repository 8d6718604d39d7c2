"""How many components: fits of resampled data for every number, their stability and what they predict."""

from dnmf.selection.arguments import Words, check_numbers
from dnmf.selection.candidate import Candidate
from dnmf.selection.choice import Choice, choose, selection_table
from dnmf.selection.counts import CountModel
from dnmf.selection.fits import Fits
from dnmf.selection.gaussian import GaussianModel
from dnmf.selection.select import DEFAULT_RESTARTS, ComponentSelection, select_n_components

__all__ = [
    "DEFAULT_RESTARTS",
    "Candidate",
    "Choice",
    "ComponentSelection",
    "CountModel",
    "Fits",
    "GaussianModel",
    "Words",
    "check_numbers",
    "choose",
    "select_n_components",
    "selection_table",
]
