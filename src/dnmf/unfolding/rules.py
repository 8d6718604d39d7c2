"""The rules by name."""

from dnmf.unfolding.layers import (
    ADMMLayer,
    KLLayer,
    MULayer,
    NALMULayer,
    ProjectedGradientLayer,
    UnfoldedLayer,
)
from dnmf.unfolding.newton import NewtonLayer

LAYERS: dict[str, type[UnfoldedLayer]] = {
    "mu": MULayer,
    "kl": KLLayer,
    "nalmu": NALMULayer,
    "projected-gradient": ProjectedGradientLayer,
    "admm": ADMMLayer,
    "newton": NewtonLayer,
}
