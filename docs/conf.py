"""How the site is built: `make docs`."""

import re
import sys
from pathlib import Path

from numpydoc.xref import DEFAULT_LINKS
from sphinx_gallery.sorting import ExplicitOrder

import dnmf

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "dnmf"
author = "The dnmf developers"
copyright = "The dnmf developers"
release = dnmf.__version__

extensions = [
    "example_results",
    "api_names",
    "commands",
    "side_bar",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "thresholds",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "gallery/**/*.ipynb", "gallery/**/*.py"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

autosummary_generate = True
default_role = "py:obj"  # `name` in a docstring
autodoc_typehints = "none"  # numpydoc's Parameters have them
numpydoc_show_class_members = False
# Classes of dnmf are links where they are the type of a parameter. Those of others are not: a build needs no network.
_NAMES = re.findall(
    r"^   (dnmf(?:\.\w+)+)$",
    Path(__file__).with_name("reference").joinpath("api.rst").read_text("utf-8"),
    re.MULTILINE,
)
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {word: word for word in DEFAULT_LINKS} | {
    name.rpartition(".")[2]: name for name in _NAMES if name.rpartition(".")[2][0].isupper()
}

# In the order of their pages, from simple to advanced.
EXAMPLES = [
    "quickstart",
    "breast_genomes",
    "panel_refit",
    "variants_to_report",
    "several_classes",
    "compare_cohorts",
    "blind_extraction",
    "own_reference",
    "new_samples",
    "mutation_origins",
    "known_answer",
    "choose_n_components",
    "grid_search",
    "missing_entries",
    "sparse_text_topics",
    "single_cell_counts",
    "hyperspectral_unmixing",
    "own_rule",
    "learned_dictionary",
    "blind_unrolled_nmf",
    "speech_enhancement",
]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "subsection_order": ExplicitOrder(
        [f"../examples/{field}" for field in ("genomics", "factorisation", "unrolling")]
    ),
    "within_subsection_order": ExplicitOrder([f"{name}.py" for name in EXAMPLES]),
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("dnmf",),
    "image_scrapers": ("matplotlib", "gallery_pictures.last_figure"),
    "ignore_repr_types": "matplotlib",
    "first_notebook_cell": "%matplotlib inline",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "show_signature": False,
    "parallel": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"dnmf {release}"
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
