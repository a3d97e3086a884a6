"""Checks a certificate against the files that it is about, from the Verilog on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trigcnn.common.files import scratch
from trigcnn.hls.errors import ProofError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.proof.checker import control, front_end, streaming
from trigcnn.hls.proof.checker.certificate import Certificate, digest, digests, source_names
from trigcnn.hls.proof.checker.equivalence import Claim, Obligation, Port, prove
from trigcnn.hls.proof.checker.netlist import Netlist, delays, load, modules
from trigcnn.hls.rtl import design as rtl


class LatencyError(ProofError):
    """An output comes another number of clocks after the inputs than the design says."""


def check(path: Path, convert: Path, *, timeout_s: float, note: Callable[[Obligation], None] = lambda _: None) -> None:
    """Check a certificate.

    Args:
        path: The certificate.
        convert: Folder of the stage `convert` whose graph and Verilog it is about.
        timeout_s: Time limit of Yosys in seconds.
        note: Called with each obligation that was met.

    Raises:
        ProofError: It claims no proof, is about other files, or claims something that does not hold.
        ToolFailedError: Yosys cannot read the Verilog.
    """
    certificate = Certificate.load(path)
    if certificate.status != "proved":
        raise ProofError(f"{path}: it claims no proof, but {certificate.status}: {certificate.reason}")
    graph, design = Graph.load(convert), rtl.RtlDesign.load(convert)
    for name, known in digests(convert, design, certificate.language).items():
        if certificate.files.get(name) != known:
            raise ProofError(f"{convert / name}: is not the file that the certificate is about")
    shown: list[Obligation]
    with scratch() as folder:
        if design.architecture == "parallel":
            netlist, found = read(design, convert, folder, certificate.language, timeout_s=timeout_s)
        else:
            modules, found = read_modules(design, convert, folder, timeout_s=timeout_s)
    if found != certificate.netlist:
        raise ProofError(
            f"Yosys {front_end.version()} makes another netlist than Yosys {certificate.tool} did; check it with that "
            "version, or prove the run again"
        )
    if design.architecture == "parallel":
        shown = check_times(netlist, design)
        for obligation in shown:
            note(obligation)
        shown += prove(netlist, graph, ports(design.inputs), ports(design.outputs), certificate.claims, note)
    else:

        def claimed(place: str, *_: object) -> Mapping[int, Claim]:
            return certificate.claims.get(place, {})

        shown = streaming.prove(modules, graph, design, certificate.units, claimed)
        for obligation in shown:
            note(obligation)
    if tuple(shown) != certificate.shown:
        raise ProofError(f"{path}: it lists other statements than those that hold")


def read(
    design: rtl.RtlDesign, convert: Path, place: Path, language: rtl.Language, *, timeout_s: float
) -> tuple[Netlist, str]:
    """Read the sources of a design.

    Args:
        design: The design.
        convert: Folder of the stage that has its sources in `rtl` or `vhdl`.
        place: Folder for Yosys.
        language: Language of the sources.
        timeout_s: Time limit in seconds.

    Returns:
        The netlist, and SHA-256 of Yosys' file.

    Raises:
        ToolFailedError: Yosys cannot read it.
        ProofError: It has cells that are not known.
    """
    sources = [convert / name for name in source_names(design, language)]
    written = front_end.netlist(sources, design.top, place, language, timeout_s=timeout_s)
    return load(written, design.top, design.clock, [port.name for port in design.outputs]), digest(written)


def read_modules(
    design: rtl.RtlDesign, convert: Path, place: Path, *, timeout_s: float
) -> tuple[dict[str, Netlist], str]:
    """Read the Verilog of a streaming design.

    Args:
        design: The design.
        convert: Folder of the stage that has its sources in `rtl`.
        place: Folder for Yosys.
        timeout_s: Time limit in seconds.

    Returns:
        Its modules, and SHA-256 of Yosys' file.

    Raises:
        ToolFailedError: Yosys cannot read it.
        ProofError: It has cells that are not known.
    """
    sources = [convert / name for name in source_names(design, "verilog")]
    written = front_end.netlist(sources, design.top, place, "verilog", timeout_s=timeout_s, streaming=True)
    return modules(written, design.clock), digest(written)


def ports(described: Sequence[rtl.Port]) -> list[Port]:
    """Return how ports carry the values of layers."""
    formats = [(each, each.number_format) for each in described]
    return [Port(p.name, p.layer, f.width, f.signed, f.fraction) for p, f in formats]


def check_times(netlist: Netlist, design: rtl.RtlDesign) -> list[Obligation]:
    """Check latency, initiation interval, valid bits and reset of a parallel design.

    Between inputs and outputs there is no state but registers, as many on every path, and no loop. So an event can
    enter at every clock, and its results come as many clocks later.

    Raises:
        LatencyError: An output comes at another clock.
        ProofError: Another of these is not as described.
    """
    latency = design.latency_cycles
    found = delays(netlist, [port.name for port in design.inputs])
    for port in design.outputs:
        for bit in netlist.outputs[port.name]:
            if found.get(bit, latency) != latency:
                raise LatencyError(f"{port.name}: it is {found[bit]} clocks behind the inputs, not {latency}")
    shown = [Obligation("latency", "structural", len(design.outputs))]
    if design.reset is not None:
        pairs = {(design.inputs[0].valid or "", port.valid or "") for port in design.outputs}
        for pair in sorted(pairs):
            control.check_valid(netlist, pair, design.reset, latency)
        shown.append(Obligation("valid and reset", "induction", len(pairs)))
    return shown
