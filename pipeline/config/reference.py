"""The page `docs/configuration.md`, made from the configuration itself.

`make refresh` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.config.schema import section_in, whole
from trigcnn.pipeline.config.schema_tables import Schema, shown, table, values

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
    rows = []
    for name, option in section["properties"].items():
        path = f"{prefix}.{name}" if prefix else name
        found = section_in(option)
        if "$ref" in option:
            inner.append((path, found or {}, defaults[name]))
            continue
        default = "(none)" if name in section.get("required", ()) else shown(defaults[name])
        rows.append((path, values(option, brief=True), default, option["description"]))
        if found is not None:
            entry = "[]" if option.get("type") == "array" else f".{_KEYS.get(path, '<name>')}"
            inner.append((f"{path}{entry}", found, _defaults(found)))
    yield from table("Option", rows)
    for path, found, of_it in inner:
        yield from _section(path, found, of_it)


def _defaults(section: Schema) -> Schema:
    """Return the defaults of a section of which a run has none to begin with."""
    # The schema has no default of an option that begins empty.
    empty: Schema = {"object": {}, "array": []}
    return {name: of.get("default", empty.get(of.get("type", ""))) for name, of in section["properties"].items()}
