"""The search for signatures: schedules of penalised least squares, noise of the data, components added and moved."""

from dnmf.search.components import add_components, move_apart
from dnmf.search.dictionary import Search, find_dictionary
from dnmf.search.residual_noise import NoiseModel, estimate_noise

__all__ = [
    "NoiseModel",
    "Search",
    "add_components",
    "estimate_noise",
    "find_dictionary",
    "move_apart",
]
