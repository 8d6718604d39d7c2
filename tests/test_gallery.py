"""The pages of cancer genomics run, small where that saves time, and what they say in words is so."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "examples" / "genomics").glob("*.py"))

pytestmark = pytest.mark.usefixtures("unpainted", "unchecked_shapes")


def test_the_breast_genomes_have_known_signatures_only(run, capsys):
    result = run("breast_genomes")["result"]
    assert not result.novel
    evidence = result.evidence
    assert (evidence.loc[["SBS1", "SBS2", "SBS3", "SBS13"], "nats"] > 1000).all()
    assert evidence.loc["SBS97", "nats"] < 60
    assert evidence.loc["SBS97", "largest_sample"] > 0.999
    assert 0.9 < evidence.loc["SBS3", "cosine"] < 0.97
    refit = result.refit
    span = (
        (refit.exposure_upper - refit.exposure_lower).div(refit.fit["mutations"], axis=0).median()
    )
    assert (span[["SBS2", "SBS13"]] < 0.1).all()
    assert (span[["SBS3", "SBS40a"]] > 0.15).all()
    assert (refit.fit[["p_reference", "p_answer"]].min(axis=1) < 0.001).sum() == 19
    assert "caution: SBS18 may be another signature" in capsys.readouterr().out


def test_fifty_mutations_tell_some_signatures_and_not_others(run):
    names = run("panel_refit", N_SAMPLES=150)
    errors, means = names["errors"], names["means"]
    assert errors.idxmax() == "likelihood alone, 86 signatures"
    assert errors.max() > 1.7 * errors["prior: tumours of all types"]
    assert errors["prior: breast cancer"] < errors["prior: tumours of all types"]
    assert errors["prior: breast cancer"] < 1.2 * errors["likelihood alone, the 8 that are there"]
    held = names["held"].to_numpy()[names["large"]].mean()
    assert 0.84 < held < 0.96
    off = (means["estimate"] - means["truth"]).abs()
    assert (off[["SBS1", "SBS2", "SBS13", "SBS18", "sum of the flat ones"]] < 0.04).all()
    assert means.loc["SBS8", "estimate"] < 0.02 < 0.05 < means.loc["SBS8", "truth"]
    assert means.loc["SBS5", "estimate"] > means.loc["SBS5", "truth"] + 0.1


def test_equal_depth_makes_a_comparison_fair(run):
    table = run("compare_cohorts", N_DRAWS=100)["table"]
    assert (table.loc[["SBS2", "SBS13"], "adjusted p"] < 0.01).all()
    assert table["truth"].between(table["from"], table["to"]).all()
    assert table.loc["SBS40a", "truth"] == 0
    assert table.loc["SBS40a", "not thinned"] < 0.05 < table.loc["SBS40a", "adjusted p"]


def test_three_classes_agree(run):
    names = run("several_classes", N_EACH=5)
    kinds = names["present"].groupby(names["present"].index.str.split().str[0]).sum()
    assert (kinds.loc["smoker", ["SBS4", "DBS2", "ID3"]] == 5).all()
    assert (kinds.loc["skin", ["SBS7a", "DBS1", "ID13"]] == 5).all()
    assert not kinds.loc["other"].any()


def test_a_missing_signature_is_noticed_found_and_added(run):
    names = run("own_reference")
    first, second, has_it = names["first"].fit, names["second"].fit, names["has_it"]
    assert first["p_reference"][has_it].median() < 1e-3 < first["p_reference"][~has_it].median()
    assert (second["p_answer"] > 0.001).all()
    (match,) = names["match_to_reference"](names["novel"], names["cosmic"]).to_dict("records")
    assert match["reference"] == "SBS22a"
    assert match["cosine"] > 0.99
    assert names["errors"]["with"] < 0.5 * names["errors"]["without"]


def test_variants_are_counted_and_refitted(run):
    names = run("variants_to_report")
    outcomes, result = names["counts"].outcomes.loc["tumour_a"], names["result"]
    assert {name: n for name, n in outcomes.items() if n and name != "counted"} == dict.fromkeys(
        ("filtered", "allele", "complex", "duplicate"), 1
    )
    assert [catalog.burdens["tumour_a"] for catalog in names["counts"].catalogs.values()] == [
        595,
        1,
        1,
    ]
    for (sample, name), n in names["drawn"].items():
        assert (
            result.exposure_lower.loc[sample, name] <= n <= result.exposure_upper.loc[sample, name]
        )


def test_a_hot_spot_of_apobec_has_its_probability(run):
    table = run("mutation_origins")["table"].set_index(["sample", "channel", "signature"])
    first = table.loc[("PD4199a", "T[C>T]A", "SBS2")]
    second = table.loc[("PD4109a", "T[C>T]A", "SBS2")]
    assert first["lower"] > 0.9 > second["upper"]
    other = table.loc[("PD4109a", "A[T>C]G", "SBS5")]
    assert other["upper"] - other["lower"] > 0.2


def test_a_stored_model_answers_new_samples(run):
    names = run("new_samples")
    assert names["error"].median() < 0.03
    assert names["cosines"](names["later"]).min() > 0.95
    assert names["cosines"](names["odd"])[0] < 0.6


def test_a_pipeline_is_checked(run):
    names = run("known_answer", N_SAMPLES=40)
    assert names["found"] == names["true"]
    errors = names["errors"].median()
    assert errors["guided extraction"] < 0.3 * errors["all 86, likelihood alone"]
    assert 0.85 < names["held"].mean() < 0.97


def test_a_blind_extraction_names_what_it_is_made_of(run):
    names = run("blind_extraction", N_RESTARTS=2, NUMBERS=(5, 6))
    five = names["five"]
    assert set(five.layer.known) == {"SBS1", "SBS2", "SBS4", "SBS5", "SBS13", "SBS18"}
    assert not five.unstable
    assert names["error"].median() < 0.05


@pytest.mark.parametrize("script", PAGES, ids=lambda path: path.stem)
def test_a_page_is_a_notebook(script):
    """The cells of the notebook that the site offers are the script: the tests of it are those of the notebook."""
    gallery = pytest.importorskip("sphinx_gallery.gen_gallery", reason="needs the extra docs")
    from sphinx_gallery.notebook import jupyter_notebook
    from sphinx_gallery.py_source_parser import split_code_and_text_blocks

    settings = {**gallery.DEFAULT_GALLERY_CONF, "first_notebook_cell": "%matplotlib inline"}
    _, blocks = split_code_and_text_blocks(str(script))
    made = jupyter_notebook(blocks, settings, str(script.parent))
    cells = [cell for cell in json.loads(json.dumps(made))["cells"] if cell["cell_type"] == "code"]
    assert cells[0]["source"] == ["%matplotlib inline"]
    code = "\n".join("".join(cell["source"]) for cell in cells[1:])
    whole = ast.parse(script.read_text("utf-8"))
    assert ast.dump(ast.parse(code)) == ast.dump(ast.Module(whole.body[1:], []))


def test_a_figure_is_shown_below_its_block_only(tmp_path, monkeypatch):
    pytest.importorskip("sphinx_gallery", reason="needs the extra docs")
    from matplotlib.figure import Figure

    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_extensions"))
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **options: Path(path).touch())
    from gallery_pictures import last_figure

    names = {"___": Figure()}
    known = {"example_globals": names, "image_path_iterator": iter([str(tmp_path / "first.png")])}
    settings = {"src_dir": str(tmp_path)}
    assert "first.png" in last_figure(("code", "plot_fit(fit)", 1), known, settings)
    assert last_figure(("code", "x = 1", 3), known, settings) == ""
