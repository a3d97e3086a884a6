"""Results of a plan that was run on another computer: copied, and checked as a run here."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

from pydantic import Field, TypeAdapter

from trigcnn.common.foreign import cut
from trigcnn.hls.errors import ResultsError, ToolFailedError
from trigcnn.hls.synthesis.vendors import checks, figures, outputs, programs
from trigcnn.hls.synthesis.vendors.archive import FORMAT, MANIFEST
from trigcnn.hls.synthesis.vendors.plan import ToolStep, VendorPlan
from trigcnn.hls.synthesis.vendors.run import StepResult, digest

_RESULTS = "results"
_LARGEST_BYTES = 4 << 30
_LARGEST_TEXT_BYTES = 16 << 20
_MOST_MEMBERS = 100_000


@dataclass(frozen=True)
class Manifest:
    """The manifest of a package; see `archive.pack`."""

    format: Annotated[int, Field(ge=FORMAT, le=FORMAT)]
    run: Annotated[str, Field(pattern=r"^\w+$")]
    plan: dict[str, Any]
    inputs: dict[str, str]
    files: dict[str, str]
    checked: list[str]

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest.

        Raises:
            OSError: It cannot be read.
            ValueError: It is not a manifest.
        """
        with path.open("rb") as stream:
            return TypeAdapter(cls).validate_json(stream.read(_LARGEST_TEXT_BYTES))


def take(source: Path, folder: Path) -> Manifest:
    """Copy results into a new folder.

    Args:
        source: `results.tar.gz`, or the folder in which `run.sh` ran.
        folder: New folder; its parent exists.

    Returns:
        The manifest.

    Raises:
        ResultsError: There are no results, they are incomplete, or they contain what results never do: paths out of
            the folder, links, devices.
    """
    folder.mkdir()
    if source.is_dir():
        packed = source / "results.tar.gz"
        _copy(source, folder) if (source / _RESULTS).is_dir() or not packed.is_file() else _unpack(packed, folder)
    else:
        _unpack(source, folder)
    try:
        return Manifest.read(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise ResultsError(
            f"{source}: has no readable {MANIFEST}; give the results.tar.gz that run.sh wrote, or the folder of run.sh"
        ) from error


def check(
    plan: VendorPlan,
    inputs: Mapping[str, str],
    manifest: Manifest,
    folder: Path,
    target: Path,
    *,
    origins: Mapping[str, Path],
    exact: bool = True,
) -> tuple[StepResult, ...]:
    """Check results against the plan of a run, and put them where a run here would have left them.

    Args:
        plan: What the run plans now.
        inputs: SHA-256 of the run's input files for the tools.
        manifest: Of the results.
        folder: Where `take` has put them.
        target: New folder for the logs and reports, by design.
        origins: Folder of each design, with the expected outputs.
        exact: Whether it is an error if simulated outputs differ from the model's.

    Raises:
        ResultsError: They are of another design, or incomplete.
        ToolFailedError: A tool failed, printed an error, did not leave its files, or simulated other outputs than
            the model's.
        ToolMissingError: The version of a tool is not supported.
    """
    _check_same(plan, inputs, manifest, folder)
    target.mkdir()
    found = []
    for name, step in zip(plan.ids, plan.steps, strict=True):
        place = folder / _RESULTS / name
        try:
            result = _step(step, place, target)
            figures.read_step(plan, step, target, result.version or programs.UNKNOWN)
            compared = outputs.check(step, target / step.design, origins[step.design], exact=exact)
        except (ResultsError, ToolFailedError) as error:
            raise type(error)(f"{error}\n{_mend(place)}") from error
        found.append(replace(result, compared=compared))
    return tuple(found)


def _mend(result: Path) -> str:
    """Return how to run the step again on the other computer: `run.sh` skips finished steps, which are marked."""
    first = f"delete {_RESULTS}/{result.name} there and " if (result / "finished").is_file() else ""
    return f"{first}run run.sh again there; it resumes at this step"


def hosts(plan: VendorPlan, folder: Path) -> tuple[str, ...]:
    """Return the names of the computers on which the steps ran, each once."""
    return tuple(dict.fromkeys(_text(folder / _RESULTS / name / "host") or "unknown" for name in plan.ids))


def _check_same(plan: VendorPlan, inputs: Mapping[str, str], manifest: Manifest, folder: Path) -> None:
    other = "the results are of another design or configuration; pack the run again with --plan-only"
    if manifest.run != plan.top:
        raise ResultsError(f"the results are of {manifest.run}, but the run is {plan.top}; choose it with --run")
    for name in sorted({*inputs, *manifest.inputs}):
        if inputs.get(name) != manifest.inputs.get(name):
            raise ResultsError(f"{name} differs between the results and the run: {other}")
    if manifest.plan != json.loads(json.dumps(plan.as_json())):
        raise ResultsError(f"the results are of another plan than the run's: {other}")
    seen = dict(_sums(folder / _RESULTS / "inputs.sha256"))
    for name in manifest.checked:
        if seen.get(name) != manifest.files.get(name, ""):
            raise ResultsError(
                f"{name} was changed on the other computer, or run.sh did not come to its end; unpack the archive "
                "again there and run it"
            )
    archive = digest(folder / MANIFEST)
    for name, step in zip(plan.ids, plan.steps, strict=True):
        if _text(folder / _RESULTS / name / "finished") not in (None, archive):
            raise ResultsError(f"{step.title}: was run for another archive in the same folder; run run.sh again there")


def _step(step: ToolStep, result: Path, target: Path) -> StepResult:
    number = _text(result / "command")
    if number is None or not number.isdecimal() or int(number) >= len(step.commands):
        raise ToolFailedError(f"{step.title}: did not finish")
    command = step.commands[int(number)]
    program, log = command.program, target / step.design / step.log
    log.parent.mkdir(exist_ok=True)
    if (result / "log").is_file():
        shutil.copy2(result / "log", log)
    status = _text(result / "status")
    if status != "0":
        said = "was ended" if status is None else f"failed with exit status {status}"
        raise ToolFailedError(f"{step.title}: {program} {said} on the other computer")
    critical = checks.check_log(step, program, log)
    if command.version is None:
        version = programs.read(step.banner, log.read_text(errors="replace"))
    else:
        version = programs.read(command.version.pattern, _text(result / "version") or "")
        if (reason := programs.unfit(command.version, version)) is not None:
            raise ToolFailedError(f"{step.title}: {program} is {reason}; {step.mend}")
    returned = [expected for expected in step.leaves if not expected.bulky]
    try:
        started_ns = (result / "started").stat().st_mtime_ns
    except OSError as error:
        raise ResultsError(f"{step.title}: its start time is not known") from error
    sums = dict(_sums(result / "sums"))
    for expected in returned:
        path = result / "left" / expected.path
        checks.check_fresh(program, path, started_ns, log)
        if digest(path) != sums.get(expected.path):
            raise ResultsError(f"{step.title}: {expected.path} was changed since the tool left it")
        kept = target / step.design / expected.path
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, kept)
    if not (result / "finished").is_file():
        raise ToolFailedError(f"{step.title}: did not finish")
    seconds = _text(result / "seconds") or ""
    return StepResult(
        name=step.title,
        folder=step.design,
        status="collected",
        command=command.line,
        tool=command.tool,
        version=version,
        seconds=float(seconds) if seconds.isdecimal() else 0.0,
        log=f"{step.design}/{step.log}",
        critical_warnings=critical,
        reports={f"{step.design}/{expected.path}": sums[expected.path] for expected in returned},
    )


def _unpack(source: Path, folder: Path) -> None:
    """Unpack by hand: only names, contents and times of plain files of an archive are trusted."""
    total = 0
    try:
        with _Unpacked(source) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
            for number, member in enumerate(archive):
                if number == _MOST_MEMBERS:
                    raise ResultsError(f"{source}: holds more than {_MOST_MEMBERS} files; these are not results")
                if member.isdir() and _is_inside(member.name):
                    continue
                if not member.isreg():
                    raise ResultsError(f"{source}: {cut(member.name)!r} is a link or device; results are plain files")
                total += member.size
                if total > _LARGEST_BYTES:
                    raise ResultsError(f"{source}: holds more than {_LARGEST_BYTES >> 30} GiB; these are not results")
                stream = archive.extractfile(member)
                if stream is not None:
                    _put(source, member.name, stream, int(member.mtime * 10**9), folder)
    # The last two are raised for names and times that no file system has.
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError) as error:
        raise ResultsError(f"{source}: cannot be unpacked ({cut(error)}); copy results.tar.gz again") from error


class _Unpacked(gzip.GzipFile):
    """The unpacked archive; it refuses headers of any size, which tarfile reads whole."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_TEXT_BYTES:
            raise ValueError(f"a header of more than {_LARGEST_TEXT_BYTES >> 20} MiB")
        return super().read(size)


def _copy(source: Path, folder: Path) -> None:
    for path in (source / MANIFEST, *_walk(source / _RESULTS)):
        if path.is_symlink():
            raise ResultsError(f"{path}: is a link; results are plain files")
        if path.is_file():
            name = path.relative_to(source).as_posix()
            with path.open("rb") as stream:
                _put(source, name, stream, path.stat().st_mtime_ns, folder)


def _walk(folder: Path) -> Iterator[Path]:
    """Return the content of a folder, without following links."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _put(source: Path, name: str, content: IO[bytes], time_ns: int, folder: Path) -> None:
    if not _is_inside(name):
        raise ResultsError(f"{source}: {cut(name)!r} leads out of the folder; results do not")
    path = folder / name
    if path.exists():
        raise ResultsError(f"{source}: holds {cut(name)!r} twice")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        shutil.copyfileobj(content, stream)
    os.utime(path, ns=(time_ns, time_ns))


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _text(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(_LARGEST_TEXT_BYTES).decode(errors="replace").strip()


def _sums(path: Path) -> Iterator[tuple[str, str]]:
    """Read the output of `sha256sum`."""
    for line in (_text(path) or "").splitlines():
        sha, _, name = line.partition("  ")
        yield name, sha
