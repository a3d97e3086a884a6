"""The emulator as a library of C++17 with a C interface: sources, CMake, a test on golden events, and Python."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from trigcnn.hls.engines.emulator.fusion import fused
from trigcnn.hls.engines.emulator.generator import generate
from trigcnn.hls.engines.emulator.layers import translate
from trigcnn.hls.engines.emulator.library import FLAGS, RUNTIME
from trigcnn.hls.engines.emulator.plan import LEVELS, make_plan
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph, Layer, in_comment

if TYPE_CHECKING:
    from jinja2 import Environment

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
        fraction: Fraction bits: an integer is the number times `2**fraction`.
    """

    name: str
    first: int
    size: int
    shape: tuple[int, ...]
    format: str
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
    for layer in graph.output_layers:
        if layer.result.width > _MOST_OUTPUT_BITS:
            raise ConversionError(
                f"layer {layer.name}: {layer.result} has more bits than the {_MOST_OUTPUT_BITS} of the library's "
                "outputs; give the output a narrower quantizer"
            )
    sources = folder / "src"
    sources.mkdir()
    program = fused(translate(graph))
    for name, level in LEVELS.items():
        code = generate(program, make_plan(program, level), prefix=graph.name)
        (sources / f"level_{name}.cpp").write_text(code.source, encoding="utf-8")
        (sources / f"tables_{name}.cpp").write_text(_tables(graph.name, name, code.tables), encoding="utf-8")
    for header in RUNTIME.glob("*.h"):
        shutil.copy(header, sources / header.name)
    values = {
        "name": graph.name,
        "version": version("trigcnn"),
        "inputs": tuple(_ports(graph.input_layers)),
        "outputs": tuple(_ports(graph.output_layers)),
        "layers": [in_comment(layer.name) for layer in graph.layers],
        "levels": LEVELS,
        "flags": FLAGS,
        "vectors": vectors,
    }
    for template, target in _files(graph.name).items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_environment().get_template(template).render(values), encoding="utf-8")


def _files(name: str) -> dict[str, str]:
    return {
        "README.md.j2": "README.md",
        "CMakeLists.txt.j2": "CMakeLists.txt",
        "header.h.j2": f"include/{name}/{name}.h",
        "header.hpp.j2": f"include/{name}/{name}.hpp",
        "interface.cpp.j2": f"src/{name}.cpp",
        "test.cpp.j2": f"test/test_{name}.cpp",
        "golden.h.j2": "test/golden.h",
        "python.py.j2": f"python/{name}.py",
    }


def _ports(layers: Sequence[Layer]) -> Iterator[Port]:
    first = 0
    for layer in layers:
        form = layer.result
        yield Port(in_comment(layer.name), first, layer.size, layer.shape, str(form), form.width - form.integer)
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


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("trigcnn.hls.export", "templates/cpp"),
        autoescape=False,  # noqa: S701 - no page for a browser
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["hex"] = lambda value: float(value).hex()
    return environment
