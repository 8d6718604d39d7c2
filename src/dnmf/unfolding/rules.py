"""The layers' rules by the name that users give."""

from dnmf.unfolding.layers import (
    ADMMLayer,
    KLLayer,
    MULayer,
    ProjectedGradientLayer,
    UnfoldedLayer,
    WeightedMULayer,
)
from dnmf.unfolding.newton import NewtonLayer

LAYERS: dict[str, type[UnfoldedLayer]] = {
    "mu": MULayer,
    "kl": KLLayer,
    "weighted-mu": WeightedMULayer,
    "projected-gradient": ProjectedGradientLayer,
    "admm": ADMMLayer,
    "newton": NewtonLayer,
}
