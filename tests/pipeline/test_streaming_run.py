from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import Outcome

OPTIONS = (
    "rtl.architecture=streaming",
    "rtl.language=vhdl",
    "rtl.serial_dense=true",
    "test_bench.events=4",
    "test_bench.simulator=verilator",
)


@pytest.mark.slow
def test_a_run_with_streaming_rtl(tiny_copy: tuple[Path, Path], trigcnn: Callable[..., Outcome]) -> None:
    config, out = tiny_copy
    outcome = trigcnn("run", config, "--out", out, *(word for option in OPTIONS for word in ("--set", option)))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    report = json.loads((out / "report" / "report.json").read_text())
    assert report["rtl"]["architecture"] == "streaming"
    assert report["rtl"]["initiation_interval"] == 64
    assert [(each["engine"], each["differing_outputs"]) for each in report["comparisons"]] == [("csim", 0), ("rtl", 0)]
    verilog, vhdl = report["test_benches"]
    assert verilog["passed"] is True, verilog["verdict"]
    assert (vhdl["language"], vhdl["project"]) == ("VHDL", "check/vhdl")
    assert vhdl["passed"] is (None if shutil.which("ghdl") is None else True), vhdl["verdict"]
    (synthesis,) = report["synthesis"]
    assert synthesis["dsp"] == 0
    layers = {entry["name"]: entry["lut"] for entry in synthesis["layers"]}
    assert {"conv1", "pool1", "conv2", "logits"} <= set(layers)
    assert sum(layers.values()) <= synthesis["lut"]
    assert layers["conv2"] > layers["pool1"] > 0
