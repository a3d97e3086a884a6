"""All networks of the zoo, each in its own run."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from trigcnn.common.foreign import cut
from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError
from trigcnn.pipeline.config import plain_yaml
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError, ExitStatus
from trigcnn.pipeline.results.report import Report

_TIME_LIMIT_S = 6 * 3600.0
# Interval at which runs are ended after an interrupt, in s.
_END_S = 0.1


class _Line(BaseModel):
    """One entry of the list, as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str


_LINES = TypeAdapter(Annotated[list[_Line], Field(min_length=1)])


@dataclass(frozen=True)
class Entry:
    """A network of the zoo with its configuration.

    Attributes:
        config: The configuration.
        path: Its file.
    """

    config: RunConfig
    path: Path

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.config.name

    @property
    def digest(self) -> str:
        """SHA-256 of the values in the configuration's file; comments do not count."""
        written = plain_yaml.read(self.path)
        return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """The result of an entry.

    Attributes:
        entry: The entry.
        report: Its report; None where the run failed.
        error: Last lines of a run that failed.
        seconds: Wall-clock time of this run; unchanged stages take none.
    """

    entry: Entry
    report: Report | None
    error: str
    seconds: float


def entries(path: Path) -> list[Entry]:
    """Load the list of the zoo: configurations beside it, in the order of the page.

    Args:
        path: YAML file: a list of `config`, a file name.

    Raises:
        ConfigError: The list or a configuration cannot be used.
    """
    try:
        lines = _LINES.validate_python(plain_yaml.read(path))
    except (OSError, plain_yaml.NotPlainError, ValidationError) as error:
        raise ConfigError(
            f"{path}: cannot be used as the list of the zoo: {cut(error)}; write one line per network, "
            "`- config: NAME.yaml`"
        ) from error
    found = []
    for line in lines:
        config = path.parent / line.config
        found.append(Entry(load(config), config))
    names = [entry.name for entry in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: two runs are called {', '.join(twice)}; give each configuration its own name")
    return found


def chosen(every: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    """Return the entries of these names, or all.

    Raises:
        ConfigError: A name is not in the list.
    """
    known = {entry.name: entry for entry in every}
    for name in names:
        if name not in known:
            raise ConfigError(f"{name}: not a run of the zoo; {did_you_mean(name, known)}")
    return [known[name] for name in names] if names else list(every)


def run(every: Sequence[Entry], out: Path, *, jobs: int, console: Console) -> list[Outcome]:
    """Do the runs, each in its own process; a run that fails does not stop the others, and an interrupt ends all.

    Args:
        every: The entries.
        out: Folder of the runs, `out/NAME`; unchanged stages there are not done again.
        jobs: Runs at the same time.
        console: Gets a line for each run that ends.

    Returns:
        One outcome per entry, in the same order.
    """
    out.mkdir(parents=True, exist_ok=True)
    outcomes: dict[str, Outcome] = {}
    pool = ThreadPoolExecutor(jobs)
    waiting = {pool.submit(_run, entry, out) for entry in every}
    try:
        for future in as_completed(waiting):
            outcome = future.result()
            outcomes[outcome.entry.name] = outcome
            verdict = "failed" if outcome.report is None else outcome.report.verdict
            console.line(f"{outcome.entry.name}: {verdict}, {outcome.seconds:.0f} s ({len(outcomes)}/{len(every)})")
            if outcome.error:
                console.line(outcome.error)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        # Again and again: one may only be about to start.
        while not all(future.done() for future in waiting):
            tool.end_all()
            time.sleep(_END_S)
        raise
    finally:
        pool.shutdown()
    return [outcomes[entry.name] for entry in every]


def status(outcomes: Sequence[Outcome]) -> ExitStatus:
    """Return the exit status: TOOL if a run failed, else GATE_MISSED if one missed a gate, else DONE."""
    if any(outcome.report is None for outcome in outcomes):
        return ExitStatus.TOOL
    missed = any(outcome.report.verdict == "fail" for outcome in outcomes if outcome.report is not None)
    return ExitStatus.GATE_MISSED if missed else ExitStatus.DONE


def _run(entry: Entry, out: Path) -> Outcome:
    folder = (out / entry.name).resolve()
    words: list[str | Path] = [sys.executable, "-m", "trigcnn", "run", entry.path.resolve(), "--out", folder]
    start = time.monotonic()
    error, ended = "", True
    try:
        tool.run(words, cwd=out, log=out / f"{entry.name}.log", timeout_s=_TIME_LIMIT_S)
    except ToolFailedError as failure:
        error = str(failure)
        ended = f"exit status {int(ExitStatus.GATE_MISSED)};" in error
    # After any other exit status, the report in the folder may be of an earlier run.
    written = folder / "report" / "report.json"
    report = Report.model_validate_json(written.read_text()) if ended and written.is_file() else None
    return Outcome(entry, report, "" if report is not None else error, time.monotonic() - start)
