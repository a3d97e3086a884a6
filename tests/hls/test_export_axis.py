"""The RTL behind AXI4-Stream: simulated by cocotb with stalls on all streams, and checked by Verilator's lint."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.hls.graphs import events_for
from tests.hls.streaming_graphs import decoder, wanted_of
from tests.hls.test_two_designs import lint, network
from trigcnn.hls.export import axi_streams, axis
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.rtl import parallel
from trigcnn.hls.rtl.streaming.generate import generate


def exported(kind: str, values_per_beat: int | None, place: Path, *, valid: bool = True) -> Path:
    graph = network("one", 1) if kind == "parallel" else decoder()
    if kind == "parallel":
        design = parallel.generate(graph, place / "rtl", stage_delay=3.0, max_multiplications=100, valid=valid)
    else:
        design = generate(graph, place / "rtl", stage_delay=4.0)
    events = events_for(graph)
    rows = [values.reshape(len(events), -1).astype(np.float64) for values in (events, wanted_of(graph, events))]
    folder = place / "axis"
    folder.mkdir()
    axis.write(graph, design, place / "rtl", folder, Vectors(*rows), clock_period_ns=5, values_per_beat=values_per_beat)
    return folder


@pytest.mark.parametrize("values_per_beat", [None, 3, 4])
@pytest.mark.parametrize("kind", ["parallel", "streaming"])
def test_verilator_has_nothing_to_say(kind: str, values_per_beat: int | None, tmp_path: Path) -> None:
    folder = exported(kind, values_per_beat, tmp_path)
    sources = sorted(path.relative_to(folder).as_posix() for path in (folder / "src").iterdir())
    assert lint(folder, sources, "one_axis" if kind == "parallel" else "top_axis") == ""


def test_the_most_values_of_a_beat_are_whole_words_or_parts_of_one(tmp_path: Path) -> None:
    design = generate(decoder(), tmp_path / "rtl", stage_delay=4.0)
    found = {
        most: [
            (each.name, each.values_per_beat, each.beats, each.data_bits)
            for each in (*streams.inputs, *streams.outputs)
        ]
        for most in (None, 4, 1000)
        for streams in [axi_streams.of(design, most)]
    }
    assert found == {
        None: [("s_axis_a", 6, 1, 48), ("s_axis_b", 6, 1, 48), ("m_axis", 2, 16, 16)],
        4: [("s_axis_a", 4, 2, 32), ("s_axis_b", 4, 2, 32), ("m_axis", 4, 8, 32)],
        1000: [("s_axis_a", 6, 1, 48), ("s_axis_b", 6, 1, 48), ("m_axis", 32, 1, 256)],
    }


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("iverilog"), reason="needs Icarus Verilog")
@pytest.mark.parametrize(("kind", "values_per_beat", "valid"), [("parallel", 3, False), ("streaming", 4, True)])
def test_events_are_those_of_the_network_and_a_wrong_output_fails(
    kind: str, values_per_beat: int, valid: bool, tmp_path: Path
) -> None:
    folder = exported(kind, values_per_beat, tmp_path, valid=valid)
    environment = {**os.environ, "EVENTS": "1000" if kind == "parallel" else "200"}
    words = [sys.executable, str(folder / "run.py"), "icarus"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("4 tests, 0 failed\n")
    if kind == "parallel":
        with np.load(folder / "golden.npz") as golden:
            arrays = dict(golden)
        arrays["outputs"][-1, -1] += 1
        np.savez(folder / "golden.npz", **arrays)
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout
        assert "golden_events_with_stalls   FAIL" in done.stdout + done.stderr
