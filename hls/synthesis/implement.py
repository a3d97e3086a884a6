"""A design through synthesis, place and route: Yosys and nextpnr for Lattice ECP5."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from trigcnn.hls.synthesis import ecp5, nextpnr, yosys
from trigcnn.hls.synthesis.primitives import Resources
from trigcnn.hls.synthesis.report import SynthesisReport

_NETLIST = Path("netlist.json")


@dataclass(frozen=True)
class ImplementOptions:
    """How a design is placed and routed.

    Attributes:
        part: The part, such as `LFE5U-85F-6BG381C`.
        clock_period_ns: Clock period to reach, in ns.
        effort: Effort of Yosys.
        dsp: Whether products may become multiplier blocks.
        seed: Seed of the placement.
        synthesis_timeout_s: Time limit of Yosys in seconds.
        place_timeout_s: Time limit of nextpnr in seconds.
    """

    part: str
    clock_period_ns: float
    effort: yosys.Effort
    dsp: bool
    seed: int
    synthesis_timeout_s: float
    place_timeout_s: float

    def on(self, part: str, clock_period_ns: float) -> ImplementOptions:
        """Return the same options for another part and clock."""
        return replace(self, part=part, clock_period_ns=clock_period_ns)


@dataclass(frozen=True)
class Implementation:
    """The reports of Yosys and nextpnr on a design.

    Attributes:
        synthesis: Yosys' report, with the layers where the hierarchy was kept.
        placement: nextpnr's report.
    """

    synthesis: SynthesisReport
    placement: SynthesisReport


def implement(
    sources: list[Path],
    top: str,
    folder: Path,
    options: ImplementOptions,
    *,
    pins: Path | None = None,
    routed: Path | None = None,
) -> Implementation:
    """Synthesize, place and route.

    Args:
        sources: Verilog files, relative to the folder.
        top: Name of the top module.
        folder: Folder with them, and for what the tools write.
        options: How to do it.
        pins: Pin constraints (LPF), relative to the folder; without them the design is placed out of context.
        routed: File for the routed design, relative to the folder; needs pins.

    Raises:
        ConversionError: There is no such part.
        DoesNotFitError: The part has less than the design needs; raised as early as possible.
        ToolError: A tool is missing, failed or ran out of time.
    """
    placing = nextpnr.plan(
        _NETLIST,
        part=options.part,
        clock_period_ns=options.clock_period_ns,
        seed=options.seed,
        pins=pins,
        routed=routed,
    )
    synthesis = yosys.run(
        yosys.plan(
            sources,
            top,
            part=options.part,
            effort=options.effort,
            statistics=Path("yosys_stat.json"),
            dsp=options.dsp,
            netlist=_NETLIST,
        ),
        folder,
        clock_period_ns=options.clock_period_ns,
        timeout_s=options.synthesis_timeout_s,
    )
    nextpnr.check_fit(_counted(synthesis), ecp5.parse(options.part))
    layers = [layer.name for layer in synthesis.layers or ()]
    placement = nextpnr.run(placing, folder, layers=layers, timeout_s=options.place_timeout_s)
    return Implementation(synthesis, placement)


def _counted(report: SynthesisReport) -> Resources:
    return Resources(lut=report.lut or 0, ff=report.ff or 0, dsp=report.dsp or 0, bram=report.bram or 0)
