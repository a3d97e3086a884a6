"""The one place that starts outside programs."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from trigcnn.common.foreign import cut
from trigcnn.hls import guard
from trigcnn.hls.errors import ToolFailedError, ToolMissingError, ToolTimeoutError

_LINES = 15
# As compilers, linkers and vendors' tools begin an error; not as Python names an exception.
_ERROR = re.compile(r"(?:^|[\s%:])error(?: \(\d+\))?:|\bundefined reference\b", re.IGNORECASE)
# Interval at which the log of a program is checked for new lines, in s.
_FOLLOW_S = 0.2
# Time that a guard has to end a program and its children, in s.
_END_S = 10.0
# How to install the system programs that compile simulations.
INSTALL = {
    "g++": "install it (Debian: apt install g++; RHEL: dnf install gcc-c++)",
    "make": "install it (Debian: apt install make; RHEL: dnf install make)",
}
# The folder that contains the package `trigcnn`; not resolved, since the subpackages are links.
_PACKAGES = Path(__file__).parents[2]
# Locks that guards inherit, and sockets of the programs that run now.
_locks: set[int] = set()
_running: set[socket.socket] = set()


@contextmanager
def holding(lock: int) -> Iterator[None]:
    """Let the guards of programs hold a lock too, so that it outlives this process until they have ended.

    Args:
        lock: Descriptor of an open file with a lock of `flock`.
    """
    _locks.add(lock)
    try:
        yield
    finally:
        _locks.discard(lock)


def end_all() -> None:
    """End all programs that other threads of this process run now; `run` raises ToolFailedError there."""
    for ours in list(_running):
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_WR)


def find(program: str, mend: str) -> Path:
    """Find a program on PATH.

    Args:
        program: Its file name.
        mend: What the user should do when it is missing; ends the error message.

    Raises:
        ToolMissingError: It is not there.
    """
    found = shutil.which(program)
    if found is None:
        raise ToolMissingError(f"{program} was not found on PATH; {mend}")
    return Path(found)


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    log: Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run a program to its end, its output in a log file.

    It ends with this process, however this process ends; see `guard.py`.

    Args:
        arguments: Program and arguments; no shell reads them.
        cwd: Folder in which it runs.
        log: File that receives standard output and standard error.
        timeout_s: Time limit in seconds; the program and all its children are killed then.
        environment: Variables to add to the present environment.
        on_line: Called with each line of the log soon after the program wrote it.

    Raises:
        ToolMissingError: The program cannot be found.
        ToolFailedError: It exited with a nonzero status, was ended by a signal or ran out of time. The
            message holds the log's first error, or its last lines where it has none.
    """
    words = [str(argument) for argument in arguments]
    with log.open("w") as stream, _guarded(words, cwd, stream, environment or {}) as (process, ours):
        try:
            status = process.wait(timeout_s) if on_line is None else _follow(process, log, timeout_s, on_line)
        except subprocess.TimeoutExpired as error:
            raise ToolTimeoutError(_message(words, f"ran longer than {timeout_s:g} s", log)) from error
        outcome, _, number = ours.recv(100).decode().partition(" ")
    if outcome == "failed":
        if int(number) == errno.ENOENT:
            raise ToolMissingError(f"{words[0]} was not found; install it or put it on PATH")
        raise ToolMissingError(f"{words[0]} cannot be started: {os.strerror(int(number))}; install it again")
    # Without a word, the guard was killed, and the program with it.
    status = int(number) if outcome == "ended" else status or -signal.SIGKILL
    if status < 0:
        raise ToolFailedError(_message(words, f"was ended by signal {signal.Signals(-status).name}", log))
    if status > 0:
        raise ToolFailedError(_message(words, f"failed with exit status {status}", log))


def run_module(
    module: str,
    arguments: Sequence[str | Path],
    *,
    log: Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run a module of this package in a separate Python process, even if the present folder has one of its name.

    Args:
        module: Its dotted name, or `trigcnn` for the command line.
        arguments: Arguments; paths are absolute, since the process does not run in the present folder.
        log: File that receives standard output and standard error.
        timeout_s: Time limit in seconds.
        environment: Variables to add to the present environment.
        on_line: Called with each line of the log soon after the program wrote it.

    Raises:
        ToolFailedError: It exited with a nonzero status, was ended by a signal or ran out of time.
    """
    words = [sys.executable, "-m", module, *arguments]
    run(words, cwd=_PACKAGES, log=log, timeout_s=timeout_s, environment=environment, on_line=on_line)


def _follow(process: subprocess.Popen[bytes], log: Path, timeout_s: float, on_line: Callable[[str], None]) -> int:
    """Wait for a program, and pass on its output. An error of `on_line` ends the wait."""
    end = time.monotonic() + timeout_s
    with log.open("rb") as stream:
        unfinished = b""
        while True:
            try:
                status: int | None = process.wait(timeout=max(0.0, min(_FOLLOW_S, end - time.monotonic())))
            except subprocess.TimeoutExpired:
                status = None
            *lines, unfinished = (unfinished + stream.read()).split(b"\n")
            for line in lines:
                on_line(line.decode(errors="replace"))
            if status is not None:
                return status
            if time.monotonic() >= end:
                raise subprocess.TimeoutExpired(process.args, timeout_s)


@contextmanager
def _guarded(
    words: Sequence[str], cwd: Path, stream: IO[str], environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """Start a program under a guard; leave no child behind, also if it ran out of time or was interrupted."""
    if not cwd.is_dir():
        raise ToolFailedError(f"{words[0]} cannot run in {cwd}: there is no such folder")
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(  # noqa: S603
                # Isolated, without site: the program's variables are not for the guard.
                [sys.executable, "-I", "-S", guard.__file__, str(theirs.fileno()), *words],
                cwd=cwd,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(theirs.fileno(), *_locks),
            )
        _running.add(ours)
        try:
            yield process, ours
        finally:
            _running.discard(ours)
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_WR)
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _message(words: Sequence[str], what: str, log: Path) -> str:
    return f"{Path(words[0]).name} {what}; {cause(log)}"


def cause(log: Path) -> str:
    """Return the part of a log that tells why a program failed, which what comes behind it mostly hides.

    Args:
        log: What a program printed.

    Returns:
        The first error and what follows it, or the last lines where there is none.
    """
    lines = log.read_text(errors="replace").splitlines()
    end = max(len(lines) - _LINES, 0)
    begin = min(next((n for n, line in enumerate(lines) if _ERROR.search(line)), end), end)
    part = "the end of" if begin == end else "the first error in"
    shown = lines[begin : begin + _LINES]
    text = "".join(f"\n  | {cut(line)}" for line in shown) or "\n  | (it printed nothing)"
    return f"{part} its log {log}:{text}"
