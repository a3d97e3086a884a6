"""`trigcnn layers`: the sizes of a network's layers, without training it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trigcnn.pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trigcnn.models.geometry import LayerGeometry
    from trigcnn.pipeline.config.run import DataConfig, RunConfig

_SAVED = (".keras", ".h5")
# Enough events of a drawn data set to see their shape.
_FEW = 1000
_COLUMNS = (
    "Layer", "Class", "Result", "Output size:\n(w - f + 2p)/s + 1", "Field", "Jump", "Para-\nmeters",
    "Multipli-\ncations", "Parameters\nif dense", "",
)  # fmt: skip


def show(path: Path, assignments: list[str] | None, *, as_json: bool) -> None:
    """Print the sizes of a network's layers.

    Args:
        path: YAML configuration, or a saved model (.keras, .h5).
        assignments: Changes to the configuration, as `key.path=value`.
        as_json: Print them as JSON, as in `report.json`.

    Raises:
        ConfigError: The file cannot be used.
        ModelsError: The data or the model cannot be used; or the configuration refuses dropped pixels and there are
            some, which is raised after everything is printed.
    """
    from trigcnn.models.geometry import geometry, refuse_dropped
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.pages import sizes

    model, config = _model(path, assignments)
    layers = geometry(model)
    console = Console()
    if as_json:
        console.line(json.dumps([asdict(layer) for layer in layers], indent=2))
    else:
        console.table(_COLUMNS, _rows(layers))
        for line in (*_reuse_factors(model, config), *sizes.unseen(layers)):
            console.line(line)
    if config is not None and config.model.dropped_pixels == "refuse":
        refuse_dropped(layers)


def _reuse_factors(model: Any, config: RunConfig | None) -> Iterator[str]:
    """Print the possible reuse factors of each layer, unless every whole number is possible."""
    if config is None:
        return
    from trigcnn.hls.estimates.reuse import of_model

    for name, factors in of_model(model, config.hls):
        if factors is not None:
            yield f"layer {name}: possible reuse factors are {', '.join(map(str, factors))}"


def _model(path: Path, assignments: list[str] | None) -> tuple[Any, RunConfig | None]:
    """Return the model, and the configuration if it is one's."""
    from trigcnn.models import datasets
    from trigcnn.models.forms import flattened, single_use
    from trigcnn.models.source import load_saved
    from trigcnn.pipeline.config.file import load
    from trigcnn.pipeline.stages.building import build_model

    if path.suffix in _SAVED:
        if assignments:
            raise ConfigError(f"--set changes a configuration, but {path} is a saved model; remove it")
        return flattened(load_saved(path)).model, None
    config = load(path, assignments)
    if config.model.source.endswith(_SAVED):
        return flattened(load_saved(config.model.source)).model, config
    dataset = datasets.load(**_small(config.data), seed=config.seed)
    return single_use(build_model(config, dataset).model).model, config


def _small(data: DataConfig) -> dict[str, Any]:
    from trigcnn.models import datasets

    given = data.model_dump()
    drawn = any(info.name == data.source for info in datasets.available()) and "events" in datasets.describe(
        data.source
    )
    if drawn:
        given["options"] = {**given["options"], "events": min(given["options"].get("events", _FEW), _FEW)}
    return given


def _rows(layers: Sequence[LayerGeometry]) -> Iterator[list[str]]:
    from trigcnn.pipeline.pages import sizes

    for entry in layers:
        dense = entry.dense
        yield [
            entry.name,
            entry.kind,
            "×".join(map(str, entry.shape)),
            "\n".join(sizes.formulas(entry.axes)),
            sizes.receptive_field(entry.fields) or "",
            sizes.jump(entry.fields) or "",
            f"{entry.parameters:,}",
            f"{entry.multiplications:,}",
            "" if dense is None else f"{dense.parameters:,}",
            sizes.compared(None if dense is None else dense.parameters, entry.parameters) or "",
        ]
    yield [
        "in all",
        "",
        "",
        "",
        "",
        "",
        *(f"{sum(getattr(entry, name) for entry in layers):,}" for name in ("parameters", "multiplications")),
        "",
        "",
    ]
