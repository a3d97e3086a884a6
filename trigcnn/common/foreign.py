"""Text that others wrote (users' files, libraries, tools), as a part of a message."""

from __future__ import annotations

MOST_CHARACTERS = 500
"""Longest foreign text in a message."""
_MOST_LINES = 60
_LONGEST_LINE = 2_000
_LEFT_OUT = " […] "


def cut(text: object, most: int = MOST_CHARACTERS) -> str:
    r"""Return a foreign text for a message, without its middle if it is long.

    The place is often at its beginning and the reason at its end. Characters that change the terminal, or that no
    encoding has, are written as escapes.

    Args:
        text: Any object, as text.
        most: Largest number of characters to return.

    >>> cut("a" * 20 + "b" * 20, 13)
    'aaaa […] bbbb'
    >>> cut("red \x1b[31m")
    'red \\x1b[31m'
    """
    return _shortened(printable(_shortened(str(text), most)), most)


def printable(text: str) -> str:
    r"""Return a text with escapes for characters that change the terminal, or that no encoding has.

    >>> printable("a\tb\x1b[31m")
    'a\tb\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in "\n\t" else _escaped(each) for each in text)


def bounded(message: str) -> str:
    r"""Return a message of at most 60 lines of 2,000 characters; longer lines lose their middle.

    >>> bounded("one line"), bounded("x\n" * 100).count("x")
    ('one line', 59)
    """
    if len(message) <= _LONGEST_LINE and message.isprintable():
        return message
    lines = message.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES - 1 :] = ["[…]"]
    return "\n".join(cut(line, _LONGEST_LINE) for line in lines)


def _shortened(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = (most - len(_LEFT_OUT)) // 2
    return f"{text[:half]}{_LEFT_OUT}{text[-half:]}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
