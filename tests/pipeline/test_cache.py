"""Stages: skipped when nothing has changed, never half-written, resumable after any end."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest

from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError, ToolMissingError
from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import RunFolder, Stage, file_digest, installed_version
from trigcnn.pipeline.errors import RunFolderError

ROOT = Path(__file__).parents[2]


def leave(text: str = "done") -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        (folder / "sub").mkdir()
        (folder / "sub" / "result.txt").write_text(text)

    return work


def stage(name: str = "first", **changes: Any) -> Stage:
    plain = Stage(name=name, after=(), code=None, options={"a": 1}, files=(), versions={"tool": "1"}, work=leave())
    return dataclasses.replace(plain, **changes)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unfinished(folder: RunFolder) -> list[Path]:
    return list(folder.path.glob("*.unfinished"))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    return folder


def test_a_finished_stage_leaves_its_files_and_a_manifest(folder: RunFolder) -> None:
    folder.execute(stage())
    assert folder.stage("first") == folder.path / "first"
    manifest = json.loads((folder.path / "first" / "manifest.json").read_text())
    assert list(manifest) == ["stage", "key", "options", "inputs", "versions", "outputs"]
    assert manifest["outputs"] == {"sub/result.txt": file_digest(folder.path / "first/sub/result.txt")}
    assert (manifest["options"], manifest["versions"]) == ({"a": 1}, {"tool": "1"})
    assert unfinished(folder) == []


def test_an_unchanged_stage_is_current(folder: RunFolder) -> None:
    assert not folder.is_current(stage())
    folder.execute(stage())
    assert folder.is_current(stage())


def test_the_key_does_not_depend_on_the_folder(folder: RunFolder, tmp_path: Path) -> None:
    folder.execute(stage())
    folder.path.rename(tmp_path / "elsewhere")
    assert RunFolder(tmp_path / "elsewhere").is_current(stage())


def test_options_are_compared_as_json(folder: RunFolder) -> None:
    folder.execute(stage(options={"filters": (2, 3)}))
    assert folder.is_current(stage(options={"filters": [2, 3]}))


@pytest.mark.parametrize("change", [{"options": {"a": 2}}, {"versions": {"tool": "2"}}, {"versions": {}}])
def test_a_changed_option_or_version_makes_a_stage_stale(folder: RunFolder, change: dict[str, Any]) -> None:
    folder.execute(stage())
    assert not folder.is_current(stage(**change))


def test_a_changed_or_removed_file_of_the_user_makes_a_stage_stale(folder: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "events.npz"
    path.write_bytes(b"one")
    reading = stage(files=(path,))
    folder.execute(reading)
    path.touch()
    assert folder.is_current(reading)
    path.write_bytes(b"two")
    assert not folder.is_current(reading)
    path.unlink()
    assert not folder.is_current(reading)


def test_changed_code_makes_a_stage_stale(folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "part"
    part.mkdir()
    (part / "__init__.py").touch()
    (part / "a.py").write_text("from trigcnn.part import b\ndef work(): return b.x, __file__\ndef other(): import c\n")
    (part / "b.py").write_text("x = 1\n")
    (part / "c.py").write_text("y = 1\n")
    monkeypatch.setattr(reach, "ROOT", tmp_path)
    coded = stage(code=reach.Code("trigcnn.part.a.work"))
    folder.execute(coded)
    assert folder.is_current(coded)
    (part / "c.py").write_text("y = 2\n")
    assert folder.is_current(coded)
    for name in ("b.py", "library.v", "__init__.py", "a.py"):
        (part / name).write_text("z = 3\n" if name == "b.py" else f"# {name}\n")
        assert not folder.is_current(coded), name
        folder.execute(coded)
        assert folder.is_current(coded), name


def test_a_stage_is_stale_when_an_earlier_one_gave_something_else(folder: RunFolder) -> None:
    second = stage("second", after=("first",))
    folder.execute(stage())
    folder.execute(second)
    folder.execute(stage(options={"a": 2}))
    assert folder.is_current(second), "the same outputs from other options"
    folder.execute(stage(work=leave("other")))
    assert not folder.is_current(second)


def test_a_stage_whose_earlier_one_is_missing_says_so(folder: RunFolder) -> None:
    second = stage("second", after=("first",))
    assert not folder.is_current(second)
    with pytest.raises(RunFolderError, match="the stage second needs first; run `trigcnn first` first"):
        folder.execute(second)
    with pytest.raises(RunFolderError, match="the stage first is not finished; run `trigcnn run` or `trigcnn first`"):
        folder.stage("first")
    assert unfinished(folder) == []


@pytest.mark.parametrize("damage", ["modified", "removed", "a folder"])
def test_an_output_that_was_touched_makes_a_stage_stale(folder: RunFolder, damage: str) -> None:
    folder.execute(stage())
    path = folder.path / "first" / "sub" / "result.txt"
    path.unlink()
    if damage == "modified":
        path.write_text("dome")
    if damage == "a folder":
        path.mkdir()
    assert not folder.is_current(stage())
    folder.execute(stage())
    assert folder.is_current(stage())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"stage": "first"}', "\x00"])
def test_a_damaged_manifest_makes_a_stage_stale(folder: RunFolder, text: str) -> None:
    folder.execute(stage())
    (folder.path / "first" / "manifest.json").write_text(text)
    assert folder.manifest("first") is None
    assert not folder.is_current(stage())


@pytest.mark.parametrize(
    "change", [{"options": {"a": 2}}, {"inputs": {"b": "0"}}, {"versions": {}}, {"outputs": []}, {"key": 5}]
)
def test_a_changed_manifest_makes_a_stage_stale(folder: RunFolder, change: dict[str, Any]) -> None:
    folder.execute(stage())
    path = folder.path / "first" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert folder.manifest("first") is None


def test_a_pipe_has_no_digest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert file_digest(tmp_path / "pipe") == file_digest(tmp_path / "none") == "missing"


def test_further_files_of_the_user_are_tolerated(folder: RunFolder) -> None:
    folder.execute(stage())
    (folder.path / "first" / "notes.txt").write_text("built by hand")
    (folder.path / "mine").mkdir()
    with folder.lock():
        assert folder.is_current(stage())
    assert (folder.path / "first" / "notes.txt").exists()
    assert (folder.path / "mine").is_dir()


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt(), SystemExit(1), OSError("no file named")])
def test_work_that_fails_leaves_the_finished_stage_as_it_was(folder: RunFolder, error: BaseException) -> None:
    folder.execute(stage())
    before = snapshot(folder.path)

    def work(place: Path) -> None:
        (place / "half").write_text("half")
        raise error

    with pytest.raises(type(error)):
        folder.execute(stage(options={"a": 2}, work=work))
    assert snapshot(folder.path) == before
    assert unfinished(folder) == []
    assert folder.is_current(stage())


def test_a_redone_stage_keeps_nothing_of_the_old_one(folder: RunFolder) -> None:
    folder.execute(stage())
    folder.execute(stage(work=lambda place: (place / "new.txt").touch()))
    assert set(snapshot(folder.path / "first")) == {"new.txt", "manifest.json"}
    assert unfinished(folder) == []


def test_leftovers_of_a_killed_run_are_cleared(folder: RunFolder) -> None:
    folder.execute(stage())
    for name in ("second.unfinished", "first.old.unfinished"):
        (folder.path / name / "deep").mkdir(parents=True)
        (folder.path / name / "deep" / "half").write_text("half")
    with folder.lock():
        assert unfinished(folder) == []
        assert folder.is_current(stage())


@contextmanager
def child(folder: RunFolder, work: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the folder, finishes one stage and is in the middle of the next."""
    program = f"""
import signal, sys, time
from pathlib import Path
from trigcnn.hls import tool
from trigcnn.pipeline.cache.folder import RunFolder, Stage

def first(place):
    (place / "result.txt").write_text("done")

def second(place):
    (place / "half").write_text("half")
    print("half", flush=True)
    {work}

# A shell that runs the tests in the background lets all their processes ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
folder = RunFolder(Path(sys.argv[1]))
with folder.lock():
    folder.execute(Stage("first", (), None, {{}}, (), {{}}, first))
    folder.execute(Stage("second", ("first",), None, {{}}, (), {{}}, second))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder.path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "half\n"
        try:
            yield process
        finally:
            process.kill()
            process.wait()


FIRST = Stage("first", (), None, {}, (), {}, leave())
SECOND = Stage("second", ("first",), None, {}, (), {}, leave())


def test_a_kill_in_the_middle_of_a_stage_loses_that_stage_only(folder: RunFolder) -> None:
    with child(folder, "time.sleep(60)") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert unfinished(folder) == [folder.path / "second.unfinished"]
    with folder.lock():
        assert unfinished(folder) == []
        assert folder.is_current(FIRST)
        assert not folder.is_current(SECOND)
        folder.execute(SECOND)
        assert folder.is_current(SECOND)
    assert set(snapshot(folder.path / "second")) == {"sub/result.txt", "manifest.json"}


def test_an_interrupted_stage_is_cleared_at_once(folder: RunFolder) -> None:
    with child(folder, "time.sleep(60)") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait() != 0
    assert unfinished(folder) == []
    assert folder.is_current(FIRST)


def test_a_killed_run_ends_its_tool_and_all_that_the_tool_started_before_the_next_begins(folder: RunFolder) -> None:
    # A child in the tool's group, one that left it, and one whose parent has ended.
    script = "sleep 60 & echo $! > pids; (setsid sleep 61 & echo $! >> pids); echo $$ >> pids; mv pids known; sleep 62"
    work = f"tool.run(['bash', '-c', {script!r}], cwd=place, log=place / 'x.log', timeout_s=60)"
    known = folder.path / "second.unfinished" / "known"
    with child(folder, work) as process:
        while not known.exists():
            assert process.poll() is None
        pids = [int(pid) for pid in known.read_text().split()]
        assert len(pids) == 3
        assert all(psutil.pid_exists(pid) for pid in pids)
    with folder.lock():
        assert [pid for pid in pids if psutil.pid_exists(pid)] == []
        folder.execute(SECOND)


def test_a_program_that_does_not_end_keeps_the_folder_of_its_killed_run(folder: RunFolder, tmp_path: Path) -> None:
    folder.path.mkdir(exist_ok=True)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    # Stands for a guard that still ends what it has started.
    with (folder.path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"{gone.pid} {platform.node()}\n")
        held.flush()
        message = rf"another run works in this folder \(programs of the killed process {gone.pid}\)"
        with (
            mock.patch("trigcnn.pipeline.cache.lock._PATIENCE_S", 0.2),
            pytest.raises(RunFolderError, match=message),
            folder.lock(),
        ):
            pass
    with folder.lock():
        pass


def test_a_second_run_in_the_folder_is_told_that_it_is_taken(folder: RunFolder) -> None:
    with child(folder, "time.sleep(60)") as process:
        message = (
            rf"run: another run works in this folder \(process {process.pid}\); wait for it or choose another with"
        )
        with pytest.raises(RunFolderError, match=message), folder.lock():
            pass
        assert unfinished(folder) == [folder.path / "second.unfinished"], "the other run's work is left alone"
    with folder.lock():
        assert unfinished(folder) == []


def test_the_lock_is_let_go_after_an_error(folder: RunFolder) -> None:
    with pytest.raises(ValueError, match="wrong"), folder.lock():
        raise ValueError("wrong")
    with folder.lock():
        pass


def fail(place: Path) -> None:
    (place / "sub").mkdir()
    tool.run(
        [sys.executable, "-c", "print('no such wire'); raise SystemExit(3)"],
        cwd=place,
        log=place / "sub" / "tool.log",
        timeout_s=20,
    )


def test_the_log_of_a_failed_tool_is_kept_where_the_message_says(folder: RunFolder) -> None:
    with pytest.raises(ToolFailedError, match=r"exit status 3(.|\n)*\| no such wire") as caught:
        folder.execute(stage(work=fail))
    named = re.search(r"the end of its log (.*):\n", str(caught.value))
    assert named is not None
    assert Path(named[1]) == folder.path / "logs" / "first" / "sub" / "tool.log"
    assert Path(named[1]).read_text() == "no such wire\n"
    assert unfinished(folder) == []
    assert not (folder.path / "first").exists()


def test_only_the_logs_of_the_last_failure_are_kept(folder: RunFolder) -> None:
    (folder.path / "logs" / "first").mkdir(parents=True)
    (folder.path / "logs" / "first" / "older.log").write_text("older")
    with pytest.raises(ToolFailedError):
        folder.execute(stage(work=fail))
    assert set(snapshot(folder.path / "logs" / "first")) == {"sub/tool.log"}


def test_a_missing_tool_stays_a_missing_tool(folder: RunFolder) -> None:
    def work(place: Path) -> None:
        tool.run(["no-such-program"], cwd=place, log=place / "tool.log", timeout_s=20)

    with pytest.raises(ToolMissingError, match="no-such-program was not found; install it or put it on PATH"):
        folder.execute(stage(work=work))


def test_a_full_disk_is_named_with_the_file_and_a_mend(folder: RunFolder) -> None:
    def work(place: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place / "big.npz"))

    message = "big.npz: No space left on device; free space or choose another folder with --out"
    with pytest.raises(RunFolderError, match=message):
        folder.execute(stage(work=work))
    assert unfinished(folder) == []


def test_a_disk_that_fills_while_a_file_is_written_is_named_too(folder: RunFolder) -> None:
    def work(place: Path) -> None:
        # What a write raises names no file, unlike what an open raises.
        with Path("/dev/full").open("w") as stream:
            stream.write("x" * 100_000)

    with pytest.raises(RunFolderError, match=r"first.unfinished: No space left on device; free space or choose"):
        folder.execute(stage(work=work))
    assert unfinished(folder) == []


def test_a_file_beside_the_stages_that_cannot_be_written_is_named(folder: RunFolder) -> None:
    folder.write("config.yaml", "name: tiny\n")
    assert (folder.path / "config.yaml").read_text() == "name: tiny\n"
    (folder.path / ".full.partial.yaml").symlink_to("/dev/full")
    with pytest.raises(RunFolderError, match=r"run: cannot write there \(No space left on device\); choose another"):
        folder.write("full.yaml", "name: tiny\n")


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    message = r"taken: cannot write there \(File exists\); choose another folder with --out"
    with pytest.raises(RunFolderError, match=message), RunFolder(tmp_path / "taken").lock():
        pass


def test_the_version_of_a_distribution_that_is_not_installed_is_missing() -> None:
    assert installed_version("numpy")[0].isdigit()
    assert installed_version("no-such-distribution") == "missing"


def test_a_folder_that_is_no_stage_is_never_replaced(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "train").mkdir()
    folder.claim(("train", "report"))
    (tmp_path / "train" / "precious.txt").write_text("mine")
    with pytest.raises(RunFolderError, match=r"train: is not a stage of a run, and would be replaced; choose another"):
        folder.claim(("train", "report"))
    folder.discard("train")
    assert (tmp_path / "train" / "precious.txt").read_text() == "mine"


def test_checkpoints_stay_until_the_stage_is_done_and_are_of_one_set_of_options(folder: RunFolder) -> None:
    first = folder.checkpoints(stage())
    assert not first.exists()
    first.mkdir(parents=True)

    def fail(_: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.execute(stage(work=fail))
    with folder.lock():
        assert folder.checkpoints(stage()) == first
        assert first.is_dir()
    other = folder.checkpoints(stage(options={"a": 2}))
    assert other != first
    assert not first.exists()
    other.mkdir(parents=True)
    folder.execute(stage(options={"a": 2}))
    assert [path.name for path in folder.path.iterdir() if path.is_dir()] == ["first"]
