"""Classic steps as layers of PyTorch networks, their rules by name, and the loops that train them."""

from dnmf.unfolding.beta import BetaMULayer
from dnmf.unfolding.layers import (
    ADMMLayer,
    KLLayer,
    MULayer,
    MultiplicativeLayer,
    ProjectedGradientLayer,
    UnfoldedLayer,
    WeightedMULayer,
)
from dnmf.unfolding.networks import Unfolded, UnfoldedMU
from dnmf.unfolding.newton import NewtonLayer
from dnmf.unfolding.problem import Problem
from dnmf.unfolding.rules import LAYERS, register_rule
from dnmf.unfolding.to_dictionary import train_to_dictionary
from dnmf.unfolding.training import History, TrainConfig, train_supervised, train_unsupervised

__all__ = [
    "LAYERS",
    "ADMMLayer",
    "BetaMULayer",
    "History",
    "KLLayer",
    "MULayer",
    "MultiplicativeLayer",
    "NewtonLayer",
    "Problem",
    "ProjectedGradientLayer",
    "TrainConfig",
    "Unfolded",
    "UnfoldedLayer",
    "UnfoldedMU",
    "WeightedMULayer",
    "register_rule",
    "train_supervised",
    "train_to_dictionary",
    "train_unsupervised",
]
