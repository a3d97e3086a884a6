"""Text that others wrote (users' files, libraries, tools), as a part of a message."""

from __future__ import annotations

MOST_CHARACTERS = 500
"""Longest foreign text in a message."""
_LEFT_OUT = " […] "


def cut(text: object, most: int = MOST_CHARACTERS) -> str:
    r"""Return a text without its middle if it is long: the place is often at its beginning, the reason at its end.

    Characters that change the terminal, or that no encoding has, are written as escapes.

    Args:
        text: Any object, as text.
        most: Largest number of characters to return.

    >>> cut("a" * 20 + "b" * 20, 13)
    'aaaa […] bbbb'
    >>> cut("red \x1b[31m")
    'red \\x1b[31m'
    """
    shown = str(text)
    half = (most - len(_LEFT_OUT)) // 2
    if len(shown) > most:
        shown = f"{shown[:half]}{_LEFT_OUT}{shown[-half:]}"
    if shown.isprintable():
        return shown
    shown = "".join(each if each.isprintable() or each in "\n\t" else _escaped(each) for each in shown)
    return shown if len(shown) <= most else f"{shown[:half]}{_LEFT_OUT}{shown[-half:]}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
