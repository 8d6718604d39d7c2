"""Exposures learned from pairs of samples and exposures: a network of the posterior mean and its training."""
