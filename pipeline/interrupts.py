"""Interrupts that cannot be lost.

Python raises KeyboardInterrupt wherever it is when a signal comes. In a destructor, or in a function that a library's C
code calls, the exception is only printed, and TensorFlow runs many of both. So the signal is recorded as well, and long
work checks the record at each step.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

INTERRUPTED = 130
"""Exit status of an interrupted command, as shells have it: 128 and the number of SIGINT."""

_noted = False
_leaving = False


def install() -> None:
    """Make SIGINT, unless it is ignored, and SIGTERM interrupt this process."""
    global _noted, _leaving
    _noted = _leaving = False
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _handle)
    signal.signal(signal.SIGTERM, _handle)
    sys.unraisablehook = _say_of_others


def check() -> None:
    """Raise an interrupt again that may have been lost.

    Raises:
        KeyboardInterrupt: A signal came since `install`.
    """
    if _noted:
        raise KeyboardInterrupt


def leave() -> None:
    """Let an interrupt end this process at once from here on: all is written, and libraries only clean up."""
    global _leaving
    _leaving = True


def _handle(number: int, frame: FrameType | None) -> None:
    global _noted
    _noted = True
    if _leaving:
        os._exit(INTERRUPTED)
    raise KeyboardInterrupt


def _say_of_others(unraisable: Any) -> None:
    """Print exceptions that Python ignores, except the interrupt, which is recorded."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
