"""Runs of networks with several inputs and several outputs, and of networks on sequences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import jsonschema
import numpy as np
import pytest

from tests.pipeline.conftest import ROOT, Outcome, call
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.graph.graph import Graph
from trigcnn.models.heads import Head
from trigcnn.pipeline.evaluate.finished_run import FinishedRun

Trigcnn = Callable[..., Outcome]

# Of a network with one output.
LABELS_ALONE = ("--set", "data.targets=null", "--set", "gates.heads={}")

CONFIG = """\
name: several
data:
  source: events.h5
  input_format: "ufixed<4,0>"
  events: [camera/image, camera/times]
  targets: {energy: truth/energy}
  weights: truth/weight
model: {source: net.keras}
synthesis: {yosys: false, vendor: never}
gates:
  max_explained_variance_drop: null
  heads: {energy: {max_mean_absolute_error: 100}}
"""
BUILDER = """\
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks


def two(input_shapes, classes, input_format):
    keras = bring_up().keras
    inputs = [keras.Input(shape, name=f"input{n}") for n, shape in enumerate(input_shapes)]
    parts = [blocks.input_quantizer(x, input_format, name=f"grid{n}") for n, x in enumerate(inputs)]
    x = keras.layers.Concatenate(name="both")([keras.layers.Flatten(name=f"flat{n}")(x) for n, x in enumerate(parts)])
    return keras.Model(inputs, blocks.dense(x, classes, bits=4, name="logits"))


def heads(input_shapes, classes, input_format):
    model = two(input_shapes, classes["logits"], input_format)
    energy = blocks.dense(model.get_layer("both").output, classes["energy"], bits=4, name="energy")
    return bring_up().keras.Model(model.inputs, [model.output, energy])


def sequence(input_shape, classes, input_format):
    modules = bring_up()
    x = events = modules.keras.Input(input_shape[:2], name="events")
    x = blocks.input_quantizer(x, input_format)
    bits = modules.qkeras.quantized_bits(4, 0, alpha=1)
    x = modules.qkeras.QConv1D(2, 3, kernel_quantizer=bits, bias_quantizer=bits, name="conv1")(x)
    x = modules.keras.layers.Flatten(name="flatten")(x)
    return modules.keras.Model(events, blocks.dense(x, classes, bits=4, name="logits"))
"""


def two_and_two() -> Any:
    """An image and some times in, logits and a number out."""
    modules = bring_up()
    keras, qkeras = modules.keras, modules.qkeras

    def weights() -> dict[str, object]:
        return {
            role: qkeras.quantized_bits(4, 0, alpha=1, symmetric=0) for role in ("kernel_quantizer", "bias_quantizer")
        }

    image, times = keras.Input((6, 4, 1), name="image"), keras.Input((3,), name="times")
    x, y = (
        qkeras.QActivation(qkeras.quantized_bits(5, 0, alpha=1, symmetric=0), name=f"grid_{t.node.layer.name}")(t)
        for t in (image, times)
    )
    x = qkeras.QConv2D(2, 3, **weights(), name="conv1")(x)
    x = qkeras.QActivation(qkeras.quantized_relu(4, 1), name="relu1")(x)
    x = keras.layers.Concatenate(name="both")([keras.layers.Flatten(name="flatten")(x), y])
    outputs = [qkeras.QDense(3, **weights(), name="logits")(x), qkeras.QDense(1, **weights(), name="energy")(x)]
    model = keras.Model([image, times], outputs)
    random = np.random.default_rng(4)
    for layer in model.layers:
        layer.set_weights([random.normal(0, 0.5, weight.shape) for weight in layer.get_weights()])
    return model


def write(folder: Path) -> Path:
    random = np.random.default_rng(1)
    with h5py.File(folder / "events.h5", "w") as file:
        file["camera/image"] = random.integers(0, 16, (240, 6, 4)) / 16
        file["camera/times"] = random.integers(0, 16, (240, 3)) / 16
        file["camera/few"] = np.zeros((7, 3))
        file["labels"] = np.arange(240) % 3
        file["truth/energy"] = random.normal(2, 1, 240)
        file["truth/weight"] = random.integers(0, 3, 240)
    two_and_two().save(folder / "net.keras")
    (folder / "net.py").write_text(BUILDER)
    (folder / "several.yaml").write_text(CONFIG)
    return folder / "several.yaml"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Configuration and folder of a finished run."""
    config = write(tmp_path_factory.mktemp("several"))
    out = config.parent / "out"
    outcome = call("run", config, "--out", out)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return config, out


@pytest.mark.slow
def test_a_run_of_several_inputs_and_outputs_compares_every_output(several: tuple[Path, Path]) -> None:
    folder = several[1] / "report"
    report = json.loads((folder / "report.json").read_text())
    jsonschema.validate(report, json.loads((ROOT / "docs" / "report.schema.json").read_text()))
    found = [(entry["engine"], entry["outputs"], entry["differing_outputs"]) for entry in report["comparisons"]]
    assert found == [("csim", 240, 0), ("rtl", 240, 0)]
    assert (report["verdict"], report["accuracy"], report["confusion"]) == ("pass", None, None)
    assert [gate["name"] for gate in report["gates"]] == ["gates.exact"] * 2 + [
        "gates.heads.energy.max_mean_absolute_error"
    ]
    logits, energy = report["heads"]
    assert (logits["head"]["truth"], logits["accuracy"], logits["resolution"]) == ("none", None, None)
    with np.load(several[1] / "train" / "test.npz") as arrays:
        known, weights = arrays["truth1"], arrays["weights"]
    found = np.load(several[1] / "check" / "csim_outputs.npy")[:, 3:]
    assert (known.shape, energy["weighted"]) == ((60, 1), True)
    expected = float(np.sum(weights[:, np.newaxis] * np.abs(found - known)) / np.sum(weights))
    assert energy["mean_absolute_error"]["csim"] == pytest.approx(expected, rel=1e-12)
    for page in ("report.md", "report.html"):
        text = (folder / page).read_text()
        assert "Nothing is known of the output logits, so its quality was not measured: no array is named" in text
        assert "mean absolute error" in text
        assert "onfusion" not in text


@pytest.mark.slow
def test_the_events_are_those_of_the_arrays_in_the_order_of_the_inputs(several: tuple[Path, Path]) -> None:
    config, out = several
    graph = Graph.load(out / "convert")
    with np.load(out / "train" / "test.npz") as arrays:
        image, times = graph.split_inputs(arrays["events"])
    with h5py.File(config.parent / "events.h5") as file:
        known = np.concatenate([file["camera/image"][()].reshape(240, -1), file["camera/times"][()]], axis=1)
    rows = {row.tobytes() for row in known.astype(np.float32)}
    together = np.concatenate([image.reshape(len(image), -1), times], axis=1)
    assert (image.shape[1:], times.shape[1:]) == ((6, 4, 1), (3,))
    assert {row.tobytes() for row in together} <= rows
    expected = np.concatenate(two_and_two().predict([image, times], verbose=0), axis=1)
    np.testing.assert_array_equal(np.load(out / "check" / "csim_outputs.npy"), expected)


@pytest.mark.slow
def test_rates_of_one_of_several_outputs(several: tuple[Path, Path], tmp_path: Path) -> None:
    config, out = several
    words: list[str | Path] = [
        "evaluate",
        out,
        "--events",
        config.parent / "events.h5",
        "--signal",
        "2",
        "--rates",
        "1e7",
    ]
    outcome = call(*words, "--output", "logits", "--against", "csim", "--out", tmp_path / "rates")
    assert outcome.returncode == 0, outcome.stderr
    found = json.loads((tmp_path / "rates" / "evaluation.json").read_text())
    assert (found["events"]["events"], found["events"]["array"]) == (240, "camera/image, camera/times")
    assert (found["difference"]["outputs"], found["difference"]["differing_outputs"]) == (720, 0)
    assert "several outputs (logits, energy)" in call(*words).stderr
    unequal = call(*words, "--output", "logits", "--events-array", "camera/image,camera/few")
    assert "camera/image, camera/few: arrays of 240, 7 events" in unequal.stderr


@pytest.mark.slow
def test_a_golden_case_of_several_inputs_and_outputs(several: tuple[Path, Path], tmp_path: Path) -> None:
    case = tmp_path / "several.golden.yaml"
    assert call("golden", "freeze", several[1], "--out", case, "--events", "4").returncode == 0
    outcome = call("golden", "check", case, "--engine", "qkeras")
    assert outcome.returncode == 0, outcome.stdout


def test_a_network_of_two_inputs_is_trained(tmp_path: Path, trigcnn: Trigcnn) -> None:
    config = write(tmp_path)
    words = ["train", config, "--out", tmp_path / "out", "--set", "model.source=net.py:two", *LABELS_ALONE]
    outcome = trigcnn(*words, "--set", "training.epochs=1")
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads((tmp_path / "out" / "train" / "info.json").read_text())["training"]["trained"]


def test_a_network_of_two_outputs_is_trained(tmp_path: Path, trigcnn: Trigcnn) -> None:
    config = write(tmp_path)
    words = ["train", config, "--out", tmp_path / "out", "--set", "model.source=net.py:heads"]
    outcome = trigcnn(*words, "--set", "training.epochs=1", "--set", "data.labels.logits=labels")
    assert outcome.returncode == 0, outcome.stderr
    info = json.loads((tmp_path / "out" / "train" / "info.json").read_text())
    assert [(head["name"], head["truth"], head["shape"]) for head in info["heads"]] == [
        ("logits", "classes", [3]),
        ("energy", "targets", [1]),
    ]
    assert info["training"]["objective"] == "classification and regression"
    with np.load(tmp_path / "out" / "train" / "test.npz") as arrays:
        assert (arrays["truth0"].shape, arrays["truth1"].shape, arrays["float_outputs"].shape) == (
            (60,),
            (60, 1),
            (60, 4),
        )


def test_a_saved_network_needs_no_truth(tmp_path: Path, trigcnn: Trigcnn) -> None:
    config = write(tmp_path)
    outcome = trigcnn("train", config, "--out", tmp_path / "out", "--set", "data.labels=null", *LABELS_ALONE)
    assert outcome.returncode == 0, outcome.stderr
    assert "output energy: its quality is not measured: no array is named for the output energy" in outcome.stdout
    assert {path.name for path in (tmp_path / "out" / "train").iterdir()} == {
        *("quantized.keras", "test.npz", "info.json", "manifest.json")
    }


def test_a_network_on_sequences_takes_arrays_without_a_channel_axis(tmp_path: Path, trigcnn: Trigcnn) -> None:
    config = write(tmp_path)
    words = ["train", config, "--out", tmp_path / "out", "--set", "model.source=net.py:sequence", *LABELS_ALONE]
    outcome = trigcnn(*words, "--set", "training.epochs=1", "--set", "data.events=camera/image")
    assert outcome.returncode == 0, outcome.stderr
    with np.load(tmp_path / "out" / "train" / "test.npz") as arrays:
        assert arrays["events"].shape == (60, 6, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "data.events=camera/image",
            "the model has 2 inputs, the data set events.h5 gives 1; name one array per",
        ),
        ("data.events=[camera/image, camera/few]", "7 entries for 240 events; data.events[0] and data.events[1] must"),
        ("data.events=[camera/image, camera/time]", "no array 'camera/time', which data.events[1] names; did you mean"),
        ("data.events=[camera/times, camera/image]", "the model takes events of shape (6, 4, 1) at input 0, the data"),
        ("data.events=[]", "data.events"),
        (
            "gates.min_accuracy=0.9",
            "gates.min_accuracy: it needs the figure accuracy, which is not measured (output logits: no array",
        ),
        ("data.labels={particle: labels}", "data.labels.particle: the model has no such output; choose from"),
        ("data.targets=labels", "data.targets: the model has 2 outputs (logits, energy); say which the array is for"),
        (
            "data.targets={logits: labels}",
            "output logits has shape (3,), but data.targets.logits has () per",
        ),
    ],
)
def test_what_cannot_be_run(tmp_path: Path, trigcnn: Trigcnn, change: str, message: str) -> None:
    outcome = trigcnn("train", write(tmp_path), "--out", tmp_path / "out", "--set", change)
    assert outcome.returncode == 2
    assert message in outcome.stderr


def test_an_output_has_the_labels_that_are_named_for_it() -> None:
    heads = [Head("logits", (3,), "classes", ("e", "mu", "pi")), Head("energy", (1,), "targets")]
    graph = SimpleNamespace(outputs=("logits", "energy"))

    def labels_of(name: str, labels: object, event_classes: list[str]) -> tuple[list[str], str | None]:
        run = SimpleNamespace(heads=heads, graph=graph, data={"labels": labels}, event_classes=event_classes)
        return FinishedRun.labels_of(run, SimpleNamespace(name=name))  # type: ignore[arg-type]

    by_output = {"logits": "particle"}
    assert labels_of("logits", by_output, ["e", "mu", "pi"]) == (["e", "mu", "pi"], "particle")
    assert labels_of("energy", by_output, ["e", "mu", "pi"]) == ([], None)
    assert labels_of("energy", "labels", ["0", "1"]) == (["0", "1"], "labels")
    assert labels_of("energy", "labels", []) == ([], None)
