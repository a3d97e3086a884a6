"""The option table of an EMP payload in a YAML file."""

from __future__ import annotations

import reprlib
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.export.emp.links import Field, Links
from trigcnn.pipeline.config import plain_yaml
from trigcnn.pipeline.config.section import UNKNOWN_KEY
from trigcnn.pipeline.errors import ConfigError

_MOST_LINES = 10
_KEYS = tuple(field.name for of in (Links, Field) for field in fields(of))


def load(path: Path) -> Links:
    """Read a table; whether it fits a design is for `links.check`.

    Raises:
        ConfigError: The file cannot be read, or it is not a table; the message names the entry.
    """
    try:
        content = plain_yaml.read(path)
    except OSError as error:
        raise ConfigError(f"--links {path}: {error.strerror or error}") from error
    except plain_yaml.NotPlainError as error:
        raise ConfigError(f"--links {path}: not plain YAML: {error}") from error
    try:
        return TypeAdapter(Links).validate_python(content)
    except ValidationError as error:
        found = error.errors(include_url=False)
        lines = [f"\n  - {_explained(problem)}" for problem in found[:_MOST_LINES]]
        more = f"\n  - and {len(found) - _MOST_LINES} more" if len(found) > _MOST_LINES else ""
        raise ConfigError(f"--links {path}: is not a table of links:{''.join(lines)}{more}") from error


def _explained(problem: Any) -> str:
    *_, key = problem["loc"] or ("the file",)
    where = ".".join(str(part)[:60] for part in problem["loc"]) or "the file"
    if problem["type"] in UNKNOWN_KEY:
        return f"{where}: unknown key; {did_you_mean(str(key)[:60], _KEYS)}"
    return f"{where}: {problem['msg']} (found {reprlib.repr(problem['input'])})"
