"""What the configuration's JSON schema says of each option, by its path."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.config.schema_tables import Schema


@functools.cache
def whole() -> Schema:
    """Return the JSON schema of a run's configuration."""
    return RunConfig.model_json_schema()


def options_of(section: Sequence[str]) -> dict[str, Schema]:
    """Return the schema of each option of a section, by name.

    Args:
        section: Keys that lead to the section. Keys that the user chooses, such as names of layers, may be among them.
    """
    found = whole()
    for key in section:
        found = section_in(found["properties"].get(key, {})) or found
    options: dict[str, Schema] = found["properties"]
    return options


def section_in(option: Schema) -> Schema | None:
    """Return the schema of the section that an option is, or that each of its values is; None if there is none."""
    if "$ref" in option:
        found: Schema = whole()["$defs"][option["$ref"].rpartition("/")[2]]
        return found
    inner = [*option.get("anyOf", ()), *option.get("patternProperties", {}).values()]
    inner += [option[key] for key in ("additionalProperties", "items") if isinstance(option.get(key), dict)]
    return next((found for found in map(section_in, inner) if found is not None), None)
