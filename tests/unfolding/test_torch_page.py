"""The code of ``docs/unrolling/torch.md`` runs as it stands."""

import re
from pathlib import Path

import pytest

from dnmf.unfolding import LAYERS

PAGE = Path(__file__).parents[2] / "docs" / "unrolling" / "torch.md"


@pytest.mark.usefixtures("unchecked_shapes")
def test_its_code_runs_from_top_to_bottom(monkeypatch):
    monkeypatch.setitem(LAYERS, "scaled-mu", None)  # which undoes it at the end
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 5
    names = {"__name__": "page"}
    exec("\n".join(blocks), names)
    assert names["batch"].shape == (3, 100, 5)
    assert len(names["every_layer"]) == 11
    assert names["half"].dtype == names["torch"].bfloat16


def test_it_names_every_rule():
    text = PAGE.read_text("utf-8")
    assert all(f'| `"{rule}"` |' in text for rule in LAYERS)
