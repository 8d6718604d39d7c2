"""Bases of windows of a contig, out of the text of a FASTA file or the packed bases of a 2bit file."""

from dnmf.compilation import compiled

UNKNOWN = 4
# A byte of 2bit holds four bases, the first in the highest bits, as T C A G = 0..3; here A C G T = 0..3.
_OF_2BIT = (3, 1, 0, 2)


@compiled()
def text_windows(text, line_bases, line_bytes, length, starts, codes, out):
    """Fill ``out`` (n, width) with the codes from each start on; lines have ``line_bases`` bases in ``line_bytes``."""
    n, width = out.shape
    for i in range(n):
        p = starts[i]
        line = p // line_bases
        column = p - line * line_bases
        for j in range(width):
            if p < 0 or p >= length:
                out[i, j] = UNKNOWN
            else:
                out[i, j] = codes[text[line * line_bytes + column]]
            p += 1
            column += 1
            if column == line_bases:
                column = 0
                line += 1


@compiled()
def packed_windows(packed, length, unknown_starts, unknown_ends, starts, out):
    """Fill ``out`` (n, width) with the codes from each start on; runs of unknown bases are sorted."""
    n, width = out.shape
    runs = len(unknown_starts)
    for i in range(n):
        p = starts[i]
        low, high = 0, runs
        while low < high:  # the first run that ends beyond the start
            middle = (low + high) // 2
            if unknown_ends[middle] > p:
                high = middle
            else:
                low = middle + 1
        for j in range(width):
            while low < runs and unknown_ends[low] <= p:
                low += 1
            if p < 0 or p >= length or (low < runs and unknown_starts[low] <= p):
                out[i, j] = UNKNOWN
            else:
                out[i, j] = _OF_2BIT[(packed[p >> 2] >> (6 - 2 * (p & 3))) & 3]
            p += 1
