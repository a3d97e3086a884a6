"""The journal of a study: a file with a JSON object on each line, to which Optuna appends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trigcnn.pipeline.errors import ConfigError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

_FIX = "restore the journal from a copy, or start another study with another name or --out"


def storage(path: Path, say: Callable[[str], None]) -> BaseStorage:
    """Open a journal, or create it.

    A process that ends while it writes, or a full disk, leaves a last line without its end. Optuna appends to such a
    line, and could never read the journal again. So the line is ended if it is whole, and is removed if it is not: the
    journal then lacks its last entry, and a trial that was running starts again.

    Args:
        path: The file.
        say: Called with a line for the user if a part of a line was removed.

    Raises:
        ConfigError: A line was not written by Optuna.
        OSError: The file cannot be read or written.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

    lock = JournalFileSymlinkLock(str(path))
    backend = JournalFileBackend(str(path), lock_obj=lock)
    lock.acquire()
    try:
        _end_last_line(path, say)
    finally:
        lock.release()
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not _is_entry(line):
                raise ConfigError(f"{path}: line {number} was not written by Optuna; {_FIX}")
    return JournalStorage(backend)


def _end_last_line(path: Path, say: Callable[[str], None]) -> None:
    content = path.read_bytes()
    rest = content.rpartition(b"\n")[2]
    if not rest:
        return
    with path.open("rb+") as file:
        if _is_entry(rest):
            file.seek(0, os.SEEK_END)
            file.write(b"\n")
            return
        file.truncate(len(content) - len(rest))
    number = content.count(b"\n") + 1
    say(f"{path}: line {number} was cut off ({len(rest)} bytes) and is left out")


def _is_entry(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and isinstance(entry.get("op_code"), int)


def unreadable(place: str, error: Exception) -> ConfigError:
    """Return the error that a study is damaged in a way that only Optuna, or its reader, finds."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return ConfigError(f"{place}: the study in it cannot be read ({reason}); {_FIX}")
