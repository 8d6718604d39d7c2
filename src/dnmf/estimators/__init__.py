"""Scikit-learn estimators: fit, transform, inverse_transform, score; and how they are saved."""

from dnmf.estimators._dnmf import DNMF
from dnmf.estimators._mu import MultiplicativeNMF
from dnmf.estimators._paper import PaperDNMF, PaperSupervisedDNMF
from dnmf.estimators._persistence import load_model, save_model
from dnmf.estimators._supervised import SupervisedDNMF

__all__ = [
    "DNMF",
    "MultiplicativeNMF",
    "PaperDNMF",
    "PaperSupervisedDNMF",
    "SupervisedDNMF",
    "load_model",
    "save_model",
]
