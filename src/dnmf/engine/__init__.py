"""Factorisation in passes over chunks of samples, wherever the data are: the dictionary step needs only sums."""

__all__: list[str] = []
