"""The base of all errors that this program raises on purpose."""


class TrigcnnError(Exception):
    """What was wrong, where, and what fixes it."""


class KerasError(TrigcnnError):
    """TensorFlow, Keras 2 or QKeras cannot be brought up in this process."""
