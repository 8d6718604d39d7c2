"""Unfolded networks as PyTorch modules, and how to train them."""

from dnmf.nn.layers import (
    ADMMLayer,
    KLLayer,
    MULayer,
    NALMULayer,
    ProjectedGradientLayer,
    UnfoldedLayer,
)
from dnmf.nn.networks import Unfolded, UnfoldedMU
from dnmf.nn.newton import NewtonLayer
from dnmf.nn.problem import Problem
from dnmf.nn.rules import LAYERS
from dnmf.nn.to_dictionary import train_to_dictionary
from dnmf.nn.training import History, TrainConfig, train_supervised, train_unsupervised

__all__ = [
    "LAYERS",
    "ADMMLayer",
    "History",
    "KLLayer",
    "MULayer",
    "NALMULayer",
    "NewtonLayer",
    "Problem",
    "ProjectedGradientLayer",
    "TrainConfig",
    "Unfolded",
    "UnfoldedLayer",
    "UnfoldedMU",
    "train_supervised",
    "train_to_dictionary",
    "train_unsupervised",
]
