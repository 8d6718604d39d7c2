"""Small genomes and files of variants, counted."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dnmf.variants import VariantCounts, count_variants

Row = tuple[Any, ...]  # chromosome, position from 1, REF, ALT, and perhaps FILTER
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write_genome(path: Path, contigs: dict[str, str]) -> Path:
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    return path


def write_vcf(path: Path, rows: Sequence[Row], header: str = HEADER) -> Path:
    lines = [
        f"{contig}\t{position}\t.\t{ref}\t{alt}\t.\t{more[0] if more else 'PASS'}\t.\n"
        for contig, position, ref, alt, *more in rows
    ]
    path.write_text(header + "".join(lines))
    return path


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., VariantCounts]:
    """``counted(contigs, rows, **options)``: rows are those of the sample ``s``, or a dict of them by sample."""
    monkeypatch.setattr("dnmf.caches.cache_folder", lambda: None)

    def count(
        contigs: dict[str, str], rows: Sequence[Row] | dict[str, Sequence[Row]], **options: Any
    ) -> VariantCounts:
        genome = write_genome(tmp_path / "genome.fa", contigs)
        by_sample = rows if isinstance(rows, dict) else {"s": rows}
        files = [write_vcf(tmp_path / f"{name}.vcf", own) for name, own in by_sample.items()]
        return count_variants(files, genome, **options)

    return count


@pytest.fixture
def channels() -> Callable[[VariantCounts], dict[str, dict[str, int]]]:
    """``channels(counts)``: by sample, how many mutations each channel has, those with none left out."""

    def by_sample(counts: VariantCounts) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for catalog in counts.catalogs.values():
            for sample, row in catalog.counts.iterrows():
                own = row[row > 0].astype(int).to_dict()
                found.setdefault(str(sample), {}).update(own)
        return found

    return by_sample
