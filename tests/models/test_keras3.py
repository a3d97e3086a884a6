"""Files of Keras 3 and qkeras-v3 (see tests/data/keras3/write.py) give the same networks here."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trigcnn.hls.admission import admit
from trigcnn.models.errors import ModelError
from trigcnn.models.forms import flattened
from trigcnn.models.source import load_saved

FOLDER = Path(__file__).parents[1] / "data" / "keras3"


@pytest.mark.parametrize("name", ["images", "branches"])
def test_outputs_are_equal(name: str) -> None:
    model = flattened(load_saved(FOLDER / f"{name}.keras")).model
    admit(model)
    with np.load(FOLDER / f"{name}.npz") as arrays:
        events = [arrays[f"events_{number}"] for number in range(len(model.inputs))]
        expected = [arrays[f"outputs_{number}"] for number in range(len(model.outputs))]
    found = model(events if len(events) > 1 else events[0], training=False)
    for one, other in zip(expected, found if isinstance(found, list) else [found], strict=True):
        # The numbers are those of a trigger: few bits, which float32 holds in any order of a sum.
        np.testing.assert_array_equal(np.asarray(other), one)
        assert np.ptp(one) > 1


def changed(tmp_path: Path, change: Callable[[Any], None], *, weights: bool = True) -> Path:
    """A file of Keras 3 with another configuration."""
    with zipfile.ZipFile(FOLDER / "images.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"])
    members["config.json"] = json.dumps(config).encode()
    if not weights:
        del members["model.weights.h5"]
    with zipfile.ZipFile(tmp_path / "changed.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return tmp_path / "changed.keras"


def of(layers: Any, name: str) -> Any:
    return next(layer for layer in layers if layer["config"]["name"] == name)


def history(layer: Any, source: str) -> None:
    """Let a layer take its input from another one."""
    layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [source, 0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda layers: of(layers, "conv")["config"].update(more=3),
            r"layer 'conv': more=3 of the QConv2D is not known",
        ),
        (
            lambda layers: of(layers, "flat").update(class_name="Lambda", config={"name": "flat"}),
            "layer 'flat': its class 'Lambda' is or calls",
        ),
        (
            lambda layers: of(layers, "sum").update(module="keras.src.ops.numpy", class_name="Dot"),
            "layer 'sum': its class 'Dot' is said to be from the module 'keras.src.ops.numpy'",
        ),
        (
            lambda layers: of(layers, "conv")["config"].update(filters=4),
            r"layer 'conv': Keras 3 keeps the weights of a",
        ),
        (
            lambda layers: history(of(layers, "relu"), "out"),
            r"layers 'relu', 'depthwise', .* and 1 more: nothing gives them their inputs",
        ),
        (
            lambda layers: history(of(layers, "relu"), "nowhere"),
            r"layers 'relu', 'depthwise', .* and 1 more: nothing gives",
        ),
        (lambda layers: layers.append({}), r"not one that Keras 3 writes \(KeyError: 'class_name'\)"),
    ],
    ids=["option", "code", "operator", "weights", "circle", "nowhere", "damaged"],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_saved(changed(tmp_path, change))


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no model\.weights\.h5"):
        load_saved(changed(tmp_path, lambda _: None, weights=False))
