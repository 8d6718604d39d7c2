"""The errors and warnings a user may want to catch, by name.

Each error says what came, what was expected and what to do. All derive from built-in types, so that code which
catches ``ValueError`` keeps working.
"""

__all__ = [
    "ChannelMismatchError",
    "CheckpointError",
    "DoubtfulDataWarning",
    "InputDataError",
    "ModelFileError",
    "OutputExistsError",
    "SymmetricInitWarning",
    "WorkersLostError",
]


class InputDataError(ValueError):
    """A file or table cannot be used as it is; the message names the file, row, column and remedy."""


class ChannelMismatchError(InputDataError):
    """The channels of a table are not those that were expected: missing, unknown or duplicated."""


class ModelFileError(ValueError):
    """A saved model is truncated, foreign, altered or of another format version."""


class OutputExistsError(FileExistsError):
    """An output folder or file exists already and will not be mixed with a new run."""


class SymmetricInitWarning(UserWarning):
    """All components start equal, so multiplicative updates can never make them differ."""


class DoubtfulDataWarning(UserWarning):
    """The input is usable but something in it makes the result doubtful (empty samples, low rank, ...)."""


class CheckpointError(ValueError):
    """A checkpoint is damaged, or of other data, options or another version; it is never overwritten."""


class WorkersLostError(RuntimeError):
    """The processes that computed, or the scheduler of their cluster, are gone; no result was written."""
