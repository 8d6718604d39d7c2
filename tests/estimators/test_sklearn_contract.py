"""scikit-learn's own battery, with no expected failures."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from dnmf import DNMF, MultiplicativeNMF, PaperDNMF, PaperSupervisedDNMF, SupervisedDNMF

EPOCHS = {"n_layers": 1, "max_epochs": 2}

# The battery's data are tiny, random and not factorised for their own sake.
pytestmark = [
    pytest.mark.usefixtures("quick_fits"),
    pytest.mark.filterwarnings("ignore::dnmf.exceptions.DoubtfulDataWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]


@parametrize_with_checks(
    [
        DNMF(2, n_layers=1, n_steps=1),
        PaperDNMF(2, **EPOCHS),
        SupervisedDNMF(**EPOCHS),
        PaperSupervisedDNMF(**EPOCHS),
        MultiplicativeNMF(2),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
