from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hls.errors import ConversionError, ToolFailedError, ToolMissingError
from hls.synthesis.vendor import Backend, VendorPlan, build, find_program, plan, write

REPORTS = Path(__file__).parents[1] / "data" / "reports"
BACKENDS: tuple[Backend, ...] = ("Vitis", "Vivado")
SWITCHES = ("reset", "csim", "synth", "cosim", "validation", "export", "vsynth", "fifo_opt")

FakeTool = Callable[[VendorPlan, str], None]

LEAVE_A_REPORT = f"""
report = Path("tiny_prj/solution1/syn/report/tiny_csynth.xml")
report.parent.mkdir(parents=True, exist_ok=True)
shutil.copyfile({str(REPORTS / "vitis_hls_csynth.xml")!r}, report)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which hls4ml has written a project."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "build_prj.tcl").write_text("# by hls4ml\n")
    return folder


@pytest.fixture
def fake_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTool:
    """Put a program under a plan's name on PATH that does what the given Python text says."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def install(plan: VendorPlan, text: str) -> None:
        program = folder / plan.program
        imports = "import os, shutil, signal, sys, time\nfrom pathlib import Path\n"
        program.write_text(f"#!{sys.executable}\n{imports}{text}")
        program.chmod(0o755)

    return install


def put_stale_reports(project: Path) -> tuple[Path, Path]:
    csynth = project / "tiny_prj/solution1/syn/report/tiny_csynth.xml"
    csynth.parent.mkdir(parents=True)
    csynth.write_text((REPORTS / "vivado_hls_csynth.xml").read_text())
    utilization = project / "vivado_synth.rpt"
    utilization.write_text((REPORTS / "ultrascale_utilization.rpt").read_text())
    return csynth, utilization


def hls4ml_template(name: str) -> str:
    # Without importing it: that brings up TensorFlow.
    spec = importlib.util.find_spec("hls4ml")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return (Path(spec.submodule_search_locations[0]) / "templates" / name).read_text()


def test_the_vitis_plan_is_what_hls4ml_would_run() -> None:
    assert plan("Vitis", "tiny") == VendorPlan(
        backend="Vitis",
        program="vitis-run",
        arguments=("--tcl", "build_prj.tcl", "--mode", "hls"),
        files={
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
        },
        expected_report=Path("tiny_prj/solution1/syn/report/tiny_csynth.xml"),
        expected_utilization=None,
        log="build.log",
    )


def test_the_vivado_plan_is_what_hls4ml_would_run() -> None:
    assert plan("Vivado", "tiny", csim=True, cosim=True, vsynth=True) == VendorPlan(
        backend="Vivado",
        program="vivado_hls",
        arguments=(
            "-f",
            "build_prj.tcl",
            "reset=1 csim=1 synth=1 cosim=1 validation=1 export=0 vsynth=1 fifo_opt=0",
        ),
        files={},
        expected_report=Path("tiny_prj/solution1/syn/report/tiny_csynth.xml"),
        expected_utilization=Path("vivado_synth.rpt"),
        log="build.log",
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_command_is_one_line_that_a_shell_reads_back(backend: Backend) -> None:
    planned = plan(backend, "tiny")
    assert shlex.split(planned.command) == [planned.program, *planned.arguments]


def test_the_commands_are_those_shown_to_users() -> None:
    assert plan("Vitis", "tiny").command == "vitis-run --tcl build_prj.tcl --mode hls"
    assert plan("Vivado", "tiny").command == (
        "vivado_hls -f build_prj.tcl 'reset=1 csim=0 synth=1 cosim=0 validation=0 export=0 vsynth=0 fifo_opt=0'"
    )


def test_the_first_match_of_each_vivado_switch_is_its_own() -> None:
    words = plan("Vivado", "tiny", csim=True).arguments[-1]
    # The search of hls4ml's build_prj.tcl: regexp "$o=+(\\w+)".
    found = {name: re.findall(rf"{name}=+(\w+)", words)[0] for name in SWITCHES}
    assert [name for name, value in found.items() if value == "1"] == ["reset", "csim", "synth"]


@pytest.mark.parametrize("template", ["vitis/build_opt.tcl", "vivado/build_prj.tcl"])
def test_hls4ml_has_the_switches_that_the_plan_sets(template: str) -> None:
    options = hls4ml_template(template).partition("array set opt {")[2].partition("}")[0]
    assert tuple(options.split()[::2]) == SWITCHES


@pytest.mark.parametrize("template", ["vitis/build_prj.tcl", "vivado/build_prj.tcl"])
def test_hls4ml_names_the_project_and_the_solution_as_the_plan_expects(template: str) -> None:
    text = hls4ml_template(template)
    assert "open_project -reset ${project_name}_prj" in text
    assert 'open_solution -reset "solution1"' in text
    assert "set_top ${project_name}" in text


def test_hls4ml_writes_the_utilization_report_where_the_plan_expects_it() -> None:
    expected = plan("Vitis", "tiny", vsynth=True).expected_utilization
    assert f"report_utilization -file {expected}\n" in hls4ml_template("vivado/vivado_synth.tcl")


def test_a_program_is_found_on_path_only(fake_tool: FakeTool, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan("Vitis", "tiny")
    fake_tool(planned, "")
    found = find_program(planned)
    assert found is not None
    assert found.name == "vitis-run"
    monkeypatch.setenv("PATH", "")
    assert find_program(planned) is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_build_runs_the_plan_and_reads_the_new_report(backend: Backend, project: Path, fake_tool: FakeTool) -> None:
    planned = plan(backend, "tiny")
    put_stale_reports(project)
    fake_tool(planned, f"print(sys.argv[1:])\nprint('INFO: no ERROR: here')\n{LEAVE_A_REPORT}")
    report = build(planned, project, timeout_s=20)
    assert (report.evidence, report.version, report.lut) == ("vendor-csynth", "2024.1", 1700)
    assert (project / planned.log).read_text().splitlines()[0] == str(list(planned.arguments))
    for name, text in planned.files.items():
        assert (project / name).read_text() == text


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"is no HLS project: build_prj.tcl is missing; convert the model"):
        write(plan("Vitis", "tiny"), tmp_path)


@pytest.mark.parametrize(
    ("backend", "mend"),
    [
        ("Vitis", "vitis-run was not found on PATH; install Vitis 2023.1 or newer .*--mode hls$"),
        ("Vivado", "vivado_hls was not found on PATH; install Vivado 2020.1 or older .*fifo_opt=0'$"),
    ],
)
def test_a_missing_program_ends_with_what_to_install_and_the_command(
    backend: Backend, mend: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    planned = plan(backend, "tiny")
    with pytest.raises(ToolMissingError, match=mend):
        build(planned, project, timeout_s=20)
    # The command in the message works once these are there.
    assert all((project / name).is_file() for name in planned.files)


@pytest.mark.parametrize(
    ("text", "timeout_s", "message"),
    [
        (
            "print('ERROR: [HLS 200-70] no')\nsys.exit(1)",
            20,
            r"exit status 1; (.|\n)*ERROR: \[HLS 200-70\] no",
        ),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 20, r"was ended by signal SIGSEGV"),
        ("time.sleep(60)", 1, r"vitis-run ran longer than 1 s"),
        (
            "print('done')",
            20,
            r"vitis-run succeeded without a report: .*tiny_csynth.xml is missing; look into",
        ),
    ],
    ids=["exit status", "signal", "hang", "no report"],
)
def test_a_failed_run_raises_and_leaves_no_stale_report(
    text: str, timeout_s: float, message: str, project: Path, fake_tool: FakeTool
) -> None:
    planned = plan("Vitis", "tiny")
    stale = put_stale_reports(project)
    fake_tool(planned, text)
    with pytest.raises(ToolFailedError, match=message):
        build(planned, project, timeout_s=timeout_s)
    assert [path for path in stale if path.exists()] == []


def test_a_crash_half_way_through_the_report_raises(project: Path, fake_tool: FakeTool) -> None:
    planned = plan("Vitis", "tiny")
    fake_tool(planned, f"{LEAVE_A_REPORT}\nos.truncate(report, 900)\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(ToolFailedError, match="was ended by signal SIGKILL"):
        build(planned, project, timeout_s=20)


def test_a_report_that_was_cut_off_raises(project: Path, fake_tool: FakeTool) -> None:
    planned = plan("Vitis", "tiny")
    fake_tool(planned, f"{LEAVE_A_REPORT}\nos.truncate(report, 900)")
    with pytest.raises(ToolFailedError, match=r"tiny_csynth.xml is not whole XML"):
        build(planned, project, timeout_s=20)


def test_an_error_in_the_log_counts_even_with_exit_status_0_and_a_report(project: Path, fake_tool: FakeTool) -> None:
    planned = plan("Vivado", "tiny")
    fake_tool(planned, f"{LEAVE_A_REPORT}\nprint('ERROR: [COSIM 212-4] bad')\nprint('INFO: bye')")
    with pytest.raises(ToolFailedError, match=r"exit status 0 but printed errors; (.|\n)*212-4\] bad$"):
        build(planned, project, timeout_s=20)


def test_a_report_older_than_the_run_is_not_its_own(project: Path, fake_tool: FakeTool) -> None:
    planned = plan("Vitis", "tiny")
    fake_tool(planned, f"{LEAVE_A_REPORT}\nos.utime(report, (1, 1))")
    with pytest.raises(ToolFailedError, match=r"succeeded without a new report: .*older than the run"):
        build(planned, project, timeout_s=20)


def test_logic_synthesis_must_leave_its_report_too(project: Path, fake_tool: FakeTool) -> None:
    planned = plan("Vitis", "tiny", vsynth=True)
    put_stale_reports(project)
    fake_tool(planned, LEAVE_A_REPORT)
    with pytest.raises(ToolFailedError, match=r"succeeded without a report: .*vivado_synth.rpt is missing"):
        build(planned, project, timeout_s=20)
