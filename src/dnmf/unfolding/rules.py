"""The rules by name, those of the package and those of its users."""

import torch

from dnmf.kernels.objectives import Objective
from dnmf.unfolding.layers import (
    ADMMLayer,
    KLLayer,
    MULayer,
    ProjectedGradientLayer,
    UnfoldedLayer,
    WeightedMULayer,
)
from dnmf.unfolding.newton import NewtonLayer
from dnmf.unfolding.problem import Problem

LAYERS: dict[str, type[UnfoldedLayer]] = {
    "mu": MULayer,
    "kl": KLLayer,
    "weighted-mu": WeightedMULayer,
    "projected-gradient": ProjectedGradientLayer,
    "admm": ADMMLayer,
    "newton": NewtonLayer,
}
"""The layers by the names that users give; :func:`dnmf.unfolding.register_rule` adds to them."""
_OF_THE_PACKAGE = frozenset(LAYERS)


def register_rule(name: str, rule: type[UnfoldedLayer]) -> None:
    """Make a rule of one's own known by a name, to networks, estimators and saved models alike.

    Saved models hold the name of their rule, never its code: to load one, register its rule first.

    Parameters
    ----------
    name : str
        A rule of this name that was registered before is replaced; those of the package are not.
    rule : subclass of UnfoldedLayer
        It has a class method ``from_dictionary(W)`` and ``forward(state, problem)``. It is tried on a small problem.

    Raises
    ------
    ValueError
        If the package has a rule of this name, or the trial gives states of another shape or dtype, or not finite.
    TypeError
        If it is no rule, or lacks a method.

    Examples
    --------
    A multiplicative update with one learned factor for each component:

    >>> from dnmf.kernels import mu_step
    >>> from dnmf.unfolding import MultiplicativeLayer, Unfolded, register_rule
    >>> class ScaledMU(MultiplicativeLayer):
    ...     nonnegative = ("factor",)
    ...
    ...     @classmethod
    ...     def from_dictionary(cls, W):
    ...         return cls(factor=W.new_ones(len(W)))
    ...
    ...     def forward(self, state, problem):
    ...         return self.factor * mu_step(state, problem.moments, problem.gram)
    >>> W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    >>> network = Unfolded.from_dictionary(W, n_layers=300, layer=ScaledMU)
    >>> network(torch.tensor([1.0, 3.0, 2.0])).detach().round(decimals=3)
    tensor([2., 4.])
    >>> register_rule("scaled-mu", ScaledMU)  # doctest: +SKIP
    """
    if name in _OF_THE_PACKAGE:
        raise ValueError(f"the package has a rule {name!r}: choose another name")
    check_rule(rule)
    LAYERS[name] = rule


def rule_of(layer: str | type[UnfoldedLayer]) -> type[UnfoldedLayer]:
    """Return the rule of a name, or a rule of one's own after a trial; errors as :func:`register_rule`."""
    if not isinstance(layer, str):
        check_rule(layer)
        return layer
    if layer not in LAYERS:
        raise ValueError(
            f"unknown layer {layer!r}: choose one of {', '.join(LAYERS)}, or make your own known by "
            f"dnmf.unfolding.register_rule({layer!r}, ...)"
        )
    return LAYERS[layer]


def name_of(rule: type[UnfoldedLayer]) -> str:
    """Return the name by which a rule is known; a ValueError for one that is not registered."""
    for name, known in LAYERS.items():
        if known is rule:
            return name
    raise ValueError(
        f"the rule {rule.__name__} has no name, and a saved model holds no code: give it one by "
        f'dnmf.unfolding.register_rule("...", {rule.__name__})'
    )


def check_rule(rule: type[UnfoldedLayer]) -> None:
    """Raise an error that names what a rule lacks, or what is wrong with a step of it on a small problem."""
    if rule in LAYERS.values():
        return
    if not (isinstance(rule, type) and issubclass(rule, UnfoldedLayer)):
        raise TypeError(f"a rule is a subclass of dnmf.unfolding.UnfoldedLayer, not {rule!r}")
    name = rule.__name__
    own = rule.__mro__[: rule.__mro__.index(UnfoldedLayer)]
    for method, use in (
        ("from_dictionary", "(W): a class method that returns the layer for a dictionary (k, f)"),
        ("forward", "(state, problem): it returns the next state (n, k)"),
    ):
        if not any(method in vars(cls) for cls in own):
            raise TypeError(f"{name} lacks {method}{use}")
    if not isinstance(rule.objective(), Objective):
        raise TypeError(f"{name}.objective makes no dnmf.kernels.Objective")
    with torch.random.fork_rng(devices=[]):  # a rule may draw its weights
        _try(rule, name)


def _try(rule: type[UnfoldedLayer], name: str) -> None:
    """Take one step of two components and four samples."""
    W = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], dtype=torch.float64)
    estimate = W.new_tensor([[0.5, 0.5], [1.0, 0.0], [0.2, 0.8], [1.2, -0.2]])
    layer = rule.from_dictionary(W)
    if not isinstance(layer, UnfoldedLayer):
        raise TypeError(f"{name}.from_dictionary returned {type(layer).__name__}, not a layer")
    weights = dict(layer.named_parameters())
    for weight, values in weights.items():
        if values.dtype != W.dtype:
            raise ValueError(
                f"{name}.{weight} is {values.dtype} for a dictionary of {W.dtype}: make weights like it, e.g. by "
                "W.new_ones(len(W))"
            )
    for weight in rule.nonnegative:
        if weight not in weights:
            raise ValueError(f"{name}.nonnegative names {weight!r}, which is none of its weights")
    problem = Problem(
        estimate.clamp(min=0) @ W, W, l1_reg=torch.zeros_like(estimate), l2_reg=W.new_zeros(len(W))
    )
    state = rule.start_from(estimate)
    for method, result in (("start_from", state), ("forward", layer(state, problem))):
        if not isinstance(result, torch.Tensor) or result.shape != estimate.shape:
            found = getattr(result, "shape", type(result).__name__)
            found = tuple(found) if isinstance(found, torch.Size) else found
            raise ValueError(
                f"{name}.{method} must return the states of 4 samples to 2 components, (4, 2), not {found}"
            )
        if result.dtype != W.dtype or not result.isfinite().all():
            raise ValueError(
                f"{name}.{method} must return finite states in the dtype of its samples, not {result}"
            )
