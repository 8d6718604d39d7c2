"""Refit: how many mutations of each sample known signatures explain; the prior, classic methods, advice and report."""

from dnmf.refit.former import AUTO as AUTO
from dnmf.refit.former import GOES as GOES
from dnmf.refit.former import NO_MODELS as NO_MODELS
from dnmf.refit.prior import ExposurePrior, available_priors, load_prior
from dnmf.refit.probabilities import signature_probabilities
from dnmf.refit.refit import refit_exposures
from dnmf.refit.result import RefitResult
from dnmf.refit.save import save_refit_report
from dnmf.refit.tumours import TumourExposures, read_tumour_exposures

__all__ = [
    "ExposurePrior",
    "RefitResult",
    "TumourExposures",
    "available_priors",
    "load_prior",
    "read_tumour_exposures",
    "refit_exposures",
    "save_refit_report",
    "signature_probabilities",
]
