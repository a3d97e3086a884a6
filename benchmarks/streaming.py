"""A network as parallel and streaming RTL side by side; that of arXiv:2101.05108 beside hls4ml's tutorial, too.

Run as `python benchmarks/streaming.py [RUN] [--events N] [--no-synthesis]`, RUN being the folder that `trigcnn run
configs/svhn.yaml` or another run left (default: vivado_projects/svhn). Each design is generated from the run's graph,
simulated on test events of the run and held to the C simulation's outputs, and synthesized with Yosys for UltraScale+.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table

from trigcnn.hls.engines import Events, Outputs, rtl
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.generation import generate
from trigcnn.hls.rtl.options import RtlLayerOptions, RtlOptions
from trigcnn.hls.synthesis import yosys

PART, CLOCK_NS, MOST_UNROLLED = "xcu250-figd2104-2L-e", 5.0, 50_000
TIMEOUT_S = 3600
# The reports of the tutorial's quantized and pruned CNN: logic synthesis and C synthesis of Vivado 2020.1, for the
# XCU250 at 200 MHz (github.com/fastmachinelearning/hls4ml-tutorial, part 6).
PUBLISHED = ("hls4ml tutorial, 6 bits, half of the weights zero", "118,931", "30,702", "353", "34", "1,028", "1,044")


@dataclass(frozen=True)
class Point:
    """A design to build."""

    name: str
    architecture: Literal["parallel", "streaming"] = "streaming"
    serial_dense: bool = False
    reuse_factors: dict[str, int] = field(default_factory=dict)


# What fits into 1,044 cycles, the latency that was published.
_WITHIN = {"dense1": 48, "dense2": 21, "logits": 22}


def points(graph: Graph) -> list[Point]:
    """Choose what to build of a network."""
    found = [Point("parallel RTL", "parallel")] if graph.multiplications <= MOST_UNROLLED else []
    found.append(Point("streaming RTL, dense layers in parallel"))
    if graph.name == "svhn":
        found.append(Point("streaming RTL, dense layers in part in series", reuse_factors=_WITHIN))
    return [*found, Point("streaming RTL, dense layers in series", serial_dense=True)]


@dataclass(frozen=True)
class Generated:
    """A design that was generated, how long it took, and the most memory that a child process had until then."""

    design: RtlDesign
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Measured:
    """What was found of a design."""

    made: Generated
    equal: str
    lut: str = "-"
    ff: str = "-"
    dsp: str = "-"
    bram: str = "-"


def generated(graph: Graph, point: Point, folder: Path) -> Generated:
    """Generate a design."""
    options = RtlOptions(
        point.architecture,
        max_multiplications=MOST_UNROLLED,
        serial_dense=point.serial_dense,
        layers={name: RtlLayerOptions(factor) for name, factor in point.reuse_factors.items()},
    )
    log = folder / "rtl.log"
    started = time.perf_counter()
    design = generate(graph, folder / "rtl", options, part=PART, clock_period_ns=CLOCK_NS, log=log, timeout_s=TIMEOUT_S)
    seconds = time.perf_counter() - started
    return Generated(design, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)


def measure(
    graph: Graph, made: Generated, events: Events, wanted: Outputs, folder: Path, *, synthesize: bool
) -> Measured:
    """Simulate and synthesize a design."""
    design = made.design
    (folder / "simulation").mkdir()
    simulated = rtl.build(graph, design, folder / "rtl", folder / "simulation", timeout_s=TIMEOUT_S)
    wrong = int(np.count_nonzero(simulated.predict(events) != wanted))
    found = Measured(made, f"{wrong} of {wanted.size:,}")
    if not synthesize:
        return found
    plan = yosys.plan(
        design.verilog,
        design.top,
        part=PART,
        effort="fast",
        statistics=folder / "rtl" / "counts.json",
    )
    report = yosys.run(plan, folder / "rtl", clock_period_ns=CLOCK_NS, timeout_s=TIMEOUT_S)
    counts = {name: f"{getattr(report, name):,}" for name in ("lut", "ff", "dsp", "bram")}
    return Measured(made, found.equal, **counts)


def table(graph: Graph, rows: list[tuple[Point, Measured]]) -> Table:
    """Put what was found beside what was published."""
    shown = Table(title=f"{graph.name}, {' x '.join(map(str, graph.input_shape))}, as hardware")
    for column in ("design", "LUT", "FF", "DSP", "BRAM", "II", "latency", "differing", "generated in", "evidence"):
        shown.add_column(column, justify="left" if column in ("design", "evidence") else "right")
    for point, found in rows:
        shown.add_row(
            point.name,
            *(found.lut, found.ff, found.dsp, found.bram),
            *(f"{found.made.design.initiation_interval:,}", f"{found.made.design.latency_cycles:,}"),
            found.equal,
            f"{found.made.seconds:.0f} s, {found.made.peak_mb:,.0f} MB",
            "open-synthesis (resources), simulation (cycles)",
        )
    if graph.name == "svhn":
        shown.add_row(*PUBLISHED, "-", "-", "vendor-synthesis (resources), vendor-csynth (cycles)")
    return shown


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path("vivado_projects/svhn"), help="folder of a run")
    parser.add_argument("--events", type=int, default=50, help="events to simulate")
    parser.add_argument("--no-synthesis", action="store_true", help="leave Yosys out")
    options = parser.parse_args()
    console = Console(width=180)
    graph = Graph.load(options.run / "convert")
    with np.load(options.run / "train" / "test.npz", allow_pickle=False) as arrays:
        events = arrays["events"][: options.events]
    wanted = np.load(options.run / "check" / "csim_outputs.npy", allow_pickle=False)[: options.events]
    rows = []
    with tempfile.TemporaryDirectory(prefix="trigcnn-") as name, console.status("generating, simulating, synthesizing"):
        wanted_points = points(graph)
        places = [Path(name) / str(number) for number in range(len(wanted_points))]
        for place in places:
            place.mkdir()
        # All before the first simulation is compiled, which takes more memory than they do.
        designs = [generated(graph, point, place) for point, place in zip(wanted_points, places, strict=True)]
        for point, made, place in zip(wanted_points, designs, places, strict=True):
            found = measure(graph, made, events, wanted, place, synthesize=not options.no_synthesis)
            rows.append((point, found))
    console.print(table(graph, rows))
    if graph.name != "svhn":
        return
    console.print(
        "Not comparable: Yosys counts before place and route, Vivado after its logic synthesis; the data, and so the "
        "weights, are others (drawn digits here, SVHN there); inputs have 8 bits here, 16 there; the latency in cycles "
        "is simulated here and an estimate of Vivado HLS there. No clock was closed for the RTL on a Xilinx part."
    )


if __name__ == "__main__":
    main()
