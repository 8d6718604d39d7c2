"""``--scheduler`` computes in place of threads; an address without a cluster is said in a sentence."""

from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from dnmf.cli import cluster
from dnmf.exceptions import WorkersLostError
from dnmf.refit import of_file

pytestmark = pytest.mark.usefixtures("without_pictures")

Run = Callable[..., Result]
SHORT = "SBS1,SBS2,SBS3,SBS5,SBS13"


def test_a_running_cluster_computes_in_place_of_threads(dask_client: Any) -> None:
    with cluster.connected(dask_client.scheduler.address, None) as computing:
        executor: Any = computing["executor"]
        assert executor.submit(divmod, 7, 4).result() == (1, 3)
    with cluster.connected(None, 3) as computing:
        assert computing == {"workers": 3, "executor": None}


def test_an_address_without_a_cluster_is_said(
    catalog_file: Path, tmp_path: Path, dnmf: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_SECONDS_TO_ANSWER", 0.2)
    out = ("-o", tmp_path / "out", "--reference", SHORT)
    with socket() as closed:  # a port of this machine to which nothing listens
        closed.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
        result = dnmf("refit", catalog_file, *out, "--scheduler", address)
    assert result.exit_code == 2
    assert f"--scheduler {address}: no Dask scheduler answers there" in result.stderr
    both = dnmf("extract", catalog_file, *out, "--scheduler", "nowhere", "--workers", "2")
    assert "--workers is for threads of this machine" in both.stderr
    assert not (tmp_path / "out").exists()


def test_lost_workers_are_said_with_how_to_go_on(
    catalog_file: Path, tmp_path: Path, dnmf: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise WorkersLostError("The work stopped: the scheduler of the Dask cluster is gone.")

    monkeypatch.setattr("dnmf.extraction.run.extract_signatures", lost)
    result = dnmf("extract", catalog_file, "-o", tmp_path / "out", "-k", "2", "--restarts", "2")
    assert result.exit_code == 2
    assert "The work stopped" in result.stderr
    assert "out.checkpoint: repeat the command to go on from there" in result.stderr.replace(
        "\n", ""
    )


@pytest.fixture
def many(counts: np.ndarray, catalog_rows: list[list[str]], tmp_path: Path) -> Path:
    anndata = pytest.importorskip("anndata")
    samples, channels = catalog_rows[0][1:], [row[0] for row in catalog_rows[1:]]
    labels = {
        "obs": pd.DataFrame(index=pd.Index(samples, dtype=object)),
        "var": pd.DataFrame(index=pd.Index(channels, dtype=object)),
    }
    anndata.AnnData(X=counts.T.astype(np.float32), **labels).write_h5ad(tmp_path / "many.h5ad")
    return tmp_path / "many.h5ad"


def test_a_file_of_many_samples_is_refitted_part_by_part(
    many: Path, tmp_path: Path, dnmf: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnmf.criteria.MOST_SAMPLES_AT_ONCE", 11)
    monkeypatch.setattr(of_file, "PART_SAMPLES", 5)
    out = ("-o", tmp_path / "out", "--reference", SHORT)
    refused = dnmf("refit", many, *out, "--per-mutation")
    assert refused.exit_code == 2
    assert "--per-mutation is for variants, but" in refused.stderr
    result = dnmf("refit", many, *out)
    assert result.exit_code == 0, result.stderr
    assert "12 samples: 5 at a time" in result.stderr
    assert "Prior: pan-cancer" in result.stdout
    found = {path.name for path in (tmp_path / "out").iterdir()}
    tables = {f"{name}.tsv.gz" for name in ("exposures", "intervals", "presence", "fit")}
    assert found == tables | {"report.html", "run.json"}
    assert dnmf("refit", many, *out).exit_code == 2
    assert dnmf("refit", many, *out, "--overwrite", "--quiet").exit_code == 0
