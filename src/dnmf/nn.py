"""The former name of `dnmf.unfolding`, for one release."""

from dnmf._moved import former_names

__getattr__ = former_names("dnmf.nn", "dnmf.unfolding")
