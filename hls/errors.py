"""What can go wrong between a trained model and hardware."""

from trigcnn.common.errors import TrigcnnError


class HlsError(TrigcnnError):
    """Base of all errors of this package; the message says what was wrong, where, and what fixes it."""


class AdmissionError(HlsError):
    """The model contains something that cannot be converted exactly."""


class ConversionError(HlsError):
    """The model or an option of the conversion cannot be turned into hardware."""


class DoesNotFitError(HlsError):
    """The design needs more than the device has."""


class ProofError(HlsError):
    """A statement cannot be proved; the message says which, and why."""


class ResultsError(HlsError):
    """Results from another computer are incomplete, or of another design."""


class ToolError(HlsError):
    """Base of the errors of outside programs."""


class ToolMissingError(ToolError):
    """An outside program is not installed or not on PATH."""


class ToolFailedError(ToolError):
    """An outside program failed, crashed or ran out of time."""


class ToolTimeoutError(ToolFailedError):
    """An outside program ran out of time."""


class SimulationError(ToolFailedError):
    """A compiled simulation ended without an answer."""
