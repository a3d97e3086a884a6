"""Ways in which a file is damaged, by accident or on purpose, as strategies of Hypothesis."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

# Values that no option and no figure has, each of a kind that once ended in a traceback.
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, float("nan"), float("inf"), "", "x", "20k",
    "\x00", "\udc80", "\x1b[31m", "../../etc/passwd", "/dev/zero", "*x", "<b>", "a" * 100_000, "9" * 5_000, "[" * 3_000,
    [], {}, [[]], [{}], {"a": 1}, {"": None}, [None] * 2_000, {str(n): n for n in range(2_000)}, ["a", 0, 0],
)  # fmt: skip


def _deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(200):
        value = [value]
    return value


def odd_values() -> st.SearchStrategy[Any]:
    """Draw a value of any type that JSON has, most often an odd one."""
    return st.one_of(
        st.sampled_from((*ODD, _deep())),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.lists(st.integers() | st.text(max_size=5), max_size=5),
        st.dictionaries(st.text(max_size=5), st.integers() | st.none(), max_size=3),
    )


def _places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a tree of lists and dictionaries."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


@st.composite
def changed_trees(draw: st.DrawFn, tree: Any) -> Any:
    """Draw a tree in which one to three values are replaced, removed, moved, renamed or doubled."""
    changed = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(changed)
        path = draw(st.sampled_from(places))
        how = draw(st.sampled_from(("replace", "replace", "remove", "move", "rename", "double")))
        # A copy, since the next change may change it.
        odd = copy.deepcopy(draw(odd_values()))
        if not path:
            return odd
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        key = path[-1]
        if how == "replace":
            parent[key] = odd
        elif how == "remove":
            del parent[key]
        elif how == "move":
            other = changed
            for part in draw(st.sampled_from(places)):
                other = other[part]
            parent[key] = copy.deepcopy(other)
        elif how == "rename" and isinstance(parent, dict):
            parent[draw(st.text(max_size=8))] = parent.pop(key)
        elif isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
    return changed


@st.composite
def changed_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw a content with bytes that are flipped, overwritten, inserted, repeated or cut off."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        length = draw(st.sampled_from((1, 1, 4, 8, 64, 1024)))
        part = draw(
            st.sampled_from((b"\x00", b"\xff", b"\n", b"{", b"[", b"'", b"9"))
            | st.binary(min_size=1, max_size=8)
            | st.just(bytes(changed[at : at + length]))
        )
        how = draw(st.sampled_from(("flip", "overwrite", "insert", "remove", "cut")))
        if how == "flip" and at < len(changed):
            changed[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "overwrite":
            changed[at : at + length] = (part * length)[:length]
        elif how == "insert":
            changed[at:at] = (part * length)[:length]
        elif how == "remove":
            del changed[at : at + length]
        elif how == "cut":
            del changed[at:]
    return bytes(changed)
