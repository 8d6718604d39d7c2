"""placeholder"""

from dnmf.engine.factorised import Factorised
from dnmf.kernels.kl_factorisation import nmf_kl
import torch


def factorise(chunks, W0, *, objective=None, max_iter=200, tol=1e-5, callback=None):
    X = torch.cat([chunks.samples.chunk(i).X for i in range(len(chunks.samples.bounds))])
    r = nmf_kl(X, W0, max_iter=max_iter, callback=callback)
    return Factorised(r.W, r.cost, len(r.cost), True)
