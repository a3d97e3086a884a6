"""Interrupts that come where Python forgets them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SWALLOWED = """
import signal, sys
from trigcnn.pipeline import interrupts
from trigcnn.pipeline.console import Console

class Dropped:
    def __del__(self):
        signal.raise_signal(signal.Signals(int(sys.argv[1])))

interrupts.install()
with Console().task("training") as task:
    task.update(0, 2)
    Dropped()
    print("went on", flush=True)
    try:
        task.update(1, 2)
    except KeyboardInterrupt:
        print("interrupted")
"""

LEAVING = """
import atexit, signal, sys
from trigcnn.pipeline import interrupts

interrupts.install()
atexit.register(lambda: signal.raise_signal(signal.Signals(int(sys.argv[1]))))
interrupts.leave()
"""


def python(program: str, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, str(int(number))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        # A shell that runs the tests in the background lets all their processes ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_python_forgot_comes_at_the_next_step(number: signal.Signals) -> None:
    answer = python(SWALLOWED, number)
    assert (answer.stdout.split("\n"), answer.stderr) == (["went on", "interrupted", ""], "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_the_process_ends_gives_130(number: signal.Signals) -> None:
    answer = python(LEAVING, number)
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", "")


@pytest.mark.parametrize("command", [("doctor",), ("golden", "check", "x.golden.yaml"), ("models",)])
def test_each_command_that_is_interrupted_gives_130(
    command: tuple[str, ...], trigcnn: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trigcnn.pipeline.commands.doctor.doctor_report", interrupted)
    monkeypatch.setattr("trigcnn.pipeline.golden.check.check", interrupted)
    monkeypatch.setattr("trigcnn.models.zoo.available", interrupted)
    outcome = trigcnn(*command)
    assert (outcome.returncode, outcome.stderr) == (130, "interrupted\n")
