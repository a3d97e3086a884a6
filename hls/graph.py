"""The fixed-point graph: what a conversion gives and what every engine runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.fixed_point import FixedPoint

FORMAT_VERSION = 1
Attribute = int | float | str | bool | tuple[int, ...]


@dataclass(frozen=True)
class Weights:
    """Constants of a layer.

    Attributes:
        format: Their number format.
        integers: Values in units of the format's last bit.
    """

    format: FixedPoint
    integers: npt.NDArray[np.int64]

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Real values."""
        return self.format.to_real(self.integers)


@dataclass(frozen=True)
class Layer:
    """One node of the graph.

    Attributes:
        name: The layer's name, as in hls4ml.
        kind: What it computes: the class name of hls4ml.
        inputs: Names of the layers that feed it.
        shape: Shape of its result, without the batch.
        result: Number format of its result.
        accumulator: Number format in which products are summed; None where there is none.
        weights: Constants by hls4ml's names (`weight`, `bias`).
        attributes: What else defines the computation (strides, padding, pool size, activation).
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    result: FixedPoint
    accumulator: FixedPoint | None = None
    weights: dict[str, Weights] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def integer(self, name: str) -> int:
        """Give an attribute that is a whole number."""
        value = self.attributes[name]
        if not isinstance(value, int):
            raise TypeError(f"layer {self.name}: attribute {name} is {value!r}, not a whole number")
        return value

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(w.integers.size for w in self.weights.values())

    @property
    def multiplications(self) -> int:
        """Products per event with all weights counted, zeros too."""
        if "weight" not in self.weights:
            return 0
        positions = int(np.prod(self.shape[:-1])) if self.kind.startswith("Conv") else 1
        return positions * self.weights["weight"].integers.size


@dataclass(frozen=True)
class Graph:
    """Layers with number formats, each after those that feed it.

    Attributes:
        name: Name of the top function and module.
        layers: The layers in an order of evaluation.
        inputs: Names of the input layers.
        outputs: Names of the layers whose results leave the graph.
    """

    name: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __getitem__(self, name: str) -> Layer:
        """Find a layer by its name; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    @property
    def input(self) -> Layer:
        """The only input layer."""
        (name,) = self.inputs
        return self[name]

    @property
    def output(self) -> Layer:
        """The only output layer."""
        (name,) = self.outputs
        return self[name]

    @property
    def multiplications(self) -> int:
        """Products per event of all layers."""
        return sum(layer.multiplications for layer in self.layers)

    def save(self, folder: Path) -> None:
        """Write `graph.json` and `graph.npz` (the weights' integers) into a folder."""
        arrays = {
            f"{layer.name}/{name}": weights.integers for layer in self.layers for name, weights in layer.weights.items()
        }
        document = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "layers": [_layer_document(layer) for layer in self.layers],
        }
        (folder / "graph.json").write_text(json.dumps(document, indent=1) + "\n")
        np.savez_compressed(folder / "graph.npz", **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path) -> Graph:
        """Read what `save` wrote.

        Raises:
            ValueError: It was written by another version of the format.
        """
        document = json.loads((folder / "graph.json").read_text())
        if document["format_version"] != FORMAT_VERSION:
            raise ValueError(f"{folder / 'graph.json'}: format version {document['format_version']} is not known")
        with np.load(folder / "graph.npz", allow_pickle=False) as arrays:
            layers = tuple(_layer(entry, arrays) for entry in document["layers"])
        return cls(document["name"], layers, tuple(document["inputs"]), tuple(document["outputs"]))


def _layer_document(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "inputs": layer.inputs,
        "shape": layer.shape,
        "result": asdict(layer.result),
        "accumulator": None if layer.accumulator is None else asdict(layer.accumulator),
        "weights": {name: asdict(weights.format) for name, weights in layer.weights.items()},
        "attributes": layer.attributes,
    }


def _layer(entry: dict[str, Any], arrays: Any) -> Layer:
    return Layer(
        name=entry["name"],
        kind=entry["kind"],
        inputs=tuple(entry["inputs"]),
        shape=tuple(entry["shape"]),
        result=FixedPoint(**entry["result"]),
        accumulator=None if entry["accumulator"] is None else FixedPoint(**entry["accumulator"]),
        weights={
            name: Weights(FixedPoint(**number_format), arrays[f"{entry['name']}/{name}"])
            for name, number_format in entry["weights"].items()
        },
        attributes={k: tuple(v) if isinstance(v, list) else v for k, v in entry["attributes"].items()},
    )
