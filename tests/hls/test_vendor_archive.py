"""A plan goes out in an archive, and comes back as results that are held to it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import VendorTools
from trigcnn.hls.errors import HlsError, ResultsError, ToolFailedError
from trigcnn.hls.synthesis.vendors import archive, figures, results
from trigcnn.hls.synthesis.vendors.flows import Flow, plan
from trigcnn.hls.synthesis.vendors.plan import Command, Messages, ToolStep, VendorPlan, VersionQuery
from trigcnn.hls.synthesis.vendors.programs import unfit
from trigcnn.hls.synthesis.vendors.run import StepResult, digest, inputs, versions
from trigcnn.hls.synthesis.vendors.vivado import RtlSources

CSYNTH = "1_hls_csynth"
MANIFEST = "manifest.json"
REPORT = f"results/{CSYNTH}/left/tiny_prj/solution1/syn/report/tiny_csynth.xml"


class Elsewhere:
    """A run's plan and files, and another computer on which it is run."""

    def __init__(self, place: Path, wanted: tuple[str, ...]) -> None:
        self.place, self.hls, self.rtl = place, place / "hls", place / "rtl"
        for path, text in (
            (self.hls / "firmware" / "tiny.cpp", "void tiny() {}\n"),
            (self.hls / "build_opt.tcl", "# by hls4ml\n"),
            (self.hls / "tb_data" / "tb_output_predictions.dat", "-1.25 0.5 \n"),
            (self.hls / "tb_data" / "with 'odd' name.dat", "1 2 3\n"),
            (self.rtl / "src" / "tiny.v", "module tiny(); endmodule\n"),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        sources = RtlSources("rtl", "tiny", "clk", ("src/tiny.v",))
        self.plan = plan(Flow("Vitis", "tiny", "xcvu9p-flga2577-2-e", 2.5, wanted, sources, "logic-synthesis"))
        self.there = place / "there" / "tiny_vendor"

    @property
    def inputs(self) -> dict[str, str]:
        found = {f"hls/{name}": sha for name, sha in inputs(self.hls, self.plan.written("hls")).items()}
        return found | {f"rtl/{name}": sha for name, sha in inputs(self.rtl, self.plan.written("rtl")).items()}

    def pack(self, name: str = "tiny.tar.gz") -> Path:
        package = archive.Package(
            plan=self.plan,
            inputs=self.inputs,
            origins={"hls": self.hls, "rtl": self.rtl},
            others={},
            texts={"configuration.yaml": "name: tiny\n"},
            versions={"hls4ml": "1.3.0"},
        )
        archive.pack(package, self.place / name)
        return self.place / name

    def unpack(self) -> None:
        with tarfile.open(self.pack()) as packed:
            packed.extractall(self.place / "there", filter="data")

    def run(self) -> subprocess.CompletedProcess[str]:
        script = str(self.there / "run.sh")
        return subprocess.run(["bash", script], cwd=self.place, capture_output=True, text=True, check=False)

    def collect(self, source: Path | None = None, plan: VendorPlan | None = None) -> tuple[StepResult, ...]:
        place = self.place / f"collected{len(list(self.place.iterdir()))}"
        place.mkdir()
        manifest = results.take(source or self.there / "results.tar.gz", place / "taken")
        self.checked = place / "checked"
        origins = {"hls": self.hls, "rtl": self.rtl}
        return results.check(plan or self.plan, self.inputs, manifest, place / "taken", self.checked, origins=origins)

    def collect_folder(self) -> tuple[StepResult, ...]:
        return self.collect(self.there)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path, ())


@pytest.fixture(scope="module")
def _once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        tools = VendorTools(tmp_path_factory.mktemp("tools"), patch)
        tools.install("vitis-run", "vivado")
        run = Elsewhere(place / "run", ())
        run.unpack()
        outcome = run.run()
        assert outcome.returncode == 0, outcome.stderr
        assert tools.calls() == ["vitis-run csynth in hls", "vivado logic-synthesis in rtl"]
    return place / "run"


@pytest.fixture
def done(_once: Path, tmp_path: Path) -> Elsewhere:
    """Packed, unpacked, and run with success; this test's own."""
    shutil.copytree(_once, tmp_path / "run")
    return Elsewhere(tmp_path / "run", ())


def test_the_same_content_gives_the_same_bytes(elsewhere: Elsewhere) -> None:
    first, second = elsewhere.pack("a.tar.gz"), elsewhere.pack("b.tar.gz")
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as packed:
        names = packed.getnames()
        assert names == sorted(names)
        assert {member.mtime for member in packed} == {315532800}
        (entry,) = [member for member in packed if member.name.endswith(MANIFEST)]
        stream = packed.extractfile(entry)
        assert stream is not None
        manifest = json.load(stream)
    assert set(names) == {f"tiny_vendor/{name}" for name in (*manifest["files"], MANIFEST, "inputs.sha256")}
    assert {"tiny_vendor/run.sh", f"tiny_vendor/steps/{CSYNTH}/run.sh", "tiny_vendor/configuration.yaml"} <= set(names)
    assert manifest["inputs"] == elsewhere.inputs
    assert manifest["versions"] == {"hls4ml": "1.3.0"}


def test_the_scripts_run_the_tools_and_the_results_come_back(done: Elsewhere) -> None:
    for collected in (done.collect(), done.collect_folder()):
        assert [(result.name, result.status, result.version) for result in collected] == [
            ("csynth", "collected", "2024.1"),
            ("logic-synthesis of our RTL", "collected", "2024.1"),
        ]
        assert collected[0].command == "vitis-run --tcl build_prj.tcl --mode hls"
        assert (done.checked / (collected[0].log or "")).read_text().endswith("INFO: done\n")
        reports = figures.read(done.plan, done.checked, versions(collected))
        assert [report.evidence for report in reports] == ["vendor-csynth", "vendor-synthesis"]


def test_the_tools_get_the_files_of_the_plan(done: Elsewhere) -> None:
    text = (done.there / "hls" / "build_opt.tcl").read_text()
    assert text == done.plan.steps[0].files["build_opt.tcl"]


def test_run_again_it_goes_on_at_the_tool_that_failed(elsewhere: Elsewhere, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave("fail@logic-synthesis")
    elsewhere.unpack()
    outcome = elsewhere.run()
    assert outcome.returncode == 1
    assert "logic-synthesis of our RTL: vivado failed with exit status 1\n" in outcome.stderr
    assert not (elsewhere.there / "results.tar.gz").exists()
    with pytest.raises(ResultsError, match=r"or run.sh did not come to its end"):
        elsewhere.collect_folder()
    vendor_tools.calls()
    vendor_tools.behave("")
    assert elsewhere.run().returncode == 0
    assert vendor_tools.calls() == ["vivado logic-synthesis in rtl"]
    assert len(elsewhere.collect()) == 2


def test_an_archive_that_is_unpacked_over_another_runs_anew(elsewhere: Elsewhere, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vivado")
    elsewhere.unpack()
    assert elsewhere.run().returncode == 0
    before = vendor_tools.calls()
    (elsewhere.hls / "firmware" / "tiny.cpp").write_text("void tiny() { /* other weights */ }\n")
    elsewhere.unpack()
    # Neither what lies there, nor the new manifest around it, is taken for results of the new design.
    with pytest.raises(ResultsError, match=r"tiny.cpp was changed on the other computer, or run.sh did not come"):
        elsewhere.collect_folder()
    sums = (elsewhere.there / "inputs.sha256").read_text()
    (elsewhere.there / "results" / "inputs.sha256").write_text(sums)
    with pytest.raises(ResultsError, match=r"csynth: was run for another archive in the same folder; run run.sh again"):
        elsewhere.collect_folder()
    assert elsewhere.run().returncode == 0
    assert vendor_tools.calls() == before
    assert len(elsewhere.collect()) == 2
    # The same archive once more changes nothing.
    elsewhere.unpack()
    assert elsewhere.run().returncode == 0
    assert vendor_tools.calls() == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("fail", "no licence\ncsynth: vitis-run failed with exit status 1\n"),
        ("crash", "csynth: vitis-run failed with exit status 137\n"),
        ("errors", "[COSIM 212-4] bad\ncsynth: vitis-run gave exit status 0 but printed errors\n"),
        ("fatal", "csynth: vitis-run printed critical warnings that make its figures meaningless\n"),
        ("silent", "csynth: vitis-run succeeded without a new report: tiny_prj/solution1/syn/report/tiny_csynth.xml\n"),
        ("stale", "csynth: vitis-run succeeded without a new report: tiny_prj/solution1/syn/report/tiny_csynth.xml\n"),
    ],
)
def test_the_scripts_see_what_goes_wrong(how: str, said: str, elsewhere: Elsewhere, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vivado")
    vendor_tools.behave(f"{how}@csynth")
    elsewhere.unpack()
    outcome = elsewhere.run()
    assert outcome.returncode == 1
    assert outcome.stderr.endswith(said)
    assert not (elsewhere.there / "results.tar.gz").exists()


def test_a_missing_tool_ends_the_script(elsewhere: Elsewhere) -> None:
    elsewhere.unpack()
    outcome = elsewhere.run()
    assert outcome.returncode == 127
    assert outcome.stderr == (
        "csynth: vitis-run or vitis_hls was not found; install Vitis 2020.2 or newer and source its settings64.sh\n"
    )


@pytest.mark.parametrize(
    ("there", "version", "message"),
    [
        (("vitis-run",), "2024.1", "logic-synthesis of our RTL: vivado was not found; install Vivado"),
        (
            ("vitis-run", "vivado"),
            "2019.2",
            "csynth: {bin}/vitis-run is version 2019.2, and 2023.1 or newer is needed; install Vitis 2020.2",
        ),
        (
            ("vitis-run", "vitis_hls", "vivado"),
            "2020.1.1",
            "csynth: {bin}/vitis-run is version 2020.1.1, and 2023.1 or newer is needed, and {bin}/vitis_hls is "
            "version 2020.1.1, and 2020.2 or newer is needed; install Vitis 2020.2",
        ),
    ],
)
def test_all_programs_are_looked_for_before_the_first_runs(
    there: tuple[str, ...], version: str, message: str, elsewhere: Elsewhere, vendor_tools: VendorTools
) -> None:
    vendor_tools.install(*there)
    vendor_tools.behave("", version)
    elsewhere.unpack()
    outcome = elsewhere.run()
    assert outcome.returncode == 127
    assert outcome.stderr.startswith(message.format(bin=vendor_tools.bin))
    assert vendor_tools.calls() == []


def test_another_program_is_taken_where_the_first_is_too_old(elsewhere: Elsewhere, vendor_tools: VendorTools) -> None:
    vendor_tools.install("vitis-run", "vitis_hls", "vivado")
    vendor_tools.behave("", "2022.2")
    elsewhere.unpack()
    assert elsewhere.run().returncode == 0
    assert vendor_tools.calls() == ["vitis_hls csynth in hls", "vivado logic-synthesis in rtl"]
    assert elsewhere.collect()[0].version == "2022.2"


@pytest.mark.parametrize(("version", "fits"), [("2025.0.4", True), ("2025.1", False), ("2024.2", True)])
def test_a_newest_version_counts_with_its_updates(version: str, fits: bool, tmp_path: Path) -> None:
    query = VersionQuery("sh", ("-c", f"echo Compiler {version}"), r"Compiler ([0-9.]+)", maximum="2025.0")
    step = ToolStep("one", "hls", (Command("true", (), query),), "older is needed", "log", Messages("^no", "^no"))
    (tmp_path / "steps" / "1").mkdir(parents=True)
    (tmp_path / MANIFEST).write_text("{}")
    script = tmp_path / "steps" / "1" / "run.sh"
    script.write_text(archive.step_script(step, "1"))
    assert subprocess.run(["bash", script, "check"], check=False).returncode == (0 if fits else 127)
    assert (unfit(query, version) is None) is fits


def test_files_that_were_altered_before_the_run_are_not_run(elsewhere: Elsewhere) -> None:
    elsewhere.unpack()
    (elsewhere.there / "rtl/src/tiny.v").write_text("module other(); endmodule\n")
    outcome = elsewhere.run()
    assert outcome.returncode == 2
    assert "rtl/src/tiny.v: FAILED" in outcome.stdout
    assert "some of the files are not those that were packed" in outcome.stderr


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


Alter = Callable[[Elsewhere], object]


def edit_manifest(change: str, run: Elsewhere) -> None:
    path = run.there / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | json.loads(change)))


ALTERED: dict[str, tuple[Alter, type[HlsError], str]] = {
    "another name": (
        lambda run: edit(run.there / MANIFEST, '"run": "tiny"', '"run": "other"'),
        ResultsError,
        "the results are of other, but the run is tiny; choose it with --run",
    ),
    "another design": (
        lambda run: (run.hls / "firmware/tiny.cpp").write_text("void tiny() { }\n"),
        ResultsError,
        "hls/firmware/tiny.cpp differs between the results and the run: the results are of another design",
    ),
    "a design with one file more": (
        lambda run: (run.rtl / "src/new.v").write_text("\n"),
        ResultsError,
        "rtl/src/new.v differs between the results and the run",
    ),
    "a source that was changed there": (
        lambda run: edit(run.there / "results/inputs.sha256", "  rtl/src/tiny.v", "0  rtl/src/tiny.v"),
        ResultsError,
        "rtl/src/tiny.v was changed on the other computer",
    ),
    "a report that was changed": (
        lambda run: edit(run.there / REPORT, "<LUT>1700</LUT>", "<LUT>17</LUT>"),
        ResultsError,
        f"tiny_csynth.xml was changed since the tool left it\ndelete results/{CSYNTH} there and run run.sh again there",
    ),
    "a report that is missing": (
        lambda run: (run.there / REPORT).unlink(),
        ToolFailedError,
        "vitis-run succeeded without a report: .*tiny_csynth.xml is missing",
    ),
    "a report that is stale": (
        lambda run: os.utime(run.there / REPORT, (1, 1)),
        ToolFailedError,
        "vitis-run succeeded without a new report: .*tiny_csynth.xml is older than the run",
    ),
    "a step that was not run": (
        lambda run: (run.there / f"results/{CSYNTH}/command").unlink(),
        ToolFailedError,
        "csynth: did not finish",
    ),
    "a tool that was ended": (
        lambda run: (run.there / f"results/{CSYNTH}/status").unlink(),
        ToolFailedError,
        "csynth: vitis-run was ended on the other computer",
    ),
    "a status that is not 0": (
        lambda run: (run.there / f"results/{CSYNTH}/status").write_text("1\n"),
        ToolFailedError,
        "csynth: vitis-run failed with exit status 1 on the other computer",
    ),
    "a wrong version": (
        lambda run: (run.there / f"results/{CSYNTH}/version").write_text("vitis-run v2019.2 (64-bit)\n"),
        ToolFailedError,
        "csynth: vitis-run is version 2019.2, and 2023.1 or newer is needed",
    ),
    "no mark of its end": (
        lambda run: (run.there / f"results/{CSYNTH}/finished").unlink(),
        ToolFailedError,
        "^csynth: did not finish\nrun run.sh again there; it resumes at this step$",
    ),
    "errors in the log": (
        lambda run: (run.there / f"results/{CSYNTH}/log").write_text("ERROR: [HLS 200-70] no\n"),
        ToolFailedError,
        r"vitis-run gave exit status 0 but printed errors; (.|\n)*\[HLS 200-70\] no",
    ),
    "no log": (lambda run: (run.there / f"results/{CSYNTH}/log").unlink(), ToolFailedError, "vitis-run left no log"),
    "no start": (
        lambda run: (run.there / f"results/{CSYNTH}/started").unlink(),
        ResultsError,
        "csynth: its start time is not known",
    ),
    "a link": (
        lambda run: (run.there / "results/more").symlink_to("/etc/passwd"),
        ResultsError,
        "results/more: is a link",
    ),
    "no manifest": (lambda run: (run.there / MANIFEST).unlink(), ResultsError, "has no readable manifest.json"),
    **{
        f"a manifest with {change}": (
            partial(edit_manifest, change),
            ResultsError,
            "has no readable manifest.json",
        )
        for change in (
            '{"run": []}',
            '{"run": "../other"}',
            '{"checked": [[]]}',
            '{"files": {"a": 5}}',
            '{"format": 2}',
        )
    },
    "a manifest of deep lists": (
        lambda run: (run.there / MANIFEST).write_text("[" * 100_000),
        ResultsError,
        "has no readable manifest.json",
    ),
}


@pytest.mark.parametrize("name", ALTERED)
def test_results_that_are_not_right_are_refused(name: str, done: Elsewhere) -> None:
    alter, kind, message = ALTERED[name]
    alter(done)
    with pytest.raises(kind, match=message):
        done.collect_folder()


def test_simulated_outputs_that_come_back_are_held_to_the_model_s(tmp_path: Path, vendor_tools: VendorTools) -> None:
    run = Elsewhere(tmp_path, ("csim",))
    vendor_tools.install("vitis-run", "vivado")
    run.unpack()
    assert run.run().returncode == 0
    assert [result.compared for result in run.collect()] == ["2 of 2 outputs equal", None, None]
    result = run.there / "results/1_hls_csim"
    left = result / "left/tb_data/csim_results.log"
    before = digest(left)
    edit(left, "0.5", "0.25")
    edit(result / "sums", before, digest(left))
    with pytest.raises(ToolFailedError, match=r"csim_results.log: event 0, output 1 is 0.25 but should be 0.5"):
        run.collect_folder()


def test_results_of_another_plan_are_refused(done: Elsewhere) -> None:
    other = replace(done.plan, clock_period_ns=5.0)
    with pytest.raises(ResultsError, match="the results are of another plan than the run's"):
        done.collect(plan=other)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (member("../outside"), "'../outside' leads out of the folder"),
        (member("results/../../outside"), "leads out of the folder"),
        (member("/tmp/outside"), "'/tmp/outside' leads out of the folder"),
        (member("results\\..\\outside"), "leads out of the folder"),
        (member("..", tarfile.DIRTYPE), "is a link or device"),
        (member("results/link", tarfile.SYMTYPE, "/etc/passwd"), "'results/link' is a link or device"),
        (member("results/link", tarfile.LNKTYPE, "manifest.json"), "is a link or device"),
        (member("results/device", tarfile.CHRTYPE), "is a link or device"),
        (member("results/pipe", tarfile.FIFOTYPE), "is a link or device"),
    ],
)
def test_an_archive_that_reaches_out_of_its_folder_is_refused(
    entry: tarfile.TarInfo, message: str, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as packed:
        packed.addfile(entry, io.BytesIO(b""))
    with pytest.raises(ResultsError, match=message.replace("\\", ".")):
        results.take(tmp_path / "bad.tar.gz", tmp_path / "taken")
    assert not list((tmp_path / "taken").iterdir())
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    ("path", "mtime"),
    [("results/a", "1e30"), ("results/a", "nan"), ("results/a", "-inf"), ("results/a", "soon"), ("results/\0", "1")],
)
def test_a_time_or_name_that_no_file_has_is_refused(path: str, mtime: str, tmp_path: Path) -> None:
    entry = member("results/a")
    entry.pax_headers = {"path": path, "mtime": mtime}
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as packed:
        packed.addfile(entry, io.BytesIO(b""))
    with pytest.raises(ResultsError, match=r"bad.tar.gz: (cannot be unpacked|has no readable manifest.json)"):
        results.take(tmp_path / "bad.tar.gz", tmp_path / "taken")


def test_a_header_of_any_size_is_not_read_into_memory(tmp_path: Path) -> None:
    entry = member("results/a")
    entry.pax_headers = {"comment": "a" * (17 << 20)}
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz", format=tarfile.PAX_FORMAT, compresslevel=1) as packed:
        packed.addfile(entry, io.BytesIO(b""))
    with pytest.raises(ResultsError, match=r"cannot be unpacked \(a header of more than 16 MiB\)"):
        results.take(tmp_path / "bad.tar.gz", tmp_path / "taken")


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as packed:
        for _ in range(2):
            packed.addfile(member("manifest.json"), io.BytesIO(b""))
    with pytest.raises(ResultsError, match=r"holds 'manifest.json' twice"):
        results.take(tmp_path / "bad.tar.gz", tmp_path / "taken")


@pytest.mark.parametrize("size", [0, 100, 2000])
def test_an_archive_that_was_cut_off_is_refused(size: int, done: Elsewhere) -> None:
    packed = done.there / "results.tar.gz"
    cut = done.place / "cut.tar.gz"
    cut.write_bytes(packed.read_bytes()[:size])
    with pytest.raises(ResultsError, match=r"cut.tar.gz: (cannot be unpacked|has no readable manifest.json)"):
        done.collect(cut)


def test_the_plan_s_archive_is_no_result(elsewhere: Elsewhere) -> None:
    with pytest.raises(ResultsError, match=r"has no readable manifest.json; give the results.tar.gz that run.sh wrote"):
        elsewhere.collect(elsewhere.pack())


def test_odd_characters_stay_what_they_are_in_a_script(tmp_path: Path, vendor_tools: VendorTools) -> None:
    step = ToolStep(
        name="odd",
        design="hls",
        commands=(Command("sh", ("-c", "printf '%s' \"$ODD\" > 'a b/$left'")),),
        mend="it's there",
        log="odd $log",
        messages=Messages("^no", "^no"),
        environment={"ODD": "a 'b' $HOME `c`"},
        clears=("a b/old",),
    )
    (tmp_path / "steps" / "1").mkdir(parents=True)
    (tmp_path / "hls" / "a b" / "old").mkdir(parents=True)
    (tmp_path / MANIFEST).write_text("{}")
    (tmp_path / "steps" / "1" / "run.sh").write_text(archive.step_script(step, "1"))
    subprocess.run(["bash", tmp_path / "steps" / "1" / "run.sh"], check=True, capture_output=True)
    assert (tmp_path / "hls" / "a b" / "$left").read_text() == "a 'b' $HOME `c`"
    assert not (tmp_path / "hls" / "a b" / "old").exists()
