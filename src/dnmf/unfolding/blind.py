"""Networks that unfold a whole factorisation: layers update the exposures and, by most rules, the dictionary."""

from contextlib import suppress
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn

from dnmf.kernels.initialize import extreme_rows
from dnmf.unfolding.blind_rules import BLIND_RULES, BlindRule
from dnmf.unfolding.factors import Factors
from dnmf.unfolding.layered import dictionary_shape
from dnmf.unfolding.layers import UnfoldedLayer
from dnmf.unfolding.precision import call_in, full_precision, working_dtype
from dnmf.unfolding.problem import Problem


class BlindLayer(nn.Module):
    """One update of both factors: a step of the exposures, and a step of the dictionary as the transposed problem.

    Parameters
    ----------
    exposures : UnfoldedLayer
        Maps ``(H, Problem(X, W))`` to the next H.
    dictionary : UnfoldedLayer, optional
        Maps ``(W^T, Problem(X^T, H^T))`` to the next ``W^T``; without it the dictionary stays.
    dictionary_first : bool
        The order.
    """

    def __init__(
        self,
        exposures: UnfoldedLayer,
        dictionary: UnfoldedLayer | None = None,
        *,
        dictionary_first: bool = False,
    ) -> None:
        super().__init__()
        self.exposures, self.dictionary = exposures, dictionary
        self.dictionary_first = dictionary_first

    @classmethod
    def of(cls, rule: BlindRule, W: Float[Tensor, "k f"]) -> "BlindLayer":
        """Return the layer of a rule that starts from the dictionary ``W``; a TypeError if the rule makes none."""
        steps: dict[str, UnfoldedLayer] = {}
        for name, make in (("exposures", rule.exposures), ("dictionary", rule.dictionary)):
            if make is not None:
                steps[name] = step = make(W)
                if not isinstance(step, UnfoldedLayer):
                    raise TypeError(
                        f"rule.{name} must make a dnmf.unfolding.UnfoldedLayer from a dictionary (k, f), "
                        f"not {type(step).__name__}"
                    )
        return cls(**steps, dictionary_first=rule.dictionary_first)

    def forward(
        self,
        X: Float[Tensor, "n f"],
        H: Float[Tensor, "n k"],
        W: Float[Tensor, "k f"],
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
    ) -> tuple[Float[Tensor, "n k"], Float[Tensor, "k f"]]:
        """Return the next states of exposures and dictionary."""
        if self.dictionary_first:
            W = self._next_dictionary(X, H, W)
        problem = Problem(X, W.clamp(min=0), l1_reg=l1_reg, l2_reg=l2_reg)
        H = _next("exposures", self.exposures, H, problem)
        if not self.dictionary_first:
            W = self._next_dictionary(X, H, W)
        return H, W

    def check_shapes(self, W: Float[Tensor, "k f"]) -> None:
        """Raise the ValueError of a step of another shape, found by one update of a few samples from the dictionary W.

        A size that torch refuses is not judged: weights may belong to another number of samples.
        """
        n = next(n for n in (2, 3, 4) if n not in W.shape)  # or a transposed state would pass
        W = W.detach().to(working_dtype(W.dtype, W.dtype))
        H = W.new_ones(n, len(W))
        with suppress(RuntimeError), torch.no_grad(), torch.random.fork_rng(devices=[]):
            self(H @ W, H, W)

    def _next_dictionary(self, X: Tensor, H: Tensor, W: Tensor) -> Tensor:
        if self.dictionary is None:
            return W
        problem = Problem(X.mT, H.clamp(min=0).mT)
        return _next("dictionary", self.dictionary, W.mT, problem).mT

    def project_nonnegative_(self) -> None:
        """Clamp the weights of both steps that must not be negative."""
        for step in (self.exposures, self.dictionary):
            if step is not None:
                step.project_nonnegative_()


def _next(name: str, step: UnfoldedLayer, state: Tensor, problem: Problem) -> Tensor:
    following = call_in(problem.X.dtype, step, state, problem)
    if not isinstance(following, Tensor) or following.shape != state.shape:
        found = getattr(following, "shape", type(following).__name__)
        raise ValueError(
            f"the step of the {name}, {type(step).__name__}, must keep the shape {tuple(state.shape)} of its state, "
            f"not return {tuple(found) if isinstance(found, torch.Size) else found}"
        )
    return following


class UnfoldedNMF(nn.Module):
    """A factorisation as a network: L layers, each updating exposures and dictionary. X alone is its input.

    A data set ``X (n, f)`` is one problem with its own dictionary; ``X (b, n, f)`` are b problems. Untrained, it is L
    steps of the classic algorithm. A rule without a step of the dictionary, such as ``"deep-nmf"``, whose layers have
    learned dictionaries of their own, finds exposures alone: its W is the start.

    Parameters
    ----------
    n_features, n_components, n_layers : int
        f, k and L.
    rule : str or BlindRule
        One of ``BLIND_RULES`` (``"nalmu"``, ``"mu"``, ``"weighted-mu"``, ``"palm"``, ``"lp-palm"``, ``"admm"``,
        ``"deep-nmf"``), or a pair of steps of one's own.
    W0 : (k, f), optional
        Where the dictionary starts. By default at the most extreme samples of each data set, scaled to sum 1, see
        :func:`dnmf.kernels.successive_projection`.
    H0 : float, optional
        Where all exposures start. By default at what explains the sum of a sample when all components have it.
    learn_start : bool
        Whether ``W0`` is a weight of the network.
    known : (m, f), optional
        The first m components, which stay as they are: semi-blind. The others are found.
    tied : bool
        Whether all layers are one, applied L times.
    l1_reg, l2_reg : float
        Penalties on the exposures.
    dtype, device
        As for any torch module; taken from ``W0`` when it is given, and by default from ``known``.

    Raises
    ------
    TypeError
        For a rule that is no BlindRule, or makes no layers.
    ValueError
        For an unknown rule, a rule of one's own whose steps, tried on a few samples, return states of another shape, a
        start or known components of another size or of other than finite values >= 0, or a learned start without
        ``W0``.

    Notes
    -----
    Both factors come in the scale and the order in which the start leads them. Train with a start that fixes the order
    (``W0``, ``known``), or with a loss that does not depend on it.

    Examples
    --------
    >>> H, W = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    >>> from dnmf.unfolding import UnfoldedNMF
    >>> network = UnfoldedNMF(3, 2, n_layers=50, rule="admm")
    >>> found = network(H @ W)
    >>> bool((found.H @ found.W - H @ W).abs().max() < 1e-3)
    True
    """

    W0: Tensor | None
    known: Tensor | None

    def __init__(
        self,
        n_features: int,
        n_components: int,
        n_layers: int = 10,
        *,
        rule: str | BlindRule = "nalmu",
        W0: Float[Tensor, "k f"] | None = None,
        H0: float | None = None,
        learn_start: bool = False,
        known: Float[Tensor, "m f"] | None = None,
        tied: bool = False,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        if isinstance(rule, str):
            if rule not in BLIND_RULES:
                raise ValueError(f"unknown rule {rule!r}: choose one of {', '.join(BLIND_RULES)}")
            rule = BLIND_RULES[rule]
        elif not isinstance(rule, BlindRule):
            raise TypeError(f"a rule is a name or a dnmf.unfolding.BlindRule, not {rule!r}")
        shape = (n_components, n_features)
        for name, given in (("W0", W0), ("known", known)):
            if given is not None:
                try:
                    dictionary_shape(given)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        if known is not None and W0 is not None and known.dtype != W0.dtype:
            raise ValueError(f"known is {known.dtype}, W0 {W0.dtype}: convert with .to(dtype)")
        if W0 is None:
            if learn_start:
                raise ValueError("a learned start needs W0, the dictionary to start from")
            if known is not None:
                dtype, device = dtype or known.dtype, device or known.device
            like = torch.full(shape, 1 / n_features, dtype=dtype, device=device)
        else:
            if tuple(W0.shape) != shape:
                raise ValueError(f"expected W0 of shape {shape}, got {tuple(W0.shape)}")
            like = W0.detach().clone(memory_format=torch.contiguous_format)
        if known is not None:
            if known.shape[1] != n_features or len(known) > n_components:
                raise ValueError(
                    f"expected known components as rows, at most {n_components} of {n_features} features, "
                    f"got a tensor of shape {tuple(known.shape)}"
                )
            known = known.detach().to(like)
            like = torch.cat([known, like[len(known) :]])
        if learn_start:
            self.W0 = nn.Parameter(like)
        else:
            self.register_buffer("W0", None if W0 is None else like)
        self.register_buffer("known", known)
        self.n_features, self.n_components = n_features, n_components
        self.H0, self.l1_reg, self.l2_reg = H0, l1_reg, l2_reg
        layers = [BlindLayer.of(rule, like) for _ in range(1 if tied else n_layers)]
        if rule not in BLIND_RULES.values() and not like.is_meta:
            for layer in layers[:1]:
                layer.check_shapes(like)
        self.layers = nn.ModuleList(layers * n_layers if tied else layers)

    @classmethod
    def from_dictionary(
        cls,
        W: Float[Tensor, "k f"],
        n_layers: int = 10,
        *,
        rule: str | BlindRule = "nalmu",
        H0: float | None = None,
        learn_start: bool = False,
        n_known: int = 0,
        tied: bool = False,
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
    ) -> "UnfoldedNMF":
        """Return the network that starts from the dictionary ``W``, of which the first ``n_known`` components stay."""
        k, f = dictionary_shape(W)
        if not 0 <= n_known <= k:
            raise ValueError(f"n_known must be from 0 to the {k} components, not {n_known}")
        return cls(
            f,
            k,
            n_layers,
            rule=rule,
            W0=W,
            H0=H0,
            learn_start=learn_start,
            known=W[:n_known] if n_known else None,
            tied=tied,
            l1_reg=l1_reg,
            l2_reg=l2_reg,
        )

    def start(self, X: Float[Tensor, "n f"]) -> Factors:
        """Return the factors from which the layers start on the samples ``X``."""
        known = None if self.known is None else self.known.to(X)
        n_unknown = self.n_components - (0 if known is None else len(known))
        if known is not None and not n_unknown:
            W = known
        elif self.W0 is None:
            totals = X.sum(dim=1, keepdim=True)
            spectra = X / torch.where(totals > 0, totals, torch.ones_like(totals))
            W = extreme_rows(spectra, n_unknown, apart_from=known)
        else:
            W = self.W0[self.n_components - n_unknown :].to(X)
        if known is not None and n_unknown:
            W = torch.cat([known, W])
        if self.H0 is not None:
            return Factors(X.new_full((len(X), self.n_components), self.H0), W)
        mass = W.sum()
        level = X.sum(dim=1, keepdim=True) / torch.where(mass > 0, mass, 1.0)
        return Factors(level.expand(-1, self.n_components), W)

    def iterates(self, X: Float[Tensor, "*batch n f"]) -> list[Factors]:
        """Return both factors at the start and after every layer.

        Raises
        ------
        TypeError
            If samples and weights are not both float64, or both float32 or less.
        ValueError
            If X has another number of features, fewer than two dimensions, or too few samples to start from.
        """
        if X.ndim < 2 or X.shape[-1] != self.n_features:
            raise ValueError(
                f"expected data sets (..., n, {self.n_features}), got a tensor of shape {tuple(X.shape)}"
            )
        n_unknown = self.n_components - (0 if self.known is None else len(self.known))
        if self.W0 is None and X.shape[-2] < n_unknown:
            raise ValueError(
                f"a data set of {X.shape[-2]} samples is too small to start {n_unknown} components from: give W0"
            )
        weights = next(chain(self.parameters(), self.buffers())).dtype
        with full_precision(X):
            samples = X.to(working_dtype(X.dtype, weights))
            # Rules are written for one problem; this is the same for many.
            run = self._iterates if X.ndim == 2 else torch.vmap(self._iterates)
            pairs = run(samples if X.ndim == 2 else samples.flatten(0, -3))
            dtype = torch.promote_types(X.dtype, weights)
            return [
                Factors(*(f.reshape(*X.shape[:-2], *f.shape[-2:]).to(dtype) for f in pair))
                for pair in pairs
            ]

    def _iterates(self, X: Tensor) -> list[tuple[Tensor, Tensor]]:
        H, W = self.start(X)
        pairs = [(H, W)]
        for layer in self.layers:
            H, W = layer(X, H, W, self.l1_reg, self.l2_reg)
            if self.known is not None:
                W = torch.cat([self.known.to(X), W[len(self.known) :]])
            pairs.append((H, W))
        return [(H.clamp(min=0), W.clamp(min=0)) for H, W in pairs]

    def forward(self, X: Float[Tensor, "*batch n f"]) -> Factors:
        """Return the factors after the last layer."""
        return self.iterates(X)[-1]

    def project_nonnegative_(self) -> None:
        """Clamp at zero the weights that must not be negative: after each optimiser step."""
        for layer in self.layers:
            assert isinstance(layer, BlindLayer)
            layer.project_nonnegative_()
        if isinstance(self.W0, nn.Parameter):
            with torch.no_grad():
                self.W0.clamp_(min=0)
