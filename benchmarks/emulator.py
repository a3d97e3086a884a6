"""How fast the emulator is beside hls4ml's C simulation, and whether it is equal, on the network of arXiv:2101.05108.

Run as `python benchmarks/emulator.py [--events N] [--short] [--no-interpreter] [--log FOLDER]`; all that is compared
runs in one go. The program of alkaid's interpreter, which is the whole network unrolled, takes some minutes to make.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from trigcnn.common.keras2 import bring_up
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.engines import csim
from trigcnn.hls.engines.emulator import engine as emulator
from trigcnn.hls.engines.emulator.engine import Emulator
from trigcnn.hls.engines.interpreter import Interpreter
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rtl.program import program

SEED = 1
PART = "xcu250-figd2104-2L-e"
OPTIONS = HlsOptions("Vitis", PART, 5.0, "io_stream", "Latency", 1)
TIMEOUT_S = 1800
Events = npt.NDArray[np.float32]
Outputs = npt.NDArray[np.float64]


class Row(NamedTuple):
    """One line of the table."""

    engine: str
    events_per_s: float
    spread: str
    per_cpu_s: float | None
    equal: str


@dataclass(frozen=True)
class Settings:
    """What the command line says."""

    events: int
    slow_events: int
    rounds: int
    interpreter: bool


def svhn_model() -> Any:
    """The network: 6 bits, half of the weights zero, and normalizations with scales of both signs."""
    libraries = bring_up()
    keras, qkeras = libraries.keras, libraries.qkeras

    def weights() -> dict[str, object]:
        return {
            "kernel_quantizer": qkeras.quantized_bits(6, 0, alpha=1, symmetric=0),
            "bias_quantizer": qkeras.quantized_bits(6, 0, alpha=1, symmetric=0),
        }

    x = events = keras.Input((32, 32, 3), name="events")
    x = qkeras.QActivation(qkeras.quantized_bits(8, 0, alpha=1, symmetric=0), name="first")(x)
    for number, filters in enumerate((16, 16, 24)):
        x = qkeras.QConv2D(filters, 3, **weights(), name=f"conv{number}")(x)
        x = keras.layers.BatchNormalization(name=f"conv_bn{number}")(x)
        x = qkeras.QActivation(qkeras.quantized_relu(6, 2), name=f"conv_relu{number}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, size in enumerate((42, 64)):
        x = qkeras.QDense(size, **weights(), name=f"dense{number}")(x)
        x = keras.layers.BatchNormalization(name=f"dense_bn{number}")(x)
        x = qkeras.QActivation(qkeras.quantized_relu(6, 2), name=f"dense_relu{number}")(x)
    model = keras.Model(events, qkeras.QDense(10, **weights(), name="logits")(x))
    random = np.random.default_rng(SEED)
    for layer in model.layers:
        layer.set_weights([_values(random, variable.name, variable.shape) for variable in layer.weights])
    return model


def _values(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    if "kernel" in name:
        values = random.normal(0, 0.25, shape) * (random.random(shape) < 0.5)
    elif "gamma" in name:
        values = random.uniform(0.5, 1.5, shape) * random.choice([-1, 1], shape, p=[0.2, 0.8])
    elif "variance" in name:
        values = random.uniform(0.3, 2, shape)
    else:
        values = random.normal(0, 0.3, shape)
    return values.astype(np.float32)


def rate(run: Callable[[Events], object], events: Events, rounds: int) -> tuple[float, str, float]:
    """Median of events per second, the smallest and the largest, and events per second of this process's CPU time.

    The last does not depend on what else the machine does.
    """
    rates, used = [], 0.0
    for _ in range(rounds):
        begin, cpu = time.perf_counter(), time.process_time()
        run(events)
        rates.append(len(events) / (time.perf_counter() - begin))
        used += time.process_time() - cpu
    return statistics.median(rates), f"{min(rates):,.0f} to {max(rates):,.0f}", rounds * len(events) / used


def hls4ml_predict(model: Any, folder: Path) -> tuple[Callable[[Events], object], float]:
    """Convert, compile and give `predict`, as a user of hls4ml does; and the seconds until it is compiled."""
    import hls4ml

    # hls4ml chooses its front end by what it finds under this name.
    sys.modules["keras"] = sys.modules["tf_keras"]
    try:
        config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis")
        hls_model = hls4ml.converters.convert_from_keras_model(
            model, hls_config=config, output_dir=str(folder), backend="Vitis", io_type="io_stream", part=PART
        )
    finally:
        del sys.modules["keras"]
    begin = time.perf_counter()
    hls_model.compile()
    return hls_model.predict, time.perf_counter() - begin


def alkaid_interpreter(graph: Graph, events: Events, expected: Outputs, rounds: int) -> tuple[Row, str]:
    """Time alkaid's interpreter, and say how long it took from the graph to the first output.

    Its program is left as it is traced: to optimize so many operations would take longer than all the rest.
    """
    begin = time.perf_counter()
    interpreter = Interpreter(graph, program(graph, optimize=False))
    interpreter.predict(events[:1])
    text = f"{time.perf_counter() - begin:.0f} s ({len(interpreter.logic.ops):,} operations)"
    same = "yes" if np.array_equal(interpreter.predict(events), expected) else "NO"
    return Row("alkaid's interpreter, 1 thread", *rate(interpreter.predict, events, rounds), same), text


def every_level(built: Emulator, events: Events, rounds: int) -> list[Row]:
    """Time each instruction set with one thread and with two."""
    expected = built.predict(events)
    rows = []
    for level in built.library.levels:
        for threads in (1, 2):
            one = replace(built, level=level, threads=threads)
            same = "yes" if np.array_equal(one.predict(events), expected) else "NO"
            rows.append(Row(f"emulator, {level}, {threads} thread(s)", *rate(one.predict, events, rounds), same))
    return rows


def equality(built: Emulator, simulation: csim.CSimulation, few: dict[str, Events]) -> list[tuple[str, str]]:
    """Compare outputs and every layer with the C simulation."""
    results = []
    for name, events in few.items():
        equal = np.array_equal(built.predict(events), simulation.predict(events))
        results.append((f"outputs, {len(events)} events {name}", "equal" if equal else "DIFFERENT"))
        found, expected = built.trace(events[:50]), simulation.trace(events[:50])
        shared = [layer for layer in expected if layer in found]
        wrong = [x for x in shared if not np.array_equal(found[x].ravel(), expected[x].ravel())]
        text = f"equal in all {len(shared)}" if not wrong else f"DIFFERENT from {wrong[0]} on"
        results.append((f"layers, {len(events[:50])} events {name}", text))
    return results


def benchmark(settings: Settings, folder: Path, console: Console) -> None:
    """Run everything and print the tables."""
    model = svhn_model()
    random = np.random.default_rng(2)
    events = (random.integers(0, 256, (settings.events, 32, 32, 3)) / 256).astype(np.float32)
    few = events[: settings.slow_events]
    far = random.uniform(-40, 40, few.shape).astype(np.float32)
    bench = (few[:1], np.zeros((1, 10), np.float32))
    console.print(f"processor: {_processor()}, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    normal = normal_form(model, OPTIONS)
    graph = convert(
        normal, name="svhn", options=OPTIONS, project=folder / "hls", log=folder / "convert.log", test_bench=bench
    )
    begin = time.perf_counter()
    built = emulator.build(graph, folder / "emulator", timeout_s=TIMEOUT_S)
    built.predict(few[:1])
    first_s = time.perf_counter() - begin
    begin = time.perf_counter()
    simulation = csim.build(graph, folder / "hls", folder, timeout_s=TIMEOUT_S)
    csim_s = time.perf_counter() - begin
    predict, compile_s = hls4ml_predict(model, folder / "hls4ml")
    console.print(f"instruction sets: {', '.join(built.library.levels)}")
    console.print(f"graph to first output: emulator {first_s:.1f} s (all instruction sets)")
    console.print(f"compile: hls4ml {compile_s:.1f} s, the exact project {csim_s:.1f} s")
    for what, answer in equality(built, simulation, {"in range": few, "far out of range": far}):
        console.print(f"{what}: {answer}")
    rows = [Row("hls4ml predict", *rate(predict, few, settings.rounds), "other formats")]
    # It runs in a child process, whose CPU time is not seen here.
    rows.append(Row("C simulation engine", *rate(simulation.predict, few, settings.rounds)[:2], None, "yes"))
    keras = KerasEngine(model)
    same = np.array_equal(keras.predict(few), simulation.predict(few))
    rows.append(
        Row("Keras predict (float32)", *rate(keras.predict, events[:2048], settings.rounds), "yes" if same else "no")
    )
    exact = KerasEngine(normal.model)
    expected = exact.predict(events)
    same = np.array_equal(built.predict(events), expected)
    answer = "equal" if same else "DIFFERENT"
    console.print(f"outputs, all {len(events):,} events, against Keras in float64: {answer}")
    same = np.array_equal(expected[: len(few)], simulation.predict(few))
    rows.append(Row("Keras in float64", *rate(exact.predict, events[:2048], settings.rounds), "yes" if same else "NO"))
    if settings.interpreter:
        row, text = alkaid_interpreter(graph, few, simulation.predict(few), settings.rounds)
        console.print(f"graph to first output: alkaid's interpreter {text}")
        rows.append(row)
    rows += every_level(built, events, settings.rounds)
    console.print(_table(rows))


def _table(rows: list[Row]) -> Table:
    base = rows[0]
    table = Table("engine", "events/s", "smallest to largest", "x hls4ml", "events per CPU s", "x hls4ml", "equal")
    for row in rows:
        cpu = ["", ""]
        if row.per_cpu_s is not None and base.per_cpu_s is not None:
            cpu = [f"{row.per_cpu_s:,.0f}", f"{row.per_cpu_s / base.per_cpu_s:,.0f}"]
        times = f"{row.events_per_s / base.events_per_s:,.0f}"
        table.add_row(row.engine, f"{row.events_per_s:,.0f}", row.spread, times, *cpu, row.equal)
    return table


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=32768, help="events for the fast engines")
    parser.add_argument("--short", action="store_true", help="few events, to see whether all of it works")
    parser.add_argument("--no-interpreter", action="store_true", help="leave out alkaid's interpreter")
    parser.add_argument("--log", type=Path, help="folder that keeps what is built; a temporary one by default")
    given = parser.parse_args()
    sizes = (4096, 40, 1) if given.short else (given.events, 300, 5)
    settings = Settings(*sizes, not given.no_interpreter)
    console = Console(width=120)
    # QKeras and Keras 2 warn of each other.
    warnings.simplefilter("ignore", UserWarning)
    if given.log is not None:
        given.log.mkdir(parents=True)
        benchmark(settings, given.log, console)
    else:
        with tempfile.TemporaryDirectory(prefix="trigcnn-benchmark-") as folder:
            benchmark(settings, Path(folder), console)


if __name__ == "__main__":
    main()
