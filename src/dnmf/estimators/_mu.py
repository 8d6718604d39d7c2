"""The classic solver as a scikit-learn estimator."""

import warnings
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from dnmf.estimators._base import Array, FactorisationEstimator
from dnmf.estimators._start import start_factors
from dnmf.exceptions import InputDataError
from dnmf.kernels.initialize import INIT_METHODS
from dnmf.kernels.multiplicative_factorisation import nmf_mu
from dnmf.kernels.objectives import Objective, objective_of
from dnmf.threads import one_thread

# The names that scikit-learn gives to three divergences.
BETAS = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}


class MultiplicativeNMF(FactorisationEstimator):
    """Non-negative matrix factorisation by regularised multiplicative updates.

    ``min 1/2 ||X - H W||_F^2 + l1_reg sum(H) + 1/2 l2_reg sum(H^2)`` over ``H, W >= 0``, or another beta-divergence in
    place of the squared error. It takes complete dense samples; sparse data, missing entries and sample weights are for
    :class:`dnmf.DNMF`.

    Parameters
    ----------
    n_components : int
        Number of components, k.
    init : str
        ``"random"``, ``"nndsvd"``, ``"nndsvda"``, ``"separable"`` or ``"ones"`` (the paper's baseline; it warns, since
        equal components stay equal). Zeros never recover, so nndsvd and separable starts limit the supports.
    l1_reg, l2_reg : float
        Penalties on the exposures; ``l1_reg`` in the unit of the cost over that of the exposures. ``l2_reg`` for least
        squares only.
    beta_loss : float or str
        The divergence, from 0 to 2: ``"frobenius"`` (2, half the squared error), ``"kullback-leibler"`` (1),
        ``"itakura-saito"`` (0, for entries > 0 only) or a number, see :func:`dnmf.kernels.beta_costs`.
    max_iter : int
        Most iterations; fewer than it needs gives a ``ConvergenceWarning``.
    tol : float
        Stop when an iteration lowers the cost by less than ``tol`` times the starting cost.
    transform_max_iter : int, optional
        Most iterations of ``transform`` from constant exposures; default ``max_iter``.
    random_state : int, RandomState or None
        Randomness of ``init="random"``.
    dtype : {"float64", "float32"}, optional
        Default that of X where it is float32, else float64.
    device : str
        Where torch computes.

    Attributes
    ----------
    components_ : (k, f) array
        The dictionary, in the scale at which the updates left it.
    history_ : dict
        ``"cost"``: the cost before the first and after every iteration.
    n_iter_ : int
        Iterations done.

    Notes
    -----
    Paper eq. 1, 2, 4 (transposed) and 5. Lee and Seung 2001; Hoyer 2002; for other divergences Févotte and Idier 2011,
    as in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    >>> model = MultiplicativeNMF(n_components=1, random_state=0).fit(X)
    >>> bool(np.abs(model.inverse_transform(model.transform(X)) - X).max() < 1e-6)
    True
    """

    def __init__(
        self,
        n_components: int = 10,
        *,
        init: str = "random",
        l1_reg: float = 0.0,
        l2_reg: float = 0.0,
        beta_loss: float | str = "frobenius",
        max_iter: int = 500,
        tol: float = 1e-6,
        transform_max_iter: int | None = None,
        random_state: Any = None,
        dtype: str | None = None,
        device: str = "cpu",
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.l1_reg = l1_reg
        self.l2_reg = l2_reg
        self.beta_loss = beta_loss
        self.max_iter = max_iter
        self.tol = tol
        self.transform_max_iter = transform_max_iter
        self.random_state = random_state
        self.dtype = dtype
        self.device = device

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Factorise samples.

        Parameters
        ----------
        X : (n_samples, n_features)
            Data, >= 0; > 0 for Itakura-Saito.
        y : None
            Ignored.
        """
        samples = self._start_fit(X)
        k, max_iter = self.n_components, self.max_iter
        with one_thread():
            H0, W0 = start_factors(samples, k, self.init, self._generator())
            result = nmf_mu(
                samples,
                H0,
                W0,
                beta=self._beta,
                max_iter=max_iter,
                tol=self.tol,
                **self._penalties,
            )
        if not result.converged and self.tol > 0:
            warnings.warn(
                f"the cost still fell by more than tol={self.tol:g} after {max_iter} iterations: raise max_iter, or "
                "tol if the result is good enough",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._keep(None, result.W, {"cost": result.cost}, result.n_iter)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_integers(n_components=1, max_iter=1)
        if self.transform_max_iter is not None:
            self._check_integers(transform_max_iter=1)
        self._check_numbers("l1_reg", "l2_reg", "tol")
        self._check_choices(init=INIT_METHODS)
        if isinstance(self.beta_loss, str):
            self._check_choices(beta_loss=BETAS)
        else:
            self._check_numbers("beta_loss")
        if self._beta != 2:
            _ = self._objective  # an error for a divergence or a penalty that it does not take

    @property
    def _beta(self) -> float:
        return BETAS[self.beta_loss] if isinstance(self.beta_loss, str) else float(self.beta_loss)

    @property
    def _objective(self) -> Objective:
        return objective_of(self._beta, **self._penalties)

    def _start_fit(self, X: ArrayLike) -> torch.Tensor:
        samples = super()._start_fit(X)
        self._check_zeros(samples.cpu().numpy())
        return samples

    def _validate_samples(self, X: ArrayLike) -> Array:
        rows = super()._validate_samples(X)
        self._check_zeros(rows)
        return rows

    def _check_zeros(self, X: Array) -> None:
        if self._beta == 0 and not bool(X.all()):
            row, column = np.argwhere(X == 0)[0].tolist()
            raise InputDataError(
                f"X holds 0 in row {row}, column {column}: Itakura-Saito (beta_loss=0) compares ratios and needs "
                "entries > 0. Add a small constant to all of them, or take a beta_loss above 0."
            )

    def _infer(self, X: torch.Tensor) -> torch.Tensor:
        W = self._to_tensor(self.components_)
        # Constant exposures of the right total: the update then needs no iterations to find the scale.
        totals = X.sum(dim=1, keepdim=True) / W.sum().clamp(min=torch.finfo(W.dtype).tiny)
        H0 = totals.expand(-1, len(W)).clone()
        max_iter = self.max_iter if self.transform_max_iter is None else self.transform_max_iter
        return nmf_mu(
            X,
            H0,
            W,
            beta=self._beta,
            max_iter=max_iter,
            tol=0.0,  # a tolerance on the whole batch would make a sample depend on its neighbours
            update_W=False,
            **self._penalties,
        ).H
