"""What is planned for each of the vendors' tools."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from trigcnn.hls.options import Backend
from trigcnn.hls.synthesis.vendors.flows import Flow, plan
from trigcnn.hls.synthesis.vendors.plan import Command, ExpectedFile, ToolStep, VersionQuery
from trigcnn.hls.synthesis.vendors.vivado import RtlSources

SWITCHES = ("reset", "csim", "synth", "cosim", "validation", "export", "vsynth", "fifo_opt")


def steps(backend: Backend, *wanted: str, rtl: str | None = None) -> tuple[ToolStep, ...]:
    sources = None if rtl is None else RtlSources("rtl", "tiny", "clk", ("src/tiny.v", "src/library/adder.v"))
    return plan(Flow(backend, "tiny", "xcvu9p-flga2577-2-e", 2.5, wanted, sources, rtl, ("Timing 38-282",))).steps


def hls4ml_template(name: str) -> str:
    # Without importing it: that brings up TensorFlow.
    spec = importlib.util.find_spec("hls4ml")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return (Path(spec.submodule_search_locations[0]) / "templates" / name).read_text()


def switched_on(step: ToolStep) -> list[str]:
    """Read the switches of a step as hls4ml's build_prj.tcl does."""
    if "build_opt.tcl" in step.files:
        words = step.files["build_opt.tcl"].partition("{")[2].partition("}")[0].split()
        assert tuple(words[::2]) == SWITCHES
        found = dict(zip(words[::2], words[1::2], strict=True))
    else:
        # Its search: regexp "$o=+(\\w+)".
        found = {name: re.findall(rf"{name}=+(\w+)", step.commands[0].arguments[-1])[0] for name in SWITCHES}
    return [name for name, value in found.items() if value == "1"]


def test_the_vitis_plan_is_what_hls4ml_would_run() -> None:
    (step,) = steps("Vitis")
    assert (step.name, step.design, step.log, step.needs, step.environment) == ("csynth", "hls", "csynth.log", (), {})
    assert step.commands == (
        Command(
            "vitis-run",
            ("--tcl", "build_prj.tcl", "--mode", "hls"),
            VersionQuery("vitis-run", ("--version",), r"v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2023.1"),
        ),
        Command(
            "vitis_hls",
            ("-f", "build_prj.tcl"),
            VersionQuery("vitis_hls", ("-version",), r"v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2020.2"),
        ),
    )
    assert step.files == {
        "build_opt.tcl": (
            "array set opt {\n"
            "    reset      1\n"
            "    csim       0\n"
            "    synth      1\n"
            "    cosim      0\n"
            "    validation 0\n"
            "    export     0\n"
            "    vsynth     0\n"
            "    fifo_opt   0\n"
            "}\n"
        )
    }
    report = "tiny_prj/solution1/syn/report/tiny_csynth"
    assert step.leaves == (ExpectedFile(f"{report}.xml", "csynth"), ExpectedFile(f"{report}.rpt"))


def test_the_vivado_hls_plan_is_what_hls4ml_would_run() -> None:
    (step,) = steps("Vivado")
    assert step.commands == (
        Command(
            "vivado_hls",
            ("-f", "build_prj.tcl", "reset=1 csim=0 synth=1 cosim=0 validation=0 export=0 vsynth=0 fifo_opt=0"),
            VersionQuery(
                "vivado_hls", ("-version",), r"v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2018.2", maximum="2020.1"
            ),
        ),
    )
    assert step.files == {}


@pytest.mark.parametrize("backend", ["Vitis", "Vivado"])
def test_each_step_of_an_hls_tool_is_a_run_of_its_own(backend: Backend) -> None:
    wanted = steps(backend, "export", "cosim", "csim")
    assert [(step.name, switched_on(step)) for step in wanted] == [
        ("csim", ["reset", "csim"]),
        ("csynth", ["reset", "synth"]),
        ("cosim", ["cosim", "validation"]),
        ("export", ["export"]),
    ]
    # Without a C simulation there is nothing to compare with.
    assert switched_on(steps(backend, "cosim")[1]) == ["cosim"]
    assert [[expected.path for expected in step.leaves] for step in wanted] == [
        ["tb_data/csim_results.log"],
        ["tiny_prj/solution1/syn/report/tiny_csynth.xml", "tiny_prj/solution1/syn/report/tiny_csynth.rpt"],
        ["tiny_prj/solution1/sim/report/tiny_cosim.rpt", "tb_data/rtl_cosim_results.log"],
        ["tiny_prj/solution1/impl/ip/component.xml"],
    ]


def test_a_command_is_one_line_that_a_shell_reads_back() -> None:
    (command,) = steps("Vivado")[0].commands
    assert shlex.split(command.line) == [command.program, *command.arguments]
    assert steps("Vitis")[0].commands[0].line == "vitis-run --tcl build_prj.tcl --mode hls"


@pytest.mark.parametrize("template", ["vitis/build_opt.tcl", "vivado/build_prj.tcl"])
def test_hls4ml_has_the_switches_that_the_plans_set(template: str) -> None:
    options = hls4ml_template(template).partition("array set opt {")[2].partition("}")[0]
    assert tuple(options.split()[::2]) == SWITCHES


@pytest.mark.parametrize("template", ["vitis/build_prj.tcl", "vivado/build_prj.tcl"])
def test_hls4ml_names_what_it_leaves_as_the_plans_expect(template: str) -> None:
    text = hls4ml_template(template)
    for part in (
        "open_project -reset ${project_name}_prj",
        'open_solution -reset "solution1"',
        "set_top ${project_name}",
        'set CSIM_RESULTS "./tb_data/csim_results.log"',
        'set RTL_COSIM_RESULTS "./tb_data/rtl_cosim_results.log"',
        "${project_name}_prj/solution1/sim/report/${project_name}_cosim.rpt",
        "export_design -format ip_catalog",
    ):
        assert part in text


def test_vivado_gets_the_rtl_of_the_hls_tool_and_ours_in_runs_of_their_own() -> None:
    found = steps("Vitis", "implementation", rtl="logic-synthesis")
    assert [(step.title, step.design) for step in found] == [
        ("csynth", "hls"),
        ("logic-synthesis", "hls"),
        ("implementation", "hls"),
        ("logic-synthesis of our RTL", "rtl"),
    ]
    assert found[2].commands == (
        Command(
            "vivado",
            ("-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", "implementation.tcl"),
            VersionQuery("vivado", ("-version",), r"[Vv]ivado v([0-9]{4}[.][0-9]+([.][0-9]+)?)", minimum="2018.2"),
        ),
    )
    assert [(expected.path, expected.reader) for expected in found[2].leaves] == [
        ("vivado/routed_utilization.rpt", "utilization"),
        ("vivado/routed_utilization_hierarchical.rpt", "layers"),
        ("vivado/routed_timing.rpt", "timing"),
        ("vivado/routed.dcp", None),
    ]


def tcl(text: str, *, broken: str = "") -> tuple[list[str], int]:
    """Run a script of Vivado's with commands that only note their call; give the calls and the exit status."""
    # Not every Python has Tcl.
    tkinter = pytest.importorskip("tkinter")
    calls: list[str] = []
    status: list[int] = []
    interpreter = tkinter.Tcl()

    def command(name: str) -> None:
        def call(*arguments: str) -> None:
            calls.append(" ".join((name, *arguments)))
            if name == broken:
                raise ValueError("it broke")

        interpreter.createcommand(name, call)

    for name in set(re.findall(r"^    (\w+)", text, flags=re.MULTILINE)) | {"puts"}:
        if name != "exit":
            command(name)

    def end(code: str) -> None:
        status.append(int(code))
        raise SystemExit

    interpreter.createcommand("exit", end)
    with contextlib.suppress(SystemExit, tkinter.TclError):
        interpreter.eval(text)
    return calls, status[0]


def test_tcl_reads_the_scripts_as_they_are_meant() -> None:
    synthesis, implementation = steps("Vitis", rtl="implementation")[1:]
    calls, status = tcl(synthesis.files["logic-synthesis.tcl"])
    assert status == 0
    assert [call for call in calls if not call.startswith(("set_msg", "file"))] == [
        "read_verilog src/tiny.v",
        "read_verilog src/library/adder.v",
        "read_xdc -mode out_of_context clock.xdc",
        "synth_design -mode out_of_context -top tiny -part xcvu9p-flga2577-2-e",
        "report_utilization -file vivado/synthesized_utilization.rpt",
        "report_utilization -hierarchical -file vivado/synthesized_utilization_hierarchical.rpt",
        "report_timing_summary -file vivado/synthesized_timing.rpt",
        "write_checkpoint -force vivado/synthesized.dcp",
    ]
    assert "set_msg_config -id Timing 38-282 -new_severity ERROR" in calls
    calls, status = tcl(implementation.files["implementation.tcl"], broken="place_design")
    assert status == 1
    assert calls[-2:] == ["place_design", "puts ERROR: "]
