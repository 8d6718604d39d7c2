"""Non-negative matrix factorisation by deep unfolding.

What ``__init__.pyi`` imports loads on first use, so that ``import dnmf`` (and ``dnmf --help``) answers at once.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
