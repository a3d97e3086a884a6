"""A configuration read from a YAML file, with errors that name the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trigcnn.pipeline.config import plain_yaml, problems
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.errors import ConfigError


def load(path: Path, assignments: list[str] | None = None, *, changes: Mapping[str, Any] | None = None) -> RunConfig:
    """Read a configuration file.

    Paths in it (`data.source`, `data.options.folder`, `model.source`, `training.initial_weights`, `sweep.storage`,
    `sweep.store`) are relative to the file's folder.

    Args:
        path: YAML file.
        assignments: Changes as `key.path=value`, the value as YAML.
        changes: Changes by path, such as `{"training.epochs": 10}`.

    Raises:
        ConfigError: The file or a value cannot be used; the message names the key.
    """
    try:
        content = plain_yaml.read(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error}; give the path of a YAML configuration") from error
    except plain_yaml.NotPlainError as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path}: must contain keys and values (such as 'name: digits'), but contains a {type(content).__name__}"
        )
    for assignment in assignments or []:
        _assign(content, assignment)
    for option, value in (changes or {}).items():
        _put(content, option.split("."), value, option)
    config = validate(content, str(path))
    return _with_absolute_paths(config, path.resolve().parent)


def validate(content: dict[str, Any], where: str) -> RunConfig:
    """Check a configuration that was read.

    Raises:
        ConfigError: With one line per problem.
    """
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{where}: the configuration cannot be used:{problems.listed(error, content)}") from error


def with_values(config: RunConfig, values: Mapping[str, Any], where: str) -> RunConfig:
    """Return a configuration with other values of some options.

    Args:
        config: The configuration.
        values: By path, such as `training.epochs`.
        where: Where they come from, for the error message.

    Raises:
        ConfigError: A value cannot be used, or there is no such option.
    """
    content = config.model_dump(mode="json")
    for path, value in values.items():
        _put(content, path.split("."), value, f"{where}: {path}")
    return validate(content, where)


def named_values(assignments: list[str], flag: str) -> dict[str, Any]:
    """Read values of options from the command line.

    Args:
        assignments: Each as `name=value`, the value as YAML.
        flag: What the command line calls them, for the error message.

    Raises:
        ConfigError: One is not an assignment, or its value is not YAML.
    """
    values = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise ConfigError(f"{flag} {assignment}: write name=value, for example events=1000")
        values[name] = _yaml(value, f"{flag} {assignment}")
    return values


def _yaml(text: str, where: str) -> Any:
    try:
        return plain_yaml.parse(text)
    except plain_yaml.NotPlainError as error:
        raise ConfigError(f"{where}: is not valid YAML: {error}") from error


def _assign(content: dict[str, Any], assignment: str) -> None:
    keys, equals, value = assignment.partition("=")
    if not equals or not all(keys.split(".")):
        raise ConfigError(f"--set {assignment}: write key.path=value, for example training.epochs=10")
    where = f"--set {assignment}"
    _put(content, keys.split("."), _yaml(value, where), where)


def _put(content: dict[str, Any], keys: list[str], value: Any, where: str) -> None:
    *path, last = keys
    for key in path:
        if content.get(key) is None:
            content[key] = {}
        content = content[key]
        if not isinstance(content, dict):
            raise ConfigError(f"{where}: {key} holds a value, not keys")
    content[last] = value


def _with_absolute_paths(config: RunConfig, folder: Path) -> RunConfig:
    data, model = config.data.source, config.model.source
    if data.lower().endswith((".npz", ".h5", ".hdf5")):
        data = str(folder / Path(data).expanduser())
    options = dict(config.data.options)
    if isinstance(options.get("folder"), str) and options["folder"]:
        options["folder"] = str(folder / Path(options["folder"]).expanduser())
    if model.endswith((".keras", ".h5")) or ".py:" in model:
        model = str(folder / Path(model).expanduser())
    training = config.training
    if training.initial_weights is not None:
        begin = str(folder / Path(training.initial_weights).expanduser())
        training = replace(training, initial_weights=begin)
    places = {name: getattr(config.sweep, name) for name in ("storage", "store")}
    sweep = {
        name: str(folder / Path(place).expanduser())
        for name, place in places.items()
        if place is not None and "://" not in place
    }
    return config.model_copy(
        update={
            "sweep": config.sweep.model_copy(update=sweep),
            "training": training,
            "data": config.data.model_copy(update={"source": data, "options": options}),
            "model": config.model.model_copy(update={"source": model}),
        }
    )
