"""A plan is run, and every way in which it can go wrong is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import VendorTools
from trigcnn.hls.errors import ToolFailedError, ToolMissingError
from trigcnn.hls.options import Backend
from trigcnn.hls.synthesis.vendors import figures
from trigcnn.hls.synthesis.vendors.flows import Flow, plan
from trigcnn.hls.synthesis.vendors.plan import VendorPlan
from trigcnn.hls.synthesis.vendors.programs import missing
from trigcnn.hls.synthesis.vendors.run import StepResult, prepare, run, versions
from trigcnn.hls.synthesis.vendors.vivado import RtlSources

CSYNTH = "hls/tiny_prj/solution1/syn/report/tiny_csynth.xml"
ALL = ("csim", "cosim", "export", "implementation")

Runs = Callable[..., tuple[StepResult, ...]]


def planned(*wanted: str, backend: Backend = "Vitis", rtl: str | None = None) -> VendorPlan:
    sources = None if rtl is None else RtlSources("rtl", "tiny", "clk", ("src/tiny.v",))
    return plan(Flow(backend, "tiny", "xcvu9p-flga2577-2-e", 2.5, wanted, sources, rtl))


@pytest.fixture
def origins(tmp_path: Path) -> dict[str, Path]:
    """What a conversion has left."""
    folders = {"hls": tmp_path / "convert" / "hls", "rtl": tmp_path / "convert" / "rtl"}
    (folders["hls"] / "firmware").mkdir(parents=True)
    (folders["hls"] / "firmware" / "tiny.cpp").write_text("void tiny() {}\n")
    (folders["hls"] / "build_prj.tcl").write_text("# by hls4ml\n")
    (folders["hls"] / "build_opt.tcl").write_text("# by hls4ml\n")
    (folders["hls"] / "tb_data").mkdir()
    (folders["hls"] / "tb_data" / "tb_output_predictions.dat").write_text("-1.25 0.5 \n8.000001 1234567.0 \n")
    (folders["rtl"] / "src").mkdir(parents=True)
    (folders["rtl"] / "src" / "tiny.v").write_text("module tiny(); endmodule\n")
    return folders


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def runs(origins: dict[str, Path], root: Path) -> Runs:
    """Run a plan in the same folder each time."""

    def call(
        plan: VendorPlan,
        *,
        timeout_s: float = 20,
        exact: bool = True,
        **options: Callable[[int, int, str], None],
    ) -> tuple[StepResult, ...]:
        return run(plan, root, prepare(plan, origins, root), timeout_s=timeout_s, exact=exact, **options)

    return call


@pytest.mark.parametrize(
    ("backend", "program", "version"), [("Vitis", "vitis-run", "2024.1"), ("Vivado", "vivado_hls", "2019.2")]
)
def test_a_run_leaves_what_the_tool_says(
    backend: Backend, program: str, version: str, runs: Runs, root: Path, vendor_tools: VendorTools
) -> None:
    vendor_tools.install(program)
    vendor_tools.behave("", version)
    chosen = planned(backend=backend)
    (result,) = runs(chosen)
    assert (result.name, result.status, result.version) == ("csynth", "done", version)
    assert result.command == chosen.steps[0].commands[0].line
    assert result.critical_warnings == ()
    assert list(result.reports) == [CSYNTH, CSYNTH.replace(".xml", ".rpt")]
    assert result.log is not None
    assert (root / result.log).read_text().endswith("INFO: done\n")
    (report,) = figures.read(chosen, root, {})
    assert (report.evidence, report.design) == ("vendor-csynth", "hls")
    assert report.tool == ("Vitis HLS" if backend == "Vitis" else "Vivado HLS")
    assert vendor_tools.calls() == [f"{program} csynth in hls"]


def test_all_steps_of_both_designs_run_in_their_order(runs: Runs, root: Path, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vivado")
    seen: list[tuple[int, int, str]] = []
    chosen = planned(*ALL, rtl="implementation")
    results = runs(chosen, progress=lambda *note: seen.append(note))
    assert vendor_tools.calls() == [
        "vitis-run csim in hls",
        "vitis-run csynth in hls",
        "vitis-run cosim in hls",
        "vitis-run export in hls",
        "vivado logic-synthesis in hls",
        "vivado implementation in hls",
        "vivado logic-synthesis in rtl",
        "vivado implementation in rtl",
    ]
    assert [result.status for result in results] == ["done"] * 8
    reports = figures.read(chosen, root, versions(results))
    assert [(report.design, report.evidence) for report in reports] == [
        ("hls", "vendor-csynth"),
        ("hls", "vendor-cosim"),
        ("hls", "vendor-synthesis"),
        ("hls", "vendor-implementation"),
        ("rtl", "vendor-synthesis"),
        ("rtl", "vendor-implementation"),
    ]
    assert [report.version for report in reports] == ["2024.1", "2024.1", *["2024.1.2"] * 4]
    # The timing of the netlist, and what its layers take, come with its resources.
    assert reports[3].slack_ns == reports[5].slack_ns == pytest.approx(-0.062)
    assert reports[3].layers is not None
    # The stages of the log come to the display.
    assert (1, 8, "csynth") in seen
    assert (1, 8, "csynth, scheduling dense") in seen


def test_the_conversion_s_folders_stay_as_they_are(
    runs: Runs, origins: dict[str, Path], vendor_tools: VendorTools
) -> None:
    vendor_tools.install("vitis-run", "vivado")

    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for folder in origins.values() for path in folder.rglob("*") if path.is_file()}

    before = contents()
    runs(planned(*ALL, rtl="implementation"))
    assert contents() == before


def test_vitis_hls_does_where_there_is_no_vitis_run(runs: Runs, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis_hls")
    vendor_tools.behave("", "2022.2")
    (result,) = runs(planned())
    assert (result.command, result.version) == ("vitis_hls -f build_prj.tcl", "2022.2")
    vendor_tools.install("vitis-run")
    vendor_tools.behave("", "2024.1")
    assert runs(planned())[0].command.startswith("vitis-run ")


@pytest.mark.parametrize(
    ("backend", "program", "version", "message"),
    [
        ("Vitis", "vitis_hls", "2019.2", r"vitis_hls is version 2019.2, and 2020.2 or newer is needed; install Vitis"),
        ("Vivado", "vivado_hls", "2021.1", r"is version 2021.1, and 2020.1 or older is needed; install Vivado 2020.1"),
    ],
)
def test_a_wrong_version_is_refused_before_anything_runs(
    backend: Backend, program: str, version: str, message: str, runs: Runs, vendor_tools: VendorTools
) -> None:
    vendor_tools.install(program)
    vendor_tools.behave("", version)
    with pytest.raises(ToolMissingError, match=message):
        runs(planned(backend=backend))
    assert vendor_tools.calls() == []


def test_a_minor_version_of_the_newest_is_right(runs: Runs, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vivado_hls")
    vendor_tools.behave("", "2020.1.1")
    assert runs(planned(backend="Vivado"))[0].version == "2020.1.1"


@pytest.mark.parametrize(
    ("backend", "name", "mend"),
    [
        ("Vitis", "vitis-run or vitis_hls", "install Vitis 2020.2 or newer"),
        ("Vivado", "vivado_hls", "install Vivado 2020.1 or older with Vivado HLS"),
    ],
)
def test_a_missing_tool_is_named_with_what_to_install(
    backend: Backend, name: str, mend: str, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissingError, match=f"^{name} was not found on PATH; {mend}"):
        runs(planned(backend=backend))
    assert missing(planned(backend=backend).steps[0]) == name


def test_a_tool_that_is_needed_later_is_missed_before_the_first_one_runs(runs: Runs, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run")
    with pytest.raises(ToolMissingError, match=r"^vivado was not found on PATH; install Vivado"):
        runs(planned("logic-synthesis"))
    assert vendor_tools.calls() == []


@pytest.mark.parametrize(
    ("how", "timeout_s", "message"),
    [
        ("fail", 20, r"vitis-run failed with exit status 1; (.|\n)*ERROR: \[HLS 200-70\] no licence$"),
        ("part", 20, r"exit status 1; (.|\n)*Part 'xcvu9p-flga2577-2-e' is not installed.$"),
        ("crash", 20, "vitis-run was ended by signal SIGKILL"),
        ("hang", 1, "vitis-run ran longer than 1 s"),
        ("errors", 20, r"vitis-run gave exit status 0 but printed errors; (.|\n)*212-4\] bad$"),
        ("fatal", 20, r"that make its figures meaningless; (.|\n)*\[Vivado 12-4739\] create_clock:No valid"),
        ("silent", 20, "vitis-run succeeded without a report: .*tiny_csynth.xml is missing; see .*csynth.log"),
        ("stale", 20, "vitis-run succeeded without a new report: .*tiny_csynth.xml is older than the run"),
        ("cut", 20, "tiny_csynth.xml is not complete XML"),
    ],
)
def test_what_went_wrong_is_seen_and_no_earlier_report_remains(
    how: str, timeout_s: float, message: str, runs: Runs, root: Path, vendor_tools: VendorTools
) -> None:
    vendor_tools.install("vitis-run")
    runs(planned())
    whole = (root / CSYNTH).read_bytes()
    # Something else is asked for, so that the tool has to run again.
    chosen = planned("csim", backend="Vitis")
    vendor_tools.behave(f"{how}@csynth")
    with pytest.raises(ToolFailedError, match=message):
        runs(chosen, timeout_s=timeout_s)
    if how in ("fail", "part", "hang", "silent", "crash"):
        assert not (root / CSYNTH).is_file() or (root / CSYNTH).read_bytes() != whole
    # Nor is the failed one kept for the next run.
    vendor_tools.behave("")
    vendor_tools.calls()
    assert [result.status for result in runs(chosen)] == ["kept", "done"]
    assert vendor_tools.calls() == ["vitis-run csynth in hls"]


@pytest.mark.parametrize(
    ("step", "log"), [("csim", "tb_data/csim_results.log"), ("cosim", "tb_data/rtl_cosim_results.log")]
)
def test_a_simulation_whose_outputs_are_not_the_model_s_fails(
    step: str, log: str, runs: Runs, vendor_tools: VendorTools
) -> None:
    vendor_tools.install("vitis-run")
    vendor_tools.behave(f"differ@{step}")
    with pytest.raises(ToolFailedError, match=rf"{log}: event 0, output 1 is 77 but should be 0.5; 3 of 4 outputs"):
        runs(planned("csim", "cosim"))
    # Where bits may be lost, the difference is counted.
    found = [result.compared for result in runs(planned(step), exact=False) if result.compared]
    assert found == ["3 of 4 outputs equal"]
    with pytest.raises(ToolFailedError, match="event 0, output 1 is 77"):
        runs(planned(step))
    vendor_tools.behave("")
    assert [result.compared for result in runs(planned("csim", "cosim"))] == [
        "4 of 4 outputs equal",
        None,
        "4 of 4 outputs equal",
    ]


def test_critical_warnings_are_kept_once_each(runs: Runs, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("critical@logic-synthesis")
    csynth, synthesis = runs(planned("logic-synthesis"))
    assert csynth.critical_warnings == ()
    assert synthesis.critical_warnings == (
        "CRITICAL WARNING: [Timing 38-282] The design failed to meet the timing requirements.",
    )


def test_critical_warnings_that_the_user_names_are_errors(
    runs: Runs, origins: dict[str, Path], root: Path, vendor_tools: VendorTools
) -> None:
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("critical@logic-synthesis")
    flow = Flow("Vitis", "tiny", "part", 2.5, ("logic-synthesis",), fatal_warnings=("Timing 38-282",))
    with pytest.raises(ToolFailedError, match=r"critical warnings .*figures meaningless; (.|\n)*Timing 38-282"):
        runs(plan(flow))
    assert "set_msg_config -id {Timing 38-282} -new_severity ERROR" in (root / "hls/logic-synthesis.tcl").read_text()


def test_a_run_goes_on_at_the_tool_that_failed(runs: Runs, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("crash@implementation")
    chosen = planned("implementation")
    with pytest.raises(ToolFailedError, match="vivado was ended by signal SIGKILL"):
        runs(chosen)
    vendor_tools.calls()
    vendor_tools.behave("")
    assert [(result.name, result.status) for result in runs(chosen)] == [
        ("csynth", "kept"),
        ("logic-synthesis", "kept"),
        ("implementation", "done"),
    ]
    assert vendor_tools.calls() == ["vivado implementation in hls"]


def test_a_run_goes_on_at_the_tool_that_was_interrupted(runs: Runs, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("hang@logic-synthesis")

    def interrupt(done: int, total: int, text: str) -> None:
        if text == "logic-synthesis, elaboration":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs(planned("logic-synthesis"), progress=interrupt)
    vendor_tools.calls()
    vendor_tools.behave("")
    assert [result.status for result in runs(planned("logic-synthesis"))] == ["kept", "done"]
    assert vendor_tools.calls() == ["vivado logic-synthesis in hls"]


def test_nothing_is_kept_after_a_source_or_a_report_has_changed(
    runs: Runs, origins: dict[str, Path], root: Path, vendor_tools: VendorTools
) -> None:
    vendor_tools.install("vitis-run", "vivado")
    chosen = planned("logic-synthesis", rtl="logic-synthesis")
    runs(chosen)
    assert [result.status for result in runs(chosen)] == ["kept"] * 3
    (root / CSYNTH).write_text("changed")
    # What was synthesized of the RTL that came with it is no longer good, but our RTL has nothing to do with it.
    assert [result.status for result in runs(chosen)] == ["done", "done", "kept"]
    (origins["hls"] / "firmware" / "tiny.cpp").write_text("void tiny() { }\n")
    assert [result.status for result in runs(chosen)] == ["done", "done", "kept"]
    (root / "rtl/src/tiny.v").write_text("altered where the tools work")
    assert [result.status for result in runs(chosen)] == ["kept", "kept", "done"]
    assert (root / "rtl/src/tiny.v").read_bytes() == (origins["rtl"] / "src/tiny.v").read_bytes()


def test_a_new_version_of_a_tool_runs_again(runs: Runs, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run")
    runs(planned())
    vendor_tools.behave("", "2024.2")
    (result,) = runs(planned())
    assert (result.status, result.version) == ("done", "2024.2")


def test_a_state_that_cannot_be_read_is_no_state(runs: Runs, root: Path, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run")
    runs(planned())
    (root / "vendor_state.json").write_text('[{"step": "csynth"}]')
    assert runs(planned())[0].status == "done"
