"""A self-checking test bench with vectors in the project of a design, for any simulator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Events, Graph, Outputs
from trigcnn.hls.rtl import vhdl
from trigcnn.hls.rtl.design import Language, Port, RtlDesign
from trigcnn.hls.rtl.simulators import FILE_LIST, SIMULATORS, WHEEL_MAKEFLAGS, plan
from trigcnn.hls.templating import environment

Integers = npt.NDArray[np.int64]


def write(
    project: Path,
    design: RtlDesign,
    inputs: list[Integers],
    expected: list[Integers],
    *,
    clock_period_ns: float,
    language: Language = "verilog",
) -> tuple[str, ...]:
    """Write the folder `tb` of a project: test bench, vectors, list of sources and a README with the commands.

    Args:
        project: Folder with the Verilog or VHDL in `src/`.
        design: What is tested.
        inputs: Events for each input port, [events, *shape], in units of its format's last bit.
        expected: Expected words of each output port, in the same form; never taken from the design itself.
        clock_period_ns: Clock period of the simulation, in ns.
        language: Of the design and the test bench. `hls/rtl/templates/test_bench.vhd.j2` shows what the VHDL
            must look like: the entity and ports as in Verilog, `std_logic` for `clk`, `rst` and each valid, and
            `std_logic_vector(width - 1 downto 0)` for words, one bit too.

    Returns:
        The sources, test bench last, relative to the project's folder.

    Raises:
        ConversionError: There are no events, or not the same number at each port.
    """
    events = {len(part) for part in (*inputs, *expected)}
    if len(events) != 1 or events == {0}:
        raise ConversionError(
            f"a test bench needs as many events at each port, and at least one; given {sorted(events)}"
        )
    content = {
        "design": design,
        "events": events.pop(),
        "words": design.words,
        "half_period_ps": round(clock_period_ns * 500),
        "file_of": file_of,
    }
    templates = environment("trigcnn.hls.rtl")
    folder = project / "tb"
    folder.mkdir()
    for ports, parts, role in [(design.inputs, inputs, "inputs"), (design.outputs, expected, "expected")]:
        for n, (port, part) in enumerate(zip(ports, parts, strict=True)):
            (folder / file_of(ports, role, n)).write_text(hexadecimal(port, part))
    suffix = "v" if language == "verilog" else "vhd"
    bench = folder / f"{design.top}_tb.{suffix}"
    bench.write_text(templates.get_template(f"test_bench.{suffix}.j2").render(content))
    paths = (project / "src").rglob(f"*.{suffix}")
    ordered = sorted(paths) if language == "verilog" else vhdl.in_order(paths)
    sources = tuple(path.relative_to(project).as_posix() for path in (*ordered, bench))
    (project / FILE_LIST).write_text("".join(f"{source}\n" for source in sources))
    plans = [plan(simulator, bench.stem, sources) for simulator in SIMULATORS[language]]
    readme = templates.get_template("test_bench.md.j2").render(content, plans=plans, makeflags=WHEEL_MAKEFLAGS)
    (folder / "README.md").write_text(readme)
    return sources


def vectors(graph: Graph, design: RtlDesign, events: Events, outputs: Outputs) -> tuple[list[Integers], list[Integers]]:
    """Return the arrays for `write`: events as the digitiser puts them on the ports, and their outputs.

    Args:
        graph: What the design was made of.
        design: Its ports.
        events: Real values, [events, ...].
        outputs: Outputs of another engine, [events, ...].

    Raises:
        ValueError: An output is not in the format of its port.
    """
    given = zip(graph.input_layers, design.inputs, graph.split_inputs(events), strict=True)
    inputs = [port.number_format.cast(layer.result.to_real(layer.result.cast(part))) for layer, port, part in given]
    wanted = zip(design.outputs, graph.split_outputs(outputs.reshape(-1, *graph.output_shape)), strict=True)
    return inputs, [port.number_format.to_integers(part) for port, part in wanted]


def file_of(ports: tuple[Port, ...], role: str, n: int) -> str:
    """Return the name of a port's file of vectors."""
    return f"{role}.hex" if len(ports) == 1 else f"{role}_{ports[n].name}.hex"


def hexadecimal(port: Port, integers: Integers) -> str:
    """Write events as a port's words, one per line, as `$readmemh` and `hread` read them.

    >>> from trigcnn.common.fixed_point import FixedPoint
    >>> port = Port("in_data", "x", (2, 1, 2), FixedPoint(True, 4, 2), live_bits=8, words=2, valid="in_valid")
    >>> hexadecimal(port, np.array([[[[1, 2]], [[-1, 3]]]])).split()
    ['21', '3f']
    """
    width = port.number_format.width
    digits = -(-port.width // 4)
    lines = []
    for word in integers.reshape(-1, port.values).tolist():
        bits = "".join(f"{value & ((1 << width) - 1):0{width}b}" for value in reversed(word))
        lines.append(f"{int(bits, 2):0{digits}x}\n")
    return "".join(lines)
