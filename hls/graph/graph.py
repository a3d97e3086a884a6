"""The fixed-point graph: the result of a conversion, which every engine runs.

A layer is its mathematical definition on exact numbers, followed by one cast to its result's number format.
`kinds.py` has the kinds of layers.

An event of a graph with several inputs is one row: the inputs, each flattened, in the order of `Graph.inputs`. So
are the outputs. With one input or output, the event keeps its shape.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint

FORMAT_VERSION = 1
Events = npt.NDArray[np.float32]
Outputs = npt.NDArray[np.float64]
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
        name: The layer's name, as in the user's model.
        kind: What it computes: the class name of hls4ml.
        inputs: Names of the layers that feed it.
        shape: Shape of its result, without the batch.
        result: Number format of its result.
        accumulator: Number format in which products are summed; None where there is none.
        weights: Constants by hls4ml's names (`weight`, `bias`).
        attributes: What else defines the computation (strides, padding, pool size, activation).
        safe_name: Its name in the HLS project and in the RTL, if `name` is not safe there.
        meaning: The formula of an output that was added behind the network, or of the scaling of an input in front of
            it; empty for the network's own layers.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    result: FixedPoint
    accumulator: FixedPoint | None = None
    weights: dict[str, Weights] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    safe_name: str | None = None
    meaning: str = ""

    @property
    def identifier(self) -> str:
        """Its name in the HLS project and in the RTL."""
        return self.safe_name or self.name

    def integer(self, name: str) -> int:
        """Return an attribute that is a whole number."""
        value = self.attributes[name]
        if not isinstance(value, int):
            raise TypeError(f"layer {self.name}: attribute {name} is {value!r}, not a whole number")
        return value

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(w.integers.size for name, w in self.weights.items() if name != "table")

    @property
    def size(self) -> int:
        """Number of values in its result."""
        return int(np.prod(self.shape))

    @property
    def multiplications(self) -> int:
        """Products per event with all weights counted, zeros too."""
        if "weight" not in self.weights:
            return 0
        positions = int(np.prod(self.shape[:-1])) if "Conv" in self.kind else 1
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
    def input_layers(self) -> tuple[Layer, ...]:
        """The input layers, in the order in which an event holds them."""
        return tuple(self[name] for name in self.inputs)

    @property
    def output_layers(self) -> tuple[Layer, ...]:
        """The layers whose results leave the graph, in order."""
        return tuple(self[name] for name in self.outputs)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of an event."""
        return _packed_shape(self.input_layers)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of an event's outputs."""
        return _packed_shape(self.output_layers)

    def split_inputs(self, events: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Split events: one array [events, *shape] per input layer."""
        return _unpack(events, self.input_layers)

    def split_outputs(self, outputs: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Split outputs: one array [events, *shape] per output layer."""
        return _unpack(outputs, self.output_layers)

    @property
    def output_lsb(self) -> npt.NDArray[np.float64]:
        """Weight of the last bit of each output, in the shape of an event's outputs."""
        flat = np.concatenate([np.full(layer.size, layer.result.lsb) for layer in self.output_layers])
        return flat.reshape(self.output_shape)

    @property
    def multiplications(self) -> int:
        """Products per event of all layers."""
        return sum(layer.multiplications for layer in self.layers)

    def save(self, folder: Path) -> None:
        """Write `graph.json` and `graph.npz` (the weights' integers) into a folder."""
        arrays = {
            f"{layer.identifier}/{name}": weights.integers
            for layer in self.layers
            for name, weights in layer.weights.items()
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


def in_comment(name: str) -> str:
    r"""Return a layer's name for a comment or a table of text: one line, quoted where it is not plain.

    >>> in_comment("conv1/conv"), in_comment("a|b\n")
    ('conv1/conv', "'a\\x7cb\\n'")
    """
    plain = re.fullmatch(r"[\w./> -]+", name, re.ASCII) is not None
    return name if plain else ascii(name).replace("|", r"\x7c").replace("`", r"\x60")


def pack(arrays: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Pack several inputs or outputs [events, ...] into rows, as events hold them."""
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)


def _packed_shape(layers: tuple[Layer, ...]) -> tuple[int, ...]:
    return layers[0].shape if len(layers) == 1 else (sum(layer.size for layer in layers),)


def _unpack(array: npt.NDArray[Any], layers: tuple[Layer, ...]) -> list[npt.NDArray[Any]]:
    flat = array.reshape(len(array), -1)
    ends = np.cumsum([layer.size for layer in layers])
    parts = np.split(flat, ends[:-1], axis=1)
    return [part.reshape(len(array), *layer.shape) for part, layer in zip(parts, layers, strict=True)]


def _layer_document(layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "identifier": layer.identifier,
        "kind": layer.kind,
        "inputs": layer.inputs,
        "shape": layer.shape,
        "result": asdict(layer.result),
        "accumulator": None if layer.accumulator is None else asdict(layer.accumulator),
        "weights": {name: asdict(weights.format) for name, weights in layer.weights.items()},
        "attributes": layer.attributes,
        **({"meaning": layer.meaning} if layer.meaning else {}),
    }


def _safe_name(entry: dict[str, Any]) -> str | None:
    # Earlier versions had one name for all.
    identifier: str = entry.get("identifier", entry["name"])
    return None if identifier == entry["name"] else identifier


def _layer(entry: dict[str, Any], arrays: Any) -> Layer:
    return Layer(
        name=entry["name"],
        kind=entry["kind"],
        inputs=tuple(entry["inputs"]),
        shape=tuple(entry["shape"]),
        result=FixedPoint(**entry["result"]),
        accumulator=None if entry["accumulator"] is None else FixedPoint(**entry["accumulator"]),
        weights={
            name: Weights(FixedPoint(**number_format), arrays[f"{_safe_name(entry) or entry['name']}/{name}"])
            for name, number_format in entry["weights"].items()
        },
        attributes={k: tuple(v) if isinstance(v, list) else v for k, v in entry["attributes"].items()},
        safe_name=_safe_name(entry),
        meaning=entry.get("meaning", ""),
    )
