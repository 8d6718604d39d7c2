"""Files of another kind: what they are, and what to do with them instead."""

import re
from collections.abc import Iterable

from dnmf.exceptions import ChannelMismatchError, InputDataError
from dnmf.signatures.channels import few

_READS = "dnmf reads text tables of counts, signatures or exposures"
_SAVE = "Save the table as plain text (tab- or comma-separated, UTF-8)"
_MATRIX = "Make the matrix of counts first, e.g. with SigProfilerMatrixGenerator, and give its .SBS96.all file"

_SEGMENTS = "Count them in the 48 classes first: dnmf count FILE -o OUT"

_BINARY = (
    (rb"\xd0\xcf\x11\xe0", "an old Excel workbook", _SAVE),
    (rb"%PDF-", "a PDF", _SAVE),
    (
        rb"RD[AX][2-4]\n|[XB]\n\x00\x00\x00",
        "a file of R (RDS or RData)",
        f"{_SAVE}: write.table in R",
    ),
    (rb"\x93NUMPY", "a NumPy array", f"{_SAVE}, with the labels of the channels"),
    (rb"\x89HDF\r\n", "an HDF5 file", f"{_SAVE}; counts in AnnData are read from .h5ad"),
    (rb"PAR1|ARROW1|FEA1", "a Parquet or Feather file", f"{_SAVE}: DataFrame.to_csv in pandas"),
    (rb"\x80[\x02-\x05]", "a pickled Python object", _SAVE),
    (rb"SQLite format 3\x00", "an SQLite database", _SAVE),
    (rb"MATLAB 5\.0", "a MATLAB file", _SAVE),
    (rb"BAM\x01|CRAM", "an alignment of reads (BAM or CRAM)", f"Call the mutations. {_MATRIX}"),
    (rb"BCF\x02", "a list of variants (BCF)", _MATRIX),
    (
        rb"\x1a\x45\xdf\xa3|\x89PNG|\xff\xd8\xff|GIF8",
        "a picture",
        "Give the numbers it was drawn from",
    ),
)

# How the text begins, after a byte order mark and blank lines.
_TEXT = (
    (
        r"<!doctype html|<html|<head",
        "a web page (HTML)",
        "Download the file again: the address gave a page",
    ),
    (
        r"[45]\d\d:? [A-Z][a-z]|not found\s*\Z|access ?denied",
        "a server's error message",
        "Download the file again",
    ),
    (r"<\?xml|<svg|<[a-z]+:?[a-z]*[ >]", "an XML file", _SAVE),
    (
        r"version https://git-lfs",
        "a pointer of Git LFS, not the file itself",
        "Fetch it with: git lfs pull",
    ),
    (
        r"/annex/objects/|(?:\.\./)*\.git/annex",
        "a pointer of git-annex",
        "Fetch it with: git annex get",
    ),
    (r"\{\\rtf", "a formatted document (RTF)", _SAVE),
    (r"#1\.[23]\s*\n\d+\t\d+", "a GCT file", "Remove the two lines above its header"),
    (
        r"\{\s*(?:\"|\})|\[\s*[{\[\"\d]",
        "a JSON file",
        f"{_SAVE}; a model goes to dnmf transform as a folder",
    ),
    (r"structure\(", "a piece of R code", f"{_SAVE}: write.table in R"),
    (
        r"##fileformat=VCF|##[^\n]*\n(?:#[^\n]*\n)*#CHROM|#CHROM\tPOS",
        "a list of variants (VCF)",
        _MATRIX,
    ),
    (
        r"##gff|##gtf|#gtf",
        "a list of genes or regions (GFF)",
        "For regions, --assay takes a BED file",
    ),
    (r"@(?:HD|SQ|RG|PG|CO)\t", "an alignment of reads (SAM)", f"Call the mutations. {_MATRIX}"),
    (
        r">[^\r\n]*[\r\n]+[acgtnryswkmbdhv*]+\s*(?:[\r\n]|\Z)",
        "a sequence (FASTA)",
        "--genome takes it, with --assay",
    ),
    (
        r"@[^\r\n]*[\r\n]+[acgtn]+\r?\n\+",
        "a file of sequencing reads (FASTQ)",
        f"Call the mutations. {_MATRIX}",
    ),
)

_CHROMOSOME = r"(?:chr\w+|[\dXYM]{1,2})\t"
_REGION = re.compile(rf"{_CHROMOSOME}(\d{{1,18}})\t(\d{{1,18}})(?:\t|\Z)", re.IGNORECASE)
_VARIANT = re.compile(
    rf"{_CHROMOSOME}\d+\t(?:[^\t]*\t)?[ACGTN]+\t[ACGTN,.*<>-]+(?:\t|\Z)", re.IGNORECASE
)

_VARIANT_COLUMNS = (
    {"chrom", "chr", "chromosome", "contig", "seqnames"},
    {
        "pos",
        "position",
        "start",
        "start_position",
        "chromstart",
        "start_pos",
        "pos_start",
        "chrom_start",
        "chromosome_start",
    },
    {
        "ref",
        "reference_allele",
        "reference",
        "alt",
        "tumor_seq_allele2",
        "mut",
        "mutation",
        "variant",
        "allele",
        "mutated_from_allele",
        "mutated_to_allele",
    },
)
# Each is enough: MAF, VEP and COSMIC.
_OF_VARIANTS_ALONE = {"hugo_symbol", "uploaded_variation", "mutation genome position", "hgvsg"}
_SEGMENT_COLUMNS = (
    _VARIANT_COLUMNS[0],
    _VARIANT_COLUMNS[1] | {"loc.start", "start.pos", "startpos", "start position"},
    {
        "copynumber",
        "copy_number",
        "major_copy_number",
        "modal_hscn_1",
        "cnt",
        "tcn.em",
        "tumour tcn",
        "seg.mean",
        "seg_mean",
        "segment_mean",
        "nmajor",
        "major_cn",
        "total_cn",
        "nmaj1_a",
        "num.mark",
        "tcn",
    },
)

_SUM_UP = "Give the matrix of the 96 channels, SigProfilerMatrixGenerator's .SBS96.all, or add up the rows of each"
_OTHER_CHANNELS = (
    (
        r"[TUNBQ]:[ACGT]{2}\[[CT]>[ACGT]\][ACGT]{2}",
        "SBS6144 or SBS4608 (transcribed strand)",
        _SUM_UP,
    ),
    (r"[TUNBQ]:[CT]>[ACGT]", "SBS24 (transcribed strand)", "Give the matrix with 96 channels"),
    (r"[CT]>[ACGT]", "SBS6 (no context)", "Give the matrix with 96 channels"),
    (
        r"[TUNBQ]:[ACGT]{2}>[ACGT]{2}",
        "DBS186 (transcribed strand)",
        "Give the matrix with 78 channels",
    ),
    (
        r"[ACGT]\[[ACGT]{2}>[ACGT]{2}\][ACGT]",
        "DBS1248 (with context)",
        "Give the matrix with 78 channels",
    ),
    (
        r"[TUNBQ]:\d:(?:Del|Ins):.*",
        "ID415 (transcribed strand)",
        "Give the matrix with 83 channels",
    ),
    (r".*\[?(?:Del|Ins)\([ACGT\d,]*\):.*", "ID89 (another classification of indels)", "Give ID83"),
)

SIGNATURE_NAME = re.compile(
    r"(?:^|[^A-Za-z0-9])"
    r"(?:(?:SBS|DBS|ID|CN|SV)\d{1,4}[A-Za-z]{0,2}|signature[ ._-]?\w{1,3})"
    r"(?:$|[^A-Za-z0-9])",
    re.IGNORECASE,
)


def refuse_binary(content: bytes, source: str) -> None:
    """Refuse what is known not to be text, by its first bytes; ``content`` is not compressed.

    Raises
    ------
    InputDataError
        Naming the kind of file.
    """
    for pattern, kind, remedy in _BINARY:
        if re.match(pattern, content[:4096], re.DOTALL):
            raise _other_kind(source, kind, remedy)


def refuse_other_text(text: str, source: str) -> None:
    """Refuse text that is known to be no table of samples or signatures, by how it begins.

    Raises
    ------
    InputDataError
        Naming the kind of file and the command that takes it.
    """
    begin = text[:65536].lstrip()
    for pattern, kind, remedy in _TEXT:
        if re.match(pattern, begin, re.IGNORECASE):
            raise _other_kind(source, kind, remedy)
    lines = begin.splitlines()
    headers = [*(line for line in lines if line.startswith("#")), *_without_comments(lines)[:1]]
    for header in headers:
        names = {
            name.strip(' "#').lower()
            for name in re.split(r"[\t,; ]" if "\t" not in header else "\t", header)
        }
        if all(names & columns for columns in _VARIANT_COLUMNS) or names & _OF_VARIANTS_ALONE:
            raise _other_kind(source, "a list of variants (such as MAF)", _MATRIX)
        if all(names & columns for columns in _SEGMENT_COLUMNS):
            raise _other_kind(source, "a list of segments", _SEGMENTS)
    regions = [line for line in _without_comments(lines)[:20] if line.strip()]
    if regions and all(map(_VARIANT.match, regions)):
        raise _other_kind(source, "a list of variants without its header", _MATRIX)
    if regions and all(map(_is_region, regions)):
        raise _other_kind(source, "a list of regions (BED)", "--assay takes it")


def _without_comments(lines: list[str]) -> list[str]:
    return [line for line in lines if not re.match("#|track |browser ", line)]


def _is_region(line: str) -> bool:
    match = _REGION.match(line)
    return match is not None and int(match[1]) < int(match[2])


def refuse_other_channels(labels: Iterable[str], source: str) -> None:
    """Refuse the channels of a class that dnmf does not read, if most of the labels are of it.

    Raises
    ------
    ChannelMismatchError
        Naming the class.
    """
    given = [label.strip() for label in labels if label.strip()]
    for pattern, kind, remedy in _OTHER_CHANNELS:
        fits = re.compile(pattern, re.IGNORECASE).fullmatch
        # Labels that come again, such as C>A beside its contexts, are not those of the rows.
        known = list(dict.fromkeys(label for label in given if fits(label)))
        if 2 * len(known) > len(given):
            raise ChannelMismatchError(
                f"{source}: has the channels of {kind}: {few([repr(label) for label in known])}. {remedy}."
            )


def signature_share(names: Iterable[str]) -> float:
    """Return the share of names that look like those of signatures: ``SBS5``, ``SBS96A``, ``Signature 3``."""
    matches = [bool(SIGNATURE_NAME.search(name.strip())) for name in names]
    return sum(matches) / max(len(matches), 1)


def _other_kind(source: str, kind: str, remedy: str) -> InputDataError:
    return InputDataError(f"{source}: is {kind}; {_READS}. {remedy}.")
