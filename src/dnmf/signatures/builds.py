"""Genome builds: their names, and how a genome is told to be one of them."""

BUILD_BY_LENGTH_OF_1 = {
    249_250_621: "GRCh37",
    248_956_422: "GRCh38",
    248_387_328: "T2T-CHM13",
    197_195_432: "mm9",
    195_471_971: "mm10",
    195_154_279: "mm39",
    282_763_074: "rn6",
    260_522_016: "rn7",
}
"""Builds by the length of chromosome 1 in bases: enough to tell them apart."""

# Other names, in small letters and without the number of a patch.
_SAME = {
    **dict.fromkeys(("grch37", "hg19", "b37", "hs37d5", "37"), "GRCh37"),
    **dict.fromkeys(("grch38", "hg38", "b38", "hs38dh", "38"), "GRCh38"),
    **dict.fromkeys(("t2t", "chm13", "chm13v2", "t2t-chm13", "t2t-chm13v2", "hs1"), "T2T-CHM13"),
    **dict.fromkeys(("mm9", "mgscv37"), "mm9"),
    **dict.fromkeys(("mm10", "grcm38"), "mm10"),
    **dict.fromkeys(("mm39", "grcm39"), "mm39"),
}


def usual_build(name: str) -> str:
    """Return the usual name of a build; a name that is not known is returned as it is.

    Examples
    --------
    >>> usual_build("hg19"), usual_build("GRCH38.p13"), usual_build("CHM13v2.0"), usual_build("dm6")
    ('GRCh37', 'GRCh38', 'T2T-CHM13', 'dm6')
    """
    return _SAME.get(name.strip().lower().split(".")[0], name)
