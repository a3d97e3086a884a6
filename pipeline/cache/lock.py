"""Locks of folders, which outlive a killed process until the programs that it started have ended."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trigcnn.hls import tool
from trigcnn.pipeline.errors import RunFolderTakenError

# Time for the programs of a killed process to end, and interval at which the lock is tried, in s.
_PATIENCE_S = 15.0
_TRY_S = 0.05


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; its content tells who holds it.

    Args:
        path: The file; made if it is missing, and left.
        what: What holds such a lock, such as `run`, for the message.

    Raises:
        RunFolderTakenError: Another process holds it, or programs of a killed one did not end within 15 s.
        OSError: The file cannot be written.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _acquire(file, path, what)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()} {platform.node()}\n".encode(), 0)
        with tool.holding(file):
            yield
        # Children that are copies of this process have the file open too.
        fcntl.flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)


def _acquire(file: int, path: Path, what: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        else:
            return
        number, _, host = os.pread(file, 200, 0).decode(errors="replace").strip().partition(" ")
        orphaned = host == platform.node() and number.isdecimal() and not _lives(int(number))
        if not orphaned or time.monotonic() > end:
            holder = f"programs of the killed process {number}" if orphaned else f"process {number or 'unknown'}"
            there = f" on {host}" if host not in ("", platform.node()) else ""
            raise RunFolderTakenError(
                f"{path.parent}: another {what} works in this folder ({holder}{there}); wait for it or choose another "
                "with --out"
            )
        time.sleep(_TRY_S)


def _lives(process: int) -> bool:
    with contextlib.suppress(OSError):
        # Killed, but its parent has not noticed yet.
        if Path(f"/proc/{process}/stat").read_bytes().rpartition(b") ")[2][:1] == b"Z":
            return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
