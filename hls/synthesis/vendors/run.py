"""One call runs a plan: the tools in their order, each checked; finished steps are not run again."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from trigcnn.common.files import copy_tree, write_text
from trigcnn.hls import tool
from trigcnn.hls.synthesis.vendors import checks, figures, outputs, programs
from trigcnn.hls.synthesis.vendors.plan import ToolStep, VendorPlan

# Beside the designs' folders: the finished steps, so that a later call resumes.
STATE = "vendor_state.json"
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class StepResult:
    """One run of one of the vendor's tools. Paths are relative to one folder, which a report names."""

    name: str
    """What it does, such as `csynth` or `implementation of our RTL`."""
    folder: str
    """Folder of the design, in which the tool runs."""
    command: str
    """The command line."""
    tool: str
    """Name of the tool, which the command may start through a Makefile."""
    status: Literal["planned", "done", "kept", "collected"]
    """`planned`: not run; `done`: run; `kept`: finished by an earlier run that was interrupted; `collected`: run on
    another computer."""
    version: str | None = None
    """Version of the tool; `unknown` if the tool does not tell it."""
    seconds: float | None = None
    """How long it took, in s."""
    log: str | None = None
    """File with what the tool printed."""
    critical_warnings: tuple[str, ...] = ()
    """Critical warnings of the log, each once."""
    compared: str | None = None
    """How many of the simulated outputs equal those of the model; None if none were compared."""
    reports: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file that the tool left, by path."""

    @classmethod
    def planned(cls, step: ToolStep) -> StepResult:
        """Return a step that was not run."""
        command = step.commands[0]
        return cls(step.title, step.design, command.line, command.tool, "planned")

    def inside(self, place: str) -> StepResult:
        """Return the same with paths relative to the folder that holds `place`, where they begin now."""
        return replace(
            self,
            folder=f"{place}/{self.folder}",
            log=self.log and f"{place}/{self.log}",
            reports={f"{place}/{path}": sha for path, sha in self.reports.items()},
        )


def prepare(plan: VendorPlan, origins: Mapping[str, Path], root: Path) -> dict[str, str]:
    """Copy the designs into a folder, unless unchanged copies are there from an earlier call.

    Args:
        plan: What is to run.
        origins: Folder of each design; tools never work in these.
        root: The folder.

    Returns:
        SHA-256 of each input file of the tools, by path relative to the folder.
    """
    root.mkdir(parents=True, exist_ok=True)
    digests: dict[str, str] = {}
    for design in plan.designs:
        wanted = inputs(origins[design], plan.written(design))
        copy = root / design
        if any(digest(copy / name) != sha for name, sha in wanted.items()):
            # Renamed when complete: an interrupted copy must not be used.
            unfinished = root / f"{design}.copying"
            for old in (copy, unfinished):
                shutil.rmtree(old, ignore_errors=True)
            copy_tree(origins[design], unfinished)
            unfinished.rename(copy)
        digests |= {f"{design}/{name}": sha for name, sha in wanted.items()}
    return digests


def inputs(folder: Path, written: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the SHA-256 of the files of a folder by relative path, without those that steps write themselves."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: digest(path) for name, path in names.items() if name not in written}


def run(
    plan: VendorPlan,
    root: Path,
    sources: Mapping[str, str],
    *,
    timeout_s: float,
    exact: bool = True,
    progress: Progress = lambda done, total, text: None,
) -> tuple[StepResult, ...]:
    """Run a plan.

    The files of a step are removed before it begins, so that a failed run shows no report of an earlier one. Steps that
    an earlier call finished with the same inputs are not run again.

    Args:
        plan: What to run.
        root: The folder that `prepare` filled.
        sources: The result of `prepare`.
        timeout_s: Time limit of each tool in seconds.
        exact: Whether it is an error if simulated outputs differ from the model's.
        progress: Called with the number of finished steps and the stage of the present one.

    Raises:
        ToolMissingError: A program is missing, or its version is not supported; nothing was run.
        ToolFailedError: A tool failed, ran out of time, printed an error, did not leave its files, or simulated
            other outputs than the model's.
    """
    found = programs.find(plan)
    state = _read_state(root / STATE)
    results: list[StepResult] = []
    keys: dict[str, list[str]] = {}
    for number, (step, program) in enumerate(zip(plan.steps, found, strict=True)):
        key = _key(step, program, sources, keys.setdefault(step.design, []), exact=exact)
        earlier = state.get(key)
        if earlier is not None and _is_whole(earlier, root):
            results.append(replace(earlier, status="kept"))
        else:
            # Results made from this step's files are no longer valid.
            state = {k: r for k, r in state.items() if r.folder != step.design or k in keys[step.design]}
            _write_state(root / STATE, state)
            note = _note(progress, number, len(plan.steps), step.title)
            result = _run_step(step, program, root, timeout_s, note)
            # An unreadable report must not be kept as a result.
            figures.read_step(plan, step, root, result.version or programs.UNKNOWN)
            compared = outputs.check(step, root / step.design, root / step.design, exact=exact)
            result = replace(result, compared=compared)
            results.append(result)
            state[key] = result
            _write_state(root / STATE, state)
        keys[step.design].append(key)
    return tuple(results)


def _note(progress: Progress, done: int, total: int, title: str) -> Callable[[str], None]:
    progress(done, total, title)
    return lambda stage: progress(done, total, f"{title}, {stage}" if stage else title)


def versions(results: Sequence[StepResult]) -> dict[tuple[str, str], str]:
    """Return the version of each step's tool, by design and name; without unknown ones."""
    return {(each.folder, each.name): each.version for each in results if each.version not in (None, programs.UNKNOWN)}


def write_files(step: ToolStep, folder: Path) -> None:
    """Write a step's files into the folder in which its tool runs."""
    for name, text in step.files.items():
        (folder / name).write_text(text, encoding="utf-8")


def digest(path: Path) -> str:
    """SHA-256 of a file; empty if there is none."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _run_step(
    step: ToolStep, found: programs.Found, root: Path, timeout_s: float, note: Callable[[str], None]
) -> StepResult:
    folder, program = root / step.design, found.command.program
    for stale in (*step.clears, *(expected.path for expected in step.leaves)):
        path = folder / stale
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    write_files(step, folder)
    log = folder / step.log
    log.write_bytes(b"")
    # The file system's own clock: it may differ from this computer's.
    started_ns = log.stat().st_mtime_ns
    began = time.monotonic()
    follower = checks.Follower(step.phases)
    tool.run(
        [found.path, *found.command.arguments],
        cwd=folder,
        log=log,
        timeout_s=timeout_s,
        environment=step.environment,
        on_line=lambda line: note(follower(line)),
    )
    seconds = time.monotonic() - began
    critical = checks.check_log(step, program, log)
    checks.check_left(step, program, folder, started_ns, log)
    return StepResult(
        name=step.title,
        folder=step.design,
        status="done",
        command=found.command.line,
        tool=found.command.tool,
        version=found.version if step.banner == "" else programs.read(step.banner, log.read_text(errors="replace")),
        seconds=round(seconds, 1),
        log=f"{step.design}/{step.log}",
        critical_warnings=critical,
        reports=left(step, root),
    )


def left(step: ToolStep, root: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that a step left, by path relative to the folder with the designs."""
    paths = [f"{step.design}/{expected.path}" for expected in step.leaves]
    return {path: digest(root / path) for path in paths}


def _key(step: ToolStep, found: programs.Found, sources: Mapping[str, str], before: list[str], *, exact: bool) -> str:
    own = {name: sha for name, sha in sources.items() if name.startswith(f"{step.design}/")}
    content = [asdict(step), found.path, found.version, own, before, exact]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _is_whole(result: StepResult, root: Path) -> bool:
    return (
        result.log is not None
        and (root / result.log).is_file()
        and all(digest(root / path) == sha for path, sha in result.reports.items())
    )


def _read_state(path: Path) -> dict[str, StepResult]:
    """Return the finished steps by key; none if the file is missing or not readable."""
    try:
        return TypeAdapter(dict[str, StepResult]).validate_json(path.read_bytes())
    except (OSError, ValueError):
        return {}


def _write_state(path: Path, state: Mapping[str, StepResult]) -> None:
    write_text(path, json.dumps({key: asdict(result) for key, result in state.items()}, indent=1) + "\n")
