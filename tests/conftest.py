"""What all tests share."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import made_once
from trigcnn.common import user_cache

HERE = Path(__file__).parent
ROOT = HERE.parent
DATA = HERE / "data"
# It needs Keras 3 and QKeras of the same name.
collect_ignore = ["data/keras3/write.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of most slow tests, so that all workers end at about the same time."""
    for item in items:
        if item.path.name.endswith(".golden.yaml"):
            # Its C simulation is compiled.
            item.add_marker("slow")
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture(scope="session", autouse=True)
def _compile_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile what all simulations have in common once, and not again for each design."""

    def stand_in(folder: Path) -> None:
        from trigcnn.hls.engines.headers import HEADERS

        (folder / "headers.h").write_text(HEADERS)
        program = folder / "bin" / "g++"
        program.parent.mkdir()
        words = shlex.join(["sh", str(HERE / "compile_fast.sh"), shutil.which("g++") or "g++", str(folder)])
        program.write_text(f'#!/bin/sh\nexec /bin/{words} "$@"\n')
        program.chmod(0o755)

    library = made_once(tmp_path_factory, "verilator", lambda _: None)
    compiler = made_once(tmp_path_factory, "compiler", stand_in)
    with pytest.MonkeyPatch.context() as patch:
        # The stand-in keeps more.
        patch.setenv(user_cache.VARIABLE, "")
        patch.setenv("OBJCACHE", f"sh {ROOT / 'hls' / 'rtl' / 'compile_once.sh'} {library}")
        if shutil.which("g++"):
            patch.setenv("PATH", str(compiler / "bin"), prepend=os.pathsep)
        yield


class VendorTools:
    """Programs on PATH that play the vendors' tools."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.bin, self._calls, self._patch = folder / "bin", folder / "calls", patch
        self.bin.mkdir(parents=True)
        patch.setenv("PATH", str(self.bin), prepend=os.pathsep)
        patch.setenv("FAKE_REPORTS", str(DATA / "reports"))
        patch.setenv("FAKE_CALLS", str(self._calls))
        patch.setenv("FAKE_VENDOR", "")

    def install(self, *names: str) -> None:
        """Put tools of these names there."""
        for name in names:
            program = self.bin / name
            program.write_text(f"#!{sys.executable}\n{(DATA / 'fake_vendor_tool.py').read_text()}")
            program.chmod(0o755)

    def behave(self, how: str, version: str = "2024.1") -> None:
        """Let tools do something else than succeed: `behaviour@step`, several with commas."""
        self._patch.setenv("FAKE_VENDOR", how)
        self._patch.setenv("FAKE_VERSION", version)

    def calls(self) -> list[str]:
        """Give what was run since the last call."""
        lines = self._calls.read_text().splitlines() if self._calls.is_file() else []
        self._calls.unlink(missing_ok=True)
        return lines


@pytest.fixture
def vendor_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VendorTools:
    """The vendors' tools, none of which is installed yet."""
    return VendorTools(tmp_path / "vendor_tools", monkeypatch)
