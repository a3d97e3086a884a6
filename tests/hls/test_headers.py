"""The precompiled headers of C simulations: made once, made again when they are stale or damaged, never needed."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from trigcnn.common import user_cache
from trigcnn.hls.engines import headers

# Writes what it was called with instead of code, and a list of the headers that it read.
COMPILER = """#!/bin/sh
echo "$*" >> "{calls}"
case "$*" in *-x\\ c++-header*) ;; *) exit 0 ;; esac
echo "headers.h.gch: firmware/headers.h {system}" > uses.d
echo "compiled" > headers.h.gch
exit {status}
"""
SCRIPT = """#!/bin/bash
CC=g++
CFLAGS="-O1"
INCFLAGS="-Ifirmware/ap_types/"
PROJECT={name}
${{CC}} ${{CFLAGS}} ${{INCFLAGS}} -c firmware/${{PROJECT}}.cpp -o ${{PROJECT}}.o
"""


class Place:
    """A stand-in for g++, a header of the system, and projects."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.cache, self.system = folder, folder / "cache", folder / "system.h"
        self.system.write_text("old")
        (folder / "bin").mkdir()
        self.compiler(0)
        patch.setenv("PATH", str(folder / "bin"), prepend=os.pathsep)
        patch.setenv(user_cache.VARIABLE, str(self.cache))

    def compiler(self, status: int) -> None:
        program = self.folder / "bin" / "g++"
        program.write_text(COMPILER.format(calls=self.folder / "calls", system=self.system, status=status))
        program.chmod(0o755)

    def use(self, name: str = "one", types: str = "types") -> str | None:
        """Return what the script includes; None if it is as it was."""
        project = self.folder / name
        (project / headers._TYPES).mkdir(parents=True, exist_ok=True)
        (project / headers._TYPES / "ap_fixed.h").write_text(types)
        script = project / "build_lib.sh"
        script.write_text(SCRIPT.format(name=name))
        with headers.precompiled(project, script, timeout_s=20) as there:
            text = script.read_text()
            found = (project / "firmware" / "headers.h.gch").read_text() if there else None
        assert script.read_text() == SCRIPT.format(name=name)
        assert [path.name for path in (project / "firmware").iterdir()] == ["ap_types"]
        assert ("-include firmware/headers.h" in text) == there
        return found

    @property
    def made(self) -> int:
        """How often headers were compiled."""
        calls = self.folder / "calls"
        return calls.read_text().count("c++-header") if calls.exists() else 0

    @property
    def kept(self) -> Path:
        (record,) = self.cache.rglob("record.json")
        return record.parent


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_headers_are_compiled_once_for_all_projects(place: Place) -> None:
    assert [place.use("one"), place.use("two"), place.made] == ["compiled\n", "compiled\n", 1]
    # Other headers of the types are others.
    assert [place.use("two", types="other"), place.made] == ["compiled\n", 2]


def test_what_is_damaged_or_stale_is_compiled_again(place: Place) -> None:
    place.use()
    (place.kept / "headers.h.gch").write_text("comp")
    assert [place.use(), place.made] == ["compiled\n", 2]
    (place.kept / "record.json").write_text("{")
    assert [place.use(), place.made] == ["compiled\n", 3]
    (place.kept / "record.json").write_text(json.dumps([]))
    assert [place.use(), place.made] == ["compiled\n", 4]
    place.system.write_text("newer")
    assert [place.use(), place.use(), place.made] == ["compiled\n", "compiled\n", 5]
    place.compiler(status=0)
    os.utime(place.folder / "bin" / "g++", (1, 1))
    assert [place.use(), place.made] == ["compiled\n", 6]


def test_without_a_cache_a_simulation_is_compiled_as_before(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for chosen in ("", str(place.system / "no folder")):
        monkeypatch.setenv(user_cache.VARIABLE, chosen)
        assert place.use() is None
    assert place.made == 0


def test_headers_that_do_not_compile_are_not_kept(place: Place) -> None:
    place.compiler(status=1)
    assert [place.use(), place.made] == [None, 1]
    assert not list(place.cache.rglob("headers.h.gch"))
    place.compiler(status=0)
    assert place.use() == "compiled\n"


def test_nobody_waits_for_another_who_compiles_them(place: Place) -> None:
    place.use()
    name = place.kept.name
    (place.kept / "record.json").unlink()
    with (place.cache / "headers" / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert [place.use(), place.made] == [None, 1]
    assert [place.use(), place.made] == ["compiled\n", 2]


def test_headers_that_the_compiler_does_not_take_are_forgotten(place: Place) -> None:
    place.use()
    project = place.folder / "one"
    (project / "firmware" / "headers.h.gch").symlink_to(place.kept / "headers.h.gch")
    headers.forget(project)
    (project / "firmware" / "headers.h.gch").unlink()
    assert [place.use(), place.made] == ["compiled\n", 2]
