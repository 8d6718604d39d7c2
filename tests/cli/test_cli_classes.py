"""Commands on catalogs of another class than SBS96, for which no reference comes with dnmf."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.signatures import (
    DBS78,
    MutationCatalog,
    SignatureSet,
    write_catalog,
    write_signatures,
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A catalog and a reference of doublets."""
    schema = DBS78
    rng = np.random.default_rng(0)
    profiles = rng.dirichlet(np.full(len(schema), 0.1), size=2)
    counts = rng.poisson(rng.gamma(2.0, 300.0, size=(10, 2)) @ profiles)
    names = [f"S{number}" for number in range(10)]
    catalog, reference = tmp_path / "catalog.tsv", tmp_path / "reference.tsv"
    write_catalog(MutationCatalog(pd.DataFrame(counts, names, schema.labels), "", schema), catalog)
    known = pd.DataFrame(profiles, ["one", "two"], schema.labels)
    write_signatures(SignatureSet(known, "", schema), reference)
    return catalog, reference


def test_every_command_takes_the_class(dnmf, files, tmp_path):
    catalog, reference = files
    out = tmp_path / "out"
    extracted = dnmf("extract", catalog, "-k", 2, "--restarts", 0, "--epochs", 3, "-o", out)
    assert extracted.exit_code == 0
    warning = "dnmf ships no reference of DBS78 signatures"
    assert warning in extracted.stderr
    assert "--reference FILE" in extracted.stderr
    assert pd.read_csv(out / "matches.tsv", sep="\t").empty
    found = out / "signatures.tsv"
    assert found.read_text().splitlines()[0] == "MutationType\tDBS78A\tDBS78B"

    for command in (["refit", catalog, "-o", tmp_path / "refit"], ["match", found]):
        refused = dnmf(*command)
        assert refused.exit_code == 2
        assert warning in " ".join(refused.stderr.split())
    assert dnmf("match", found, "--reference", reference).exit_code == 0

    transformed = tmp_path / "transformed.tsv"
    assert dnmf("transform", out, catalog, "-o", transformed).exit_code == 0
    assert transformed.read_text() == (out / "exposures.tsv").read_text()
    assert dnmf("plot", catalog, "-o", tmp_path / "catalog.png").exit_code == 0
