"""The examples of the gallery run, small, and show what they say."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ("examples", "gallery")  # that of the quickstart is in test_front_door.py


def test_a_learned_dictionary_reads_more_digits(run):
    right = run("learned_dictionary", EPOCHS=3)["right"]
    assert right["learned for the task"] > right["best to reconstruct"] > 0.8


def test_deep_nmf_takes_away_more_noise_than_classic_updates(run):
    sizes = {"N_TRAINING, N_TEST, EPOCHS": "6, 2, 6"}
    gains = run("speech_enhancement", **sizes)["gains"]
    assert gains["Deep NMF"] > gains["ten classic updates"]


def test_learned_abundances_are_nearer_to_the_truth(run):
    errors = run("hyperspectral_unmixing", SIDE=20, EPOCHS=3)["errors"]
    assert errors["SupervisedDNMF"] < errors["ridge regression"]
    assert errors["SupervisedDNMF"] < errors["constrained least squares"]


def test_an_own_rule_gets_better_by_training(run):
    names = run("own_rule", EPOCHS=60)
    assert names["after"][-1] < 0.5 * names["before"][-1]


def test_programmes_of_cells_are_found(run):
    sizes = {"N_CELLS, N_GENES": "400, 300"}
    assert run("single_cell_counts", **sizes)["cosines"].min() > 0.97


def test_trained_blind_layers_find_both_factors_better(run):
    curves = run("blind_unrolled_nmf", EPOCHS=8)["curves"]
    last = zip(curves["classic algorithm"][-1], curves["trained layers"][-1], strict=True)
    assert all(trained < 0.95 * classic for classic, trained in last)


def test_the_number_of_components_is_clear_and_doubtful_where_it_should_be(run):
    names = run("choose_n_components", N_RESTARTS=2, NUMBERS="range(3, 6)")
    assert names["clear"].suggested == 4
    assert names["clear"].choice.stable
    assert len(names["doubtful"].choice.tied) > 1


def test_a_grid_is_searched_in_threads(run):
    sizes = {"N_IMAGES": "200", "COMPONENTS, PENALTIES": "[5, 10], [0.0, 1.0]"}
    names = run("grid_search", **sizes)
    assert names["means"].max() > 0.7
    assert len(names["components"]) in (5, 10)


def test_missing_lines_are_filled_and_the_number_is_found(run):
    sizes = {"SIDE, N_BANDS, N_MATERIALS": "24, 40, 4", "NUMBERS": "[2, 4, 6]"}
    names = run("missing_entries", **sizes)
    assert names["best"] == 4
    misses = {
        name: abs(filled - names["truth"])[names["missing"]].mean()
        for name, filled in names["filled"].items()
    }
    assert misses["DNMF"] < 0.5 * misses["interpolation"]


def test_topics_of_texts_are_learned_batch_by_batch(run):
    names = run("sparse_text_topics", N_TOPICS=4)
    assert names["deviances"][-1] < names["deviances"][0]
    assert names["at_once"] < names["deviances"][-1]


def test_every_example_is_tested_and_has_a_page_that_links_to_it():
    tests = "".join((ROOT / "tests" / f"test_{name}.py").read_text("utf-8") for name in TESTS)
    pages = "".join(p.read_text("utf-8") for p in (ROOT / "docs").glob("*/*.md"))
    for example in sorted(ROOT.glob("examples/*/*.py")):
        assert f'run("{example.stem}"' in tests or example.stem == "quickstart"
        assert f"gallery/{example.parent.name}/{example.stem}.rst" in pages
