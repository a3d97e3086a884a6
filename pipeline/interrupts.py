"""An interrupt that is not lost.

Python raises KeyboardInterrupt wherever it is when a signal comes. In a destructor, or in a function that the C code of
a library calls, the exception is printed and forgotten, and TensorFlow runs many of both. So the signal is noted as
well, and long work looks for the note at each step.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any

_noted = False


def install() -> None:
    """Let SIGINT, unless it is ignored, and SIGTERM interrupt this process."""
    global _noted
    _noted = False
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _handle)
    signal.signal(signal.SIGTERM, _handle)
    sys.unraisablehook = _say_of_others


def check() -> None:
    """Raise the interrupt again that came and may have been lost.

    Raises:
        KeyboardInterrupt: A signal came since `install`.
    """
    if _noted:
        raise KeyboardInterrupt


def _handle(number: int, frame: FrameType | None) -> None:
    global _noted
    _noted = True
    raise KeyboardInterrupt


def _say_of_others(unraisable: Any) -> None:
    """Print what is forgotten, as Python does, but for the interrupt, which is not."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
