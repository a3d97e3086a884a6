"""What is wrong with a configuration, one line for each option."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from trigcnn.common.suggestions import did_you_mean
from trigcnn.pipeline.config.schema import options_of
from trigcnn.pipeline.config.section import UNKNOWN_KEY

_MOST_LINES = 20
_LONGEST_NAME = 60
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 80
_REPR.maxlevel = 3

Problem = Mapping[str, Any]
"""One of pydantic's errors."""


def listed(error: ValidationError, content: Any) -> str:
    """Return the problems, one line each, of a bounded length.

    Args:
        error: What pydantic found.
        content: What pydantic looked at.
    """
    # The values in an error can be as large as the file.
    found = error.errors(include_url=False)
    lines = [f"\n  - {line}" for line in _lines(found[: 4 * _MOST_LINES], content)]
    rest = len(lines) - _MOST_LINES + max(0, len(found) - 4 * _MOST_LINES)
    return "".join(lines[:_MOST_LINES]) + (f"\n  - and {rest} more" if rest > 0 else "")


def _lines(found: Sequence[Problem], content: Any) -> Iterator[str]:
    """Explain each problem; those of an option that may be one thing or another become one."""
    options: dict[tuple[Any, ...], list[tuple[tuple[Any, ...], Problem]]] = {}
    for problem in found:
        option, location = _locations(problem, content)
        options.setdefault(option, []).append((location, problem))
    for option, problems in options.items():
        # Of what the option may be, the value is what its keys or its type say.
        meant = [each for each in problems if len(each[0]) > len(option)]
        meant = meant or [each for each in problems if not _is_of_the_type(each[1])]
        explained = dict.fromkeys(_explain(problem, location) for location, problem in meant or problems)
        if len(problems) == 1 or meant or len(explained) == 1:
            yield from explained
        else:
            yield f"{_path(option)}: {_as_described(option)} (found {_REPR.repr(problems[0][1]['input'])})"


def _is_of_the_type(problem: Problem) -> bool:
    return str(problem["type"]).endswith(("_type", "_parsing", "literal_error"))


def _locations(problem: Problem, content: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the keys of the option, and those of the problem in it.

    In an option that may be one thing or another, pydantic names the thing among the keys, as in
    `budget.lut.constrained-int`. Such a name is not in the content.
    """
    keys: list[Any] = []
    option: tuple[Any, ...] | None = None
    for place, part in enumerate(problem["loc"]):
        last = place == len(problem["loc"]) - 1
        if _has(content, part):
            content = content[part] if isinstance(content, Mapping | list) else getattr(content, part)
        elif not (last and problem["type"] == "missing"):
            option = option or tuple(keys)
            continue
        keys.append(part)
    return option or tuple(keys), tuple(keys)


def _has(content: Any, part: Any) -> bool:
    if isinstance(content, list):
        return isinstance(part, int) and part < len(content)
    if isinstance(content, Mapping):
        return bool(part in content)
    return isinstance(part, str) and hasattr(content, part)


def _explain(problem: Problem, location: Sequence[Any]) -> str:
    where = _path(location)
    shown = _REPR.repr(problem["input"])
    if problem["type"] in UNKNOWN_KEY:
        return _unknown_key(location)
    if problem["type"] == "string_pattern_mismatch":
        return f"{where}: {_as_described(location)} (found {shown})"
    if problem["type"] == "string_type" and isinstance(problem["input"], bool | int | float):
        return f"{where}: must be text, put quotes around it (found {shown})"
    if problem["type"] == "dataclass_type":
        return f"{where}: Input should be a valid dictionary (found {shown})"
    if problem["type"] == "value_error":
        message = str(problem["ctx"]["error"])
        return message if not where or message.startswith(f"{where}.") else f"{where}: {message}"
    return f"{where or 'the configuration'}: {problem['msg']} (found {shown})"


def _unknown_key(location: Sequence[Any]) -> str:
    *section, key = map(str, location)
    prefix = "".join(f"{part}." for part in section)
    mend = did_you_mean(key[:_LONGEST_NAME], options_of(section), prefix=prefix)
    return f"{_path(location)}: unknown key; {mend}"


def _path(location: Sequence[Any]) -> str:
    parts = [str(part) for part in location]
    return ".".join(part if len(part) <= _LONGEST_NAME else f"{part[:_LONGEST_NAME]}…" for part in parts)


def _as_described(location: Sequence[Any]) -> str:
    """Return the meaning of an option as the condition for its value."""
    # An entry of a list, or of a table with keys of the user's, is described with the option.
    names = [part for part in location if isinstance(part, str)]
    for length in range(len(names), 0, -1):
        *section, name = names[:length]
        options = options_of(section)
        if name in options:
            return f"must match its description: {' '.join(options[name].get('description', '').split())}"
    return "must be something else"
