"""The slowest path of a netlist before it is placed: delays of cells, and an assumed delay for each wire.

No open tool places and routes for Xilinx parts, so this estimate is the only figure of a design's clock that a run gets
without a licence. It shows whether the pipeline stages are short enough: CICADA's target, a Virtex-7 at 160 MHz, leaves
6.25 ns for the slowest path.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis import cell_delays
from trigcnn.hls.synthesis.cell_delays import CellDelays, Pin
from trigcnn.hls.synthesis.report import PathStep, SynthesisReport, layer_of

# Wires that are part of the slice, by the cell that they drive: within a carry chain, from a look-up table into it, and
# into wide multiplexers. Whatever else drives these pins does so over a wire and a look-up table that lets it through.
_WITHIN = {
    ("CARRY4", "CI"): "CARRY4",
    ("CARRY4", "S"): "LUT",
    ("MUXF7", "I0"): "LUT",
    ("MUXF7", "I1"): "LUT",
    ("MUXF8", "I0"): "MUXF7",
    ("MUXF8", "I1"): "MUXF7",
}
# What is no logic: names of scopes, and constants.
_IGNORED = ("$scopeinfo", "GND", "VCC")


class _Arc(NamedTuple):
    """From a net to a net through a cell."""

    target: int
    cell: str
    entry: Pin
    exit: Pin
    delay_ns: float
    wire_ns: float


def estimate(
    netlist: Path, top: str, folder: Path, synthesis: SynthesisReport, *, wire_delay_ns: float
) -> SynthesisReport | None:
    """Estimate the clock period of a synthesized design.

    Args:
        netlist: The flattened netlist that Yosys wrote.
        top: Name of the top module.
        folder: Folder for what Yosys writes of its library.
        synthesis: What Yosys said of the design.
        wire_delay_ns: Assumed delay of a wire between two slices, in ns.

    Returns:
        The slowest path and its delay; None where a cell has no known delays, or nothing has any.

    Raises:
        ToolFailedError: Yosys failed, or the netlist cannot be understood.
    """
    delays = cell_delays.read(folder)
    module = json.loads(netlist.read_text())["modules"][top]
    if {cell["type"] for cell in module["cells"].values()} - {*delays, *_IGNORED}:
        return None
    layers = [layer.name for layer in synthesis.layers or ()]
    path = slowest_path(module, delays, wire_delay_ns=wire_delay_ns, layers=layers)
    if not path:
        return None
    return SynthesisReport(
        tool="Delays of cells of",
        version=f"Yosys {synthesis.version}, {wire_delay_ns:g} ns per wire",
        evidence="estimate",
        design="rtl",
        part=synthesis.part,
        clock_period_ns=synthesis.clock_period_ns,
        estimated_clock_period_ns=round(sum(step.delay_ns for step in path), 6),
        critical_path=path,
    )


def slowest_path(
    module: dict[str, Any], delays: dict[str, CellDelays], *, wire_delay_ns: float, layers: Collection[str] = ()
) -> tuple[PathStep, ...]:
    """Find the slowest way from register to register; ports count as registers.

    Args:
        module: The flattened netlist, as Yosys writes it in JSON.
        delays: Delays by kind of cell.
        wire_delay_ns: Assumed delay of a wire between two slices, in ns.
        layers: Names of the layers that have a module of their own.

    Returns:
        Its steps, none if there is no register; steps that take no time are left out.

    Raises:
        KeyError: A cell has no known delays.
        ToolFailedError: Logic feeds itself.
    """
    arcs, arrivals, ends = _graph(module, delays, wire_delay_ns)
    before = _propagate(arcs, arrivals)
    if not ends:
        return ()
    net, pin, setup, wire = max(ends, key=lambda end: arrivals.get(end[0], (0.0, ""))[0] + end[2] + end[3])
    steps = [("setup", pin, pin, setup), ("routing", "", pin, wire)]
    while net in before:
        start, arc = before[net]
        cell = f"{arc.cell}.{_text(arc.entry)}"
        steps += [("logic", cell, f"{arc.cell}.{_text(arc.exit)}", arc.delay_ns), ("routing", "", cell, arc.wire_ns)]
        net = start
    launch, source = arrivals.get(net, (0.0, "port"))
    steps.append(("clk-to-q", source, source, launch))
    return _named(steps[::-1], layers)


def _graph(
    module: dict[str, Any], delays: dict[str, CellDelays], wire_delay_ns: float
) -> tuple[dict[int, list[_Arc]], dict[int, tuple[float, str]], list[tuple[int, str, float, float]]]:
    arcs: dict[int, list[_Arc]] = defaultdict(list)
    arrivals: dict[int, tuple[float, str]] = {}
    ends: list[tuple[int, str, float, float]] = []
    register = delays["FDRE"].clock_to_output[("Q", 0)]
    through = delays["LUT1"].through[("I0", 0), ("O", 0)]
    drivers = {
        # An inverter is a look-up table.
        net: cell["type"].replace("INV", "LUT1")
        for cell in module["cells"].values()
        for pin, bits in cell["connections"].items()
        if cell["type"] in delays and pin in ("O", "CO", "Q", "Q31")
        for net in _nets(bits)
    }
    for name, port in module["ports"].items():
        for net in _nets(port["bits"]):
            if port["direction"] == "input":
                arrivals[net] = (register, name)
            else:
                ends.append((net, name, 0.0, wire_delay_ns))
    for name, cell in module["cells"].items():
        kind, nets = cell["type"], cell["connections"]
        if kind in _IGNORED:
            continue
        known = delays[kind]
        for pin, delay in known.clock_to_output.items():
            if (launched := _net(nets, pin)) is not None:
                arrivals[launched] = (delay, f"{name}.{_text(pin)}")
        for pin, delay in known.setup.items():
            if (captured := _net(nets, pin)) is not None:
                ends.append((captured, f"{name}.{_text(pin)}", delay, wire_delay_ns))
        for (entry, leave), delay in known.through.items():
            source, target = _net(nets, entry), _net(nets, leave)
            if source is not None and target is not None:
                wire = wire_delay_ns
                wanted = _WITHIN.get((kind, entry[0]))
                if wanted is not None:
                    wire = 0.0 if drivers.get(source, "").startswith(wanted) else wire_delay_ns + through
                arcs[source].append(_Arc(target, name, entry, leave, delay, wire))
    return arcs, arrivals, ends


def _propagate(arcs: dict[int, list[_Arc]], arrivals: dict[int, tuple[float, str]]) -> dict[int, tuple[int, _Arc]]:
    """Carry arrival times through the logic; gives the arc by which each net is reached last."""
    waiting: dict[int, int] = defaultdict(int)
    for leaving in arcs.values():
        for arc in leaving:
            waiting[arc.target] += 1
    ready = deque(net for net in arcs if not waiting[net])
    before: dict[int, tuple[int, _Arc]] = {}
    while ready:
        net = ready.popleft()
        reached = arrivals.get(net, (0.0, ""))[0]
        for arc in arcs.get(net, ()):
            at = reached + arc.wire_ns + arc.delay_ns
            if at > arrivals.get(arc.target, (-1.0, ""))[0]:
                arrivals[arc.target] = (at, "")
                before[arc.target] = (net, arc)
            waiting[arc.target] -= 1
            if not waiting[arc.target]:
                ready.append(arc.target)
    if any(waiting.values()):
        raise ToolFailedError("the netlist has logic that feeds itself, so there is no slowest path")
    return before


def _named(steps: list[tuple[str, str, str, float]], layers: Collection[str]) -> tuple[PathStep, ...]:
    """Return each wire its beginning, and each step its layer."""
    found: list[PathStep] = []
    end = ""
    for kind, start, stop, delay in steps:
        begin = start or end
        end = stop
        if delay > 0:
            found.append(PathStep(begin, stop, kind, round(delay, 6), layer_of(begin, layers)))
    return tuple(found)


def _net(connections: dict[str, list[int | str]], pin: Pin) -> int | None:
    """Return the net at a pin; None where it is a constant or nothing."""
    bits = connections.get(pin[0], [])
    bit = bits[pin[1]] if pin[1] < len(bits) else "x"
    return bit if isinstance(bit, int) else None


def _nets(bits: list[int | str]) -> Iterator[int]:
    return (bit for bit in bits if isinstance(bit, int))


def _text(pin: Pin) -> str:
    return f"{pin[0]}[{pin[1]}]" if pin[1] else pin[0]
