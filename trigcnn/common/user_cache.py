"""The user's cache folder: what can be made again at any time, kept between runs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

VARIABLE = "TRIGCNN_CACHE"
"""Environment variable that names the folder; empty for none; default: `trigcnn` in `$XDG_CACHE_HOME` or `~/.cache`."""


def folder(name: str) -> Path | None:
    """Return a folder for one kind of things, made if it is missing.

    Args:
        name: Of the kind.

    Returns:
        The folder, which only the user can read; None if it cannot be written, or the user wants none.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen == "":
        return None
    with contextlib.suppress(OSError, RuntimeError):
        # Without a home, RuntimeError.
        place = Path(chosen or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trigcnn") / name
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return place.absolute() if os.access(place, os.W_OK | os.X_OK) else None
    return None


def identity(*programs: str | Path) -> str:
    """Return a digest of which files some programs are, which another version of them changes.

    Raises:
        OSError: One of them is missing.
    """
    digest = hashlib.sha256()
    for program in programs:
        path = Path(shutil.which(program) or program).resolve()
        found = path.stat()
        digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]
