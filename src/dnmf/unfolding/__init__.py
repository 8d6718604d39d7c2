"""Classic steps as layers of PyTorch networks, their rules by name, and the loops that train them."""

from dnmf.unfolding.beta import BetaMULayer
from dnmf.unfolding.blind import BlindLayer, UnfoldedNMF
from dnmf.unfolding.blind_rules import (
    BLIND_RULES,
    BlindRule,
    DeepNMFLayer,
    LPALMLayer,
    LpPALMLayer,
    NALMULayer,
    PALMLayer,
    UnitBallLayer,
    lpalm,
)
from dnmf.unfolding.exact import ExactNNLS, ExactPoisson, exact_nnls, exact_poisson
from dnmf.unfolding.factors import Factors, factor_loss, separate
from dnmf.unfolding.fitting import fit
from dnmf.unfolding.fixed_point import FixedPoint
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
from dnmf.unfolding.paper_training import train_supervised, train_unsupervised
from dnmf.unfolding.problem import Problem
from dnmf.unfolding.rules import LAYERS, register_rule
from dnmf.unfolding.to_dictionary import train_to_dictionary
from dnmf.unfolding.training import History, TrainConfig, TrainingState

__all__ = [
    "BLIND_RULES",
    "LAYERS",
    "ADMMLayer",
    "BetaMULayer",
    "BlindLayer",
    "BlindRule",
    "DeepNMFLayer",
    "ExactNNLS",
    "ExactPoisson",
    "Factors",
    "FixedPoint",
    "History",
    "KLLayer",
    "LPALMLayer",
    "LpPALMLayer",
    "MULayer",
    "MultiplicativeLayer",
    "NALMULayer",
    "NewtonLayer",
    "PALMLayer",
    "Problem",
    "ProjectedGradientLayer",
    "TrainConfig",
    "TrainingState",
    "Unfolded",
    "UnfoldedLayer",
    "UnfoldedMU",
    "UnfoldedNMF",
    "UnitBallLayer",
    "WeightedMULayer",
    "exact_nnls",
    "exact_poisson",
    "factor_loss",
    "fit",
    "lpalm",
    "register_rule",
    "separate",
    "train_supervised",
    "train_to_dictionary",
    "train_unsupervised",
]
