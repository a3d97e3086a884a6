"""Tables in Markdown of a JSON schema: each field's values, default and meaning.

The page of the configuration and the pages of the files that trigcnn writes are made of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Schema = dict[str, Any]

_LIMITS = (("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤"))


def table(heading: str, rows: Iterable[tuple[str, str, str, str]]) -> Iterator[str]:
    """Return the lines of a table.

    Args:
        heading: Title of the first column.
        rows: Name, values, default and meaning of each field.
    """
    yield f"| {heading} | Values | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, values_of, default, meaning in rows:
        yield f"| `{name}` | {values_of} | {default} | {one_line(meaning)} |"


def values(of: Schema, *, brief: bool = False) -> str:
    """Return the values that a field takes, in words; types of the schema are links to their tables.

    Args:
        of: Schema of the field.
        brief: Whether the content of lists and mappings is left out.

    >>> values({"type": "array", "items": {"type": "integer", "minimum": 0}})
    'list: integer ≥ 0'
    """
    if "$ref" in of:
        name = of["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in of:
        return " or ".join(values(option, brief=brief) for option in of["anyOf"])
    if "const" in of or "enum" in of:
        return ", ".join(f"`{value}`" for value in of.get("enum", [of.get("const")]))
    match of.get("type"):
        case "array" if brief:
            return "list"
        case "array" if "prefixItems" in of:
            return "list of " + ", ".join(values(item) for item in of["prefixItems"])
        case "array":
            return f"list: {values(of.get('items', {}))}"
        case "object" if isinstance(of.get("additionalProperties"), dict) and not brief:
            return f"by name: {values(of['additionalProperties'])}"
        case None:
            return "anything"
        case kind:
            limits = [f"{sign} {of[key]:,}" for key, sign in _LIMITS if key in of]
            word = {"object": "keys and values", "string": "text"}.get(kind, kind)
            return f"{word} {' and '.join(limits)}".strip()


def shown(default: Any) -> str:
    """Return a default value as the tables show it."""
    return f"`{json.dumps(default)}`"


def one_line(text: str) -> str:
    """Return a text as one line that a cell of a table can hold."""
    return " ".join(without_html(text).replace("|", r"\|").split())


def without_html(markdown: str) -> str:
    r"""Return Markdown in which what looks like an HTML tag is escaped, outside of code: it would not be shown.

    >>> without_html("* `--out <DIR>`: default: projects/<name>")
    '* `--out <DIR>`: default: projects/\\<name>'
    """
    pieces = re.split(r"(```.*?```|`[^`]*`)", markdown, flags=re.DOTALL)
    return "".join(
        piece if number % 2 else re.sub(r"<(?=[a-zA-Z/!?])", r"\\<", piece) for number, piece in enumerate(pieces)
    )
