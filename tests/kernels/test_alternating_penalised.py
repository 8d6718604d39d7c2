import pytest

from dnmf.kernels import Phase, exact_exposures, frobenius_cost, nmf_anls, successive_projection
from dnmf.search import find_dictionary

PENALTIES = [(100.0, 0.0), (500.0, 0.0), (100.0, 0.05), (0.0, 0.3), (100.0, 0.5), (0.0, 3.0)]


@pytest.mark.parametrize(("l1", "l2"), PENALTIES)
@pytest.mark.parametrize("seed", [10, 12])
def test_a_penalised_fit_ends_no_higher_than_its_start_or_the_truth(problem, seed, l1, l2):
    X, _, W = problem(50, 24, 4, seed)
    penalties = {"l1_reg": l1, "l2_reg": l2}

    def cost(dictionary):
        exposures = exact_exposures(X, dictionary, **penalties)
        return frobenius_cost(X, exposures, dictionary, **penalties)

    start = successive_projection(X, 4)
    result = nmf_anls(X, start, phases=[Phase(100)], **penalties)
    assert (result.W.sum(dim=1) > 0).all()
    assert cost(result.W) <= cost(start)
    assert cost(result.W) <= cost(W)


@pytest.mark.parametrize(("l1", "l2"), [(100.0, 0.0), (100.0, 0.05), (0.0, 0.3)])
@pytest.mark.parametrize("seed", [11])
def test_a_penalty_does_not_take_the_signatures_away(problem, seed, l1, l2):
    X, _, _ = problem(50, 24, 4, seed)
    found = find_dictionary(X, successive_projection(X, 4), l1_reg=l1, l2_reg=l2)
    assert (found.W.sum(dim=1) > 0).all()
