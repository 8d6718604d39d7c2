"""The former name of `dnmf.unfolding`, until version 0.3."""

from dnmf._moved import former_names
from dnmf.unfolding import __all__ as __all__

__getattr__ = former_names("dnmf.nn", "dnmf.unfolding")
