"""How two configurations differ, option by option."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Runs that differ only in these are equal.
_NO_DIFFERENCE = frozenset({"name"})


def flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested options by their paths; lists are values.

    >>> flat({"hls": {"part": "xcvu9p", "layers": {}}, "seed": 1})
    {'hls.part': 'xcvu9p', 'hls.layers': {}, 'seed': 1}
    """
    return dict(_leaves("", options))


def _leaves(prefix: str, options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(f"{path}.", value)
        else:
            yield path, value


def differing(configurations: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the options in which configurations differ, with the value of each; None where one lacks the option.

    >>> differing([{"seed": 1, "hls": {"part": "a"}}, {"seed": 2, "hls": {"part": "a"}}])
    {'seed': [1, 2]}
    """
    each = [flat(options) for options in configurations]
    names = dict.fromkeys(name for options in each for name in options if name not in _NO_DIFFERENCE)
    values = {name: [options.get(name) for options in each] for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found[1:])}


def shown(value: Any) -> str:
    """Write a value of an option: JSON, and text without quotes.

    >>> shown([6, 24]), shown("Latency"), shown(None)
    ('[6, 24]', 'Latency', 'null')
    """
    return value if isinstance(value, str) else json.dumps(value)
