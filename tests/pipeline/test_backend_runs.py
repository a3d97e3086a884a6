"""A run with another back end than AMD's: the trained model is converted, checked and reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import Outcome
from trigcnn.hls.options import Backend


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["Catapult", "Libero"])
def test_a_run_is_exact_and_ends_with_a_project_for_the_tool(
    backend: Backend, quick_run: tuple[Path, Path], trigcnn: Callable[..., Outcome]
) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--set", f"hls.backend={backend}", "--set", "synthesis.vendor=auto")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "train: done" not in outcome.stdout
    report = json.loads((out / "report" / "report.json").read_text())
    (compared,) = report["comparisons"]
    assert (compared["engine"], compared["differing_outputs"]) == ("csim", 0)
    assert compared["outputs"] > 200
    assert (report["vendor"]["backend"], report["vendor"]["status"]) == (backend, "tool-not-found")
    assert (out / report["vendor"]["project"] / "firmware" / "quick.cpp").is_file()
    # Nothing in it says where it was written.
    texts = [path.read_bytes() for path in (out / "convert" / "hls").rglob("*") if path.is_file()]
    assert not any(str(out.parent).encode() in text for text in texts)
