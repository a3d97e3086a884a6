"""A run: its stages in order, each skipped if nothing that determines its result has changed."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

from trigcnn.common.files import remove_left
from trigcnn.common.suggestions import did_you_mean
from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.cache.store import StageStore
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.context import ORDER, Context, Watch
from trigcnn.pipeline.errors import ConfigError, ExitStatus
from trigcnn.pipeline.results.report import Gate, Report
from trigcnn.pipeline.stages import check, convert, history, report, synthesize, train
from trigcnn.pipeline.vendor.pack import pack
from trigcnn.pipeline.verification.gates import judge

STAGES = {
    "train": train.stage,
    "convert": convert.stage,
    "check": check.stage,
    "synthesize": synthesize.stage,
    "report": report.stage,
}


@dataclass(frozen=True)
class RunResult:
    """What a run reached.

    Attributes:
        folder: Folder of the run.
        status: DONE, or GATE_MISSED if the check ran and a gate is missed.
        gates: The gates that are set, met or missed; none before the check.
        report: The content of `report.json`; None before the report stage.
    """

    folder: Path
    status: ExitStatus
    gates: tuple[Gate, ...] = ()
    report: Report | None = None


def run(
    config: RunConfig,
    out: Path | None = None,
    *,
    until: str = "report",
    from_stage: str | None = None,
    force: bool = False,
    plan_only: bool = False,
    command: str = "trigcnn run",
    store: StageStore | None = None,
    watch: Watch | None = None,
    console: Console | None = None,
) -> RunResult:
    """Run the stages of a run that are not up to date.

    Args:
        config: The configuration.
        out: Folder of the run; default: `vivado_projects/<name>`.
        until: Last stage.
        from_stage: Do this stage and all later ones again.
        force: Do every stage again.
        plan_only: Stop before synthesis, and write an archive for the vendor's tools on another computer.
        command: Command line, for the report.
        store: Store in which runs share stages.
        watch: Told of each epoch of the quantized model; may raise an exception that ends the run.
        console: Where progress is shown; default: standard output.

    Returns:
        Status, gates and report.

    Raises:
        ConfigError: There is no stage `until`, or `from_stage` is not one of the stages up to it.
        RunFolderError: The folder cannot be written or is taken.
        ModelsError, HlsError: See there.
    """
    if until not in ORDER:
        raise ConfigError(f"stage {until!r}: must be one of {', '.join(ORDER)}")
    out = Path("vivado_projects") / config.name if out is None else out
    names = ORDER[: ORDER.index("check" if plan_only else until) + 1]
    if from_stage is not None and from_stage not in names:
        raise ConfigError(f"--from {from_stage}: no such stage; {did_you_mean(from_stage, names)}")
    again = names if force else names[names.index(from_stage) :] if from_stage else ()
    folder = RunFolder(out)
    console = console or Console()
    context = Context(config, folder, console, command, watch)
    remove_left()
    with folder.lock():
        folder.claim(ORDER)
        folder.write("resolved.yaml", config.to_yaml())
        for name in names:
            stage = STAGES[name](context)
            if name not in again and folder.is_current(stage):
                folder.remove_checkpoints(stage)
                console.line(f"{name}: unchanged")
                continue
            # The report is of an earlier configuration, and would remain if the run fails now.
            folder.discard("report")
            console.line(f"{name}: …")
            start = time.monotonic()
            if store is not None and name not in again and store.fetch(folder, stage):
                console.line(f"{name}: taken from the store")
                continue
            folder.execute(stage)
            if store is not None:
                store.keep(folder, stage)
            console.line(f"{name}: done in {time.monotonic() - start:.1f} s")
        if plan_only:
            path = pack(config, folder)
            console.line(
                f"archive: {path}; unpack it where the tools are, and run there: bash {config.name}_vendor/run.sh"
            )
            console.line(
                f"then take its results.tar.gz back: trigcnn collect results.tar.gz --run {shlex.quote(str(out))}"
            )
        return _verdict(context, names)


def _verdict(context: Context, names: tuple[str, ...]) -> RunResult:
    written, folder = None, context.folder.path
    if "check" not in names:
        return RunResult(folder, ExitStatus.DONE)
    if "report" in names:
        history.record(context.folder)
        written = Report.load(context.folder.stage("report") / "report.json")
        gates = written.gates
    elif "synthesize" in names:
        gates = report.collect(context).gates
    else:
        gates = judge(context.config.gates, check.read(context.folder))
    for gate in gates:
        context.console.line(f"{'met   ' if gate.met else 'MISSED'} {gate.name}: {gate.found}")
    if written is not None:
        _summary(written, context.console)
        context.console.line(f"report: {folder / 'report' / 'report.html'}")
    status = ExitStatus.DONE if all(gate.met for gate in gates) else ExitStatus.GATE_MISSED
    return RunResult(folder, status, tuple(gates), written)


def _summary(report: Report, console: Console) -> None:
    console.line(f"verdict: {report.verdict}")
    if report.rtl is not None:
        rtl, placed = report.rtl, report.place_and_route
        timing = "timing not closed by a tool" if placed is None else placed.message
        console.line(
            f"latency {rtl.latency_cycles} cycles = {rtl.latency_ns:g} ns, initiation interval "
            f"{rtl.initiation_interval} at {rtl.clock_period_ns:g} ns (simulation; {timing})"
        )
    for entry in report.synthesis:
        if entry.evidence == "estimate":
            period, asked = entry.estimated_clock_period_ns, entry.clock_period_ns
            console.line(f"clock period for {entry.part}: {period:.2f} ns, {asked:g} ns asked for (estimate)")
            continue
        known = {name: getattr(entry, name) for name in ("lut", "ff", "dsp", "bram")}
        counts = ", ".join(f"{count:,} {name.upper()}" for name, count in known.items() if count is not None)
        where = f" for {entry.part}" if entry.part != report.synthesis[0].part else ""
        where += " with the test wrapper" if entry.design == "board" else ""
        console.line(f"{entry.tool} {entry.version}{where}: {counts} ({entry.evidence})")
