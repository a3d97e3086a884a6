"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _verilator_s_library_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile Verilator's own library once, and not anew for each design: half of the time of a small simulation."""
    with pytest.MonkeyPatch.context() as patch:
        script = Path(__file__).parent / "compile_once.sh"
        patch.setenv("OBJCACHE", f"sh {script} {tmp_path_factory.mktemp('verilator')}")
        yield
