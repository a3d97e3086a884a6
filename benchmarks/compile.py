"""What `trigcnn check` compiles, as hls4ml and Verilator compile it and as this project does, side by side.

Run as `python benchmarks/compile.py [RUN]`, RUN being the folder that `trigcnn convert configs/digits.yaml` or another
run left (default: vivado_projects/digits). Both C simulations, and both RTL simulations, must give equal outputs.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from trigcnn.common import user_cache
from trigcnn.common.files import copy_tree
from trigcnn.hls import tool
from trigcnn.hls.engines import Engine, Events, csim, rtl
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl.design import RtlDesign

TIMEOUT_S = 3600
Times = tuple[float, float]


def as_hls4ml(graph: Graph, project: Path, folder: Path) -> Engine:
    """Compile the C simulation with hls4ml's script as it is."""
    copy = folder / "csim"
    copy_tree(project, copy)
    script = copy / "build_lib.sh"
    text = script.read_text(encoding="utf-8")
    script.write_text(text.replace('BASEDIR="$(cd "$(dirname "$0")" && pwd)"', "BASEDIR=."), encoding="utf-8")
    tool.run(["bash", script.name], cwd=copy, log=folder / "log", timeout_s=TIMEOUT_S)
    (library,) = (copy / "firmware").glob("*.so")
    return csim.CSimulation(graph, library, folder, TIMEOUT_S)


def timed(build: Callable[[Path], Engine], folder: Path, events: Events) -> tuple[Times, np.ndarray]:
    """Build an engine and run all events; return seconds of all processors and of the clock, and the outputs."""
    folder.mkdir()
    begun, cpu = time.perf_counter(), _cpu_s()
    outputs = build(folder).predict(events)
    return (_cpu_s() - cpu, time.perf_counter() - begun), outputs


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(run: Path, place: Path) -> list[tuple[str, Times, Times, Times]]:
    """Return the times of each simulation: before, with an empty cache, and with what that left in the cache."""
    graph, design = Graph.load(run / "convert"), RtlDesign.load(run / "convert")
    with np.load(run / "train" / "test.npz", allow_pickle=False) as arrays:
        events = arrays["events"]
    project, verilog = run / "convert" / "hls", run / "convert" / "rtl"

    def simulated_c(folder: Path) -> Engine:
        return csim.build(graph, project, folder, timeout_s=TIMEOUT_S)

    def simulated_rtl(folder: Path) -> Engine:
        return rtl.build(graph, design, verilog, folder, timeout_s=TIMEOUT_S)

    kinds = {
        "C simulation": (lambda folder: as_hls4ml(graph, project, folder), simulated_c),
        "RTL simulation": (simulated_rtl, simulated_rtl),
    }
    rows = []
    for name, (old, new) in kinds.items():
        found = []
        for step, (cache, build) in enumerate((("", old), (str(place / "cache"), new), (str(place / "cache"), new))):
            os.environ[user_cache.VARIABLE] = cache
            found.append(timed(build, place / f"{name} {step}", events))
        times, outputs = zip(*found, strict=True)
        for other in outputs[1:]:
            np.testing.assert_array_equal(other, outputs[0])
        rows.append((name, *times))
    return rows


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", default=Path("vivado_projects/digits"), help="folder of a run")
    options = parser.parse_args()
    table = Table("Compiled and run", "Seconds of", "Before", "Empty cache", "After", "After / before")
    with tempfile.TemporaryDirectory(prefix="trigcnn-") as name:
        rows = measure(options.run, Path(name))
    totals = [tuple(sum(row[column][kind] for row in rows) for kind in range(2)) for column in (1, 2, 3)]
    for label, *times in [*rows, ("both", *totals)]:
        for kind, unit in enumerate(("processors", "the clock")):
            before, empty, after = (each[kind] for each in times)
            table.add_row(label, unit, f"{before:.1f}", f"{empty:.1f}", f"{after:.1f}", f"{after / before:.2f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
