"""The page `docs/configuration.md`, made from the configuration itself.

Refresh it with `python -m trigcnn.pipeline.config.reference > docs/configuration.md`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.config.schema import Schema, section_in, whole

_HEAD = """# Configuration

A run is configured by a YAML file. Every option is listed here with its default; only `name` has none. `--set
key.path=value` on the command line changes one. Paths are relative to the configuration file.
"""


# What the keys of a mapping stand for, where they are not names.
_KEYS = {"sweep.space": "<path>"}


def page() -> str:
    """Return the page as Markdown."""
    return _HEAD + "\n".join(_section("", whole(), RunConfig(name="run").model_dump(mode="json")))


def _section(prefix: str, section: Schema, defaults: Schema) -> Iterator[str]:
    """Return a section's table, then those of the sections in it."""
    inner: list[tuple[str, Schema, Schema]] = []
    title = f"`{prefix}`" if prefix else "The run"
    yield f"\n## {title}\n"
    if prefix:
        yield f"{section['description']}\n"
    yield "| Option | Values | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, option in section["properties"].items():
        path = f"{prefix}.{name}" if prefix else name
        found = section_in(option)
        if "$ref" in option:
            inner.append((path, found or {}, defaults[name]))
            continue
        default = "(none)" if name in section.get("required", ()) else f"`{json.dumps(defaults[name])}`"
        meaning = " ".join(option["description"].split())
        yield f"| `{path}` | {_values(option)} | {default} | {meaning} |"
        if found is not None:
            inner.append((f"{path}.{_KEYS.get(path, '<name>')}", found, _defaults(found)))
    for path, found, of_it in inner:
        yield from _section(path, found, of_it)


def _defaults(section: Schema) -> Schema:
    """Return the defaults of a section of which a run has none to begin with."""
    # The schema has no default of an option that begins empty.
    empty = {"object": {}, "array": []}
    return {name: of.get("default", empty.get(of.get("type", ""))) for name, of in section["properties"].items()}


def _values(schema: Schema) -> str:
    """Say which values an option takes."""
    if "anyOf" in schema:
        return " or ".join(_values(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    limits = [
        f"{sign} {schema[key]:,}"
        for key, sign in (("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤"))
        if key in schema
    ]
    kind = {"object": "keys and values", "array": "list", "string": "text"}.get(schema["type"], schema["type"])
    return f"{kind} {' and '.join(limits)}".strip()


if __name__ == "__main__":
    sys.stdout.write(page())
