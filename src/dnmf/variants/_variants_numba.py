"""Loops over variants. Allele k is ``codes[starts[k] : starts[k + 1]]``: A C G T are 0 to 3, 4 is no base."""

import numpy as np

from dnmf.compilation import compiled

SUBSTITUTION, DELETION, INSERTION, COMPLEX, NOT_BASES, SAME = range(6)
MOST_COPIES = 5
# Bases of a unit that fit into one number, two bits each.
LONGEST_PACKED = 30


@compiled()
def trim(codes, starts, ref, alt, kind, cut, size):
    """Cut what both alleles of each row end with, then what they begin with; see `dnmf.variants.normalise`."""
    for i in range(len(ref)):
        kind[i], cut[i], size[i] = NOT_BASES, 0, 0
        if ref[i] < 0 or alt[i] < 0:
            continue
        r, r_end = starts[ref[i]], starts[ref[i] + 1]
        a, a_end = starts[alt[i]], starts[alt[i] + 1]
        known = r < r_end or a < a_end
        for k in range(r, r_end):
            known = known and codes[k] < 4
        for k in range(a, a_end):
            known = known and codes[k] < 4
        if not known:
            continue
        while r < r_end and a < a_end and codes[r_end - 1] == codes[a_end - 1]:
            r_end -= 1
            a_end -= 1
        while r < r_end and a < a_end and codes[r] == codes[a]:
            r += 1
            a += 1
            cut[i] += 1
        deleted, inserted = r_end - r, a_end - a
        size[i] = max(deleted, inserted)
        if size[i] == 0:
            kind[i] = SAME
        elif inserted == 0:
            kind[i] = DELETION
        elif deleted == 0:
            kind[i] = INSERTION
        else:
            kind[i] = SUBSTITUTION if deleted == inserted else COMPLEX


@compiled()
def agree(windows, codes, starts, allele, out):
    """Set ``out[i]`` to whether window i begins with the allele."""
    for i in range(len(allele)):
        first = starts[allele[i]]
        out[i] = True
        for k in range(starts[allele[i] + 1] - first):
            out[i] = out[i] and windows[i, k] == codes[first + k]


@compiled()
def changed_bases(codes, starts, ref, alt, cut, size):
    """Return row, offset from the first base of REF, and both bases of every base that changes."""
    count = 0
    for i in range(len(ref)):
        r, a = starts[ref[i]] + cut[i], starts[alt[i]] + cut[i]
        for k in range(size[i]):
            count += codes[r + k] != codes[a + k]
    row, offset = np.empty(count, np.int64), np.empty(count, np.int64)
    before, after = np.empty(count, np.uint8), np.empty(count, np.uint8)
    count = 0
    for i in range(len(ref)):
        r, a = starts[ref[i]] + cut[i], starts[alt[i]] + cut[i]
        for k in range(size[i]):
            if codes[r + k] != codes[a + k]:
                row[count], offset[count] = i, cut[i] + k
                before[count], after[count] = codes[r + k], codes[a + k]
                count += 1
    return row, offset, before, after


@compiled()
def look_up(around, after, flank, table, out):
    """Set ``out`` to the entry of each change by the new base and ``flank`` bases on each side, of the pyrimidine.

    ``around`` (n, width) has the base that changes in the middle. -1 where a base is not known.
    """
    middle = around.shape[1] // 2
    for i in range(len(after)):
        purine = (
            around[i, middle] % 2 == 0
        )  # A and G of A C G T; the complement of base b is base 3 - b
        number = 3 - after[i] if purine else after[i]
        known = True
        for k in range(-flank, flank + 1):
            base = around[i, middle - k] if purine else around[i, middle + k]
            known = known and base < 4
            number = 4 * number + (3 - base if purine else base)
        out[i] = table[number] if known else -1


@compiled()
def align_and_match(windows, here, deleted, codes, first, size, moved, matched, whole):
    """Move each indel to the left as far as it goes, and count the bases after it that go on as its unit does.

    Base ``here`` of a window is that of the indel; its unit is ``codes[first : first + size]``. ``moved`` becomes the
    bases it moved, ``matched`` the bases that match, up to those of `MOST_COPIES` copies. ``whole`` is false where the
    window was too short to tell.
    """
    width = windows.shape[1]
    for i in range(len(first)):
        at, n, u = here, size[i], first[i]
        whole[i] = True
        last = n - 1  # of the unit, as it has been rotated
        while at > 0 and windows[i, at - 1] == codes[u + last]:
            at -= 1
            last = last - 1 if last else n - 1
        whole[i] = at > 0
        moved[i] = here - at
        k = last + 1 if last + 1 < n else 0
        after = at + n if deleted[i] else at
        count = 0
        while count < MOST_COPIES * n:
            if after + count >= width:
                whole[i] = False
                break
            if windows[i, after + count] != codes[u + k]:
                break
            count += 1
            k = k + 1 if k + 1 < n else 0
        matched[i] = count


@compiled()
def packed_units(codes, first, size, moved, out):
    """Set ``out`` to the bases of each unit, rotated by the bases it moved, as one number; for short ones only."""
    for i in range(len(first)):
        n = size[i]
        out[i] = 0
        if n <= LONGEST_PACKED:
            k = (n - moved[i] % n) % n
            for _ in range(n):
                out[i] = out[i] * 4 + codes[first[i] + k]
                k = k + 1 if k + 1 < n else 0
