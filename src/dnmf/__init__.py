"""Non-negative matrix factorisation by deep unfolding.

The names below load on first use, so that ``import dnmf`` (and ``dnmf --help``) answers at once.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME_OF = {
    "DNMF": "dnmf.estimators",
    "MultiplicativeNMF": "dnmf.estimators",
    "PaperDNMF": "dnmf.estimators",
    "PaperSupervisedDNMF": "dnmf.estimators",
    "SupervisedDNMF": "dnmf.estimators",
    "load_model": "dnmf.estimators",
    "save_model": "dnmf.estimators",
    "MutationCatalog": "dnmf.signatures",
    "SignatureSet": "dnmf.signatures",
    "load_reference": "dnmf.signatures",
    "match_to_reference": "dnmf.signatures",
    "convert_signatures": "dnmf.signatures",
    "restrict_signatures": "dnmf.signatures",
    "read_catalog": "dnmf.signatures",
    "read_exposures": "dnmf.signatures",
    "read_signatures": "dnmf.signatures",
    "simulate_catalog": "dnmf.signatures",
    "simulate_cohort": "dnmf.signatures",
    "ExtractionResult": "dnmf.extraction",
    "extract_signatures": "dnmf.extraction",
    "RefitResult": "dnmf.refit",
    "refit_exposures": "dnmf.refit",
    "plot_exposures": "dnmf.plotting",
    "plot_signatures": "dnmf.plotting",
    "save_refit_report": "dnmf.refit",
    "save_report": "dnmf.extraction",
}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module 'dnmf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
