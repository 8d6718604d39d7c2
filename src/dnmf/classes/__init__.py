"""Several classes of mutations in one run: each answered as it would be alone, all shown on one page."""

from dnmf.classes.answers import ClassAnswers, answer_classes
from dnmf.classes.choices import class_options, class_prior, known_sites
from dnmf.classes.mutations import mutation_tables, variant_signatures
from dnmf.classes.save import result_files, save_classes

__all__ = [
    "ClassAnswers",
    "answer_classes",
    "class_options",
    "class_prior",
    "known_sites",
    "mutation_tables",
    "result_files",
    "save_classes",
    "variant_signatures",
]
