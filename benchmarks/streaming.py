"""The network of arXiv:2101.05108 as streaming RTL, beside the hls4ml tutorial's version of it in Vivado.

Run as `python benchmarks/streaming.py [RUN] [--events N] [--no-synthesis]`, RUN being the folder that `trigcnn run
configs/svhn.yaml` left (default: vivado_projects/svhn). Each design is generated from the run's graph, simulated on
test events of the run and held to the C simulation's outputs, and synthesized with Yosys for the family of the XCU250.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hls.engines import Events, Outputs, rtl
from hls.graph import Graph
from hls.rtl.design import RtlDesign
from hls.rtl.generation import RtlOptions, generate
from hls.synthesis import yosys
from hls.synthesis.implement import design_sources

PART, CLOCK_NS = "xcu250-figd2104-2L-e", 5.0
TIMEOUT_S = 3600
# The reports of the tutorial's quantized and pruned CNN: logic synthesis and C synthesis of Vivado 2020.1, for the
# XCU250 at 200 MHz (github.com/fastmachinelearning/hls4ml-tutorial, part 6).
PUBLISHED = ("hls4ml tutorial, 6 bits, half of the weights zero", "118,931", "30,702", "353", "34", "1,028", "1,044")


@dataclass(frozen=True)
class Point:
    """A design to build."""

    name: str
    serial_dense: bool = False
    reuse_factors: dict[str, int] = field(default_factory=dict)


POINTS = (
    Point("dense layers in parallel"),
    Point("dense layers in part in series", reuse_factors={"dense1": 48, "dense2": 21, "logits": 22}),
    Point("dense layers in series", serial_dense=True),
)


@dataclass(frozen=True)
class Measured:
    """What was found of a design."""

    design: RtlDesign
    seconds: float
    peak_mb: float
    equal: str
    lut: str = "-"
    ff: str = "-"
    dsp: str = "-"
    bram: str = "-"


def measure(graph: Graph, point: Point, events: Events, wanted: Outputs, folder: Path, *, synthesize: bool) -> Measured:
    """Generate, simulate and synthesize a design."""
    options = RtlOptions("streaming", PART, CLOCK_NS, 10.0, 1, point.serial_dense, point.reuse_factors)
    started = time.perf_counter()
    design = generate(graph, folder / "rtl", options, log=folder / "rtl.log", timeout_s=TIMEOUT_S)
    seconds = time.perf_counter() - started
    # Of all children so far, of which the generator is the largest until the simulation is compiled.
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    (folder / "simulation").mkdir()
    simulated = rtl.build(graph, design, folder / "rtl", folder / "simulation", timeout_s=TIMEOUT_S)
    wrong = int(np.count_nonzero(simulated.predict(events) != wanted))
    found = Measured(design, seconds, peak_mb, f"{wrong} of {wanted.size:,}")
    if not synthesize:
        return found
    plan = yosys.plan(
        design_sources(design, folder / "rtl"),
        design.top,
        part=PART,
        effort="fast",
        statistics=folder / "rtl" / "counts.json",
    )
    report = yosys.run(plan, folder / "rtl", clock_period_ns=CLOCK_NS, timeout_s=TIMEOUT_S)
    counts = {name: f"{getattr(report, name):,}" for name in ("lut", "ff", "dsp", "bram")}
    return Measured(design, seconds, peak_mb, found.equal, **counts)


def table(rows: list[tuple[Point, Measured]]) -> Table:
    """Put what was found beside what was published."""
    shown = Table(title="SVHN network, 32 x 32 x 3, as hardware")
    for column in ("design", "LUT", "FF", "DSP", "BRAM", "II", "latency", "differing", "generated in", "evidence"):
        shown.add_column(column, justify="left" if column in ("design", "evidence") else "right")
    for point, found in rows:
        shown.add_row(
            f"streaming RTL, {point.name}",
            *(found.lut, found.ff, found.dsp, found.bram),
            *(f"{found.design.initiation_interval:,}", f"{found.design.latency_cycles:,}"),
            found.equal,
            f"{found.seconds:.0f} s, {found.peak_mb:,.0f} MB",
            "open-synthesis (resources), simulation (cycles)",
        )
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
    for point in POINTS:
        with tempfile.TemporaryDirectory(prefix="trigcnn-") as place, console.status(point.name):
            found = measure(graph, point, events, wanted, Path(place), synthesize=not options.no_synthesis)
        rows.append((point, found))
    console.print(table(rows))
    console.print(
        "Not comparable: Yosys counts before place and route, Vivado after its logic synthesis; the data, and so the "
        "weights, are others (drawn digits here, SVHN there); inputs have 8 bits here, 16 there; the latency in cycles "
        "is simulated here and an estimate of Vivado HLS there. No clock was closed for the RTL on a Xilinx part."
    )


if __name__ == "__main__":
    main()
