"""The network of a fitted factorisation: built for its dictionary, and trained where that helps."""

import torch

from dnmf.kernels.objectives import Objective
from dnmf.progress import Progress
from dnmf.unfolding.networks import Unfolded
from dnmf.unfolding.to_dictionary import train_to_dictionary


def network_for(
    W: torch.Tensor,
    samples: torch.Tensor,
    objective: Objective,
    *,
    layer: str,
    n_layers: int,
    n_steps: int,
    learning_rate: float | None,
    generator: torch.Generator,
    progress: Progress | None,
) -> tuple[Unfolded, dict[str, list[float]]]:
    """Return the network for a dictionary, trained on these samples, and the costs of its training."""
    network = Unfolded.from_dictionary(
        W,
        n_layers,
        layer=layer,
        shares=_usual_shares(samples, objective.exposures(samples, W)),
        l1_reg=float(objective.l1_reg),
        l2_reg=float(objective.l2_reg),
    )
    training = train_to_dictionary(
        network,
        samples,
        n_steps=n_steps,
        learning_rate=learning_rate,
        generator=generator,
        progress=progress,
    )
    return network, {"network": training.cost, "validation": training.validation}


def _usual_shares(X: torch.Tensor, H: torch.Tensor) -> torch.Tensor:
    """Root mean square share of every component in the samples that are not empty."""
    totals = X.sum(dim=1)
    shares = (H[totals > 0] / totals[totals > 0, None]).square().mean(dim=0).sqrt()
    # A component that no sample uses still needs a scale; so do all, where a penalty left no exposures.
    largest = shares.max()
    usual = largest if largest > 0 else torch.ones_like(largest)
    return torch.where(shares > 0, shares, usual)
