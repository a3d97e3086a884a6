"""Projects with a self-checking test bench, one per language, from the check stage."""

from __future__ import annotations

import shutil
from pathlib import Path

from trigcnn.common.files import copy_tree
from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl import simulators, test_bench
from trigcnn.hls.rtl.design import Language, RtlDesign
from trigcnn.hls.rtl.simulators import Simulator
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.results.bench import Bench

_TITLES: dict[Language, str] = {"verilog": "Verilog", "vhdl": "VHDL"}


def make(
    context: Context,
    folder: Path,
    graph: Graph,
    design: RtlDesign,
    events: Events,
    outputs: Outputs,
    *,
    equal: bool,
) -> list[Bench]:
    """Write the projects, and run the requested test benches.

    Args:
        context: The run.
        folder: The stage's folder.
        graph: What the design was made of.
        design: Its ports.
        events: The test events.
        outputs: What the C simulation gives for them.
        equal: Whether the simulated RTL gave the same; if not, ports may be too narrow for what is expected, and a
            test bench would tell nothing new.

    Raises:
        ToolMissingError: The simulator that was asked for is not installed.
        ToolFailedError: A simulator failed, or ran out of time.
    """
    config = context.config
    number = min(config.test_bench.events, len(events))
    if not number or not equal:
        return []
    inputs, expected = test_bench.vectors(graph, design, events[:number], outputs[:number])
    folders: dict[Language, str] = {"verilog": "rtl", "vhdl": "vhdl"}
    made = []
    for language, name in folders.items():
        project, converted = folder / name, context.folder.stage("convert") / name
        if not converted.is_dir():
            continue
        copy_tree(converted, project)
        sources = test_bench.write(
            project, design, inputs, expected, clock_period_ns=config.hls.clock_period_ns, language=language
        )
        simulator, reason = _simulator(context, language)
        result = None
        if simulator is not None:
            plan = simulators.plan(simulator, f"{design.top}_tb", sources)
            with context.console.task(f"simulating the {_TITLES[language]} test bench with {plan.title}"):
                result = simulators.run(plan, project, folder, timeout_s=config.time_limits.compile_s)
        made.append(
            Bench(
                language=_TITLES[language],
                project=f"check/{name}",
                events=number,
                simulator=None if result is None else result.simulator,
                passed=None if result is None else result.passed,
                verdict=reason if result is None else result.verdict,
            )
        )
    return made


def _simulator(context: Context, language: Language) -> tuple[Simulator | None, str]:
    """Return the simulator of a test bench, or the reason why there is none."""
    if language == "verilog":
        asked = context.config.test_bench.simulator
        return (None, "test_bench.simulator is none") if asked == "none" else (asked, "")
    if shutil.which("ghdl") is None:
        return None, (
            "GHDL is not installed, so this VHDL was neither analysed nor simulated; the Verilog of the same program "
            "was simulated on every test event"
        )
    return "ghdl", ""
