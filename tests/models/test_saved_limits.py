"""Saved models that wait for ever, read other files, or would take all memory."""

from __future__ import annotations

import contextlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.models.test_source import dense, error_of, sequential, write
from trigcnn.models.errors import ModelError
from trigcnn.models.saved_graph import check_order
from trigcnn.models.source import call_builder, load_saved


def layer(name: str, *inputs: tuple[Any, ...], kind: str = "Dense") -> dict[str, Any]:
    calls = [[[source, *rest, {}] for source, *rest in call] for call in inputs]
    return {"name": name, "class_name": kind, "config": {"name": name}, "inbound_nodes": calls}


def model(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Functional", "config": {"layers": [layer("in", kind="InputLayer"), *layers]}}


def stuck(*layers: dict[str, Any]) -> str:
    with pytest.raises(ModelError) as caught:
        check_order({"class_name": "Functional", "config": {"layers": [model(*layers)]}}, Path("net.keras"))
    return str(caught.value)


def test_layers_that_wait_for_each_other_are_named() -> None:
    first, second = layer("first", (("second", 0, 0),)), layer("second", (("first", 0, 0),))
    end = "the file is damaged: save the model again"
    assert stuck(first, second) == (
        "net.keras, layers 'first', 'second': nothing gives them their inputs, they wait for each other or for what "
        f"does not exist; {end}"
    )
    assert stuck(layer("self", (("self", 0, 0),))).startswith("net.keras, layer 'self': nothing gives")


@pytest.mark.parametrize("number", ["get", 1, -1, 0.0, None, [0]])
def test_a_number_of_a_call_that_does_not_exist_is_refused(number: Any) -> None:
    check_order(model(layer("a", (("in", 0, 0),)), layer("b", (("a", 0, 0),))), Path("net.keras"))
    assert stuck(layer("a", (("in", 0, 0),)), layer("b", (("a", number, 0),))).startswith("net.keras, layer 'b'")
    keyword = layer("b", (("in", 0, 0),))
    keyword["inbound_nodes"][0][0][3] = {"y": ["a", number, 0]}
    assert stuck(layer("a", (("in", 0, 0),)), keyword).startswith("net.keras, layer 'b'")


def test_a_layer_called_twice_in_any_order_is_in_order() -> None:
    # A(B(A(x))), and an inner model, whose own calls are counted from 1; a constant refers to no layer.
    check_order(
        model(
            layer("a", (("in", 0, 0),), (("b", 0, 0),)),
            layer("b", (("a", 0, 0),)),
            layer("net", (("a", 1, 0),), kind="Functional"),
            layer("end", (("net", 1, 0), ("_CONSTANT_VALUE", -1, 3))),
        ),
        Path("net.keras"),
    )


def test_a_model_with_too_many_layers_is_refused() -> None:
    assert "a model of 5002 layers, more than 5000" in stuck(*(layer(f"l{n}") for n in range(5001)))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_weights_that_are_too_large_are_refused_before_they_are_made(tmp_path: Path, suffix: str) -> None:
    layers = [dense(name="wide", units=30000), dense(name="big", units=30000)]
    message = error_of(write(tmp_path / f"net{suffix}", sequential(*layers)))
    assert message == (
        f"{tmp_path}/net{suffix}, big/kernel: with the weights of shape (30000, 30000) the model has 3.6 GB, more than "
        "the limit of 1.07 GB; make this layer or its input smaller"
    )


def test_a_result_that_is_too_large_is_refused() -> None:
    from trigcnn.common.keras2 import bring_up

    def build() -> Any:
        keras = bring_up().keras
        return keras.Sequential([keras.layers.Input((4, 4, 1)), keras.layers.ZeroPadding2D(1024, name="pad")])

    message = r"'build', layer pad: its result has shape \(2052, 2052, 1\), 4210704 values for one event"
    with pytest.raises(ModelError, match=message):
        call_builder(build, offered={}, options={})


Change = Callable[[h5py.File, str], None]


def _external(file: h5py.File, name: str) -> None:
    shape = file[name].shape
    del file[name]
    file.create_dataset(name, shape, np.float32, external=[("/etc/hostname", 0, 4096)])


def _linked(file: h5py.File, name: str) -> None:
    del file[name]
    file[name] = h5py.ExternalLink("other.h5", "kernel")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    from trigcnn.common.keras2 import bring_up

    keras = bring_up().keras
    net = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    paths = {suffix: tmp_path_factory.mktemp("saved") / f"net{suffix}" for suffix in (".keras", ".h5")}
    for path in paths.values():
        net.save(path)
        load_saved(path)
    return paths


@pytest.mark.parametrize("change", [_external, _linked])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_weights_in_another_file_are_refused(
    tmp_path: Path, saved: dict[str, Path], suffix: str, change: Change
) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(saved[suffix].read_bytes())
    _changed(path, change)
    assert re.search(
        r"net\.\w+, /.*: (its values lie in other files \(/etc/hostname\), which are not read"
        r"|a link to another file \(other\.h5\), which is not followed); do not trust it, save the model again",
        error_of(path),
    )


def _changed(path: Path, change: Change) -> None:
    def kernel_of(file: h5py.File) -> str:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if getattr(item, "shape", None) == (3, 2) else None)
        return found[0]

    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            change(file, kernel_of(file))
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO(members["model.weights.h5"])
    with h5py.File(stream, "r+") as file:
        change(file, kernel_of(file))
    members["model.weights.h5"] = stream.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_weights_in_an_archive_in_the_archive_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "net.keras", sequential(dense()), {"model.weights.npz": b""})
    assert "has model.weights.npz in place of model.weights.h5" in error_of(path)


def test_members_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps(sequential(dense())))
        # The size is said in the central directory alone.
        archive.writestr("model.weights.h5", b"x" * 100)
        archive.infolist()[-1].file_size = 2**31
    assert "all members together: 2.15 GB in memory, more than the limit of 1.07 GB" in error_of(path)


def test_a_configuration_of_something_else_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with h5py.File(stream, "w"):
        pass
    renamed = {"other" if key == "config" else key: value for key, value in sequential(dense()).items()}
    path = write(tmp_path / "net.keras", renamed, {"model.weights.h5": stream.getvalue()})
    assert "net.keras: its configuration is that of a dict, not a model; save it again" in error_of(path)


def test_a_model_without_outputs_or_of_unknown_axes_is_refused() -> None:
    from trigcnn.common.keras2 import bring_up

    k = bring_up()
    inputs = k.keras.Input((3,))
    for model, message in (
        (k.keras.Model(inputs, []), "'<lambda>': the model has no outputs"),
        (k.keras.Model(inputs, k.keras.layers.Dense(2)(inputs)), None),
        (k.keras.Sequential([k.keras.layers.Dense(2)]), None),
        (_of_unknown_axes(k), "layer in: its result has an unknown number of axes; begin the model with an Input"),
    ):
        with contextlib.nullcontext() if message is None else pytest.raises(ModelError, match=message):
            call_builder(lambda model=model: model, offered={}, options={})


def _of_unknown_axes(k: Any) -> Any:
    inputs = k.keras.Input(type_spec=k.tf.TensorSpec(None), name="in")
    return k.keras.Model(inputs, k.keras.layers.ReLU()(inputs))


@pytest.mark.parametrize("odd", [[], {}, None, 3, "x", [[3]], {"a": [["in", [], {}]]}])
def test_odd_layers_are_left_to_the_other_checks(odd: Any) -> None:
    whole = layer("a", (("in", 0, 0),))
    for key in whole:
        with contextlib.suppress(ModelError):
            check_order(model(whole | {key: odd}), Path("net.keras"))
    check_order({"config": {"layers": odd}}, Path("net.keras"))
    check_order(odd, Path("net.keras"))
