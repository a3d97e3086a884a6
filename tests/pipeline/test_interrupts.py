"""Interrupts that come where Python forgets them."""

from __future__ import annotations

import signal
import subprocess
import sys
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_python_forgot_comes_at_the_next_step(number: signal.Signals) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", SWALLOWED, str(int(number))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        # A shell that runs the tests in the background lets all their processes ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (answer.stdout.split("\n"), answer.stderr) == (["went on", "interrupted", ""], "")
