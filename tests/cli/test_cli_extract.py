import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from dnmf.signatures import load_reference

pytestmark = pytest.mark.usefixtures("without_pictures")

PROMISED = {
    "signatures.tsv",
    "exposures.tsv",
    "fit.tsv",
    "matches.tsv",
    "model.safetensors",
    "model.json",
    "run.json",
    "plots",
    "decomposed",
    "report.html",
}
NAMES = ["SBS96A", "SBS96B", "SBS96C"]


def test_every_promised_file_is_there_and_nothing_else(
    extraction: tuple[Path, Path, Result],
) -> None:
    _, out, _ = extraction
    assert {path.name for path in out.iterdir()} == PROMISED
    layer = [f"decomposed_{name}" for name in ("signatures", "exposures", "intervals", "fit")]
    plots = {
        f"{name}.{kind}"
        for name in ("signatures", "exposures", "training", "fit", *layer)
        for kind in ("png", "svg")
    }
    assert {path.name for path in (out / "plots").iterdir()} == plots
    assert {path.name for path in out.parent.iterdir()} == {"catalog.tsv", "out"}


def test_signatures_sum_to_one_and_exposures_are_whole_mutations(
    extraction: tuple[Path, Path, Result],
) -> None:
    _, out, _ = extraction
    signatures = pd.read_table(out / "signatures.tsv", index_col=0)
    exposures = pd.read_table(out / "exposures.tsv", index_col=0)
    assert list(signatures.columns) == NAMES == list(exposures.columns)
    np.testing.assert_allclose(signatures.sum(), 1.0, atol=1e-6)
    assert (exposures.to_numpy() == np.round(exposures.to_numpy())).all()
    assert exposures.sum().is_monotonic_decreasing


def test_reconstruction_in_the_files_fits_the_catalog(
    extraction: tuple[Path, Path, Result], counts: np.ndarray
) -> None:
    catalog, out, _ = extraction
    spectra = pd.read_table(catalog, index_col=0)
    signatures = pd.read_table(out / "signatures.tsv", index_col=0).loc[spectra.index]
    exposures = pd.read_table(out / "exposures.tsv", index_col=0).loc[spectra.columns]
    reconstruction = exposures.to_numpy() @ signatures.to_numpy().T
    truth = spectra.to_numpy().T
    cosine = (
        (reconstruction * truth).sum(1)
        / np.linalg.norm(reconstruction, axis=1)
        / np.linalg.norm(truth, axis=1)
    )
    assert np.median(cosine) > 0.99
    fit = pd.read_table(out / "fit.tsv", index_col=0)
    np.testing.assert_allclose(fit["Cosine Similarity"].loc[spectra.columns], cosine, atol=1e-3)
    np.testing.assert_allclose(fit["Total Mutations"].loc[spectra.columns], counts.sum(axis=0))


def test_run_record_tells_input_parameters_and_versions(
    extraction: tuple[Path, Path, Result],
) -> None:
    catalog, out, _ = extraction
    text = (out / "run.json").read_text(encoding="utf-8")
    run = json.loads(text)
    assert hashlib.sha256(catalog.read_bytes()).hexdigest() in text
    assert run["parameters"]["n_signatures"] == 3
    assert run["parameters"]["random_state"] == 5
    assert set(run["versions"]) >= {"dnmf", "python", "torch", "numpy"}


def test_it_ends_with_the_table_and_the_path_of_the_report(
    extraction: tuple[Path, Path, Result],
) -> None:
    _, out, result = extraction
    for name in NAMES:
        assert name in result.stdout
    assert result.stdout.rstrip().endswith(str(out / "report.html"))
    assert "\x1b" not in result.output


def test_progress_goes_to_stderr(extraction: tuple[Path, Path, Result]) -> None:
    assert "step" in extraction[2].stderr
    assert "step" not in extraction[2].stdout


def test_an_existing_output_is_refused_and_untouched(
    extraction: tuple[Path, Path, Result], dnmf: Callable[..., Result]
) -> None:
    catalog, out, _ = extraction
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    result = dnmf("extract", catalog, "-k", 2, "-o", out)
    assert result.exit_code == 2
    assert "--overwrite" in result.stderr
    assert str(out) in result.stderr
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_overwrite_replaces_an_earlier_run_whole_and_quiet_prints_nothing(
    extraction: tuple[Path, Path, Result], dnmf: Callable[..., Result], tmp_path: Path
) -> None:
    catalog, earlier, _ = extraction
    out = tmp_path / "out"
    shutil.copytree(earlier, out)
    # A list of references may be longer than any file name.
    reference = ",".join(load_reference("cosmic-v3.4").names)
    options = ["--epochs", 2, "--restarts", 0, "--overwrite", "--quiet", "--reference", reference]
    result = dnmf("extract", catalog, "-k", 2, "-o", out, "--build", "GRCh38", *options)
    assert result.exit_code == 0
    assert result.output == ""
    assert len(pd.read_table(out / "matches.tsv")) == 2
    parameters = json.loads((out / "run.json").read_text(encoding="utf-8"))["parameters"]
    assert "COSMIC v3.4 SBS, GRCh38" in parameters["reference"]
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_overwrite_never_removes_what_dnmf_did_not_write(
    dnmf: Callable[..., Result], catalog_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text("{}")
    (out / "notes.txt").write_text("mine")
    result = dnmf("extract", catalog_file, "-k", 2, "-o", out, "--overwrite")
    assert result.exit_code == 2
    assert "notes.txt" in result.stderr
    assert (out / "notes.txt").read_text() == "mine"


def test_doubtful_data_are_used_with_a_warning_each(
    dnmf: Callable[..., Result],
    write_rows: Callable[..., Path],
    catalog_rows: list[list[str]],
    tmp_path: Path,
) -> None:
    # S00 is empty, the others are combinations of three spectra, and no count is whole.
    rows = [catalog_rows[0][:6]]
    for label, first, second, *_ in catalog_rows[1:]:
        multiples = (f"{i * int(first if i % 2 else second)}.5" for i in range(1, 5))
        rows.append([label, "0", *multiples])
    out = tmp_path / "out"
    options = ["--epochs", 2, "--restarts", 0]
    result = dnmf("extract", write_rows(rows), "-k", 4, "-o", out, *options)
    assert result.exit_code == 0
    for told in ("not integers", "'S00'", "rank"):
        assert result.stderr.count(told) == 1, result.stderr
    exposures = pd.read_table(out / "exposures.tsv", index_col=0)
    assert len(exposures) == 5
    assert (exposures.loc["S00"] == 0).all()
    recorded = json.loads((out / "run.json").read_text(encoding="utf-8"))["warnings"]
    assert len(recorded) == result.stderr.count("Warning:")
    assert all(text in result.stderr for text in recorded)
