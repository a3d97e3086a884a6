"""The emulator as a library of C++17 with a C interface: sources, CMake, a test on golden events, and Python."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trigcnn.hls.engines.emulator.fusion import fused
from trigcnn.hls.engines.emulator.generator import generate
from trigcnn.hls.engines.emulator.layers import translate
from trigcnn.hls.engines.emulator.library import FLAGS, RUNTIME
from trigcnn.hls.engines.emulator.plan import LEVELS, make_plan
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.templates import fill
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph, Layer, in_comment

# A double holds the integers of an output up to here.
_MOST_OUTPUT_BITS = 54
_BYTES_PER_LINE = 32


@dataclass(frozen=True)
class Port:
    """An input or an output of the network.

    Attributes:
        name: The layer's name.
        first: Index of its first number in an event, or in an event's outputs.
        size: How many numbers it has.
        shape: Their shape, the last axis is that of the channels.
        format: Their number format.
        ap_type: The same as a type of AMD's headers.
        fraction: Fraction bits: an integer is the number times `2**fraction`.
    """

    name: str
    first: int
    size: int
    shape: tuple[int, ...]
    format: str
    ap_type: str
    fraction: int


def write(graph: Graph, folder: Path, vectors: Vectors) -> None:
    """Write the library of a network.

    Args:
        graph: The network; its name begins all names of the library.
        folder: An empty folder.
        vectors: Events and outputs of the library's test.

    Raises:
        ConversionError: A layer cannot be emulated exactly, or an output has more bits than a double; the message
            names the layer.
    """
    name = graph.name
    values = {"vectors": vectors, **write_sources(graph, folder / "src", name, header=f"{name}/{name}.h")}
    for template, target in {
        "README.md.j2": "README.md",
        "CMakeLists.txt.j2": "CMakeLists.txt",
        "header.h.j2": f"include/{name}/{name}.h",
        "header.hpp.j2": f"include/{name}/{name}.hpp",
        "test.cpp.j2": f"test/test_{name}.cpp",
        "golden.h.j2": "test/golden.h",
        "python.py.j2": f"python/{name}.py",
    }.items():
        fill("cpp", template, folder / target, values)


def write_sources(graph: Graph, folder: Path, name: str, *, header: str) -> dict[str, Any]:
    """Write the C++ of the emulator and of its C interface.

    Args:
        graph: The network.
        folder: A new folder for the sources.
        name: Begins all names that the linker sees.
        header: How the interface's header is included; it is not written.

    Returns:
        What templates need to know of the network.

    Raises:
        ConversionError: As `write`.
    """
    for layer in graph.output_layers:
        if layer.result.width > _MOST_OUTPUT_BITS:
            raise ConversionError(
                f"layer {layer.name}: {layer.result} has more bits than the {_MOST_OUTPUT_BITS} of the library's "
                "outputs; give the output a narrower quantizer"
            )
    folder.mkdir()
    program = fused(translate(graph))
    for level, own in LEVELS.items():
        code = generate(program, make_plan(program, own), prefix=name)
        (folder / f"level_{level}.cpp").write_text(code.source, encoding="utf-8")
        (folder / f"tables_{level}.cpp").write_text(_tables(name, level, code.tables), encoding="utf-8")
    for runtime in RUNTIME.glob("*.h"):
        shutil.copy(runtime, folder / runtime.name)
    values = {
        "name": name,
        "header": header,
        "version": version("trigcnn"),
        "inputs": tuple(_ports(graph.input_layers)),
        "outputs": tuple(_ports(graph.output_layers)),
        "levels": LEVELS,
        "flags": FLAGS,
        "visibility": "default",
    }
    fill("cpp", "interface.cpp.j2", folder / f"{name}.cpp", values)
    return values


def _ports(layers: Sequence[Layer]) -> Iterator[Port]:
    first = 0
    for layer in layers:
        form = layer.result
        kind = f"ap_{'' if form.signed else 'u'}fixed"
        ap_type = f"{kind}<{form.width}, {form.integer}, AP_{form.rounding}, AP_{form.overflow}>"
        yield Port(
            in_comment(layer.name), first, layer.size, layer.shape, str(form), ap_type, form.width - form.integer
        )
        first += layer.size


def _tables(name: str, level: str, content: bytes) -> str:
    """The constants as text, in a unit of its own: the compiler must not see their type."""
    rows = (content[first : first + _BYTES_PER_LINE] for first in range(0, len(content), _BYTES_PER_LINE))
    lines = "".join(f"    {', '.join(map(str, row))},\n" for row in rows)
    symbol = f"{name}_tables_{level}"
    return (
        f"// Constants of the network for the instruction set {level}.\n"
        f'extern "C" __attribute__((visibility("hidden"))) const unsigned char {symbol}[];\n'
        f"alignas(64) const unsigned char {symbol}[] = {{\n{lines}}};\n"
    )
