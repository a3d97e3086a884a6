"""Delays of the cells of Xilinx 7-series parts, as the library of Yosys gives them.

They are those of Artix-7 at speed grade -1, measured by Project X-Ray and kept in the cell models of Yosys
(`share/xilinx/cells_sim.v`). They are taken for every part of the series, and wires are not in them. Only `path_delay`
uses them; Yosys has delays of no other Xilinx family.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis import yosys

FAMILY = "xc7"
"""Yosys' name of the family that has delays."""

# What synthesis for logic and registers makes; block memory and multiplier blocks have no delays here.
_CELLS = "LUT1 LUT2 LUT3 LUT4 LUT5 LUT6 CARRY4 MUXF7 MUXF8 FDRE FDSE FDCE FDPE SRL16E SRLC32E INV"
_SCRIPT = f"""read_verilog -specify +/xilinx/cells_sim.v
select {_CELLS}
proc
write_json -selected {{}}
"""
_TIMEOUT_S = 300.0

Pin = tuple[str, int]


@dataclass(frozen=True)
class CellDelays:
    """Delays of one kind of cell, in ns.

    Attributes:
        through: From a pin to a pin, without a register between.
        clock_to_output: From the clock edge to an output.
        setup: How long before the clock edge an input has to be there.
    """

    through: dict[tuple[Pin, Pin], float]
    clock_to_output: dict[Pin, float]
    setup: dict[Pin, float]


def read(folder: Path) -> dict[str, CellDelays]:
    """Let Yosys give the delays of its library.

    Args:
        folder: Folder for the script, its log and what it writes.

    Raises:
        ToolFailedError: Yosys failed, or its library has another form.
    """
    written = folder / "cell_delays.json"
    yosys.run_script(_SCRIPT.format(written.name), "cell_delays", folder, timeout_s=_TIMEOUT_S)
    try:
        modules = json.loads(written.read_text())["modules"]
        return {name: _delays(module) for name, module in modules.items()}
    except (OSError, ValueError, KeyError) as error:
        raise ToolFailedError(
            f"Yosys gives no delays of cells: {error!r}; pyosys {version('pyosys')} is not understood"
        ) from error


def _delays(module: dict[str, Any]) -> CellDelays:
    pins = {bit: (name, index) for name, port in module["ports"].items() for index, bit in enumerate(port["bits"])}
    found = CellDelays({}, {}, {})
    for cell in module["cells"].values():
        kind, parameters, nets = cell["type"], cell["parameters"], cell["connections"]
        if kind == "$specrule":
            for bit in nets["SRC"]:
                _raise(found.setup, pins[bit], _ns(parameters["T_LIMIT_MAX"]))
        elif kind in ("$specify2", "$specify3"):
            delay = max(_ns(parameters["T_RISE_MAX"]), _ns(parameters["T_FALL_MAX"]))
            for source, target in _pairs(nets["SRC"], nets["DST"], full=int(parameters["FULL"], 2) == 1):
                if kind == "$specify3":
                    _raise(found.clock_to_output, pins[target], delay)
                else:
                    _raise(found.through, (pins[source], pins[target]), delay)
    return found


def _pairs(sources: list[int], targets: list[int], *, full: bool) -> list[tuple[int, int]]:
    if full:
        return [(source, target) for source in sources for target in targets]
    return list(zip(sources, targets, strict=True))


def _raise(delays: dict[Any, float], key: Any, delay: float) -> None:
    delays[key] = max(delays.get(key, 0.0), delay)


def _ns(picoseconds: str) -> float:
    return int(picoseconds, 2) / 1000
