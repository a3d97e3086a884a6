"""Synthesis: Yosys and place and route on the RTL, and the vendor's tool on the HLS project where it is installed."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from trigcnn.common.files import copy_tree
from trigcnn.hls.errors import DoesNotFitError
from trigcnn.hls.parts import yosys_family
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.synthesis import cell_delays, path_delay, serial_wrapper, yosys
from trigcnn.hls.synthesis.implement import implement
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import RunFolder, Stage
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.results.synthesis import PartTotals, PlaceAndRoute, Synthesized
from trigcnn.pipeline.stages import placing
from trigcnn.pipeline.vendor import collected
from trigcnn.pipeline.vendor import flow as vendor_flow

_FILE = "synthesis.json"


def stage(context: Context) -> Stage:
    """Describe the stage."""
    config = context.config
    return Stage(
        name="synthesize",
        after=("convert",),
        code=reach.code(_work, config),
        options={
            **config.model_dump(mode="json", include={"name", "hls", "rtl", "synthesis", "place_and_route"}),
            "exact": config.gates.exact,
            "parts": [config.yosys_part, config.placed_part],
        },
        files=collected.files(context.folder),
        # A newly installed vendor's tool is a reason to run again.
        versions={**placing.versions(), **vendor_flow.versions(config)},
        work=lambda folder: _work(context, folder),
    )


def read(folder: RunFolder) -> Synthesized:
    """Return what the stage found."""
    return Synthesized.load(folder.stage("synthesize") / _FILE)


def _work(context: Context, folder: Path) -> None:
    config, placed = context.config, None
    reports: list[SynthesisReport] = []
    if config.rtl.architecture != "none" and config.synthesis.yosys:
        with context.console.task("synthesizing the RTL with Yosys"):
            reports += _yosys(context, folder)
    if config.place_and_route.enabled:
        placed, found = _place_and_route(context, folder / "place_and_route")
        context.console.line(f"  {placed.message}")
        reports += found
    vendor = vendor_flow.run(context, folder, context.folder.checkpoints(stage(context)))
    context.console.line(f"  {vendor.section.message}")
    if vendor.section.status in ("tool-not-found", "not-asked"):
        project = context.folder.path / vendor.section.project
        dashes = "-- " if str(project).startswith("-") else ""
        context.console.line(f"  build it with: cd {dashes}{shlex.quote(str(project))} && {vendor.section.command}")
    reports += vendor.reports
    Synthesized(synthesis=reports, place_and_route=placed, vendor=vendor.section).save(folder / _FILE)


@contextmanager
def _design(context: Context, folder: Path) -> Iterator[RtlDesign]:
    """Return the design, with its Verilog in the folder's `src` while the context is open.

    Relative names of files keep a plan the same in every folder.
    """
    converted = context.folder.stage("convert")
    copy_tree(converted / "rtl" / "src", folder / "src")
    try:
        yield RtlDesign.load(converted)
    finally:
        shutil.rmtree(folder / "src")


def _yosys(context: Context, folder: Path) -> list[SynthesisReport]:
    config = context.config
    # The only family with cell delays.
    netlist = Path("netlist.json") if yosys_family(config.yosys_part) == cell_delays.FAMILY else None
    with _design(context, folder) as design:
        plan = yosys.plan(
            design.verilog,
            design.top,
            part=config.yosys_part,
            effort=config.synthesis.yosys_effort,
            statistics=Path("yosys_stat.json"),
            dsp=config.synthesis.yosys_dsp,
            shift_registers=config.synthesis.yosys_shift_registers,
            netlist=netlist,
        )
        counted = yosys.run(
            plan, folder, clock_period_ns=config.hls.clock_period_ns, timeout_s=config.time_limits.synthesis_s
        )
        if netlist is None:
            return [counted]
        timing = path_delay.estimate(
            folder / netlist, design.top, folder, counted, wire_delay_ns=config.synthesis.wire_delay_ns
        )
        (folder / netlist).unlink()
        return [counted] if timing is None else [counted, timing]


def _place_and_route(context: Context, folder: Path) -> tuple[PlaceAndRoute, list[SynthesisReport]]:
    config, board = context.config, placing.board(context.config)
    options = placing.options(config)
    status: Literal["placed", "does-not-fit"] = "placed"
    met, bitstream = False, None
    folder.mkdir()
    reports: list[SynthesisReport] = []
    try:
        with _design(context, folder) as design:
            with context.console.task(f"placing and routing for {options.part}"):
                found = implement(design.verilog, design.top, folder, options)
            reports += [found.synthesis, found.placement]
        message, met = placing.verdict(found.placement), (found.placement.slack_ns or 0.0) >= 0
        if board is not None:
            (folder / board.name).mkdir()
            with (
                context.console.task(f"making a bitstream for {board.name}"),
                _design(context, folder / board.name) as design,
            ):
                path, on_board = serial_wrapper.bitstream(design, design.verilog, board, folder / board.name, options)
            bitstream = f"synthesize/place_and_route/{path.relative_to(folder)}"
            reports.append(on_board.placement)
    except DoesNotFitError as error:
        status, met, message = "does-not-fit", False, str(error)
    # A hundred megabytes for a design that fills a part.
    for path in folder.rglob("netlist.json"):
        path.unlink()
    section = PlaceAndRoute(
        part=options.part,
        status=status,
        message=message,
        met=met,
        board=None if board is None else board.name,
        bitstream=bitstream,
        totals=PartTotals.of(options.part),
    )
    return section, reports
