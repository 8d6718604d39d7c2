"""What each part of the refit is worth: fitting error after each step, and without each part.

    python benchmarks/refit_ablation.py EXPOSURES.csv [--part choice|test] [--seeds 3] [--out DIR]

Writes refit_ablation.csv: a row for each setting, number of mutations and step. The network is the one of the package,
trained with all parts: it was not trained again without one.
"""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import torch

import dnmf.kernels.mixture
import dnmf.refit.evidence
from dnmf.refit.estimate import final_shares
from dnmf.refit.evidence import Evidence, best_fit, gather_evidence, reported
from dnmf.refit.model import load_model
from dnmf.refit.prior import load_prior
from dnmf.threads import one_thread
from refit_answers import Group
from refit_protocol import Array, fitting_error, options, write_rows
from refit_settings import SETTINGS, Source

MEASURED = ("v3-GRCh38", "even", "negative binomial")
KEYS = ("setting", "mutations", "step", "part")


def _whole(values: torch.Tensor | Array, evidence: Evidence) -> Array:
    shares = np.zeros((len(evidence.seen), len(evidence.W)))
    np.put_along_axis(shares, evidence.seen.numpy(), np.asarray(values, dtype=float), axis=1)
    return shares / shares.sum(axis=1, keepdims=True)


def _steps(group: Group, mutations: int) -> dict[str, Array]:
    """Return the shares (n, k) after each step of the refit of a group, and those of refits without a part."""
    model = load_model()
    prior = load_prior("pan-cancer", group.reference, len(group.counts))
    known = reported(prior.shares, mutations)
    X, W = group.counts, np.ascontiguousarray(group.W)
    fit = best_fit(X, W)

    def final(evidence: Evidence) -> Array:
        with torch.no_grad():
            return _whole(final_shares(evidence, model.network(evidence))[2], evidence)

    whole = gather_evidence(X, W, fit, known)
    with torch.no_grad():
        dense = model.network(whole).shares
    found = {
        "1 likelihood of all signatures": fit.shares,
        "2 posterior without prior": _whole(whole.candidates[:, 1], whole),
        "2 posterior with prior": _whole(whole.candidates[:, 0], whole),
        "2 known exposures alone": _whole(whole.candidates[:, 2], whole),
        "3 network": _whole(dense, whole),
        "4 zeros, final": final(whole),
        "final, without prior": final(gather_evidence(X, W, fit, known[:0])),
    }
    with patch.object(dnmf.kernels.mixture, "SEARCH_ROUNDS", 0):
        found["final, supports of the elimination alone"] = final(gather_evidence(X, W, fit, known))
    ones = {"deviance_dispersion": lambda deviance, *_: np.ones(len(deviance))}
    with patch.multiple(dnmf.refit.evidence, **ones):
        found["final, counts not divided by their dispersion"] = final(
            gather_evidence(X, W, fit, known)
        )
    return found


def main() -> None:
    """Parse arguments and measure."""
    arguments = options(str(__doc__)).parse_args()
    source = Source(arguments.exposures, arguments.part)
    rows = []
    for name in MEASURED:
        for mutations in SETTINGS[name].counts:
            errors: dict[str, list[float]] = {}
            for seed in range(arguments.seeds):
                for group in SETTINGS[name].draw(source, mutations, seed):
                    with one_thread():
                        steps = _steps(replace(group, priors={}), mutations)
                    for step, shares in steps.items():
                        errors.setdefault(step, []).append(
                            float(fitting_error(shares, group.shares).mean())
                        )
            for step, values in errors.items():
                row = {"setting": name, "mutations": mutations, "step": step}
                rows.append(row | {"fitting_error": float(np.mean(values))})
                print(rows[-1], flush=True)
    write_rows(arguments.out / "refit_ablation.csv", rows, KEYS, part=source.part)


if __name__ == "__main__":
    main()
