"""Commands that are killed with SIGKILL at random changes of files, and started again.

`kills` starts whole commands on a small network: each stage of a run, training included, and every command that
writes. Each must lose no finished stage, leave no process and no half-written file, and succeed when it is started
again. Each command is a process of its own, copied from one that has brought TensorFlow up; each stage is killed and
resumed by its own command, which does no later stage. `writers.py` does the same with each writer of files alone, which
takes milliseconds instead of seconds.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.pipeline.conftest import write_quick
from tests.torture.counts import Counts
from trigcnn.pipeline.cache.folder import RunFolder

_ROOT = Path(__file__).parents[2]
_LIMIT_S = 900.0
# Guards end what a killed command started.
_END_S = 15.0
_STAGES = ("train", "convert", "check", "synthesize", "report")
_OPTIONS = ("--set", "rtl.architecture=parallel", "--set", "synthesis.yosys=true", "--set", "test_bench.events=4")
_SWEEP = """
sweep:
  objectives: {accuracy: maximize}
  space: {model.options.units: {low: 2, high: 4}}
  trials: 2
  sampler: random
  cluster: {workers: 1, memory_gb: 4}
"""
Say = Callable[[str], None]


class _Server:
    """A process that has brought TensorFlow up and runs commands in copies of itself."""

    def __init__(self, place: Path) -> None:
        environment = {**os.environ, "TRIGCNN_KILLED": str(place), "TMPDIR": str(place / "tmp")}
        (place / "tmp").mkdir()
        words = [sys.executable, "-W", "ignore", "-m", "tests.torture.killed", str(place)]
        self._process = subprocess.Popen(
            words, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
        )

    @property
    def identity(self) -> int:
        """The number of the process."""
        return self._process.pid

    def run(self, words: list[str | Path], log: Path, counted: Path, kill_at: int) -> int | None:
        """Return the status of a command, negative for a signal; None if it hung and was ended."""
        request = {"words": [str(word) for word in words], "log": str(log), "counted": str(counted), "kill_at": kill_at}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request).encode() + b"\n")
        process = int(stdout.readline())
        hung = not select.select([stdout], [], [], _LIMIT_S)[0]
        if hung:
            os.killpg(process, signal.SIGKILL)
        status = int(stdout.readline())
        return None if hung else status

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


class Commands:
    """The commands, in a folder with one finished run for those that need it."""

    def __init__(self, place: Path, options: tuple[str, ...] = _OPTIONS) -> None:
        """Make the run, with options for the command line."""
        self._server = _Server(place)
        self.place, self.run, self._options = place, place / "run", options
        self.config = write_quick(place / "network")
        text = self.config.read_text()
        (place / "network" / "sweep.yaml").write_text(text + _SWEEP)
        (place / "network" / "zoo.yaml").write_text("- config: quick.yaml\n")
        self._wrong = text + 'hls:\n  layers:\n    dense1: {precision: {accum: "fixed<8,1>"}}\n'
        events, run, out = place / "network" / "events.npz", self.run, place / "out"
        case, network = out / "quick.golden.yaml", place / "network"
        started = {stage: self._run(command=stage) for stage in _STAGES}
        self.words: dict[str, list[str | Path]] = {
            **started,
            "plan only": [*self._run(), "--plan-only"],
            "evaluate": ["evaluate", run, "--events", events, "--signal", "1", "--out", out / "evaluation"],
            "compare": ["compare", run, run / "report" / "report.json", "--out", out / "compare"],
            "golden freeze": ["golden", "freeze", run, "--out", case],
            "golden update": ["golden", "update", case, "--run", run],
            "export": ["export", run, "--to", "cpp", "--to", "axis", "--out", out / "export", "--force"],
            "prove": ["prove", run],
            "explain": ["explain", network / "explain.yaml", "--out", out / "explain", "--apply"],
            "sweep": ["sweep", network / "sweep.yaml", "--out", out / "sweep"],
            "sweep best": ["sweep", "best", out / "sweep", "--out", out / "best.yaml"],
            "zoo": ["zoo", "--list", network / "zoo.yaml", "--out", out / "zoo", "--page", out / "zoo.md"],
            "datasets show": ["datasets", "show", "digits", "--out", out / "digits.png"],
        }
        out.mkdir()
        self._changes = dict[str, int]()
        self._done(self._run())
        # `compare` takes no run twice.
        shutil.copytree(run / "report", place / "other" / "report")
        self.words["compare"][2] = place / "other"

    def _run(self, command: str = "run") -> list[str | Path]:
        return [command, self.config, "--out", self.run, *self._options]

    def start(self, words: list[str | Path], kill_at: int = 0) -> int | None:
        """Run a command, its output in `log`, and return its status."""
        return self._server.run(words, self.log, self._counted, kill_at)

    def end(self) -> None:
        """End the process that runs the commands."""
        self._server.end()

    def _done(self, words: list[str | Path]) -> None:
        if self.start(words) != 0:
            raise RuntimeError(f"{words[0]} fails by itself: {self.log.read_text()}")

    @property
    def log(self) -> Path:
        """What the last command printed."""
        return self.place / "log"

    @property
    def _counted(self) -> Path:
        return self.place / "counted"

    def changes(self, name: str) -> int:
        """Return how many changes of files a command makes; found by a run of it without a kill."""
        if name not in self._changes:
            self._reset(name)
            self._done(self.words[name])
            self._changes[name] = int(self._counted.read_text())
        return self._changes[name]

    def _reset(self, name: str) -> None:
        """Let a command that keeps its results begin anew, behind what it needs."""
        if name in _STAGES:
            # Without a whole manifest, a stage is not finished, and is replaced; a report goes when a stage changes.
            manifest = self.run / name / "manifest.json"
            if manifest.exists():
                manifest.write_text("{}")
        if name in ("sweep", "zoo"):
            shutil.rmtree(self.place / "out" / name, ignore_errors=True)
        (self.place / "network" / "explain.yaml").write_text(self._wrong)
        case = self.place / "out" / "quick.golden.yaml"
        if name == "golden freeze":
            # A finished case is not frozen again.
            case.unlink(missing_ok=True)
        for needed, missing in (("golden update", "golden freeze"), ("sweep best", "sweep")):
            there = case if needed == "golden update" else self.place / "out" / "sweep" / "sweep.json"
            if name == needed and not there.exists():
                self._done(self.words[missing])

    def kill(self, name: str, number: int) -> Counts:
        """Kill a command, and start it again."""
        self._reset(name)
        if self.start(self.words[name], number) is None:
            return Counts(tried=1, hangs=1)
        finished = self._finished()
        if name == "golden freeze":
            self._reset(name)
        # At once: what the killed command started may still be there.
        status = self.start(self.words[name])
        if status is None:
            return Counts(tried=1, hangs=1)
        text = self.log.read_text(errors="replace")
        lost = [stage for stage in finished if f"{stage}: done in" in text] if self.run in self.words[name] else []
        left = self._left()
        clean = status == 0 and not lost and not left
        if not clean:
            self.log.replace(self.place / f"log of {name} {number}")
        worse = len(lost) or int(bool(left) and status == 0)
        return Counts(tried=1, clean=int(clean), tracebacks=int(status != 0), lost_stages=worse)

    def _finished(self) -> list[str]:
        """Return the stages that are finished and made from the present ones before them."""
        folder, finished = RunFolder(self.run), dict[str, str]()
        for stage in _STAGES:
            found = folder.manifest(stage)
            if found is None or any(found.inputs.get(name, digest) != digest for name, digest in finished.items()):
                break
            finished[stage] = found.digest
        return list(finished)

    def _left(self) -> list[str]:
        """Return half-written files and processes that the commands left."""
        partial = [str(path) for end in ("partial*", "unfinished*") for path in self.place.rglob(f"*.{end}")]
        partial += [str(path) for path in (self.place / "tmp").glob("trigcnn-scratch-*")]
        end = time.monotonic() + _END_S
        while (alive := _processes(self.place, but=self._server.identity)) and time.monotonic() < end:
            time.sleep(0.2)
        return [*partial, *map(str, alive)]


def _processes(place: Path, but: int) -> list[int]:
    """Return the processes that a command started, by a variable that all inherit."""
    wanted, found = f"TRIGCNN_KILLED={place}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if path.parent.name != str(but) and wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def kills(
    count: int,
    seed: int,
    say: Say = lambda _: None,
    names: tuple[str, ...] | None = None,
    options: tuple[str, ...] = _OPTIONS,
) -> Counts:
    """Kill commands in turn, each at a random change of files, and start them again.

    Args:
        count: How many kills.
        seed: Which.
        say: Told of each.
        names: Of the commands; default: all.
        options: Of the run that is killed; default: with RTL, synthesis and test benches.
    """
    draw, counts = random.Random(seed), Counts()
    with tempfile.TemporaryDirectory(prefix="kills") as place:
        commands = Commands(Path(place), options)
        chosen = names or tuple(commands.words)
        try:
            for number in range(count):
                name = chosen[number % len(chosen)]
                at = draw.randint(1, commands.changes(name))
                found = commands.kill(name, at)
                counts += found
                say(f"{name}, change {at} of {commands.changes(name)}: {found}")
        finally:
            commands.end()
    return counts
