"""`trigcnn export`: what is written, and what is refused."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

Trigcnn = Callable[..., subprocess.CompletedProcess[str]]
Run = tuple[Path, Path]


def test_an_export_holds_the_outputs_of_the_c_simulation(quick_run: Run, trigcnn: Trigcnn) -> None:
    _, folder = quick_run
    outcome = trigcnn("export", folder, "--to", "cpp")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == f"export: {folder / 'export' / 'cpp'}\n"
    golden = (folder / "export" / "cpp" / "test" / "golden.h").read_text()
    found = re.search(r"kOutputs\[(\d+)\]\[3\] = \{(.*?)\n\};", golden, re.DOTALL)
    assert found is not None
    rows = [[float.fromhex(word) for word in row.split(",")] for row in re.findall(r"\{(.*?)\}", found[2])]
    simulated = np.load(folder / "check" / "csim_outputs.npy")
    # All test events of this small run, in another order, and corner events.
    assert len(rows) == int(found[1]) > len(simulated)
    assert sorted(rows[: len(simulated)]) == sorted(simulated.tolist())


def test_an_earlier_export_is_replaced_only_when_asked(quick_run: Run, trigcnn: Trigcnn, tmp_path: Path) -> None:
    _, folder = quick_run
    words = ("export", folder, "--to", "cpp", "--out", tmp_path / "exports")
    assert trigcnn(*words).returncode == 0
    own = tmp_path / "exports" / "cpp" / "own.txt"
    own.touch()
    refused = trigcnn(*words)
    assert (refused.returncode, own.exists()) == (2, True)
    assert "exists already; replace it with --force" in refused.stderr
    assert trigcnn(*words, "--force").returncode == 0
    assert not own.exists()
    assert [path.name for path in (tmp_path / "exports").iterdir()] == ["cpp"]


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(quick_run: Run, trigcnn: Trigcnn) -> None:
    _, folder = quick_run
    unknown = trigcnn("export", folder, "--to", "cppp")
    assert (unknown.returncode, unknown.stderr) == (2, "error: --to cppp: there is no such format; did you mean cpp?\n")
    outputs = folder / "check" / "csim_outputs.npy"
    values = np.load(outputs)
    np.save(outputs, values + 1 / 8)
    other = trigcnn("export", folder, "--to", "cpp")
    assert other.returncode == 2
    assert f"other outputs than the graph on {len(values)} of {len(values)} test events" in other.stderr
    (folder / "check" / "manifest.json").unlink()
    unchecked = trigcnn("export", folder, "--to", "cpp")
    assert unchecked.returncode == 2
    assert "run `trigcnn check` first" in unchecked.stderr
    assert not (folder / "export" / "cpp").exists()


def test_a_model_of_cmssw_has_its_version_in_its_name(quick_run: Run, trigcnn: Trigcnn) -> None:
    _, folder = quick_run
    outcome = trigcnn("export", folder, "--to", "cmssw", "--model-version", 3)
    assert outcome.returncode == 0, outcome.stderr
    model = folder / "export" / "cmssw" / "quick" / "quick_v3"
    assert "class quick_emulator_v3 final" in (model / "quick_emulator_v3.cpp").read_text()
    assert "quick_v3.so" in (model / "Makefile").read_text()


def test_a_model_for_qonnx_holds_the_outputs_of_the_c_simulation(quick_run: Run, trigcnn: Trigcnn) -> None:
    _, folder = quick_run
    outcome = trigcnn("export", folder, "--to", "qonnx")
    assert outcome.returncode == 0, outcome.stderr
    place = folder / "export" / "qonnx"
    assert {path.name for path in place.iterdir()} == {
        "README.md", "check.py", "golden_inputs.npz", "golden_outputs.npz", "quick.onnx",
    }  # fmt: skip
    with np.load(place / "golden_outputs.npz") as golden:
        (rows,) = golden.values()
    simulated = np.load(folder / "check" / "csim_outputs.npy")
    assert sorted(rows[: len(simulated)].tolist()) == sorted(simulated.tolist())


def test_a_run_without_rtl_has_no_core(quick_run: Run, trigcnn: Trigcnn) -> None:
    _, folder = quick_run
    refused = trigcnn("export", folder, "--to", "fusesoc")
    assert refused.returncode == 2
    assert "has no RTL; set rtl.architecture and run `trigcnn check`" in refused.stderr
    assert list((folder / "export").iterdir()) == []
