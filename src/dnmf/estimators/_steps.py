"""The steps of `DNMF`: its parameters checked, starts, the plain search, and the network for what was found."""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike

from dnmf.engine.chunks import Chunks
from dnmf.estimators._chunked import ChunkedFactorisation
from dnmf.estimators._given import check_dictionary, custom_components
from dnmf.estimators._network import network_for
from dnmf.estimators._search import SEARCHES, Found, search_plain
from dnmf.estimators._start import evenly_spaced, start_factors
from dnmf.kernels.initialize import INIT_METHODS
from dnmf.kernels.objectives import Objective
from dnmf.progress import Progress
from dnmf.unfolding.networks import Unfolded
from dnmf.unfolding.rules import rule_of

# Steps by which the network is trained by default. After a plain search none: the classic iterations are as good as
# exact for nearly all dictionaries found in data, and training would take longer than the search.
TRAINING_STEPS = {"plain": 0, "signatures": 300}
# Samples with which the network is compared, and from which it is trained, after a plain search.
JUDGED_SAMPLES = 2000
ITERATIONS_PER_LINE = 10  # of what ``verbose`` prints
# Starts that ``init="auto"`` compares. Which is better differs from data to data, by 2 % of the error and more.
AUTO_STARTS = {"plain": ("separable", "nndsvd"), "signatures": ("separable",)}


class DictionaryThenNetwork(ChunkedFactorisation):
    """Base of `DNMF`, whose class has the parameters."""

    n_components: int | None
    search: str
    layer: str
    n_layers: int
    init: str
    max_iter: int
    tol: float
    warm_start: bool
    dictionary: ArrayLike | None
    min_volume: float
    n_steps: int | None
    learning_rate: float | None
    verbose: int

    def _search_plain(
        self, chunks: Chunks, starts: list[torch.Tensor], progress: Progress
    ) -> Found:
        limits: dict[str, Any] = {"max_iter": int(self.max_iter), "tol": float(self.tol)}
        return search_plain(chunks, starts, self._objective, progress=progress, **limits)

    def _starts(
        self, pool: torch.Tensor, components: ArrayLike | None, generator: torch.Generator
    ) -> list[torch.Tensor]:
        """Return the dictionaries from which the search starts; more than one for ``init="auto"``."""
        k = cast(int, self.n_components)
        if components is not None:
            return [custom_components(components, k, pool)]
        former = getattr(self, "components_", None) if self.warm_start else None
        if former is not None and former.shape == (k, pool.shape[1]):
            return [torch.tensor(former).to(pool)]
        methods = AUTO_STARTS[self.search] if self.init == "auto" else (self.init,)
        return [start_factors(pool, k, method, generator)[1] for method in methods]

    def _network(
        self,
        W: torch.Tensor,
        samples: torch.Tensor,
        generator: torch.Generator,
        progress: Progress | None = None,
    ) -> tuple[Unfolded, dict[str, list[float]]]:
        steps = TRAINING_STEPS[self.search] if self.n_steps is None else self.n_steps
        return network_for(
            W,
            samples if self.search == "signatures" else evenly_spaced(samples, JUDGED_SAMPLES),
            self._objective,
            layer=self.layer,
            n_layers=int(self.n_layers),
            n_steps=int(steps),
            learning_rate=None if self.learning_rate is None else float(self.learning_rate),
            generator=generator,
            progress=progress,
        )

    def _reporter(self, progress: Progress | None) -> Progress:
        """Return what is called after every iteration of the search."""

        def report(phase: str, step: int, steps: int, cost: float) -> None:
            if self.verbose and step % ITERATIONS_PER_LINE == 0:
                print(f"{phase}: iteration {step} of at most {steps}, cost {cost:.6g}")  # noqa: T201
            if progress is not None:
                progress(phase, step, steps, cost)

        return report

    @property
    def _objective(self) -> Objective:
        return rule_of(self.layer).objective(**self._penalties)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        rule_of(self.layer)  # an error for an unknown name
        if self.init == "ones":
            raise ValueError(
                "init='ones' gives equal components, which the search cannot tell apart"
            )
        usable = (method for method in INIT_METHODS if method != "ones")
        self._check_choices(search=SEARCHES, init=("auto", *usable, "custom"))
        if self.dictionary is None:
            self._check_integers(n_components=1)
        else:
            check_dictionary(self.dictionary, self.n_components, self.dtype or "float64")
        self._check_integers(n_layers=1, max_iter=1)
        if not isinstance(self.verbose, (bool, np.bool_)):
            self._check_integers(verbose=0)
        if self.n_steps is not None:
            self._check_integers(n_steps=0)
        if self.learning_rate is not None:
            self._check_numbers("learning_rate", positive=True)
        self._check_numbers("l1_reg", "l2_reg", "min_volume", "tol")
        if self.min_volume and self.search == "plain":
            raise ValueError("min_volume needs search='signatures'")
        _ = self._objective  # an error for penalties that it does not take

    def _empty_network(
        self, n_features: int, n_components: int, dtype: torch.dtype
    ) -> torch.nn.Module:
        return Unfolded(n_features, n_components, self.n_layers, layer=self.layer, dtype=dtype)
