import numpy as np
import pytest

from dnmf import DNMF, MultiplicativeNMF, PaperDNMF, SupervisedDNMF


@pytest.fixture
def data(problem):
    X, H, _ = problem(30, 12, 3, 0)
    return X.numpy(), H.numpy()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (PaperDNMF(3, dictionary_order="frehs", max_epochs=2), "dictionary_order"),
        (DNMF(3, learning_rate=-1.0, n_steps=2), "learning_rate"),
        (DNMF(3, learning_rate="fast", n_steps=2), "learning_rate"),
        (DNMF(3, learning_rate=float("nan"), n_steps=2), "learning_rate"),
        (PaperDNMF(3, weight_init=-1.0, max_epochs=2), "weight_init"),
        (PaperDNMF(3, weight_init=0.0, max_epochs=2), "weight_init"),
        (SupervisedDNMF(batch_size=0, max_epochs=2), "batch_size"),
        (SupervisedDNMF(batch_size=-3, max_epochs=2), "batch_size"),
        (SupervisedDNMF(batch_size=2.5, max_epochs=2), "batch_size"),
        (SupervisedDNMF(learning_rate=-1.0, max_epochs=2), "learning_rate"),
        (MultiplicativeNMF(3, tol=-1.0), "tol"),
        (MultiplicativeNMF(3, tol="small"), "tol"),
        (MultiplicativeNMF(3, transform_max_iter=0), "transform_max_iter"),
        (MultiplicativeNMF(3, transform_max_iter="x"), "transform_max_iter"),
    ],
)
def test_bad_parameters_are_refused_by_name(data, model, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        model.fit(*data)


def test_multiplicative_refuses_data_without_mutations():
    with pytest.raises(ValueError, match="all zero"):
        MultiplicativeNMF(2).fit(np.zeros((5, 4)))


def test_supervised_refuses_data_without_mutations():
    with pytest.raises(ValueError, match="all zero"):
        SupervisedDNMF(max_epochs=2).fit(np.zeros((5, 4)), np.ones((5, 2)))


def test_multiplicative_transform_of_a_sample_does_not_depend_on_its_neighbours(data):
    X = data[0][:8]
    model = MultiplicativeNMF(3, random_state=0, max_iter=2000).fit(X)
    together = model.transform(X)
    alone = np.vstack([model.transform(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(alone, together, rtol=1e-6, atol=1e-6)
