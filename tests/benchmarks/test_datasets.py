"""The paper's data: read as they are, and refused when they are not those that were published."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnmf.exceptions import InputDataError
from paper import datasets
from paper.datasets import BREAST, SIMULATED, check_files, expected_files, files_of, folds

SMALL = SIMULATED[0]


def test_there_is_a_checksum_for_every_file_and_nothing_else() -> None:
    files = {f for name in (*SIMULATED, BREAST) for f in files_of(name).values()}
    expected = expected_files()
    assert set(expected) == files | set(datasets.PUBLISHED_FILES)
    assert all(len(checksum) == 64 for checksum in expected.values())


def test_the_shared_data_are_the_published_ones(shared_data: Path) -> None:
    check_files(shared_data, (*SIMULATED, BREAST))


def test_missing_and_altered_files_are_named_with_checksum_and_layout(
    tmp_path: Path, small_data: Path, checksums_of: Callable[[Path], None]
) -> None:
    checksums_of(small_data)
    folder = tmp_path / "data"
    shutil.copytree(small_data, folder)
    check_files(folder, [SMALL])
    altered, missing = folder / files_of(SMALL)["catalog"], folder / "published" / "fig_4.csv"
    altered.write_text(altered.read_text().replace("S0", "S_0", 1))
    missing.unlink()
    with pytest.raises(InputDataError) as caught:
        check_files(folder, [SMALL])
    message = str(caught.value)
    expected = datasets.expected_files()
    for file in (files_of(SMALL)["catalog"], "published/fig_4.csv"):
        assert file in message
        assert expected[file] in message
    assert "fig_4.csv is missing" in message
    assert "catalog.csv differs" in message
    assert "simulated/syn.SET/ground.truth.syn.{catalog,sigs,exposures}.csv" in message
    assert files_of(SMALL)["sigs"] not in message


def test_a_set_is_read_with_samples_in_rows_and_its_digits(small_data: Path) -> None:
    data = datasets.load_dataset(small_data, SMALL)
    assert data.X.shape == (60, 96)
    assert data.exposures is not None
    assert data.signatures is not None
    assert data.unscaled_signatures is not None
    np.testing.assert_allclose(data.signatures.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(data.unscaled_signatures, np.round(data.unscaled_signatures, 4))
    scaled = data.unscaled_signatures / data.unscaled_signatures.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scaled, data.signatures, rtol=1e-12)
    np.testing.assert_allclose(data.X, data.exposures @ data.signatures, atol=3.0)


def test_folds_are_a_partition_of_the_samples() -> None:
    X = np.zeros((53, 2))
    parts = list(folds(X))
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(53))
    for train, test in parts:
        assert sorted([*train, *test]) == list(range(53))
