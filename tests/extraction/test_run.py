"""A run in a folder: interrupted, reported in part, taken up again, and never mixed up with another."""

import json
from pathlib import Path

import pandas as pd
import pytest

from dnmf.estimators import DNMF
from dnmf.exceptions import CheckpointError, InputDataError, OutputExistsError
from dnmf.extraction import ExtractionRun, extract_signatures
from dnmf.signatures import MutationCatalog, load_reference, simulate_catalog

ARGUMENTS = {"n_signatures": [2, 3], "n_restarts": 2, "model": DNMF(n_layers=3, n_steps=1)}


@pytest.fixture(scope="module")
def catalog() -> MutationCatalog:
    return simulate_catalog(
        load_reference("SBS1,SBS4"), 12, mean_burden=3000, sparsity=0.3, random_state=0
    )[0]


@pytest.mark.usefixtures("without_pictures")
def test_a_run_goes_on_where_it_was_interrupted(catalog: MutationCatalog, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(phase: str, step: int, steps: int, cost: float) -> None:
        if step == 4:
            raise Enough

    out = tmp_path / "out"
    reference = {"reference": "SBS1,SBS4"}
    run = ExtractionRun.start(out, catalog, reference=reference, **ARGUMENTS)
    assert run.estimate().fits == 6
    with pytest.raises(InputDataError, match="no number of signatures is finished"):
        ExtractionRun.finished(out)
    # The larger number comes first: its three fits are done, and its candidate is with the fourth.
    with pytest.raises(Enough):
        run.extract(progress=stop)
    part = ExtractionRun.finished(out)
    assert (part.arguments["n_signatures"], part.unfinished) == ([3], (2,))
    result = part.extract()
    assert any(finding.title == "These results are partial" for finding in result.findings)
    part.save(result)

    again = ExtractionRun.start(out, catalog, reference=reference, **ARGUMENTS)
    assert again.estimate().fits == 2
    whole = again.extract()
    again.save(whole)
    alone = extract_signatures(catalog, reference="SBS1,SBS4", **ARGUMENTS)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(whole.exposures, alone.exposures, check_exact=True)
    pd.testing.assert_frame_equal(whole.matches, alone.matches, check_exact=True)
    other = {**ARGUMENTS, "random_state": 1}
    with pytest.raises(OutputExistsError):
        ExtractionRun.start(out, catalog, **other)
    with pytest.raises(CheckpointError, match="--seed"):
        ExtractionRun.start(out, catalog, overwrite=True, **other)


def test_a_checkpoint_of_another_version_is_not_called_damaged(
    catalog: MutationCatalog, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ExtractionRun.start(out, catalog, **ARGUMENTS)
    record = tmp_path / "out.checkpoint" / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"format": 1}))
    with pytest.raises(CheckpointError, match="format of checkpoints") as caught:
        ExtractionRun.finished(out)
    assert "damaged" not in str(caught.value)
