"""The base of all errors that this program raises on purpose."""

from trigcnn.common.foreign import bounded


class TrigcnnError(Exception):
    """What was wrong, where, and what fixes it; in text of a bounded length."""

    def __str__(self) -> str:
        """Return the message, without what could change the terminal."""
        return bounded(super().__str__())


class KerasError(TrigcnnError):
    """TensorFlow, Keras 2 or QKeras cannot be brought up in this process."""
