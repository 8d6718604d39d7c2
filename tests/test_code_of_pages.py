"""The code of the pages about estimators and unrolling runs as it stands, from top to bottom."""

import re
from pathlib import Path

import pytest

from dnmf.unfolding import BLIND_RULES, LAYERS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(p for folder in ("estimators", "unrolling") for p in (DOCS / folder).glob("*.md"))
NEEDS = {"data.md": "dask.array"}


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # torch, tracing
@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(LAYERS, "scaled-mu", None)  # which undoes what a page registers
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize(("page", "rules"), [("layers", LAYERS), ("both_factors", BLIND_RULES)])
def test_every_rule_has_a_row(page, rules):
    text = (DOCS / "unrolling" / f"{page}.md").read_text("utf-8")
    assert all(f'| `"{rule}"` |' in text for rule in rules)
