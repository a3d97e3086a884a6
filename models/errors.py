"""What can go wrong with models and data."""

from trigcnn.common.errors import TrigcnnError


class ModelsError(TrigcnnError):
    """Base of all errors of this package; the message says what was wrong, where, and what fixes it."""


class DataError(ModelsError):
    """The events, the labels or the file that holds them cannot be used."""


class ModelError(ModelsError):
    """The model, or the file or function that gives it, cannot be used."""
