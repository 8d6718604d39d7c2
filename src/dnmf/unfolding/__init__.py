"""Classic steps as layers of PyTorch networks, their rules by name, and the loops that train them."""

from dnmf.unfolding.fitting import fit
from dnmf.unfolding.layers import (
    ADMMLayer,
    KLLayer,
    MULayer,
    ProjectedGradientLayer,
    UnfoldedLayer,
    WeightedMULayer,
)
from dnmf.unfolding.networks import LAYERS, Unfolded, UnfoldedMU
from dnmf.unfolding.newton import NewtonLayer
from dnmf.unfolding.paper_training import train_supervised, train_unsupervised
from dnmf.unfolding.problem import Problem
from dnmf.unfolding.to_dictionary import train_to_dictionary
from dnmf.unfolding.training import History, TrainConfig, TrainingState

__all__ = [
    "LAYERS",
    "ADMMLayer",
    "History",
    "KLLayer",
    "MULayer",
    "NewtonLayer",
    "Problem",
    "ProjectedGradientLayer",
    "TrainConfig",
    "TrainingState",
    "Unfolded",
    "UnfoldedLayer",
    "UnfoldedMU",
    "WeightedMULayer",
    "fit",
    "train_supervised",
    "train_to_dictionary",
    "train_unsupervised",
]
