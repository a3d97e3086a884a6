"""The RTL with a test bench in Python, run by cocotb beside the exported model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.hls.rtl_designs import subject
from trigcnn.hls.export import cocotb


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("iverilog") or not shutil.which("cmake"), reason="needs Icarus Verilog and CMake")
@pytest.mark.parametrize("architecture", ["parallel", "streaming"])
def test_the_design_is_the_model_and_a_wrong_output_fails(architecture: str, tmp_path: Path) -> None:
    graph, design, place, vectors = subject(tmp_path, architecture)  # type: ignore[arg-type]
    folder = place / "bench"
    folder.mkdir()
    cocotb.write(graph, design, place / "rtl", folder, vectors, clock_period_ns=5)
    words = [sys.executable, str(folder / "run.py"), "icarus"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("3 tests, 0 failed\n")
    with np.load(folder / "golden.npz") as golden:
        arrays = dict(golden)
    arrays["outputs"][-1, -1] += 1
    np.savez(folder / "golden.npz", **arrays)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Failed 1 of 3 tests" in done.stderr
