"""Whether a streaming design computes a fixed-point graph, for every event and every pattern of gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.proof.checker.equivalence import Obligation
from trigcnn.hls.proof.checker.kernel import Ask, Channel, Kernel, Stream, Work, feedforward
from trigcnn.hls.proof.checker.netlist import Box, Netlist
from trigcnn.hls.proof.checker.times import source
from trigcnn.hls.proof.checker.units import Modules, Task, Unit, identity, known
from trigcnn.hls.rtl.design import Port, RtlDesign


@dataclass(frozen=True)
class _Wired:
    """Words on wires of the top module."""

    layer: str
    stream: Stream


def prove(
    netlists: Mapping[str, Netlist],
    graph: Graph,
    design: RtlDesign,
    tasks: Mapping[str, Task],
    ask: Ask,
    note: Callable[[str], None] = lambda _: None,
) -> list[Obligation]:
    """Prove that the words of a design are those of a graph, in their order.

    That holds for every pattern of valid bits, gaps and resets that keeps the initiation interval: behind the last word
    of an event there is the pause that it asks for.

    Args:
        netlists: The design's modules.
        graph: The graph.
        design: What is said of its ports.
        tasks: What each unit computes, by its name in the top module.
        ask: Says which bits hold elements.
        note: Called with the name of the unit in work.

    Returns:
        What was shown.

    Raises:
        RefutedError: A kernel computes something else.
        ProofError: Something cannot be shown.
    """
    if design.reset is None:
        raise ProofError("a design without reset has no first word")
    top, modules = netlists[design.top], Modules(netlists, design.reset)
    for name, netlist in netlists.items():
        _check_clocks(name, netlist, (design.clock, design.reset))
    for task in tasks.values():
        task.check(graph)
    wires: dict[tuple[int, ...], _Wired] = {}
    for port in design.inputs:
        wires[top.inputs[port.valid or ""][0], *top.inputs[port.name]] = _Wired(
            port.layer, replace(_words(port, graph), times=source(port.words, design.initiation_interval))
        )
    waiting = list(top.boxes)
    if {box.name for box in waiting} != tasks.keys():
        raise ProofError("what is said of units is not of those that the design has")
    shown: list[Obligation] = []
    while waiting:
        box = next((each for each in waiting if all(key in wires for key in _given(each, tasks[each.name]))), None)
        if box is None:
            raise ProofError(f"{waiting[0].name}: its words come from nowhere")
        waiting.remove(box)
        note(f"unit {box.name}")
        task = tasks[box.name]
        found = [wires[key] for key in _given(box, task)]
        if [each.layer for each in found] != list(task.sources.values()):
            raise ProofError(f"{box.name}: it reads other words than those of {', '.join(task.sources.values())}")
        sources = {prefix: each.stream for prefix, each in zip(task.sources, found, strict=True)}
        unit = Unit(modules, netlists[box.module], box.name, task, sources, graph, ask)
        stream = unit.result()
        stream = replace(stream, times=known(stream.times).named(box.name))
        wires[box.ports["out_valid"][0], *box.ports["out_data"]] = _Wired(task.result, stream)
        shown += unit.shown
    for port in design.outputs:
        shown.append(_output(top, port, wires, graph))
    short = {name: ends for name, ends in modules.queues.items() if ends[1] > ends[0]}
    if short:
        each = ", ".join(f"{name} ({size}, {most} may wait)" for name, (size, most) in short.items())
        raise ProofError(f"that queues hold all words that may wait was not shown of {each}")
    if modules.queues:
        shown.append(Obligation("queues", "counting", len(modules.queues)))
    return shown


def _check_clocks(name: str, netlist: Netlist, shared: tuple[str, str]) -> None:
    """Check that all modules have one clock and one reset."""
    for box in netlist.boxes:
        for port in shared:
            if port in box.ports and box.ports[port] != netlist.inputs.get(port):
                raise ProofError(f"{name}: {box.name} has another {port}")


def _given(box: Box, task: Task) -> list[tuple[int, ...]]:
    return [(box.ports[f"{prefix}_valid"][0], *box.ports[f"{prefix}_data"]) for prefix in task.sources]


def _words(port: Port, graph: Graph) -> Stream:
    """Return the words that come to a port: any values that its number format has."""
    number_format, result = port.number_format, graph[port.layer].result
    shift = number_format.fraction - result.fraction
    if shift < 0:
        raise ProofError(f"{port.name}: its format is coarser than that of layer {port.layer}")
    ends = result.min_integer << shift, result.max_integer << shift
    return Stream(port.words, port.width, _channels(port, *ends))


def _channels(port: Port, low: int = 0, high: int = 0) -> tuple[Channel, ...]:
    """Return how a port carries numbers."""
    own = port.number_format
    return tuple(
        Channel(number * own.width, own.width, own.signed, own.fraction, low, high) for number in range(port.values)
    )


def _output(top: Netlist, port: Port, wires: Mapping[tuple[int, ...], _Wired], graph: Graph) -> Obligation:
    """Check that an output port carries a layer's words."""
    (valid,) = top.outputs[port.valid or ""]
    for (own, *data), wired in wires.items():
        if own == valid and wired.layer == port.layer:
            feed = identity(wired.stream, data)
            netlist = feedforward(top, top.outputs[port.name], 0, feed)
            kernel = Kernel(netlist, feed, Work(wired.stream.elements(), ()), graph)
            kernel.check(port.name, lambda *_: {}, _channels(port))
            return Obligation(port.layer, "linear", port.values)
    raise ProofError(f"{port.name}: its valid bit is not that of words of layer {port.layer}")


__all__ = ["prove"]
