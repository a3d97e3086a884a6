from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from trigcnn.hls import tool
from trigcnn.hls.errors import ToolFailedError, ToolMissingError


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def assert_ends(pid: int) -> None:
    end = time.monotonic() + 5
    while is_alive(pid):
        assert time.monotonic() < end, f"process {pid} still runs"
        time.sleep(0.01)


def test_the_log_holds_both_outputs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = "import sys; print('to output', flush=True); print('to error', file=sys.stderr)"
    tool.run(python(text), cwd=tmp_path, log=log, timeout_s=20)
    assert log.read_text() == "to output\nto error\n"


def test_the_program_runs_in_its_folder_with_added_variables(tmp_path: Path) -> None:
    folder = tmp_path / "a folder; with $odd `name`"
    folder.mkdir()
    before = Path.cwd()
    text = "import os; print(os.getcwd()); print(os.environ['TRIGCNN_TEST']); print('PATH' in os.environ)"
    log = tmp_path / "log"
    tool.run(python(text), cwd=folder, log=log, timeout_s=20, environment={"TRIGCNN_TEST": "a b"})
    assert log.read_text().splitlines() == [str(folder), "a b", "True"]
    assert Path.cwd() == before


def test_lines_are_handed_on_while_the_program_runs(tmp_path: Path) -> None:
    seen: list[str] = []
    # It ends only after its first line was seen.
    text = "import pathlib, time\nprint('first', flush=True)\nwhile not pathlib.Path('seen').exists(): time.sleep(0.01)"
    text += "\nprint('second')\nprint('third, cut off', end='')"

    def note(line: str) -> None:
        seen.append(line)
        (tmp_path / "seen").touch()

    tool.run(python(text), cwd=tmp_path, log=tmp_path / "log", timeout_s=20, on_line=note)
    assert seen == ["first", "second"]


def test_an_error_in_what_lines_are_handed_to_ends_the_program(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    text = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        tool.run(python(text), cwd=tmp_path, log=tmp_path / "log", timeout_s=20, on_line=interrupt)
    assert_ends(int((tmp_path / "log").read_text()))


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments: list[str | Path] = [*python("import sys; print(sys.argv[1:])"), "$HOME; echo x", Path("a b")]
    tool.run(arguments, cwd=tmp_path, log=log, timeout_s=20)
    assert log.read_text() == "['$HOME; echo x', 'a b']\n"


def test_the_program_has_no_input_to_wait_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tool.run(python("import sys; print(repr(sys.stdin.read()))"), cwd=tmp_path, log=log, timeout_s=20)
    assert log.read_text() == "''\n"


def test_an_exit_status_is_an_error_with_the_last_lines_of_the_log(tmp_path: Path) -> None:
    text = "for i in range(100): print('line', i)\nraise SystemExit(3)"
    with pytest.raises(ToolFailedError, match="failed with exit status 3; the end of its log") as caught:
        tool.run(python(text), cwd=tmp_path, log=tmp_path / "log", timeout_s=20)
    message = str(caught.value)
    assert str(tmp_path / "log") in message
    assert message.endswith("\n  | line 99")
    assert "line 85" in message
    assert "line 84" not in message


def test_the_first_error_is_shown_not_the_warnings_behind_it(tmp_path: Path) -> None:
    noise = [f"net.h:{n}:1: warning: unused" for n in range(40)]
    log = [*noise, "net.cpp:7:3: error: redefinition of time_t", *noise, "net.cpp:9:3: error: the second"]
    text = f"print({chr(10).join(log)!r}); raise SystemExit(1)"
    with pytest.raises(
        ToolFailedError, match=r"exit status 1; the first error in its log .*:\n  \| net.cpp:7:3: error"
    ):
        tool.run(python(text), cwd=tmp_path, log=tmp_path / "log", timeout_s=20)


def test_a_silent_failure_says_so(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"exit status 1; .*\n  \| \(it printed nothing\)"):
        tool.run(python("raise SystemExit(1)"), cwd=tmp_path, log=tmp_path / "log", timeout_s=20)


def test_output_that_is_no_text_does_not_hide_the_failure(tmp_path: Path) -> None:
    text = r"import os; os.write(1, b'\xff\xfe'); raise SystemExit(1)"
    with pytest.raises(ToolFailedError, match="failed with exit status 1"):
        tool.run(python(text), cwd=tmp_path, log=tmp_path / "log", timeout_s=20)


def test_a_crash_names_the_signal(tmp_path: Path) -> None:
    text = "import os, signal; print('half-way', flush=True); os.kill(os.getpid(), signal.SIGABRT)"
    with pytest.raises(ToolFailedError, match=r"was ended by signal SIGABRT; (.|\n)*half-way"):
        tool.run(python(text), cwd=tmp_path, log=tmp_path / "log", timeout_s=20)


def test_a_hang_is_ended_with_all_its_children(tmp_path: Path) -> None:
    log = tmp_path / "log"
    start = time.monotonic()
    with pytest.raises(ToolFailedError, match=r"sh ran longer than 0.5 s; the end of its log .*:\n  \| \d+$"):
        tool.run(["sh", "-c", "sleep 60 & echo $!; sleep 60"], cwd=tmp_path, log=log, timeout_s=0.5)
    assert time.monotonic() - start < 20
    assert_ends(int(log.read_text()))


def test_a_child_that_a_program_leaves_behind_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tool.run(["sh", "-c", "sleep 60 & echo $!"], cwd=tmp_path, log=log, timeout_s=20)
    assert_ends(int(log.read_text()))


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="no_such_program was not found; install it or put it on PATH"):
        tool.run(["no_such_program"], cwd=tmp_path, log=tmp_path / "log", timeout_s=20)


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    program = tmp_path / "text"
    program.write_text("no program")
    with pytest.raises(ToolMissingError, match="text cannot be started: Permission denied; install it again"):
        tool.run([program], cwd=tmp_path, log=tmp_path / "log", timeout_s=20)


def test_a_missing_folder_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(ToolFailedError, match=r"cannot run in .*nowhere: there is no such folder"):
        tool.run(python("pass"), cwd=tmp_path / "nowhere", log=tmp_path / "log", timeout_s=20)


def test_a_program_on_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "some_tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert tool.find("some_tool", "install it") == program


def test_a_program_that_is_not_on_path_ends_with_the_mend() -> None:
    with pytest.raises(ToolMissingError, match=r"^no_such_program was not found on PATH; buy one$"):
        tool.find("no_such_program", "buy one")
