"""Reading the tensors of stored weights."""

import json

import pytest

from dnmf.unfolding.restore import read_tensors


@pytest.mark.parametrize("dimensions", [9, 65])
def test_a_tensor_of_too_many_dimensions_is_refused(dimensions: int) -> None:
    header = {"weight": {"dtype": "F32", "shape": [1] * dimensions, "data_offsets": [0, 4]}}
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + bytes(4)
    with pytest.raises(ValueError, match=f"weight has {dimensions} dimensions"):
        read_tensors(content)
