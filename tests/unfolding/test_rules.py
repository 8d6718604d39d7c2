"""Rules of one's own, by class and by name."""

import pytest
import torch
from torch import nn

from dnmf.estimators import DNMF, load_model, save_model
from dnmf.exceptions import ModelFileError
from dnmf.kernels import mu_step
from dnmf.unfolding import (
    LAYERS,
    MultiplicativeLayer,
    TrainConfig,
    Unfolded,
    UnfoldedLayer,
    register_rule,
    train_supervised,
)
from dnmf.unfolding.rules import check_rule


class Scaled(MultiplicativeLayer):
    """The rule of the docstring of ``register_rule``."""

    nonnegative = ("factor",)

    @classmethod
    def from_dictionary(cls, W):
        return cls(factor=W.new_ones(len(W)))

    def forward(self, state, problem):
        return self.factor * mu_step(state, problem.moments, problem.gram)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(LAYERS, "scaled", None)  # which undoes it at the end
    register_rule("scaled", Scaled)
    return "scaled"


def test_a_rule_is_taken_by_class_and_by_name_and_starts_as_its_classic_step(problem, registered):
    X, _, W = problem(10, 12, 3, 0)
    by_class = Unfolded.from_dictionary(W, 4, layer=Scaled)
    by_name = Unfolded.from_dictionary(W, 4, layer=registered)
    torch.testing.assert_close(by_class(X), Unfolded.from_dictionary(W, 4, layer="mu")(X))
    assert torch.equal(by_class(X), by_name(X))


def test_it_learns(problem):
    X, H, W = problem(60, 12, 3, 1)
    network = Unfolded.from_dictionary(W, 3, layer=Scaled)
    config = TrainConfig(max_epochs=40, learning_rate=1e-2)
    history = train_supervised(network, X, 1.2 * H, config=config, validation=(X, 1.2 * H))
    assert min(history.validation) < 0.9 * history.validation[0]


def test_estimators_and_saved_models_know_it_by_its_name(problem, registered, tmp_path):
    X = problem(30, 12, 3, 2)[0].numpy()
    model = DNMF(3, layer=registered, n_layers=2, n_steps=5, random_state=0).fit(X)
    save_model(model, tmp_path)
    assert (load_model(tmp_path)[0].transform(X) == model.transform(X)).all()
    del LAYERS[registered]
    with pytest.raises(ModelFileError, match=r"unknown layer 'scaled'.*register_rule\('scaled'"):
        load_model(tmp_path)


def test_a_rule_given_as_a_class_is_saved_by_its_name(problem, tmp_path, monkeypatch):
    X = problem(30, 12, 3, 2)[0].numpy()
    model = DNMF(3, layer=Scaled, n_layers=2, random_state=0).fit(X)
    with pytest.raises(ModelFileError, match=r"Scaled has no name.*register_rule\(.*, Scaled\)"):
        save_model(model, tmp_path)
    monkeypatch.setitem(LAYERS, "scaled", Scaled)
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)[0]
    assert loaded.layer == "scaled"
    assert (loaded.transform(X, exact=False) == model.transform(X, exact=False)).all()


def test_names_of_the_package_are_kept_and_ones_own_replaced(registered):
    with pytest.raises(ValueError, match="the package has a rule 'mu'"):
        register_rule("mu", Scaled)

    class Again(Scaled):
        pass

    register_rule(registered, Again)  # as a notebook's cell does that is run twice
    assert LAYERS[registered] is Again


class WithoutDictionary(MultiplicativeLayer):
    def forward(self, state, problem):
        return state


class WithoutForward(MultiplicativeLayer):
    @classmethod
    def from_dictionary(cls, W):
        return cls()


class OfAnotherShape(Scaled):
    def forward(self, state, problem):
        return state.sum(dim=-1)


class NotFinite(Scaled):
    def forward(self, state, problem):
        return state / 0


class OfAnotherPrecision(Scaled):
    @classmethod
    def from_dictionary(cls, W):
        return cls(factor=torch.ones(len(W)))


class MisnamedWeight(Scaled):
    nonnegative = ("faktor",)


class NoLayer(Scaled):
    @classmethod
    def from_dictionary(cls, W):
        return W


class WithoutObjective(Scaled):
    objective = int


@pytest.mark.parametrize(
    ("rule", "error", "told"),
    [
        (nn.Linear, TypeError, "a rule is a subclass of dnmf.unfolding.UnfoldedLayer, not"),
        (UnfoldedLayer, TypeError, r"UnfoldedLayer lacks from_dictionary\(W\)"),
        (WithoutDictionary, TypeError, r"WithoutDictionary lacks from_dictionary\(W\)"),
        (WithoutForward, TypeError, r"WithoutForward lacks forward\(state, problem\)"),
        (OfAnotherShape, ValueError, r"OfAnotherShape.forward must .* \(4, 2\), not \(4,\)"),
        (NotFinite, ValueError, "NotFinite.forward must return finite states"),
        (OfAnotherPrecision, ValueError, r"factor is torch.float32 .*W.new_ones\(len\(W\)\)"),
        (MisnamedWeight, ValueError, "nonnegative names 'faktor', which is none of its weights"),
        (NoLayer, TypeError, "NoLayer.from_dictionary returned Tensor, not a layer"),
        (WithoutObjective, TypeError, "WithoutObjective.objective makes no"),
    ],
)
@pytest.mark.usefixtures("unchecked_shapes")
def test_what_is_no_rule_is_told_so_when_a_network_is_built(rule, error, told):
    with pytest.raises(error, match=told):
        Unfolded(4, 2, layer=rule)
    with pytest.raises(error, match=told):
        register_rule("own", rule)
    assert "own" not in LAYERS


def test_the_trial_draws_nothing_from_the_global_generator():
    class Random(Scaled):
        @classmethod
        def from_dictionary(cls, W):
            return cls(factor=torch.rand(len(W), dtype=W.dtype))

    before = torch.get_rng_state()
    check_rule(Random)
    assert torch.equal(torch.get_rng_state(), before)
