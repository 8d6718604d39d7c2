"""Two processes with their own samples find what one process finds with all of them, bit by bit."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dnmf.engine.chunks import LocalChunks
from dnmf.engine.least_squares import factorise
from dnmf.engine.samples import as_samples

if not torch.distributed.is_available():
    pytest.skip("torch was built without torch.distributed", allow_module_level=True)

# The ranks have three and two chunks: sums must be exchanged chunk by chunk.
CHUNK_ROWS, FIRST_RANK_ROWS = 50, 150
RANK = """
import sys
import numpy as np, torch
import torch.distributed as dist
from dnmf.engine.distributed_chunks import DistributedChunks
from dnmf.engine.least_squares import exposures, factorise
from dnmf.engine.samples import as_samples
from dnmf.exceptions import InputDataError
from dnmf.threads import one_thread

folder, rank = sys.argv[1], int(sys.argv[2])
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
given = np.load(f"{folder}/given.npz")
X = np.split(given["X"], [150])[rank]
with one_thread():
    chunks = DistributedChunks(as_samples(X, chunk_rows=50))
    fit = factorise(chunks, torch.from_numpy(given["W"]), max_iter=6, tol=0)
    H = torch.cat(list(exposures(chunks, fit.W)))
np.savez(f"{folder}/rank{rank}.npz", W=fit.W, cost=fit.cost, H=H)
X[rank:, 4] = np.nan  # on the second rank one sample has it
DistributedChunks(as_samples(X)).run(lambda *_: (None, {"none": torch.zeros(1)}), None)
X[:, rank] = -1 if rank else 1
try:
    DistributedChunks(as_samples(X)).run(lambda *_: (None, {"none": torch.zeros(1)}), None)
except InputDataError as error:
    print(error)
try:
    DistributedChunks(as_samples(X[:, : 12 - rank]))
except InputDataError as error:
    print(error)
dist.barrier()
dist.destroy_process_group()
"""


@pytest.mark.usefixtures("ranks_on_loopback")
def test_two_processes_find_the_bits_of_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.poisson(rng.gamma(1.0, 50.0, (230, 3)) @ rng.dirichlet(np.ones(12), 3)).astype(float)
    W = rng.random((3, 12))
    np.savez(tmp_path / "given.npz", X=X, W=W)
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", RANK, str(tmp_path), str(rank)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=300) for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert [process.returncode for process in ranks] == [0, 0], said
    here = factorise(
        LocalChunks(as_samples(X, chunk_rows=CHUNK_ROWS)), torch.from_numpy(W), max_iter=6, tol=0
    )
    found = [np.load(tmp_path / f"rank{rank}.npz") for rank in range(2)]
    for of_rank, n in zip(found, (FIRST_RANK_ROWS, 80), strict=True):
        np.testing.assert_array_equal(of_rank["W"], here.W)
        np.testing.assert_array_equal(of_rank["cost"], here.cost)
        assert of_rank["H"].shape == (n, 3)
    (first, _), (second, _) = said
    assert first.splitlines() == [
        "rank 1 cannot use its data: its own message says why.",
        "rank 1 has 11 features of torch.float64, rank 0 has 12 of torch.float64: all need the same.",
    ]
    assert "sample 0, feature 1 is -1" in second
