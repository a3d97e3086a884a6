"""The page `docs/configuration.md`, made from the configuration itself.

Refresh it with `python -m trigcnn.pipeline.config.reference > docs/configuration.md`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from trigcnn.pipeline.config.run import RunConfig

_HEAD = """# Configuration

A run is configured by a YAML file. Every option is listed here with its default; only `name` has none. `--set
key.path=value` on the command line changes one. Paths are relative to the configuration file.
"""


def page() -> str:
    """Give the page as Markdown."""
    return _HEAD + "\n".join(_section("", RunConfig))


def _section(prefix: str, model: type[BaseModel]) -> Iterator[str]:
    """Give a section's table, then those of the sections in it."""
    inner: list[tuple[str, type[BaseModel]]] = []
    schema = model.model_json_schema()
    title = f"`{prefix}`" if prefix else "The run"
    yield f"\n## {title}\n"
    if model is not RunConfig:
        yield f"{inspect.cleandoc(model.__doc__ or '')}\n"
    yield "| Option | Values | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner.append((path, field.annotation))
            continue
        default = field.default if field.default_factory is None else field.default_factory()  # type: ignore[call-arg]
        shown = "(none)" if default is PydanticUndefined else f"`{json.dumps(default)}`"
        meaning = " ".join((field.description or "").split())
        yield f"| `{path}` | {_values(schema['properties'][name])} | {shown} | {meaning} |"
        if name == "layers":
            from trigcnn.pipeline.config.run import LayerConfig

            inner.append((f"{path}.<name>", LayerConfig))
        if path == "sweep.space":
            from trigcnn.pipeline.config.sweep import Domain

            inner.append((f"{path}.<path>", Domain))
    for path, section in inner:
        yield from _section(path, section)


def _values(schema: dict[str, Any]) -> str:
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
