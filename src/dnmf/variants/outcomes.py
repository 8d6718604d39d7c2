"""What can become of a variant: one word for each reason, what it means and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a word in the column ``outcome`` means, and what to do about such rows.

    Attributes
    ----------
    meaning : str
        Of the word.
    remedy : str
        What to do, empty if nothing.
    """

    meaning: str
    remedy: str = ""


COUNTED = "counted"
OUTCOMES = {
    COUNTED: Outcome("counted in a channel"),
    "filtered": Outcome(
        "the caller's FILTER is not among those that are kept",
        "To keep them: --filters all, or a list of FILTER values.",
    ),
    "germline": Outcome("the file calls it germline"),
    "uncalled": Outcome("no genotype in the row has an allele of ALT"),
    "contig": Outcome(
        "the contig is not in the genome", "Give the genome that the variants were called on."
    ),
    "mitochondrial": Outcome("on the mitochondrial genome", "To count them: --mitochondria."),
    "allele": Outcome(
        "an allele is not made of A, C, G and T alone: '*', '<DEL>', a breakend, N or nothing"
    ),
    "no_change": Outcome("REF and ALT are the same"),
    "reference_mismatch": Outcome(
        "REF is not what the genome has at the position",
        "Give the genome that the variants were called on.",
    ),
    "complex": Outcome("REF and ALT differ in length and in more than one place"),
    "duplicate": Outcome(
        "the sample has the same change in an earlier row, perhaps written differently"
    ),
    "mnv": Outcome("three or more adjacent bases change: neither a substitution nor a doublet"),
    "context": Outcome("a base beside it is unknown, or beyond the end of the contig"),
    "outside": Outcome("outside the regions"),
    "other_class": Outcome(
        "of a class that was not asked for", "To count them: name the class with --classes."
    ),
}
"""The words in the order in which tables list them. The rows that were read are the sum over all words."""
