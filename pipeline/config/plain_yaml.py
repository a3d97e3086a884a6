"""YAML as this program reads it: values only, each of them written out, in a file of moderate size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from trigcnn.common.foreign import cut

MOST_BYTES = 1 << 22
"""Size of the largest file that is read: a golden case with many layers has a tenth of it."""
_DEEPEST = 50
_INTEGER_BITS = 64
_LONGEST_INTEGER = 70
"""Characters of 64 bits with a sign, as 0b1010…"""
_LONGEST_MESSAGE = 300


class NotPlainError(ValueError):
    """A text is not YAML, or not plain; the message says why, and on which line."""


def read(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        OSError: It cannot be read, or it is not a file but a device, a pipe or a folder.
        NotPlainError: It is not plain YAML in UTF-8, or it has more than `MOST_BYTES` bytes.
    """
    if path.exists() and not path.is_file():
        raise OSError("it is a folder" if path.is_dir() else "it is not an ordinary file")
    if path.stat().st_size > MOST_BYTES:
        raise NotPlainError(f"it has more than {MOST_BYTES} bytes")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise NotPlainError(f"byte {error.start} is not UTF-8") from error
    return parse(text)


def parse(text: str) -> Any:
    """Return the value that a YAML text stands for.

    Raises:
        NotPlainError: The text is not YAML; it has an alias, which lets a few lines stand for more than the memory
            holds; a key that occurs twice, of which YAML would keep the last; an integer of more than 64 bits; or
            values nested deeper than 50 levels.

    >>> parse("a: [1, two, 3.0]")
    {'a': [1, 'two', 3.0]}
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # A date such as 2024-13-45 is a ValueError of Python's own.
        raise NotPlainError(cut(error, _LONGEST_MESSAGE)) from error


class _Loader(yaml.SafeLoader):
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: an alias (*{event.anchor}); write the value out")
        if self._depth == _DEEPEST:
            raise yaml.YAMLError(f"values are nested deeper than {_DEEPEST} levels")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.YAMLError(f"line {node.start_mark.line + 1}: the key {key.value} occurs more than once")
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        if len(node.value) <= _LONGEST_INTEGER:
            found = int(super().construct_yaml_int(node))
            if found.bit_length() <= _INTEGER_BITS:
                return found
        raise yaml.YAMLError(f"line {node.start_mark.line + 1}: an integer of more than {_INTEGER_BITS} bits")


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
