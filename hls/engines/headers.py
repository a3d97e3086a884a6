"""Headers of AMD's number types, precompiled once for all C simulations, in the user's cache folder.

g++ spends most of the time of a small C simulation on them. What is precompiled belongs to a compiler, its options and
the text of the headers, and is used only if it is complete and none of the system's headers in it changed. Whatever
goes wrong here costs time, and nothing else: the simulation is compiled without.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trigcnn.common import user_cache
from trigcnn.hls import tool
from trigcnn.hls.errors import ToolError

HEADERS = """\
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>
#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"
"""
"""What the headers of hls4ml's C++ include themselves."""
_TYPES, _OPTION = "firmware/ap_types", 'INCFLAGS="-Ifirmware/ap_types/"'
_SOURCE, _COMPILED, _RECORD, _USES = "headers.h", "headers.h.gch", "record.json", "uses.d"
_COMPILE = re.compile(r"^\$\{CC\} .* -c ", re.MULTILINE)
# Of the project, and of no meaning here.
_OWN = re.compile(r"^(?:PROJECT|LIB_STAMP|BASEDIR|WEIGHTS_DIR)=.*\n", re.MULTILINE)
_PRECOMPILE = (
    f"${{CC}} ${{CFLAGS}} ${{INCFLAGS}} -w -x c++-header firmware/{_SOURCE} -MD -MF {_USES} -o {_COMPILED} || exit\n"
)
# What nobody used for so long is removed, in s.
_KEPT_S = 30 * 86_400.0


@contextmanager
def precompiled(project: Path, script: Path, *, timeout_s: float) -> Iterator[bool]:
    """Let a project's script compile with precompiled headers while the context is open.

    Args:
        project: The project, in a folder that may be changed.
        script: The project's script, which hls4ml wrote; it is changed if it compiles with AMD's number types.
        timeout_s: Time limit of the compiler in seconds.

    Yields:
        Whether the headers are there.
    """
    text = script.read_text(encoding="utf-8")
    begin = _COMPILE.search(text)
    kept = None
    if _OPTION in text and begin is not None:
        with contextlib.suppress(OSError, ToolError, ValueError, KeyError):
            kept = _kept(project, _OWN.sub("", text[: begin.start()]), timeout_s)
    if kept is None:
        yield False
        return
    header = project / "firmware" / _SOURCE
    compiled = header.with_name(_COMPILED)
    header.write_text(HEADERS)
    compiled.symlink_to(kept)
    script.write_text(text.replace(_OPTION, f'INCFLAGS="-include firmware/{_SOURCE} -Ifirmware/ap_types/"'))
    try:
        yield True
    finally:
        script.write_text(text)
        for path in (header, compiled):
            path.unlink(missing_ok=True)


def forget(project: Path) -> None:
    """Remove the precompiled headers that a project uses, which do not work."""
    with contextlib.suppress(OSError):
        kept = (project / "firmware" / _COMPILED).readlink().parent
        (kept / _RECORD).unlink()


def _kept(project: Path, head: str, timeout_s: float) -> Path | None:
    """Return the precompiled header for the head of a script, made if it is missing; None while another makes it."""
    cache = user_cache.folder("headers")
    if cache is None:
        return None
    place = cache / _key(project / _TYPES, head)
    if _is_whole(place):
        os.utime(place / _RECORD)
        return place / _COMPILED
    lock = os.open(cache / f"{place.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_whole(place):
            _tidy(cache)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=cache) as made:
                _make(project, head, Path(made) / "new", timeout_s)
                shutil.rmtree(place, ignore_errors=True)
                (Path(made) / "new").rename(place)
        return place / _COMPILED
    finally:
        os.close(lock)


def _key(types: Path, head: str) -> str:
    """Return a name for the compiler, its options and the headers."""
    digest = hashlib.sha256(f"{user_cache.identity('g++')}\n{head}\n{HEADERS}".encode())
    for path in sorted(types.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(types)} {path.stat().st_size}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _make(project: Path, head: str, place: Path, timeout_s: float) -> None:
    """Precompile the headers in a new folder."""
    place.mkdir()
    (place / "firmware").mkdir()
    shutil.copytree(project / _TYPES, place / _TYPES)
    (place / "firmware" / _SOURCE).write_text(HEADERS)
    (place / "compile.sh").write_text(head + _PRECOMPILE, encoding="utf-8")
    tool.run(["bash", "compile.sh"], cwd=place, log=place / "log", timeout_s=timeout_s)
    used = (place / _USES).read_text().partition(":")[2].replace("\\\n", " ").split()
    record = {
        "compiled": _digest(place / _COMPILED),
        "system": {path: _state(Path(path)) for path in used if path.startswith("/")},
    }
    shutil.rmtree(place / "firmware")
    (place / _RECORD).write_text(json.dumps(record))


def _is_whole(place: Path) -> bool:
    """Whether a precompiled header is as it was made, and the system's headers in it too."""
    try:
        record = json.loads((place / _RECORD).read_text())
        return bool(
            record["compiled"] == _digest(place / _COMPILED)
            and all(_state(Path(path)) == state for path, state in record["system"].items())
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").hexdigest()


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _tidy(cache: Path) -> None:
    """Remove what a killed process left, and what nobody used for long."""
    for path in cache.iterdir():
        used = path / _RECORD if (path / _RECORD).is_file() else path
        with contextlib.suppress(OSError):
            if path.is_dir() and time.time() - used.stat().st_mtime > (86_400 if used == path else _KEPT_S):
                shutil.rmtree(path)
