"""How well alkaid's cost model foretells the look-up tables that Yosys counts, over networks of the zoo.

Run as `python benchmarks/estimate.py [--only NAME]`. The networks have random weights, as before training; each is
built as parallel or streaming RTL and synthesized for UltraScale+ without DSP blocks.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.rtl.generation import generate
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.hls.synthesis import yosys
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.models import zoo
from trigcnn.models.training import seed_everything

PART, TIMEOUT_S = "xcvu9p-flga2577-2-e", 3600
IMAGES = {"digits": ((8, 8, 1), 10, "ufixed<4,0>"), "houses": ((32, 32, 3), 10, "ufixed<8,0>")}
ENERGIES = ((18, 14, 1), 2, "ufixed<10,10>")


@dataclass(frozen=True)
class Case:
    """A network and how it is built."""

    name: str
    network: str
    architecture: Literal["parallel", "streaming"]
    data: tuple[tuple[int, ...], int, str]
    options: dict[str, Any] = field(default_factory=dict)
    serial_dense: bool = False

    @property
    def title(self) -> str:
        """What the table says."""
        return f"{self.name}, {self.architecture}{', dense in series' if self.serial_dense else ''}"


def cases() -> list[Case]:
    """Give the networks, from small to large."""
    found = []
    for filters in ((2, 3), (4, 8), (6, 16)):
        for bits in (3, 5):
            options = {"filters": filters, "weight_bits": bits}
            name = f"lenet {filters[0]}-{filters[1]}, {bits} bits"
            found.append(Case(name, "lenet", "streaming", IMAGES["digits"], options))
            if filters != (6, 16):
                found.append(Case(name, "lenet", "parallel", IMAGES["digits"], options))
    small = {"filters": (4, 4, 6), "units": (12, 16)}
    found += [Case("svhn, a quarter", "svhn", "streaming", IMAGES["houses"], small, serial) for serial in (False, True)]
    narrow = {"convolution_bits": 6, "dense_bits": 4, "score_bits": 6, "units": 4, "activation_bits": 6}
    found.append(Case("cicada, narrow", "cicada", "parallel", ENERGIES, {**narrow, "activation_integer_bits": 6}))
    return found


def graph_of(case: Case, folder: Path) -> Graph:
    """Build a network with random weights and convert it."""
    shape, classes, text = case.data
    seed_everything(1)
    model = zoo.builder(case.network)(shape, classes, FixedPoint.parse(text), **case.options)
    options = HlsOptions("Vitis", PART, 5.0, "io_stream", "Latency", 1)
    normal = normal_form(model, options, input_format=FixedPoint.parse(text))
    bench = np.zeros((1, *shape), np.float32), np.zeros((1, classes), np.float32)
    return convert(normal, name="net", options=options, project=folder / "hls", log=folder / "log", test_bench=bench)


def measure(case: Case, folder: Path) -> tuple[RtlDesign, SynthesisReport]:
    """Generate a network's RTL and synthesize it."""
    options = RtlOptions(case.architecture, max_multiplications=100_000, serial_dense=case.serial_dense)
    rtl, log = folder / "rtl", folder / "rtl.log"
    design = generate(
        graph_of(case, folder), rtl, options, part=PART, clock_period_ns=5.0, log=log, timeout_s=TIMEOUT_S
    )
    plan = yosys.plan(
        design.verilog,
        design.top,
        part=PART,
        effort="fast",
        statistics=rtl / "counts.json",
    )
    return design, yosys.run(plan, rtl, clock_period_ns=5.0, timeout_s=TIMEOUT_S)


def main() -> None:
    """Measure, and print estimate, count, their ratio and the rank correlation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="networks whose title has this text")
    wanted = parser.parse_args().only
    # What Keras 2 and QKeras say of themselves.
    warnings.simplefilter("ignore")
    console = Console(width=120)
    shown = Table(title="LUTs")
    for column, side in (("design", "left"), ("estimate", "right"), ("open-synthesis", "right"), ("ratio", "right")):
        shown.add_column(column, justify=side)  # type: ignore[arg-type]
    designs: list[tuple[float, float]] = []
    layers: list[tuple[float, float]] = []
    for case in (case for case in cases() if wanted in case.title):
        with tempfile.TemporaryDirectory(prefix="trigcnn-") as place, console.status(case.title):
            design, report = measure(case, Path(place))
        estimate, counted = design.estimated_lut, report.lut or 0
        designs.append((estimate, counted))
        layers += [(design.estimated_lut_by_layer[layer.name], layer.lut) for layer in report.layers or ()]
        shown.add_row(case.title, f"{estimate:,.0f}", f"{counted:,}", f"{estimate / counted:.2f}")
    console.print(shown)
    for what, pairs in (("designs", designs), ("layers of streaming designs", layers)):
        pairs = [(estimate, counted) for estimate, counted in pairs if counted > 0 and estimate > 0]
        if len(pairs) < 3:
            continue
        estimates, counts = np.array(pairs).T
        ratios = estimates / counts
        rank = spearmanr(estimates, counts).statistic
        console.print(
            f"{len(pairs)} {what}: estimate / open-synthesis {np.median(ratios):.2f} (median; {ratios.min():.2f} to "
            f"{ratios.max():.2f}), rank correlation {rank:.3f}"
        )


if __name__ == "__main__":
    main()
