"""What hls4ml made of the options of each layer, read from its graph after its passes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_FILE = "choices.json"


@dataclass(frozen=True)
class Choice:
    """One layer of a project.

    Attributes:
        name: The layer's name in the project.
        index: Its place in hls4ml's graph, which is in the names of its C++ configuration and of its module.
        strategy: `Latency` or `Resource`; None for a layer without weights.
        reuse_factor: Times that each multiplier is used.
    """

    name: str
    index: int
    strategy: str | None
    reuse_factor: int


def read(hls_model: Any) -> tuple[Choice, ...]:
    """Read hls4ml's graph."""
    return tuple(
        Choice(
            name=node.name,
            index=int(node.index),
            strategy=str(node.get_attr("strategy", "latency")).capitalize() if "weight" in node.weights else None,
            reuse_factor=int(node.get_attr("reuse_factor", 1)),
        )
        for node in hls_model.get_layers()
    )


def save(choices: tuple[Choice, ...], project: Path) -> None:
    """Write choices into a project."""
    text = json.dumps([asdict(choice) for choice in choices], indent=1)
    (project / _FILE).write_text(text + "\n", encoding="utf-8")


def load(project: Path) -> tuple[Choice, ...]:
    """Read what `save` wrote."""
    return tuple(Choice(**entry) for entry in json.loads((project / _FILE).read_text(encoding="utf-8")))
