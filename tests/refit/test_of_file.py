"""A refit of a file part by part: the answers of a refit of all, whatever computes, also when it was interrupted."""

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from dnmf.exceptions import CheckpointError, DoubtfulDataWarning, InputDataError
from dnmf.refit import RefitResult, of_file, refit_exposures
from dnmf.refit.of_file import refit_file
from dnmf.signatures import SignatureSet, load_reference, simulate_catalog

anndata = pytest.importorskip("anndata")

N_SAMPLES = 25
TABLES = ("exposures.tsv", "fit.tsv", "intervals.tsv", "presence.tsv")


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_file, "PART_SAMPLES", 10)
    monkeypatch.setattr(of_file, "_NAMES_AT_ONCE", 7)


@pytest.fixture(scope="module")
def reference() -> SignatureSet:
    return load_reference("cosmic-v3.4").select(["SBS1", "SBS5", "SBS2", "SBS13", "SBS45"])


def write(path: Path, counts: pd.DataFrame) -> Path:
    labelled = {
        "obs": pd.DataFrame(index=pd.Index(list(counts.index), dtype=object)),
        "var": pd.DataFrame(index=pd.Index(list(counts.columns), dtype=object)),
    }
    X = counts.to_numpy()
    data = anndata.AnnData(X=csr_matrix(X) if path.suffix == ".zarr" else X, **labelled)
    if path.suffix == ".zarr":
        pytest.importorskip("zarr")
        data.write_zarr(path)
    else:
        data.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def counts(reference: SignatureSet) -> pd.DataFrame:
    catalog, _ = simulate_catalog(
        reference, N_SAMPLES, mean_burden=800, sparsity=0.4, random_state=0
    )
    counts = catalog.counts.copy()
    counts.iloc[12] = 0
    return counts


@pytest.fixture(scope="module")
def file(counts: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("file") / "many.h5ad", counts)


@pytest.fixture(scope="module")
def whole(file: Path, reference: SignatureSet) -> RefitResult:
    from dnmf.signatures import read_catalog

    with pytest.warns(DoubtfulDataWarning, match="1 of 25 samples have no mutations"):
        catalog = read_catalog(file)
    return refit_exposures(catalog, reference)


def tables(folder: Path) -> dict[str, str]:
    return {name: gzip.decompress((folder / f"{name}.gz").read_bytes()).decode() for name in TABLES}


@pytest.mark.usefixtures("without_pictures")
def test_tables_and_page_are_those_of_a_refit_of_all(
    file: Path, whole: RefitResult, reference: SignatureSet, tmp_path: Path
) -> None:
    whole.save(tmp_path / "whole")
    seen: list[int] = []
    result = refit_file(
        file, tmp_path / "out", reference, workers=2, progress=lambda *step: seen.append(step[1])
    )
    found = tables(tmp_path / "out")
    for name in TABLES:
        there, here = (
            pd.read_csv(text, sep="\t", index_col=0)
            for text in (StringIO(found[name]), tmp_path / "whole" / name)
        )
        # Beside other samples the network's last bits may differ, which are of float32.
        pd.testing.assert_frame_equal(there, here, rtol=1e-4, atol=1e-4)
    assert seen[0] == 0
    assert seen[-1] == N_SAMPLES
    summary = whole.summary()
    assert list(result.summary.index) == list(summary.index)
    np.testing.assert_allclose(result.summary["share"], summary["share"])
    np.testing.assert_array_equal(result.summary["samples"], summary["samples"])
    shares = whole.shares.where(whole.present).quantile(interpolation="lower")
    np.testing.assert_allclose(result.summary["median_share"], shares[summary.index], atol=0.0051)
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["input"]["samples"] == N_SAMPLES
    assert record["input"]["mutations"] == whole.fit["mutations"].sum()
    page = result.page.read_text()
    for finding in whole.findings:
        assert finding.title in page
    assert "T0" not in page.replace(whole.fit.index[12], "")
    assert not (tmp_path / "out.checkpoint").exists()


def test_an_interrupted_refit_goes_on_and_changes_no_byte(
    file: Path, reference: SignatureSet, tmp_path: Path, dask_client: Any
) -> None:
    refit_file(file, tmp_path / "once", reference, method="kl")

    def stop(_: str, done: int, *__: float) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refit_file(file, tmp_path / "out", reference, method="kl", progress=stop)
    kept = sorted(path.name for path in (tmp_path / "out.checkpoint").glob("part*"))
    assert kept == ["part000000.npz"]
    with pytest.raises(CheckpointError, match="--method"):
        refit_file(file, tmp_path / "out", reference, method="nnls")
    seen: list[int] = []
    refit_file(
        file, tmp_path / "out", reference, method="kl", executor=dask_client,
        progress=lambda *step: seen.append(step[1]),
    )  # fmt: skip
    assert seen[0] == 10
    for name in ("exposures.tsv.gz", "fit.tsv.gz", "intervals.tsv.gz"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    assert not (tmp_path / "out" / "presence.tsv.gz").exists()
    with pytest.raises(FileExistsError):
        refit_file(file, tmp_path / "out", reference, method="kl")


def test_zarr_and_sparse_counts_are_read_alike(
    counts: pd.DataFrame, file: Path, reference: SignatureSet, tmp_path: Path
) -> None:
    stored = write(tmp_path / "many.zarr", counts)
    for path, out in ((file, "one"), (stored, "other")):
        refit_file(path, tmp_path / out, reference, method="kl")
    for name in ("exposures.tsv.gz", "fit.tsv.gz"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_what_needs_all_samples_or_is_ambiguous_is_refused(
    counts: pd.DataFrame, file: Path, reference: SignatureSet, tmp_path: Path
) -> None:
    with pytest.raises(InputDataError, match="'cohort' needs all samples at a time"):
        refit_file(file, tmp_path / "out", reference, prior="cohort")
    twice = counts.rename(index={counts.index[20]: counts.index[3]})
    with pytest.warns(UserWarning, match="not unique"):
        repeated = write(tmp_path / "twice.h5ad", twice)
    with pytest.raises(InputDataError, match="is used twice, in rows 4 and 21"):
        refit_file(repeated, tmp_path / "out", reference)
    with pytest.raises(InputDataError, match="none of the 5 samples has any mutation"):
        refit_file(write(tmp_path / "none.h5ad", 0 * counts), tmp_path / "out", reference)
    assert not (tmp_path / "out").exists()


def test_fractional_counts_are_told_once(
    counts: pd.DataFrame, reference: SignatureSet, tmp_path: Path
) -> None:
    halves = write(tmp_path / "halves.h5ad", counts + 0.5 * (counts > 3))
    with pytest.warns(DoubtfulDataWarning, match=r"\d+ of 2400 counts are not integers"):
        result = refit_file(halves, tmp_path / "out", reference, method="kl")
    assert len([text for text in result.warnings if "not integers" in text]) == 1
