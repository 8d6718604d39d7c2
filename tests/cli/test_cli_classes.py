"""Commands on catalogs of another class than SBS96."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnmf.signatures import (
    DBS78,
    SV32,
    ChannelSchema,
    MutationCatalog,
    load_reference,
    write_catalog,
    write_signatures,
)

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture(params=[DBS78, SV32], ids=lambda schema: schema.name)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path, ChannelSchema]:
    """A catalog of two known signatures of a class, and a file of these."""
    schema = request.param
    known = load_reference(f"{schema.family}1,{schema.family}2")
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(2.0, 300.0, size=(10, 2)) @ known.profiles.to_numpy())
    names = [f"S{number}" for number in range(10)]
    catalog, reference = tmp_path / "catalog.tsv", tmp_path / "reference.tsv"
    write_catalog(MutationCatalog(pd.DataFrame(counts, names, schema.labels), "", schema), catalog)
    write_signatures(known, reference)
    return catalog, reference, schema


def test_every_command_takes_the_class(dnmf, files, tmp_path):
    catalog, reference, schema = files
    out = tmp_path / "out"
    extracted = dnmf("extract", catalog, "-k", 2, "--restarts", 0, "--epochs", 3, "-o", out)
    assert extracted.exit_code == 0
    assert "Warning" not in extracted.stderr
    matched = pd.read_csv(out / "matches.tsv", sep="\t")["reference"]
    assert all(name.startswith(schema.family) for name in matched)
    found = out / "signatures.tsv"
    header = found.read_text().splitlines()[0]
    assert header == f"MutationType\t{schema.name}A\t{schema.name}B"

    refitted = dnmf("refit", catalog, "--method", "kl", "-o", tmp_path / "refit")
    assert refitted.exit_code == 0
    exposures = pd.read_csv(tmp_path / "refit" / "exposures.tsv", sep="\t", index_col=0)
    assert {f"{schema.family}1", f"{schema.family}2"} <= set(exposures.columns)
    assert dnmf("match", found).exit_code == 0
    assert dnmf("match", found, "--reference", f"{reference},{schema.family}3").exit_code == 0
    refused = dnmf("match", found, "--reference", f"{schema.family}1,SBS1")
    assert refused.exit_code == 2
    assert "have different channels" in " ".join(refused.stderr.split())

    transformed = tmp_path / "transformed.tsv"
    assert dnmf("transform", out, catalog, "-o", transformed).exit_code == 0
    assert transformed.read_text() == (out / "exposures.tsv").read_text()
    assert dnmf("plot", catalog, "-o", tmp_path / "catalog.png").exit_code == 0


def test_signatures_are_left_out_by_name(dnmf, files, tmp_path):
    _, reference, schema = files
    first, second = f"{schema.family}1", f"{schema.family}2"
    out = tmp_path / "matches.tsv"
    options = ("--reference", reference, "--exclude", f"{first},artefacts")
    assert dnmf("match", reference, *options, "-o", out).exit_code == 0
    assert pd.read_csv(out, sep="\t")["reference"].tolist() == [second, second]
    refused = dnmf("match", reference, "--exclude", "BS1")
    assert refused.exit_code == 2
    assert f"no signature 'BS1' in COSMIC v3.4 {schema.family}" in " ".join(refused.stderr.split())
