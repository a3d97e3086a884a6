"""What all tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session", autouse=True)
def _verilator_s_library_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile Verilator's own library once, and not anew for each design: half of the time of a small simulation."""
    with pytest.MonkeyPatch.context() as patch:
        script = Path(__file__).parent / "compile_once.sh"
        patch.setenv("OBJCACHE", f"sh {script} {tmp_path_factory.mktemp('verilator')}")
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
