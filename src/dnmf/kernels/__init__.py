"""Costs, classic updates, exact solvers and their certificates, starts: pure functions on tensors."""

from dnmf._moved import former_names
from dnmf.kernels.alternating import AlternatingResult, Phase, nmf_anls
from dnmf.kernels.beta import beta_step
from dnmf.kernels.costs import beta_costs, frobenius_cost, kl_cost, kl_costs
from dnmf.kernels.initialize import INIT_METHODS, initialize_factors, successive_projection
from dnmf.kernels.kl import KLResult, kl_exposures, kl_gap, kl_step
from dnmf.kernels.kl_factorisation import nmf_kl
from dnmf.kernels.known_exposures import dispersion, kl_signatures, variance_exponent
from dnmf.kernels.linear_maps import calibrated_map, ridge_map
from dnmf.kernels.multiplicative import mu_step, update_exposures, update_signatures
from dnmf.kernels.multiplicative_factorisation import MUResult, nmf_mu
from dnmf.kernels.nnls import (
    exact_exposures,
    exact_signatures,
    exposure_moments,
    nnls,
    nnls_kkt_residual,
)
from dnmf.kernels.objectives import BetaDivergence, Frobenius, Objective, Poisson
from dnmf.kernels.scaling import scale_signatures_to_unit_sum
from dnmf.kernels.simplex import project_to_simplex, simplex_exposures

__all__ = [
    "INIT_METHODS",
    "AlternatingResult",
    "BetaDivergence",
    "Frobenius",
    "KLResult",
    "MUResult",
    "Objective",
    "Phase",
    "Poisson",
    "beta_costs",
    "beta_step",
    "calibrated_map",
    "dispersion",
    "exact_exposures",
    "exact_signatures",
    "exposure_moments",
    "frobenius_cost",
    "initialize_factors",
    "kl_cost",
    "kl_costs",
    "kl_exposures",
    "kl_gap",
    "kl_signatures",
    "kl_step",
    "mu_step",
    "nmf_anls",
    "nmf_kl",
    "nmf_mu",
    "nnls",
    "nnls_kkt_residual",
    "project_to_simplex",
    "ridge_map",
    "scale_signatures_to_unit_sum",
    "simplex_exposures",
    "successive_projection",
    "update_exposures",
    "update_signatures",
    "variance_exponent",
]

__getattr__ = former_names("dnmf.kernels", "dnmf.search")
