"""States beside the chunks, in memory or in a scratch file."""

import errno

import numpy as np
import pytest
import torch

from dnmf.engine.chunks import LocalChunks
from dnmf.engine.samples import as_samples

PLACES = ["memory", "file"]


@pytest.fixture
def chunks(tmp_path):
    def make(place):
        X = np.arange(1.0, 22.0).reshape(7, 3)
        if place == "file":
            X.tofile(tmp_path / "x")
            X = np.memmap(tmp_path / "x", mode="r", shape=(7, 3), dtype=float)
        return LocalChunks(as_samples(X, chunk_rows=3), scratch_folder=tmp_path)

    return make


def count(chunk, state, shared):
    """Keep what was done so often; from the second time on in another shape and precision."""
    passes = 1 if state is None else int(state.flatten()[0]) + 1
    dtype = torch.float32 if passes > 1 else torch.float64
    state = torch.full((len(chunk.X), passes), float(passes), dtype=dtype)
    return state, {"sum": chunk.X.sum(), "passes": torch.tensor(float(passes))}


def of_state(chunk, state, shared):
    return torch.zeros(0) if state is None else state


@pytest.mark.parametrize("place", PLACES)
def test_states_are_kept_from_pass_to_pass(chunks, place):
    local = chunks(place)
    assert not torch.cat(list(local.rows(of_state, None))).numel()
    for passes in (1, 2, 3):
        sums = local.run(count, None)
        assert sums["sum"] == 231
        assert sums["passes"] == 3 * passes
        rows = torch.cat(list(local.rows(of_state, None)))
        assert rows.shape == (7, passes)
        assert (rows == passes).all()


def forget(chunk, state, shared):
    return None, {}


@pytest.mark.parametrize("place", PLACES)
def test_a_state_can_be_given_up(chunks, place):
    local = chunks(place)
    local.run(count, None)
    assert local.run(forget, None) == {}
    assert not torch.cat(list(local.rows(of_state, None))).numel()


def some(chunk, state, shared):
    return None, {"of one": torch.ones(2)} if chunk.first_row == 3 else {}


def test_a_sum_that_only_some_chunks_have_counts_as_zero_elsewhere(chunks):
    assert torch.equal(chunks("memory").run(some, None)["of one"], torch.ones(2))


def test_a_full_disk_is_told_with_the_folder(chunks, monkeypatch, tmp_path):
    local = chunks("file")

    class Full:
        def seek(self, place):
            pass

        def write(self, values):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(local._states, "_file", Full())
    with pytest.raises(OSError, match=f"No space left.*{tmp_path}") as caught:
        local.run(count, None)
    assert caught.value.errno == errno.ENOSPC


def test_the_scratch_file_has_no_name_and_ends_with_the_chunks(chunks, tmp_path):
    local = chunks("file")
    local.run(count, None)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    file = local._states._file
    del local
    assert file.closed
