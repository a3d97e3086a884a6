"""What the definitions of a Python module name: read from its source, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True)
class Part:
    """A definition at the top of a module, or all statements there that define nothing.

    Attributes:
        names: Dotted names that are used in it, such as `benches.make`; `__file__` too.
        imports: Dotted name behind each name that an import inside it binds.
        texts: Strings in it that could be dotted names.
    """

    names: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Source:
    """A module.

    Attributes:
        parts: Definitions by name; under the empty name what runs whenever the module is imported.
        imports: Dotted name behind each name that an import at its top binds.
    """

    parts: dict[str, Part]
    imports: dict[str, str]


@cache
def read(text: bytes) -> Source:
    r"""Read the source of a module; one that is no Python names nothing.

    >>> source = read(b"from a import b as c\nX = c.d\ndef f(): import e.g; return X, e.g.h(c)")
    >>> source.imports, sorted(source.parts["f"].names), source.parts["f"].imports
    ({'c': 'a.b'}, ['X', 'c', 'e.g.h'], {'e': 'e'})
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return Source({"": Part()}, {})
    source = Source({"": Part()}, {})
    for node in _top(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            source.imports.update(_bound(node))
            continue
        for name in _defined(node) or ("",):
            _collect(node, source.parts.setdefault(name, Part()))
    return source


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Go through the statements at the top of a module; imports for type checkers are imports too."""
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from node.body
        else:
            yield node


def _defined(node: ast.stmt) -> tuple[str, ...]:
    """Return the names that a statement defines and that are all that it does."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = [each for target in targets for each in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return tuple(each.id for each in names if isinstance(each, ast.Name)) if all(names) else ()


def _bound(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Return what an import binds; this program has no relative imports."""
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    # Without `as`, the first word alone is bound.
    return {
        alias.asname or alias.name.partition(".")[0]: alias.name if alias.asname else alias.name.partition(".")[0]
        for alias in node.names
    }


def _collect(node: ast.AST, part: Part) -> None:
    """Collect what a piece of code names."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, ast.Attribute | ast.Name):
            words = []
            while isinstance(found, ast.Attribute):
                words.append(found.attr)
                found = found.value
            if isinstance(found, ast.Name):
                part.names.add(".".join([found.id, *reversed(words)]))
                continue
            waiting.append(found)
        elif isinstance(found, ast.Import | ast.ImportFrom):
            part.imports.update(_bound(found))
        elif isinstance(found, ast.Constant):
            if isinstance(found.value, str) and found.value.isascii() and found.value.replace(".", "_").isidentifier():
                part.texts.add(found.value)
        else:
            waiting += ast.iter_child_nodes(found)
