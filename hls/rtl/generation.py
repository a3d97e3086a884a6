"""RTL of a graph in the requested architecture, generated in a child process with a time limit.

Run as `python -m trigcnn.hls.rtl.generation REQUEST`, where REQUEST is a folder that `generate` wrote.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trigcnn.common.files import scratch
from trigcnn.hls import tool
from trigcnn.hls.errors import ConversionError, HlsError, ToolFailedError, ToolTimeoutError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.parts import totals
from trigcnn.hls.rtl import size
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.options import RtlLayerOptions, RtlOptions

_AT = "at "
_LAYER = f"{_AT}layer "
_REQUEST, _ERROR = "request.json", "error.txt"
# Above this share of a device's LUTs, place and route seldom meets a clock.
_FULL = 0.7


def generate(
    graph: Graph,
    folder: Path,
    options: RtlOptions,
    *,
    part: str,
    clock_period_ns: float,
    log: Path,
    timeout_s: float,
    on_layer: Callable[[str], None] = lambda _: None,
) -> RtlDesign:
    """Write Verilog for a graph.

    Args:
        graph: What to build.
        folder: New folder: `src/` has the Verilog. VHDL goes into the folder `vhdl` beside it.
        options: How it is laid out.
        part: Device; the architecture `auto` looks at its size.
        clock_period_ns: Clock period in the constraints, in ns.
        log: File for the layers that are done.
        timeout_s: Time limit in seconds.
        on_layer: Called with the name of each layer, soon after it is begun.

    Raises:
        ConversionError: It is too large for the options, or a layer has no RTL, or it took too long; the message says
            at which layer. Or the options leave the architecture or the stage delay open.
        ToolFailedError: The generator crashed.
    """
    size.check(_sizes(graph), options)
    with scratch() as place:
        graph.save(place)
        request = {
            "folder": str(folder.resolve()),
            "options": asdict(options),
            "part": part,
            "clock_period_ns": clock_period_ns,
        }
        (place / _REQUEST).write_text(json.dumps(request))

        def told(line: str) -> None:
            if line.startswith(_LAYER):
                on_layer(line.removeprefix(_LAYER))

        try:
            tool.run_module("trigcnn.hls.rtl.generation", [place], log=log, timeout_s=timeout_s, on_line=told)
        except ToolTimeoutError as error:
            done = [line.removeprefix(_AT) for line in log.read_text().splitlines() if line.startswith(_AT)]
            where = done[-1] if done else "the network"
            raise ConversionError(
                f"{where}: the RTL was not generated within {timeout_s:g} s; generation stopped at this layer; raise "
                "time_limits.rtl_s, use fewer bits or weights, or set rtl.architecture: none"
            ) from error
        except ToolFailedError as error:
            if (place / _ERROR).is_file():
                raise ConversionError((place / _ERROR).read_text()) from error
            raise
        return RtlDesign.load(place)


def _sizes(graph: Graph) -> list[size.LayerSize]:
    return [
        size.LayerSize(layer.name, layer.parameters, layer.multiplications, layer.kind == "Dense")
        for layer in graph.layers
    ]


@dataclass(frozen=True)
class _Target:
    part: str
    clock_period_ns: float


def _generate(graph: Graph, folder: Path, options: RtlOptions, target: _Target) -> RtlDesign:
    match options.architecture:
        case "parallel":
            return _parallel(graph, folder, options, target)
        case "streaming":
            return _streaming(graph, folder, options, target)
        case "auto":
            return _fitting(graph, folder, options, target)
        case "none":
            raise ConversionError("rtl.architecture: none asks for no RTL; use auto, parallel or streaming")


def _fitting(graph: Graph, folder: Path, options: RtlOptions, target: _Target) -> RtlDesign:
    """Generate the parallel architecture if it is small enough and fits the part by its estimate, else streaming."""
    if graph.multiplications > options.max_multiplications:
        return _streaming(graph, folder, options, target)
    design = _parallel(graph, folder, options, target)
    device = totals(target.part)
    if device is None or design.estimated_lut <= _FULL * device.lut:
        return design
    spare = folder.with_name(f"{folder.name}.streaming")
    chosen = spare / folder.name
    try:
        streaming = _streaming(graph, chosen, options, target)
    except ConversionError:
        # A design that may not fit is better than none.
        shutil.rmtree(spare, ignore_errors=True)
        return design
    for place, project in ((folder, chosen), (_vhdl_folder(folder, options), _vhdl_folder(chosen, options))):
        if place is not None and project is not None:
            shutil.rmtree(place)
            project.rename(place)
    spare.rmdir()
    return streaming


def _vhdl_folder(folder: Path, options: RtlOptions) -> Path | None:
    return folder.with_name("vhdl") if options.language == "vhdl" else None


def _parallel(graph: Graph, folder: Path, options: RtlOptions, target: _Target) -> RtlDesign:
    from trigcnn.hls.rtl import parallel

    return parallel.generate(
        graph,
        folder,
        clock_period_ns=target.clock_period_ns,
        stage_delay=_stage_delay(options),
        max_multiplications=options.max_multiplications,
        valid=options.valid,
        output_registers=options.output_registers,
        vhdl_folder=_vhdl_folder(folder, options),
        note=_note,
    )


def _streaming(graph: Graph, folder: Path, options: RtlOptions, target: _Target) -> RtlDesign:
    from trigcnn.hls.rtl.streaming.generate import generate as generate_streaming

    return generate_streaming(
        graph,
        folder,
        stage_delay=_stage_delay(options),
        reuse_factors={name: layer.reuse_factor for name, layer in options.layers.items()},
        serial_dense=options.serial_dense,
        clock_period_ns=target.clock_period_ns,
        vhdl_folder=_vhdl_folder(folder, options),
        note=_note,
    )


def _stage_delay(options: RtlOptions) -> float:
    if options.stage_delay == "auto":
        raise ConversionError("rtl.stage_delay: auto is found by place and route; give a number here")
    return options.stage_delay


def _note(what: str) -> None:
    sys.stdout.write(f"{_AT}{what}\n")
    sys.stdout.flush()


def _main(place: Path) -> int:
    request = json.loads((place / _REQUEST).read_text())
    options = RtlOptions(**request["options"])
    layers = {name: RtlLayerOptions(**own) for name, own in request["options"]["layers"].items()}
    try:
        design = _generate(
            Graph.load(place),
            Path(request["folder"]),
            replace(options, layers=layers),
            _Target(request["part"], request["clock_period_ns"]),
        )
    except HlsError as error:
        (place / _ERROR).write_text(str(error))
        return 1
    design.save(place)
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
