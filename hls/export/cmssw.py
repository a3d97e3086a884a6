"""The emulator as a model of CMSSW: a folder of the cms-hls4ml organization, for hls4mlEmulatorExtras."""

from __future__ import annotations

from pathlib import Path

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.cpp import write_sources
from trigcnn.hls.export.templates import fill
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph

# A double holds the numbers of an input up to here.
_MOST_INPUT_BITS = 53


def write(graph: Graph, folder: Path, vectors: Vectors, *, model_version: int = 1) -> None:
    """Write `NAME/`, with the model's version in `NAME/NAME_vN/`.

    Args:
        graph: The network NAME.
        folder: An empty folder.
        vectors: Events and outputs of the model's test.
        model_version: N, at least 0.

    Raises:
        ConversionError: A layer cannot be emulated exactly, or an input or an output has more bits than a double; the
            message names the layer.
    """
    for layer in graph.input_layers:
        if layer.result.width > _MOST_INPUT_BITS:
            raise ConversionError(
                f"layer {layer.name}: {layer.result} has more bits than the {_MOST_INPUT_BITS} of the model's inputs; "
                "give the input a narrower format"
            )
    model = f"{graph.name}_v{model_version}"
    place = folder / graph.name / model
    place.mkdir(parents=True)
    values = write_sources(graph, place / "NN", model, header=f"{model}.h")
    values |= {
        "visibility": "hidden",
        "vectors": vectors,
        "network": graph.name,
        "class": f"{graph.name}_emulator_v{model_version}",
    }
    fill("cpp", "header.h.j2", place / "NN" / f"{model}.h", values)
    fill("cpp", "golden.h.j2", place / "test" / "golden.h", values)
    for template, target in {
        "README.md.j2": "../README.md",
        "top.mk.j2": "../Makefile",
        "model.mk.j2": "Makefile",
        "emulator.cpp.j2": f"{values['class']}.cpp",
        "test.cpp.j2": f"test/test_{model}.cpp",
    }.items():
        fill("cmssw", template, place / target, values)
