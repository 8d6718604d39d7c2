"""The posterior mean of exposures, learned from samples with known exposures: network, prior of totals, training."""

__all__: list[str] = []
