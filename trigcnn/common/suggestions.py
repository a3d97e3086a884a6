"""What an error message suggests in place of an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CLOSE = 0.5
"""Similarity, from 0 to 1, from which one name is probably a misspelling of another."""
_SHOWN = 40
"""Names that a message lists at most."""


def did_you_mean(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return the end of an error message about an unknown name: the closest known name, or else all known names.

    Args:
        name: The name that is unknown.
        known: The names that are possible there.
        prefix: What stands before the name in full, such as the section of an option.

    >>> did_you_mean("lenett", ["lenet", "svhn"])
    'did you mean lenet?'
    >>> did_you_mean("epoch", ["epochs", "seed"], prefix="training.")
    'did you mean training.epochs?'
    >>> did_you_mean("xyz", ["lenet", "svhn"])
    'choose from lenet, svhn'
    """
    names = list(known)
    if not names:
        return "there is nothing to choose from"
    close = difflib.get_close_matches(name, names, n=1, cutoff=_CLOSE)
    if close:
        return f"did you mean {prefix}{close[0]}?"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"choose from {', '.join(names[:_SHOWN])}{more}"
