"""The folder of a QONNX export: the model, golden events, and a script that runs them."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.qonnx.layers import evaluate
from trigcnn.hls.export.qonnx.nodes import Nodes, Tensor, channels_first
from trigcnn.hls.export.templates import fill
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph, Layer, in_comment
from trigcnn.hls.graph.intervals import analyse

Arrays = dict[str, npt.NDArray[np.float32]]


def build(graph: Graph, *, batch: int = 1) -> Any:
    """Return a graph as an ONNX model with quantizers of QONNX.

    Inputs and outputs have the names that the layers have in the RTL, in float32; the channels come first.

    Args:
        graph: The graph.
        batch: Events at a time.

    Raises:
        ConversionError: A layer has no exact form there; the message names it.
    """
    nodes = Nodes(batch)
    ranges = analyse(graph)
    results: dict[str, Tensor] = {}
    inputs: list[Tensor] = []
    for layer in graph.layers:
        nodes.prefix = layer.identifier
        given = [results[name] for name in layer.inputs]
        if layer.kind == "Input":
            given = [Tensor(layer.identifier, channels_first(layer.shape))]
            inputs += given
        results[layer.name] = evaluate(nodes, graph, layer, given, ranges)
    outputs: list[Tensor] = []
    for layer, name in zip(graph.output_layers, output_names(graph), strict=True):
        result = results[layer.name]
        if result in outputs:
            outputs.append(nodes.add("Identity", [result], result.shape, name=name))
        else:
            results[layer.name] = nodes.rename(result, name)
            outputs.append(results[layer.name])
    return nodes.model(graph.name, inputs, outputs, f"trigcnn {version('trigcnn')}")


def output_names(graph: Graph) -> list[str]:
    """Return the names of the model's outputs."""
    names = [f"{layer.identifier}_out" for layer in graph.output_layers]
    taken = len(set(names)) < len(names) or set(names) & {layer.identifier for layer in graph.input_layers}
    return [f"{name}{number}" for number, name in enumerate(names)] if taken else names


def arrays(layers: tuple[Layer, ...], names: list[str], parts: list[npt.NDArray[Any]]) -> Arrays:
    """Return events or outputs by name, with the channels first."""
    found = {}
    for layer, name, part in zip(layers, names, parts, strict=True):
        values = part.reshape(len(part), *layer.shape)
        found[name] = (
            np.moveaxis(values, -1, 1).astype(np.float32) if len(layer.shape) > 1 else values.astype(np.float32)
        )
    return found


def write(graph: Graph, folder: Path, vectors: Vectors) -> None:
    """Write the model with golden events.

    Args:
        graph: The network.
        folder: An empty folder.
        vectors: Golden events and outputs.

    Raises:
        ConversionError: As `build`.
    """
    model = build(graph)
    (folder / f"{graph.name}.onnx").write_bytes(model.SerializeToString())
    events = graph.split_inputs(vectors.events.reshape(-1, *graph.input_shape))
    outputs = graph.split_outputs(vectors.outputs.reshape(-1, *graph.output_shape))
    given = arrays(graph.input_layers, [layer.identifier for layer in graph.input_layers], events)
    wanted = arrays(graph.output_layers, output_names(graph), outputs)
    np.savez_compressed(folder / "golden_inputs.npz", **given)  # type: ignore[arg-type]
    np.savez_compressed(folder / "golden_outputs.npz", **wanted)  # type: ignore[arg-type]
    described = [
        [
            (name, layer, in_comment(layer.name), [1, *channels_first(layer.shape)])
            for name, layer in zip(names, layers, strict=True)
        ]
        for names, layers in ((list(given), graph.input_layers), (list(wanted), graph.output_layers))
    ]
    values = {"name": graph.name, "version": version("trigcnn"), "ports": described, "events": len(vectors.events)}
    fill("qonnx", "README.md.j2", folder / "README.md", values)
    fill("qonnx", "check.py.j2", folder / "check.py", values)


def execute(model: Any, given: Arrays) -> Arrays:
    """Run a model with qonnx.

    Args:
        model: ONNX model; its batch is the number of events.
        given: The inputs by name.
    """
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    found: Arrays = execute_onnx(ModelWrapper(model), given)
    return found


def check(graph: Graph, vectors: Vectors) -> None:
    """Run a graph's model with qonnx, and compare its outputs with those that are expected.

    Raises:
        ConversionError: They differ.
    """
    events = graph.split_inputs(vectors.events.reshape(-1, *graph.input_shape))
    outputs = graph.split_outputs(vectors.outputs.reshape(-1, *graph.output_shape))
    given = arrays(graph.input_layers, [layer.identifier for layer in graph.input_layers], events)
    wanted = arrays(graph.output_layers, output_names(graph), outputs)
    found = execute(build(graph, batch=len(vectors.events)), given)
    for name, values in wanted.items():
        if differing := int((found[name] != values).sum()):
            raise ConversionError(
                f"output {name}: qonnx gives other values than the graph: {differing} of {values.size}"
            )
