"""Stages that are cached, resumable and never half-written."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from trigcnn.common.files import NO_ROOM, copy_tree, write_text
from trigcnn.hls.errors import ToolError
from trigcnn.pipeline.cache.lock import locked
from trigcnn.pipeline.cache.reach import Code
from trigcnn.pipeline.errors import RunFolderError, RunFolderWriteError

_UNFINISHED = ".unfinished"
_CHECKPOINTS = ".checkpoints"


@dataclass(frozen=True)
class Manifest:
    """What went into a stage and what came out; `manifest.json` in the stage's folder.

    Attributes:
        stage: Name of the stage.
        key: Digest of all that decides the outcome: options, inputs, versions, program code.
        options: The part of the configuration that the stage reads.
        inputs: Digest of each earlier stage's outputs, and of files that the user brought.
        versions: Versions of the tools that the stage uses.
        outputs: SHA-256 of each file in the folder.
    """

    stage: str
    key: str
    options: dict[str, Any]
    inputs: dict[str, str]
    versions: dict[str, str]
    outputs: dict[str, str]

    @property
    def digest(self) -> str:
        """Digest of all outputs."""
        return _digest_of(self.outputs)


_MANIFEST = TypeAdapter(Manifest)


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Attributes:
        name: Name, also of its folder.
        after: Stages whose outputs it reads.
        code: Where its work begins in this program; the files that it reaches decide its outcome.
        options: The part of the configuration that it reads.
        files: The user's files that it reads.
        versions: Versions of the tools that it uses.
        work: Does the work in a new folder.
    """

    name: str
    after: tuple[str, ...]
    code: Code | None
    options: dict[str, Any]
    files: tuple[Path, ...]
    versions: dict[str, str]
    work: Callable[[Path], None]


class RunFolder:
    """The folder of a run: one folder per stage, and a lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stage(self, name: str) -> Path:
        """Return the folder of a finished stage.

        Raises:
            RunFolderError: The stage was not finished.
        """
        folder = self.path / name
        if not (folder / "manifest.json").is_file():
            raise RunFolderError(
                f"{self.path}: the stage {name} is not finished; run `trigcnn run` or `trigcnn {name}`"
            )
        return folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for this process, and remove what a killed run left.

        Raises:
            RunFolderError: It cannot be written, or another run has it.
        """
        with ExitStack() as stack:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self.path / ".lock", "run"))
            except OSError as error:
                raise self._cannot_write(error) from error
            self._clear()
            yield

    def claim(self, names: tuple[str, ...]) -> None:
        """Check that the folders of stages are free or from a run, before anything is replaced.

        Raises:
            RunFolderError: One contains something else.
        """
        for name in names:
            folder = self.path / name
            taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
            if taken and not (folder / "manifest.json").is_file():
                raise RunFolderError(
                    f"{folder}: is not a stage of a run, and would be replaced; choose another folder with --out"
                )

    def discard(self, name: str) -> None:
        """Remove a finished stage that is no longer true."""
        if (self.path / name / "manifest.json").is_file():
            shutil.rmtree(self.path / name)

    def put(self, folder: Path, name: str) -> None:
        """Copy a folder beside the stages' folders, and replace an earlier copy when the new one is complete.

        Raises:
            RunFolderError: It cannot be written.
        """
        unfinished = self.path / f"{name}{_UNFINISHED}"
        try:
            copy_tree(folder, unfinished)
            self._replace(unfinished, self.path / name)
        except OSError as error:
            raise self._cannot_write(error) from error

    def write(self, name: str, text: str) -> None:
        """Write a text file beside the stages' folders; an earlier file stays until the new one is complete.

        Raises:
            RunFolderError: It cannot be written.
        """
        try:
            write_text(self.path / name, text)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> RunFolderError:
        return RunFolderError(
            f"{self.path}: cannot write there ({error.strerror or error}); choose another folder with --out"
        )

    def _clear(self) -> None:
        """Remove what a killed run left."""
        try:
            for leftover in list(self.path.glob(f"*{_UNFINISHED}")):
                # A compiler may outlive its killed run and still write: not into a new folder of this name.
                apart = leftover.with_name(f"{uuid.uuid4().hex}{_UNFINISHED}")
                leftover.rename(apart)
                shutil.rmtree(apart, ignore_errors=True)
        except OSError as error:
            raise self._cannot_write(error) from error

    def manifest(self, name: str) -> Manifest | None:
        """Read a stage's manifest; None if it is missing, not readable, or changed since it was written."""
        try:
            found = _MANIFEST.validate_json((self.path / name / "manifest.json").read_bytes())
        except (OSError, ValueError):
            return None
        return found if found.key == _key(found.stage, found.options, found.inputs, found.versions) else None

    def is_current(self, stage: Stage) -> bool:
        """Return whether a stage was finished with the same inputs, options and versions, and is untouched."""
        found = self.manifest(stage.name)
        if found is None or any(self.manifest(name) is None for name in stage.after):
            return False
        folder = self.path / stage.name
        # Other files are the user's, for example of a vendor's tool run by hand.
        untouched = all(file_digest(folder / name) == digest for name, digest in found.outputs.items())
        return untouched and found.key == self._wanted(stage, found).key

    def key(self, stage: Stage) -> str:
        """Digest of all that decides a stage's outcome.

        Raises:
            RunFolderError: A stage before it is not finished.
        """
        return self._wanted(stage).key

    def adopt(self, stage: Stage, fresh: Path) -> None:
        """Move a folder in place that another run finished for the same key."""
        self._replace(fresh, self.path / stage.name)

    def checkpoints(self, stage: Stage) -> Path:
        """Return a folder, not made yet, for files from which an interrupted stage resumes.

        It stays until the stage is finished. What was left there with other options, inputs or versions is removed.
        """
        folder = self._checkpoints(stage) / self._wanted(stage).key
        for other in self._checkpoints(stage).glob("*"):
            if other != folder:
                shutil.rmtree(other)
        return folder

    def remove_checkpoints(self, stage: Stage) -> None:
        """Remove the checkpoints of a finished stage; a killed run that repeated the stage may have left some."""
        shutil.rmtree(self._checkpoints(stage), ignore_errors=True)

    def _checkpoints(self, stage: Stage) -> Path:
        return self.path / f"{stage.name}{_CHECKPOINTS}"

    def execute(self, stage: Stage) -> None:
        """Do a stage's work in a separate folder, and move it in place when it is complete.

        Raises:
            RunFolderError: The folder cannot be written.
        """
        final = self.path / stage.name
        unfinished = self.path / f"{stage.name}{_UNFINISHED}"
        try:
            unfinished.mkdir()
            stage.work(unfinished)
            wanted = self._wanted(stage)
            manifest = Manifest(**{**asdict(wanted), "outputs": _digests(unfinished)})
            write_text(unfinished / "manifest.json", json.dumps(asdict(manifest), indent=1) + "\n")
            self._replace(unfinished, final)
            self.remove_checkpoints(stage)
        except ToolError as error:
            logs = self.path / "logs" / stage.name
            _keep_logs(unfinished, logs)
            raise type(error)(str(error).replace(str(unfinished), str(logs))) from error
        except OSError as error:
            if error.filename is None and error.errno not in NO_ROOM:
                raise
            raise RunFolderWriteError(
                f"{error.filename or unfinished}: {error.strerror}; free space or choose another folder with --out"
            ) from error
        finally:
            if unfinished.exists():
                shutil.rmtree(unfinished)

    def _replace(self, unfinished: Path, final: Path) -> None:
        """Replace a folder by another: a folder cannot be renamed onto another, so the old one is moved away first."""
        if final.exists():
            old = self.path / f"{final.name}.old{_UNFINISHED}"
            final.rename(old)
            unfinished.rename(final)
            shutil.rmtree(old)
        else:
            unfinished.rename(final)

    def _wanted(self, stage: Stage, found: Manifest | None = None) -> Manifest:
        inputs: dict[str, str] = {}
        for name in stage.after:
            earlier = self.manifest(name)
            if earlier is None:
                raise RunFolderError(f"{self.path}: the stage {stage.name} needs {name}; run `trigcnn {name}` first")
            inputs[name] = earlier.digest
        inputs |= {str(path): file_digest(path) for path in stage.files}
        if stage.code is not None:
            inputs |= stage.code.digests({} if found is None else found.inputs)
        options = json.loads(json.dumps(stage.options))
        key = _key(stage.name, options, inputs, stage.versions)
        return Manifest(stage.name, key, options, inputs, stage.versions, {})


def installed_version(distribution: str) -> str:
    """Return the version of an installed Python distribution, or `missing`."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "missing"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; `missing` if there is none, so that the stage itself can report it."""
    # A device or a pipe may have no end.
    if not path.is_file():
        return "missing"
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return "missing"


def _key(stage: str, options: dict[str, Any], inputs: dict[str, str], versions: dict[str, str]) -> str:
    """Return the digest of all that decides a stage's outcome."""
    return _digest_of({"stage": stage, "options": options, "inputs": inputs, "versions": versions})


def _digest_of(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder except its manifest, by path."""
    return {
        str(path.relative_to(folder)): file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / "manifest.json"
    }


def _keep_logs(unfinished: Path, logs: Path) -> None:
    """Keep the logs of outside programs of a failed stage: the error's message names these files."""
    shutil.rmtree(logs, ignore_errors=True)
    for path in unfinished.rglob("*.log"):
        kept = logs / path.relative_to(unfinished)
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.replace(kept)
