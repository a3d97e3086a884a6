"""Quartus, oneAPI, Catapult and Libero: what is planned, and that it runs with programs that play the tools."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests.conftest import VendorTools
from trigcnn.hls.errors import ConversionError, ToolFailedError, ToolMissingError
from trigcnn.hls.options import Backend
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.vendors import figures
from trigcnn.hls.synthesis.vendors.flows import STEPS, Flow, plan
from trigcnn.hls.synthesis.vendors.plan import VendorPlan
from trigcnn.hls.synthesis.vendors.programs import missing
from trigcnn.hls.synthesis.vendors.run import StepResult, prepare, run, versions

HLS4ML = importlib.util.find_spec("hls4ml")
PARTS: dict[Backend, str] = {
    "Quartus": "Arria10",
    "oneAPI": "Agilex7",
    "Catapult": "xcku115-flvb2104-2-i",
    "Libero": "MPF300TS-1FCG1152I",
}


def planned(backend: Backend, *wanted: str) -> VendorPlan:
    return plan(Flow(backend, "tiny", PARTS[backend], 5.0, wanted))


def lines(backend: Backend, *wanted: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Give each step's name, command line and what it leaves."""
    return [
        (step.name, step.commands[0].line, tuple(expected.path for expected in step.leaves))
        for step in planned(backend, *wanted).steps
    ]


class Project:
    """hls4ml's project, and where the tools work on it."""

    def __init__(self, place: Path) -> None:
        self.origin, self.root = place / "hls", place / "work"
        for path, text in (
            ("firmware/tiny.cpp", "void tiny() {}\n"),
            ("firmware/tiny.h", "\n"),
            ("tiny_test.cpp", "int main() {}\n"),
            ("Makefile", self._makefile()),
            ("tb_data/tb_output_predictions.dat", "-1.25 0.5 \n"),
        ):
            self._write(path, text)

    def _write(self, path: str, text: str) -> None:
        (self.origin / path).parent.mkdir(parents=True, exist_ok=True)
        (self.origin / path).write_text(text)

    def _makefile(self) -> str:
        assert HLS4ML is not None
        assert HLS4ML.submodule_search_locations is not None
        template = Path(HLS4ML.submodule_search_locations[0]) / "templates" / "quartus" / "Makefile"
        return template.read_text().replace("myproject", "tiny")

    def for_oneapi(self) -> None:
        self._write("src/firmware/tiny.cpp", "void tiny() {}\n")

    def run(self, plan: VendorPlan) -> tuple[StepResult, ...]:
        return run(plan, self.root, prepare(plan, {"hls": self.origin}, self.root), timeout_s=20)

    def figures(self, plan: VendorPlan) -> list[SynthesisReport]:
        return figures.read(plan, self.root, versions(self.run(plan)))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_quartus_is_run_by_hls4ml_s_makefile() -> None:
    reports = "tiny-fpga.prj/reports/lib"
    assert lines("Quartus") == [("csynth", "make tiny-fpga", (f"{reports}/report_data.js",))]
    assert lines("Quartus", "implementation", "cosim") == [
        (
            "implementation",
            "make tiny-fpga QUARTUS_COMPILE=--quartus-compile",
            (f"{reports}/report_data.js", f"{reports}/quartus_data.js"),
        ),
        ("cosim", "./tiny-fpga", (f"{reports}/verification_data.js", "tb_data/results.log")),
    ]
    compiled, _ = planned("Quartus", "implementation", "cosim").steps
    assert compiled.needs == ("i++", "quartus_sh")
    assert compiled.clears == ("tiny-fpga", "tiny-fpga.prj")


def test_oneapi_is_run_by_hls4ml_s_cmake_targets() -> None:
    def json(target: str) -> str:
        return f"build/tiny.{target}.prj/reports/resources/json"

    estimate = (f"{json('report')}/summary.ndjson", f"{json('report')}/loop_attr.ndjson")
    assert lines("oneAPI", "csim", "cosim", "implementation") == [
        ("configure", "cmake -S . -B build", ()),
        ("csim-build", "make -C build fpga_emu", ()),
        # In the folder with tb_data.
        ("csim", "./build/tiny.fpga_emu", ("tb_data/results.log",)),
        ("csynth", "make -C build report", estimate),
        ("cosim-build", "make -C build fpga_sim", ()),
        ("cosim", "./build/tiny.fpga_sim", ("tb_data/results.log",)),
        ("implementation", "make -C build fpga", (f"{json('fpga')}/quartus.ndjson",)),
    ]


def test_catapult_gets_the_switches_of_hls4ml() -> None:
    ((name, line, leaves),) = lines("Catapult", "csim", "logic-synthesis")
    assert (name, line) == (
        "csynth",
        "catapult -product ultra -shell -f build_prj.tcl -eval 'set ::argv \"reset=False csim=True synth=True "
        "cosim=False validation=False export=False vsynth=True fifo_opt=False bitfile=False ran_frame=5 sw_opt=False "
        "power=False da=False vhdl=False verilog=True bup=False\"'",
    )
    assert leaves == (
        "tiny_prj/tiny.v1/rtl.rpt",
        "tb_data/csim_results.log",
        "tiny_prj/tiny.v1/vivado_concat_v/utilization_synth.rpt",
        "tiny_prj/tiny.v1/vivado_concat_v/timing_summary_synth.rpt",
    )


def test_libero_is_run_by_smarthls() -> None:
    report = "hls_output/reports/summary.results.rpt"
    assert lines("Libero", "csim", "cosim", "logic-synthesis", "implementation") == [
        ("csim-build", "shls -s sw_compile", ()),
        ("csim", "shls -s sw_run", ("tb_data/csim_results.log",)),
        ("csynth", "shls -s hw", ()),
        ("cosim", "shls -s cosim", ()),
        ("logic-synthesis", "shls -s rtl_synth", ()),
        ("implementation", "shls -s fpga", (report,)),
    ]
    # Its report is there after C synthesis too, but has no figures then.
    assert lines("Libero") == [("csynth", "shls -s hw", (report,))]
    assert [expected.reader for expected in planned("Libero").steps[0].leaves] == [None]


@pytest.mark.parametrize(
    ("backend", "step", "mend"),
    [
        ("Quartus", "csim", "did you mean cosim?"),
        ("oneAPI", "export", "choose from cosim, csim, implementation"),
        ("Catapult", "implementation", "choose from cosim, csim, logic-synthesis"),
        ("Libero", "export", "choose from cosim, csim, implementation, logic-synthesis"),
    ],
)
def test_a_step_that_a_vendor_does_not_have_is_refused(backend: Backend, step: str, mend: str) -> None:
    message = f"the flow of {backend} has no step {step}; {mend}"
    with pytest.raises(ConversionError, match=f"^{re.escape(message)}$"):
        planned(backend, step)


@pytest.mark.parametrize("backend", STEPS)
def test_every_vendor_has_c_synthesis(backend: Backend) -> None:
    flow = plan(Flow(backend, "tiny", "part", 5.0))
    assert "csynth" in [step.name for step in flow.steps]


def test_quartus_runs_and_its_figures_are_read(project: Project, vendor_tools: VendorTools) -> None:
    vendor_tools.install("i++", "quartus_sh")
    vendor_tools.behave("", "22.4.0")
    chosen = planned("Quartus", "cosim", "implementation")
    results = project.run(chosen)
    assert vendor_tools.calls() == ["i++ compile in hls", "simulation in hls"]
    assert [(result.name, result.version) for result in results] == [("implementation", "22.4.0"), ("cosim", "22.4.0")]
    estimate, fit, simulated = project.figures(chosen)
    assert (estimate.evidence, estimate.version) == ("vendor-csynth", "22.4.0")
    assert (fit.evidence, fit.version) == ("vendor-implementation", "22.4.0")
    assert (simulated.evidence, simulated.latency_cycles_worst) == ("vendor-cosim", 25)
    # Nothing was run again to read them.
    assert vendor_tools.calls() == []


def test_oneapi_runs_and_its_figures_are_read(project: Project, vendor_tools: VendorTools) -> None:
    vendor_tools.install("icpx", "cmake", "quartus_sh")
    vendor_tools.behave("", "2025.0.1")
    project.for_oneapi()
    chosen = planned("oneAPI", "csim", "implementation")
    assert [result.compared for result in project.run(chosen)][:4] == [None, None, "2 of 2 outputs equal", None]
    assert vendor_tools.calls() == [
        "cmake configure in hls",
        "icpx fpga_emu in build",
        "simulation in hls",
        "icpx report in build",
        "icpx fpga in build",
    ]
    assert [(report.evidence, report.version) for report in project.figures(chosen)] == [
        ("vendor-csynth", "2025.0.1"),
        ("vendor-implementation", "2025.0.1"),
    ]


@pytest.mark.parametrize(
    ("backend", "tools", "version"),
    [("Quartus", ("i++",), "25.1"), ("oneAPI", ("icpx", "cmake"), "2025.1.0")],
)
def test_a_version_without_this_flow_is_refused(
    backend: Backend, tools: tuple[str, ...], version: str, project: Project, vendor_tools: VendorTools
) -> None:
    vendor_tools.install(*tools)
    vendor_tools.behave("", version)
    with pytest.raises(ToolMissingError, match=f"is version {version}, and .* or older is needed; install"):
        project.run(planned(backend))
    assert vendor_tools.calls() == []


def test_catapult_runs_and_its_figures_are_read(project: Project, vendor_tools: VendorTools) -> None:
    vendor_tools.install("catapult", "vivado")
    chosen = planned("Catapult", "csim", "logic-synthesis")
    (result,) = project.run(chosen)
    assert (result.version, result.compared) == ("2024.1", "2 of 2 outputs equal")
    assert [report.evidence for report in project.figures(chosen)] == ["vendor-csynth", "vendor-synthesis"]
    # A project that is there would get a second one beside it.
    assert project.run(planned("Catapult"))[0].status == "done"


def test_libero_runs_and_its_figures_are_read(project: Project, vendor_tools: VendorTools) -> None:
    vendor_tools.install("shls", "vsim", "libero")
    chosen = planned("Libero", "csim", "cosim", "implementation")
    project.run(chosen)
    assert vendor_tools.calls() == [
        "shls sw_compile in hls",
        "shls sw_run in hls",
        "shls hw in hls",
        "shls cosim in hls",
        "shls fpga in hls",
    ]
    assert [(report.tool, report.evidence) for report in project.figures(chosen)] == [
        ("SmartHLS", "vendor-cosim"),
        ("SmartHLS", "vendor-implementation"),
    ]


@pytest.mark.parametrize(
    ("backend", "tools", "how", "message"),
    [
        ("Quartus", ("i++",), "fail@compile", r"make failed with exit status 2; (.|\n)*tiny.cpp:3:1: error: no such"),
        ("Quartus", ("i++",), "silent@compile", "make succeeded without a report: .*report_data.js is missing"),
        ("Quartus", ("i++",), "cut@compile", r"report_data\.js"),
        ("oneAPI", ("icpx", "cmake"), "fail@report", r"make failed with exit status 2; (.|\n)*error: no such type"),
        ("oneAPI", ("icpx", "cmake", "quartus_sh"), "unfitted@fpga", r"quartus.ndjson has no figures of Quartus"),
        ("Catapult", ("catapult",), "stale@all", "catapult succeeded without a new report: .*rtl.rpt is older"),
        ("Catapult", ("catapult",), "errors@all", "catapult gave exit status 0 but printed errors"),
        ("Libero", ("shls",), "silent@hw", "shls succeeded without a report: .*summary.results.rpt is missing"),
        ("Libero", ("shls",), "crash@hw", "shls was ended by signal SIGKILL"),
        ("Libero", ("shls",), "errors@hw", "shls gave exit status 0 but printed errors"),
    ],
)
def test_what_goes_wrong_is_seen(
    backend: Backend, tools: tuple[str, ...], how: str, message: str, project: Project, vendor_tools: VendorTools
) -> None:
    vendor_tools.install(*tools)
    vendor_tools.behave(how, "22.4")
    if backend == "oneAPI":
        project.for_oneapi()
    with pytest.raises(ToolFailedError, match=message):
        project.run(planned(backend, *(("implementation",) if "quartus_sh" in tools else ())))


@pytest.mark.parametrize(
    ("backend", "tools", "message"),
    [
        ("Quartus", ("i++",), r"^quartus_sh was not found on PATH; install Quartus Prime"),
        ("oneAPI", ("cmake",), r"^icpx was not found on PATH; install oneAPI 2025.0 or older"),
        ("Catapult", (), r"^catapult was not found on PATH; install Catapult"),
        ("Libero", ("shls",), r"^libero was not found on PATH; install SmartHLS with Libero"),
    ],
)
def test_a_missing_tool_is_named(
    backend: Backend, tools: tuple[str, ...], message: str, project: Project, vendor_tools: VendorTools
) -> None:
    vendor_tools.install(*tools)
    name = message.removeprefix("^").partition(" ")[0]
    wanted = "cosim" if backend == "Catapult" else "implementation"
    with pytest.raises(ToolMissingError, match=message):
        project.run(planned(backend, wanted))
    assert vendor_tools.calls() == []
    assert name in [missing(step) for step in planned(backend, wanted).steps]
