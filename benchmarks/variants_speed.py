"""Rows a second and peak memory of `count_variants`, with a genome of human size.

    python benchmarks/variants_speed.py FOLDER [--rows 1000000] [--indels 0.1] [--kinds 2bit fa] [--sigprofiler PYTHON]

Makes in FOLDER, if they are not there, a random genome of 3.1 billion bases (2bit, and FASTA with its index) and a
bgzipped VCF of substitutions and indels with two genotype columns. Each count is a process of its own on one core, run
twice: the first compiles and reads the genome from the disk. With SigProfilerMatrixGenerator under PYTHON, its time on
the same variants; its binary form of the genome is made in FOLDER, too. Remove FOLDER afterwards: 8 GB. Writes
variants_speed.csv, a row for each program and kind of genome.
"""

import argparse
import gzip
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from refit_protocol import RESULTS, write_rows

MILLIONS = [249, 242, 198, 190, 182, 171, 159, 145, 138, 134, 135, 133, 114, 107, 102]
MILLIONS += [90, 83, 80, 59, 64, 47, 51, 156, 57]
NAMES = [*map(str, range(1, 23)), "X", "Y"]
LINE = 60
BLOCK = 65_280
LETTERS = np.frombuffer(b"TCAG", dtype=np.uint8)  # of 2bit's 0 to 3
MEASURED = """
import json, resource, sys, time
began = time.perf_counter()
{work}
wall = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps(dict(wall=wall, core=used.ru_utime + used.ru_stime, megabytes=used.ru_maxrss / 1024, rows=rows)))
"""
COUNT = """
import dnmf
rows = int(dnmf.count_variants(sys.argv[1], sys.argv[2]).outcomes.to_numpy().sum())
"""
# A genome whose checksums it does not know is refused: they are not looked at.
OTHERS = """
from SigProfilerMatrixGenerator.scripts import SigProfilerMatrixGeneratorFunc as main
from SigProfilerMatrixGenerator.scripts import reference_genome_manager
reference_genome_manager.ReferenceGenomeManager.is_genome_installed = lambda *_: True
found = main.SigProfilerMatrixGeneratorFunc("speed", "GRCh37", sys.argv[1], volume=sys.argv[2])
rows = int(sum(found[name].to_numpy().sum() for name in ("96", "ID")))
"""


def make_genome(folder: Path) -> None:
    """Write random contigs of human lengths as 2bit and as FASTA with an index."""
    rng = np.random.default_rng(1)
    lengths = [1_000_000 * millions for millions in MILLIONS]
    head = struct.pack("<4I", 0x1A412743, 0, len(NAMES), 0)
    place = len(head) + sum(1 + len(f"chr{name}") + 4 for name in NAMES)
    with (folder / "genome.2bit").open("wb") as packed, (folder / "genome.fa").open("wb") as text:
        for name, length in zip(NAMES, lengths, strict=True):
            head += (
                struct.pack("<B", len(name) + 3) + f"chr{name}".encode() + struct.pack("<I", place)
            )
            place += 16 + length // 4
        packed.write(head)
        index, offset = [], 0
        for name, length in zip(NAMES, lengths, strict=True):
            title = f">chr{name}\n".encode()
            index.append(f"chr{name}\t{length}\t{offset + len(title)}\t{LINE}\t{LINE + 1}\n")
            packed.write(struct.pack("<4I", length, 0, 0, 0))
            text.write(title)
            offset += len(title)
            rest = b""
            for start in range(0, length, 12_000_000):
                own = rng.integers(
                    0, 256, size=min(12_000_000, length - start) // 4, dtype=np.uint8
                )
                packed.write(own.tobytes())
                bases = LETTERS[np.stack([(own >> shift) & 3 for shift in (6, 4, 2, 0)], axis=1)]
                rest += bases.tobytes()
                whole = len(rest) // LINE * LINE
                lines = np.frombuffer(rest[:whole], dtype=np.uint8).reshape(-1, LINE)
                ends = np.full((len(lines), 1), ord("\n"), dtype=np.uint8)
                offset += text.write(np.concatenate([lines, ends], axis=1).tobytes())
                rest = rest[whole:]
            offset += text.write(rest + b"\n" if rest else b"")
    (folder / "genome.fa.fai").write_text("".join(index), encoding="ascii")


def lines(genome: Path, rows: int, indels: float) -> Iterator[str]:
    """Yield a VCF, sorted, of substitutions and of indels of 1 to 9 bases, half of them deletions."""
    from dnmf.signatures.genome import Genome

    rng = np.random.default_rng(2)
    opened = Genome.open(genome)
    total = sum(opened.lengths.values())
    yield '##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description="All filters passed">\n'
    for name, length in opened.lengths.items():
        yield f"##contig=<ID={name},length={length}>\n"
    yield "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tTUMOR\tNORMAL\n"
    for name, length in opened.lengths.items():
        own = round(rows * length / total)
        positions = np.unique(rng.integers(100, length - 100, size=own))
        windows = opened.windows(name, positions, 10)
        kinds = rng.random(len(positions))
        sizes = rng.integers(1, 10, size=len(positions))
        others = rng.integers(1, 4, size=len(positions))
        for place, bases, kind, size, other in zip(
            positions, windows, kinds, sizes, others, strict=True
        ):
            here = "".join("ACGT"[base] for base in bases)
            if kind < indels / 2:
                ref, alt = here[: size + 1], here[0]
            elif kind < indels:
                ref, alt = here[0], here[0] + here[1 : size + 1][::-1]
            else:
                ref, alt = here[0], "ACGT"[(bases[0] + other) % 4]
            yield f"{name}\t{place + 1}\t.\t{ref}\t{alt}\t.\tPASS\tDP=80\tGT:AD:DP\t0/1:30,12:42\t0/0:38,0:38\n"


def write_bgzip(path: Path, pieces: Iterator[str]) -> None:
    """Write text as bgzip does: gzip members of 64 kB that name their size, and an empty one."""

    def member(content: bytes) -> bytes:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(content) + packer.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(body) + 25)
        return head + body + struct.pack("<II", zlib.crc32(content), len(content))

    with path.open("wb") as file:
        rest = b""
        for piece in pieces:
            rest += piece.encode()
            if len(rest) >= BLOCK:
                file.write(member(rest[:BLOCK]))
                rest = rest[BLOCK:]
        file.write(member(rest) + member(b"") if rest else member(b""))


def run(python: str, program: str, *arguments: Path) -> dict[str, Any]:
    """Return what a program took on one core. A busy machine makes the wall clock say little."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    code = MEASURED.format(work=program)
    command = ["taskset", "-c", "0", python, "-W", "ignore", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def prepare_sigprofiler(folder: Path, variants: Path) -> tuple[Path, Path]:
    """Write the genome in SigProfilerMatrixGenerator's binary form, and the variants unpacked; return their folders."""
    from dnmf.signatures.genome import Genome

    genome, project = (
        folder / "sigprofiler",
        folder / f"project_{variants.name.partition('.vcf')[0]}",
    )
    (genome / "tsb" / "GRCh37").mkdir(parents=True, exist_ok=True)
    opened = Genome.open(folder / "genome.2bit")
    for name in opened.contigs:
        path = genome / "tsb" / "GRCh37" / f"{name.removeprefix('chr')}.txt"
        if not path.exists():
            path.write_bytes(opened.codes(name).tobytes())
    # It opens all contigs that it knows, also those without a variant.
    (genome / "tsb" / "GRCh37" / "MT.txt").write_bytes(bytes(16_569))
    (project / "input").mkdir(parents=True, exist_ok=True)
    text = gzip.decompress(variants.read_bytes())
    (project / "input" / "TUMOR.vcf").write_bytes(text)
    return project, genome


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--indels", type=float, default=0.1)
    parser.add_argument("--kinds", nargs="+", default=["2bit", "fa"])
    parser.add_argument("--sigprofiler")
    given = parser.parse_args()
    folder: Path = given.folder
    folder.mkdir(exist_ok=True)
    if not (folder / "genome.fa.fai").exists():
        make_genome(folder)
    variants = folder / f"variants_{given.rows}_{given.indels}.vcf.gz"
    if not variants.exists():
        write_bgzip(variants, lines(folder / "genome.2bit", given.rows, given.indels))
    asked = {"variants": given.rows, "indels": given.indels}
    for kind in given.kinds:
        genome = folder / f"genome.{kind}"
        run(sys.executable, COUNT, variants, genome)
        write(
            asked | {"program": "dnmf", "genome": kind},
            run(sys.executable, COUNT, variants, genome),
        )
    if given.sigprofiler:
        prepared = prepare_sigprofiler(folder, variants)
        program = {"program": "SigProfilerMatrixGenerator", "genome": "its own"}
        write(asked | program, run(given.sigprofiler, OTHERS, *prepared))


def write(key: dict[str, Any], found: dict[str, Any]) -> None:
    """Write one row."""
    write_rows(RESULTS / "variants_speed.csv", [key | found], list(key))
    print(key | found, flush=True)


if __name__ == "__main__":
    main()
