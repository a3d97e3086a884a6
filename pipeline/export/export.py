"""Write what other projects take from a finished run, each form into a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trigcnn.common.files import new_folder
from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.engines import interpreter
from trigcnn.hls.export import axis, cmssw, cocotb, cpp, fusesoc, ip
from trigcnn.hls.export.emp import payload
from trigcnn.hls.export.qonnx import qonnx
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.pipeline import extras
from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.errors import ConfigError, RunFolderError
from trigcnn.pipeline.evaluate.finished_run import FinishedRun
from trigcnn.pipeline.export import links_file
from trigcnn.pipeline.golden import case as golden_case
from trigcnn.pipeline.golden.check import real_events
from trigcnn.pipeline.golden.freeze import events_of
from trigcnn.pipeline.stages import check, train

TEST_EVENTS = 200
"""Test events of an export's own test; events at the ends of the range and beyond come on top."""


@dataclass(frozen=True)
class Settings:
    """What exports can be told.

    Attributes:
        model_version: N of `NAME_vN`, for `cmssw`.
        links: The option table in YAML, for `emp`; default: values side by side from link 0 on.
        values_per_beat: The most values in a beat, for `axis` and `ip`; default: a word of the RTL.
    """

    model_version: int = 1
    links: Path | None = None
    values_per_beat: int | None = None


Write = Callable[[FinishedRun, Path, Vectors, Settings], None]


def _cpp(run: FinishedRun, folder: Path, vectors: Vectors, _: Settings) -> None:
    cpp.write(run.graph, folder, vectors)


def _cmssw(run: FinishedRun, folder: Path, vectors: Vectors, settings: Settings) -> None:
    cmssw.write(run.graph, folder, vectors, model_version=settings.model_version)


def _fusesoc(run: FinishedRun, folder: Path, vectors: Vectors, _: Settings) -> None:
    design, verilog, vhdl = _rtl(run)
    period = run.config.hls.clock_period_ns
    fusesoc.write(run.graph, design, (verilog, vhdl), folder, vectors, clock_period_ns=period)


def _cocotb(run: FinishedRun, folder: Path, vectors: Vectors, _: Settings) -> None:
    design, verilog, _vhdl = _rtl(run)
    cocotb.write(run.graph, design, verilog, folder, vectors, clock_period_ns=run.config.hls.clock_period_ns)


def _emp(run: FinishedRun, folder: Path, vectors: Vectors, settings: Settings) -> None:
    design, _verilog, vhdl = _rtl(run)
    if vhdl is None:
        raise RunFolderError(
            f"{run.folder.path}: has no VHDL, which `emp` is made of; set rtl.language: vhdl and run `trigcnn check`"
        )
    links = None if settings.links is None else links_file.load(settings.links)
    period = run.config.hls.clock_period_ns
    payload.write(run.graph, design, vhdl, folder, vectors, clock_period_ns=period, links=links)


def _qonnx(run: FinishedRun, folder: Path, vectors: Vectors, _: Settings) -> None:
    extras.require("qonnx")
    qonnx.check(run.graph, vectors)
    qonnx.write(run.graph, folder, vectors)


def _axis(run: FinishedRun, folder: Path, vectors: Vectors, settings: Settings) -> None:
    design, verilog, _vhdl = _rtl(run)
    period, most = run.config.hls.clock_period_ns, settings.values_per_beat
    axis.write(run.graph, design, verilog, folder, vectors, clock_period_ns=period, values_per_beat=most)


def _ip(run: FinishedRun, folder: Path, _: Vectors, settings: Settings) -> None:
    design, verilog, _vhdl = _rtl(run)
    ip.write(design, verilog, folder, values_per_beat=settings.values_per_beat)


def _rtl(run: FinishedRun) -> tuple[RtlDesign, Path, Path | None]:
    """Return the design and the folders of its Verilog and, if there is any, of its VHDL."""
    converted = run.folder.stage("convert")
    if not (converted / "rtl").is_dir():
        raise RunFolderError(f"{run.folder.path}: has no RTL; set rtl.architecture and run `trigcnn check`")
    vhdl = converted / "vhdl"
    return RtlDesign.load(converted), converted / "rtl", vhdl if vhdl.is_dir() else None


FORMATS: dict[str, Write] = {
    "cpp": _cpp,
    "cmssw": _cmssw,
    "fusesoc": _fusesoc,
    "cocotb": _cocotb,
    "emp": _emp,
    "qonnx": _qonnx,
    "axis": _axis,
    "ip": _ip,
}
"""Writers into an empty folder, by the name of the form."""


def export(
    run: Path, formats: Sequence[str], out: Path | None, *, settings: Settings | None = None, force: bool = False
) -> list[Path]:
    """Write exports of a run.

    Args:
        run: Folder of a run whose stage `check` is done, or its configuration.
        formats: Names in `FORMATS`.
        out: Folder of the exports, each of which gets a folder named after its form; default: `export` in the run.
        settings: What they are told.
        force: Whether earlier exports are replaced.

    Returns:
        The folders.

    Raises:
        ConfigError: There is no such form, or nothing to replace was allowed.
        RunFolderError: The run is not finished, or its outputs are not the graph's.
        HlsError: The network has no such form; the message names the layer.
    """
    for name in formats:
        if name not in FORMATS:
            raise ConfigError(f"--to {name}: there is no such format; {did_you_mean(name, FORMATS)}")
    if settings is not None and settings.links is not None and "emp" not in formats:
        raise ConfigError("--links: is the table of a payload; add --to emp")
    finished = FinishedRun.open(run)
    place = out or finished.folder.path / "export"
    targets = {name: place / name for name in dict.fromkeys(formats)}
    for target in targets.values():
        if target.exists() and not force:
            raise ConfigError(f"{target}: exists already; replace it with --force, or choose another folder with --out")
    vectors = vectors_of(finished)
    place.mkdir(parents=True, exist_ok=True)
    for name, target in targets.items():
        with new_folder(target) as folder:
            FORMATS[name](finished, folder, vectors, settings or Settings())
    return list(targets.values())


def vectors_of(finished: FinishedRun) -> Vectors:
    """Choose events, and return them with the outputs of the graph, which on test events are the C simulation's.

    Raises:
        RunFolderError: The run is not checked, or the C simulation gave other outputs.
    """
    graph, folder = finished.graph, finished.folder
    trained = train.read(folder)
    _see_that_it_is_checked(folder)
    simulated = check.read_csim(folder).reshape(len(trained.test_events), -1)
    ports, chosen = events_of(folder.path, trained, graph, TEST_EVENTS)
    events = real_events(chosen.inputs, golden_case.lsb(ports)).reshape(len(chosen.inputs), *graph.input_shape)
    outputs = interpreter.build(graph).predict(events).reshape(len(events), -1)
    numbers = list(chosen.test_events)
    differing = (outputs[: len(numbers)] != simulated[numbers]).any(axis=1)
    if differing.any():
        raise RunFolderError(
            f"{folder.path}: the C simulation gave other outputs than the graph on {int(differing.sum())} of "
            f"{len(numbers)} test events; see why with `trigcnn explain`"
        )
    return Vectors(events.reshape(len(events), -1).astype(np.float64), outputs)


def _see_that_it_is_checked(folder: RunFolder) -> None:
    checked, converted = folder.manifest("check"), folder.manifest("convert")
    if checked is None or converted is None or checked.inputs.get("convert") != converted.digest:
        raise RunFolderError(f"{folder.path}: is not checked since it was converted; run `trigcnn check` first")
