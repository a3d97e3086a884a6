"""Whole runs through the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.engines import rtl as rtl_engine
from trigcnn.hls.errors import DoesNotFitError
from trigcnn.hls.graph.graph import Graph
from trigcnn.pipeline.cache.folder import file_digest
from trigcnn.pipeline.context import ORDER

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "report.schema.json"

Outcome = subprocess.CompletedProcess[str]
Trigcnn = Callable[..., Outcome]
Run = tuple[Path, Path]


def done(outcome: Outcome) -> list[str]:
    """The stages that were done; the others must have been called unchanged."""
    lines = outcome.stdout.splitlines()
    worked = [name for name in ORDER if any(line.startswith(f"{name}: done in ") for line in lines)]
    assert [name for name in ORDER if f"{name}: unchanged" not in lines] == worked, outcome.stdout + outcome.stderr
    return worked


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_whole_run_ends_with_status_0_and_leaves_every_stage(tiny_process: Outcome, tiny_run: Run) -> None:
    assert tiny_process.returncode == 0
    assert done(tiny_process) == list(ORDER)
    _, out = tiny_run
    assert {path.name for path in out.iterdir()} == {*ORDER, "resolved.yaml", "history.jsonl", ".lock"}
    assert all((out / name / "manifest.json").is_file() for name in ORDER)
    assert all((out / "report" / f"report.{suffix}").stat().st_size > 1000 for suffix in ("json", "md", "html"))
    # Quiet: neither TensorFlow nor hls4ml says anything.
    assert tiny_process.stderr == ""
    assert f"report: {out}/report/report.html" in tiny_process.stdout


@pytest.mark.slow
def test_the_report_meets_its_documented_schema(tiny_run: Run) -> None:
    jsonschema.validate(read(tiny_run[1] / "report" / "report.json"), read(SCHEMA))


@pytest.mark.slow
def test_the_c_simulation_and_the_rtl_are_bit_exact_on_every_test_event(tiny_run: Run) -> None:
    report = read(tiny_run[1] / "report" / "report.json")
    events = report["training"]["test_events"]
    assert events == 449
    pairs = [(entry["reference"], entry["engine"]) for entry in report["comparisons"]]
    assert pairs == [("QKeras", "csim"), ("csim", "rtl")]
    for entry in report["comparisons"]:
        assert (entry["events"], entry["outputs"]) == (events, 10 * events)
        assert (entry["differing_outputs"], entry["differing_events"], entry["max_difference_lsb"]) == (0, 0, 0)
    saved = [np.load(tiny_run[1] / path) for path in ("check/csim_outputs.npy", "check/rtl_outputs.npy")]
    np.testing.assert_array_equal(saved[0], np.load(tiny_run[1] / "convert/reference.npy"))
    np.testing.assert_array_equal(saved[1], saved[0])
    assert len(np.unique(saved[0])) > 10, "the network gives more than one answer"
    assert (report["verdict"], [gate["met"] for gate in report["gates"]]) == ("pass", [True, True, True])


@pytest.mark.slow
def test_every_figure_of_the_report_has_its_evidence(tiny_run: Run) -> None:
    folder = tiny_run[1] / "report"
    report = read(folder / "report.json")
    assert report["rtl"]["latency_evidence"] == "simulation"
    (yosys,) = report["synthesis"]
    assert (yosys["tool"], yosys["evidence"], yosys["design"]) == ("Yosys", "open-synthesis", "rtl")
    assert yosys["lut"] > 0
    assert yosys["estimated_clock_period_ns"] is None
    assert report["vendor"]["status"] == "not-asked"
    for name in ("report.md", "report.html"):
        text = (folder / name).read_text()
        assert "open-synthesis" in text
        assert "simulation" in text


@pytest.mark.slow
def test_the_report_has_each_layer_of_the_hls_project_before_any_tool_has_run(tiny_run: Run) -> None:
    folder = tiny_run[1] / "report"
    report = read(folder / "report.json")
    layers = {layer["name"]: layer for layer in report["hls_layers"]}
    assert list(layers) == [layer["name"] for layer in report["layers"]]
    for layer in report["layers"]:
        project = layers[layer["name"]]
        if not layer["weights"]:
            assert project["strategy"] is None
            continue
        assert (project["strategy"], project["strategy_asked"]) == ("Latency", "Latency")
        assert (project["reuse_factor"], project["reuse_factor_asked"], project["reuse_factors"]) == (1, 1, None)
        # All at once: those without a zero weight.
        assert project["multipliers"] == layer["weights"] - layer["zero_weights"]
        # A convolution takes a cycle for each pixel of its result, and a few to compute it.
        pixels = layer["shape"][0] * layer["shape"][1] if layer["kind"] == "Conv2D" else 0
        assert 1 <= project["latency_cycles"] - pixels <= 6
    assert read(tiny_run[1] / "convert" / "conversion.json")["hls_layers"] == report["hls_layers"]
    slowest = max(layer["initiation_interval"] for layer in report["hls_layers"])
    assert report["hls_estimate"]["initiation_interval"] == slowest + 1
    assert "The HLS project, by layer" in (folder / "report.md").read_text()
    assert "The HLS project, by layer" in (folder / "report.html").read_text()


def test_the_report_tells_how_to_make_the_run_again(tiny_run: Run) -> None:
    config, out = tiny_run
    provenance = read(out / "report" / "report.json")["provenance"]
    assert provenance["command"] == f"trigcnn run {config} --out {out}"
    assert provenance["configuration"] == (out / "resolved.yaml").read_text()
    assert yaml.safe_load(provenance["configuration"])["model"]["options"] == {"filters": [2, 3]}
    assert set(provenance["digests"]) == {f"outputs of {name}" for name in ORDER[:-1]}


@pytest.mark.slow
def test_a_second_run_changes_nothing_and_brings_up_no_tensorflow(tiny_copy: Run) -> None:
    config, out = tiny_copy
    # The lock names the process that held it.
    before = {path: file_digest(path) for path in out.rglob("*") if path.name != ".lock"}
    program = """
import sys
from trigcnn.pipeline.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({"tensorflow", "tf_keras", "qkeras", "hls4ml", "alkaid", "matplotlib"} & set(sys.modules)), sep="+")
"""
    outcome = subprocess.run(
        [sys.executable, "-c", program, "run", str(config), "--out", str(out)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done(outcome) == []
    assert outcome.stdout.splitlines()[-1] == ""
    assert {path: file_digest(path) for path in out.rglob("*") if path.name != ".lock"} == before


@pytest.mark.slow
def test_an_rtl_that_differs_misses_the_gate_and_is_shown(
    tiny_copy: Run, trigcnn: Trigcnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = tiny_copy
    right = np.load(out / "check" / "rtl_outputs.npy")
    graph = Graph.load(out / "convert")

    class Wrong:
        name = "rtl"

        def predict(self, events: Events) -> Outputs:
            outputs: Outputs = right[: len(events)].copy()
            outputs[7:9, 3] += 5 * graph.output.result.lsb
            return outputs

        def trace(self, events: Events) -> dict[str, Outputs]:
            return {"logits": np.full((len(events), 10), np.nan)}

    monkeypatch.setattr(rtl_engine, "build", lambda *_arguments, **_options: Wrong())
    outcome = trigcnn("run", config, "--out", out, "--from", "check", "--set", "synthesis.yosys=false")
    assert outcome.returncode == 1
    found = "rtl differs from csim in 2 of 4490 outputs of 2 of 449 events, by up to 5 LSB, first in layer logits"
    assert f"MISSED gates.exact: {found}\nverdict: fail\n" in outcome.stdout
    assert "met    gates.exact: csim = QKeras on 449 events" in outcome.stdout
    checked, report = read(out / "check" / "check.json"), read(out / "report" / "report.json")
    for entry in (checked["comparisons"][1], report["comparisons"][1]):
        assert (entry["differing_outputs"], entry["differing_events"]) == (2, 2)
        assert (entry["max_difference_lsb"], entry["first_layer"]) == (5.0, "logits")
    assert report["verdict"] == "fail"
    assert found in (out / "report" / "report.md").read_text()
    profile = {(entry["layer"], entry["tensor"]): entry for entry in report["ranges"]}
    logits = profile["logits", "weight"]
    assert logits["lsb"] <= logits["magnitudes"]["least"] <= logits["magnitudes"]["median"]
    assert logits["magnitudes"]["greatest"] == max(-logits["minimum"], logits["maximum"])
    assert [layer["inputs"] for layer in report["layers"]][1:] == [[layer["name"]] for layer in report["layers"]][:-1]


@pytest.mark.slow
def test_weights_that_were_lost_in_the_c_project_miss_the_gate_and_their_layer_is_named(
    quick_run: Run, trigcnn: Trigcnn
) -> None:
    config, out = quick_run
    manifest_path = out / "convert" / "manifest.json"
    manifest = read(manifest_path)
    folder = out / "convert" / "hls" / "firmware" / "weights"
    weights = max(folder.glob("w*.txt"), key=lambda path: int(path.stem[1:]))
    bias = np.array(weights.with_name(f"b{weights.stem[1:]}.txt").read_text().split(","), float)
    weights.write_text(", ".join("0" for _ in weights.read_text().split(",")))
    manifest["outputs"][str(weights.relative_to(out / "convert"))] = file_digest(weights)
    manifest_path.write_text(json.dumps(manifest))
    reference = np.load(out / "convert" / "reference.npy")
    differing = reference != bias
    assert differing.sum() > 50

    outcome = trigcnn("run", config, "--out", out)
    assert outcome.returncode == 1
    assert done(outcome) == ["check", "synthesize", "report"]
    (entry,) = read(out / "check" / "check.json")["comparisons"]
    assert entry == {
        "reference": "QKeras",
        "engine": "csim",
        "events": 75,
        "outputs": 225,
        "differing_outputs": differing.sum(),
        "differing_events": differing.any(axis=1).sum(),
        "max_difference_lsb": np.abs(reference - bias).max() / Graph.load(out / "convert").output.result.lsb,
        "first_layer": "logits",
    }
    report = read(out / "report" / "report.json")
    assert (report["verdict"], report["comparisons"]) == ("fail", [entry])
    assert "first in layer logits" in outcome.stdout
    # Without the gate, the difference is reported all the same.
    outcome = trigcnn("run", config, "--out", out, "--set", "gates.exact=false")
    assert outcome.returncode == 0
    assert read(out / "report" / "report.json")["comparisons"] == [entry]


def test_a_changed_gate_redoes_the_report_only(quick_run: Run, trigcnn: Trigcnn) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--set", "gates.min_accuracy=1.0")
    assert outcome.returncode == 1
    assert done(outcome) == ["report"]
    assert "MISSED gates.min_accuracy: 0." in outcome.stdout
    assert "verdict: fail" in outcome.stdout
    report = read(out / "report" / "report.json")
    assert report["verdict"] == "fail"
    assert [(gate["name"], gate["met"]) for gate in report["gates"]] == [
        ("gates.exact", True),
        ("gates.min_accuracy", False),
    ]
    assert "fail" in (out / "report" / "report.md").read_text().splitlines()[0]
    # The verdict stays what it is when nothing is left to do.
    again = trigcnn("run", config, "--out", out, "--set", "gates.min_accuracy=1.0")
    assert (again.returncode, done(again)) == (1, [])
    check = trigcnn("check", config, "--out", out, "--set", "gates.min_accuracy=1.0")
    assert check.returncode == 1
    assert trigcnn("convert", config, "--out", out).returncode == 0


def test_a_changed_option_redoes_what_reads_it(quick_run: Run, trigcnn: Trigcnn) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--set", "time_limits.vendor_s=77")
    assert (outcome.returncode, done(outcome)) == (0, ["report"])
    outcome = trigcnn("run", config, "--out", out, "--set", "synthesis.vendor_steps=[logic-synthesis]")
    assert (outcome.returncode, done(outcome)) == (0, ["synthesize", "report"])
    assert "vendor_steps:\n  - logic-synthesis\n" in (out / "resolved.yaml").read_text()


def test_from_redoes_that_stage_and_all_later_ones(quick_run: Run, trigcnn: Trigcnn) -> None:
    config, out = quick_run
    outcome = trigcnn("run", config, "--out", out, "--from", "synthesize")
    assert (outcome.returncode, done(outcome)) == (0, ["synthesize", "report"])


@pytest.mark.parametrize("command", ORDER)
def test_each_command_goes_as_far_as_its_stage(quick_run: Run, trigcnn: Trigcnn, command: str) -> None:
    config, out = quick_run
    # A killed run that repeated a finished stage left them.
    left = out / f"{command}.checkpoints" / "key"
    left.mkdir(parents=True)
    outcome = trigcnn(command, config, "--out", out)
    assert outcome.returncode == 0
    assert not left.parent.exists()
    said = [line for line in outcome.stdout.splitlines() if line.endswith(": unchanged")]
    assert said == [f"{name}: unchanged" for name in ORDER[: ORDER.index(command) + 1]]


@pytest.fixture
def saved_config(quick_run: Run, quick_config: Path) -> Path:
    """The configuration of the shortest run with its trained model, so that nothing is trained."""
    shutil.copy(quick_run[1] / "train" / "quantized.keras", quick_config.parent / "mine.keras")
    config = quick_config.with_name("saved.yaml")
    config.write_text(quick_config.read_text().replace("net.py:build", "mine.keras"))
    return config


@pytest.mark.slow
def test_a_command_does_what_is_still_to_be_done_before_it(saved_config: Path, trigcnn: Trigcnn) -> None:
    out = saved_config.parent / "out"
    outcome = trigcnn("convert", saved_config, "--out", out)
    assert outcome.returncode == 0, outcome.stderr
    assert {path.name for path in out.iterdir()} == {"train", "convert", "resolved.yaml", ".lock"}
    assert "train: done in" in outcome.stdout
    # Only its own stages, and whatever changed.
    forced = trigcnn("train", saved_config, "--out", out, "--force")
    assert "train: done in" in forced.stdout
    assert (out / "convert").is_dir()


@pytest.mark.slow
def test_force_redoes_every_stage_and_the_same_seed_gives_the_same_outputs(quick_run: Run, trigcnn: Trigcnn) -> None:
    config, out = quick_run
    before = np.load(out / "convert" / "reference.npy")
    (out / "report" / "old.txt").touch()
    outcome = trigcnn("run", config, "--out", out, "--force")
    assert (outcome.returncode, done(outcome)) == (0, list(ORDER))
    assert not (out / "report" / "old.txt").exists()
    np.testing.assert_array_equal(np.load(out / "convert" / "reference.npy"), before)
    assert trigcnn("convert", config, "--out", out, "--set", "seed=2").returncode == 0
    assert not np.array_equal(np.load(out / "convert" / "reference.npy"), before)


def test_the_default_folder_is_named_after_the_run(
    saved_config: Path, trigcnn: Trigcnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(saved_config.parent)
    outcome = trigcnn("train", saved_config.name)
    assert outcome.returncode == 0, outcome.stderr
    assert (saved_config.parent / "vivado_projects" / "quick" / "train" / "manifest.json").is_file()


@pytest.mark.slow
def test_a_saved_model_is_used_as_it_is(quick_run: Run, saved_config: Path, trigcnn: Trigcnn) -> None:
    out = saved_config.parent / "out"
    outcome = trigcnn("run", saved_config, "--out", out)
    assert outcome.returncode == 0, outcome.stderr
    np.testing.assert_array_equal(
        np.load(out / "convert" / "reference.npy"), np.load(quick_run[1] / "convert" / "reference.npy")
    )
    training = read(out / "report" / "report.json")["training"]
    assert (training["trained"], training["quantized"], training["float_twin"]) == (False, None, None)


@pytest.mark.slow
def test_a_changed_file_of_the_user_is_noticed(quick_config: Path, trigcnn: Trigcnn) -> None:
    out = quick_config.parent / "out"
    quick_config.write_text(quick_config.read_text().replace("epochs: 5", "epochs: 1"))
    assert trigcnn("train", quick_config, "--out", out).returncode == 0
    assert trigcnn("train", quick_config, "--out", out).stdout == "train: unchanged\n"
    net = quick_config.parent / "net.py"
    net.write_text(net.read_text().replace("units=4", "units=3"))
    assert "train: done in" in trigcnn("train", quick_config, "--out", out).stdout


@pytest.mark.slow
def test_a_run_that_is_killed_while_it_trains_can_be_started_again(
    quick_config: Path, trigcnn: Trigcnn, trigcnn_process: Callable[..., subprocess.Popen[str]]
) -> None:
    out = quick_config.parent / "out"
    forever = ["--set", "training.epochs=1000000", "--set", "training.patience=1000000"]
    process = trigcnn_process("run", quick_config, "--out", out, *forever)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        for line in process.stdout:
            if line.startswith("  training the quantized model: "):
                break
        else:
            pytest.fail(process.stderr.read())
        taken = trigcnn("run", quick_config, "--out", out)
        assert taken.returncode == 2
        assert taken.stderr.startswith(
            f"error: {out}: another run works in this folder (process {process.pid}); wait for it"
        )
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert {path.name for path in out.iterdir()} == {"train.unfinished", "train.checkpoints", "resolved.yaml", ".lock"}
    outcome = trigcnn("train", quick_config, "--out", out)
    assert (outcome.returncode, "train: done in" in outcome.stdout) == (0, True), outcome.stderr
    assert {path.name for path in out.iterdir()} == {"train", "resolved.yaml", ".lock"}


@pytest.mark.slow
# test_interrupts.py has both; a whole run is ended alike.
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.walk)])
def test_an_interrupted_run_says_so_and_leaves_nothing_half_written(
    number: signal.Signals, quick_config: Path, trigcnn_process: Callable[..., subprocess.Popen[str]]
) -> None:
    out = quick_config.parent / "out"
    forever = ["--set", "training.epochs=1000000", "--set", "training.patience=1000000"]
    process = trigcnn_process("run", quick_config, "--out", out, *forever)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("  training the quantized model: "):
            break
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert "interrupted; finished stages are kept, and the next run resumes from there" in stderr
    assert "Traceback" not in stderr
    assert process.returncode == 130
    assert {path.name for path in out.iterdir()} == {"train.checkpoints", "resolved.yaml", ".lock"}


@pytest.mark.slow
def test_a_run_places_the_rtl_searches_its_depth_and_makes_a_bitstream(
    quick_config: Path, trigcnn: Trigcnn, tmp_path: Path
) -> None:
    out = tmp_path / "placed"
    changes = [
        *("rtl.architecture=parallel", "rtl.stage_delay=auto", "hls.clock_period_ns=12", "gates.clock=true"),
        *("place_and_route.enabled=true", "place_and_route.board=ulx3s_12f"),
    ]
    outcome = trigcnn("run", quick_config, "--out", out, *(word for change in changes for word in ("--set", change)))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    report = read(out / "report" / "report.json")
    closure = report["timing_closure"]
    assert closure["met"]
    assert f"rtl.stage_delay {closure['chosen']['stage_delay']:g}: " in outcome.stdout
    assert report["rtl"]["latency_cycles"] == closure["chosen"]["latency_cycles"]
    counted, placed, board = report["synthesis"]
    assert [entry["design"] for entry in (counted, placed, board)] == ["rtl", "rtl", "board"]
    # The same design, placed with the same seed, is the same.
    assert placed["estimated_clock_period_ns"] == closure["chosen"]["reached_ns"] <= 12
    assert (placed["lut"], placed["ff"]) == (closure["chosen"]["lut"], closure["chosen"]["ff"])
    assert board["lut"] > placed["lut"]
    assert (board["clock_period_ns"], board["part"]) == (40.0, "LFE5U-12F-6BG381C")
    assert (out / report["place_and_route"]["bitstream"]).read_bytes().startswith(b"\xff\x00Part: LFE5U-12F-6CABGA381")
    assert "met    gates.clock: LFE5U-12F-6BG381C: " in outcome.stdout
    assert sorted(path.suffix for path in (out / "synthesize").rglob("*.v")) == [".v"]
    again = trigcnn("run", quick_config, "--out", out, *(word for change in changes for word in ("--set", change)))
    assert again.stdout.count("unchanged") == len(ORDER)


@pytest.mark.slow
def test_a_design_that_does_not_fit_is_in_the_report_and_misses_its_gate(
    tiny_copy: Run, trigcnn: Trigcnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DoesNotFitError("the design does not fit: 3% over")

    monkeypatch.setattr("trigcnn.pipeline.stages.synthesize.implement", refuse)
    config, out = tiny_copy
    changes = ["--set", "synthesis.yosys=false", "--set", "place_and_route.enabled=true"]
    outcome = trigcnn("run", config, "--out", out, *changes)
    assert outcome.returncode == 1
    assert done(outcome) == ["synthesize", "report"]
    assert "MISSED gates.fits: the design does not fit: 3% over" in outcome.stdout
    report = read(out / "report" / "report.json")
    assert (report["verdict"], report["place_and_route"]["status"]) == ("fail", "does-not-fit")
    assert report["synthesis"] == []
