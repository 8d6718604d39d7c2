"""Refit: how many mutations of each sample known signatures explain; networks, classic methods, advice and report."""

from dnmf.refit.build_model import is_trained_with, train_refit_model
from dnmf.refit.card import RefitCard, reference_hash
from dnmf.refit.evaluation import measure
from dnmf.refit.models import (
    as_stored,
    available_models,
    check_reference,
    load_refit_model,
    model_for,
    save_refit_model,
)
from dnmf.refit.refit import refit_exposures
from dnmf.refit.result import RefitResult
from dnmf.refit.save import save_refit_report
from dnmf.refit.tumours import TumourExposures, read_tumour_exposures

__all__ = [
    "RefitCard",
    "RefitResult",
    "TumourExposures",
    "as_stored",
    "available_models",
    "check_reference",
    "is_trained_with",
    "load_refit_model",
    "measure",
    "model_for",
    "read_tumour_exposures",
    "reference_hash",
    "refit_exposures",
    "save_refit_model",
    "save_refit_report",
    "train_refit_model",
]
