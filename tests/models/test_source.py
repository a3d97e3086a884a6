import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests import networks
from trigcnn.models.errors import ModelError
from trigcnn.models.source import call_builder, load_builder, load_saved

FORMATS = [".keras", ".h5"]
# Written by hand: the ways in which a file can hide something do not all come out of Keras' own `save`.
DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "out", "units": 2, "activation": "linear"},
    "registered_name": None,
}
INPUT = {
    "module": "keras.layers",
    "class_name": "InputLayer",
    "config": {"batch_input_shape": [None, 3], "dtype": "float32", "name": "in"},
    "registered_name": None,
}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "net", "layers": [INPUT, *layers]},
        "registered_name": None,
    }


def dense(**config: Any) -> dict[str, Any]:
    return DENSE | {"config": DENSE["config"] | config}  # type: ignore[operator]


def qactivation(text: str) -> dict[str, Any]:
    return {
        "module": "qkeras.qlayers",
        "class_name": "QActivation",
        "config": {"name": "quantize", "activation": text},
        "registered_name": "QActivation",
    }


def write(path: Path, config: Any, members: dict[str, bytes] | None = None) -> Path:
    """Write a model file with this configuration and no weights."""
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.attrs["model_config"] = text
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in ({"config.json": text} | (members or {})).items():
                archive.writestr(name, content)
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_saved(path)
    return str(caught.value)


@pytest.fixture(scope="module")
def keras2() -> Any:
    from trigcnn.common.keras2 import bring_up

    return bring_up()


@pytest.fixture(scope="module")
def network() -> Any:
    return networks.of_many_quantizers()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_saved_model_computes_the_same(tmp_path: Path, network: Any, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    network.save(path)
    loaded = load_saved(path)
    events = np.random.default_rng(0).random((4, 6, 6, 1), dtype=np.float32)
    np.testing.assert_array_equal(loaded(events), network(events))
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in network.layers]
    assert loaded.optimizer is None


@pytest.mark.parametrize("suffix", FORMATS)
def test_code_in_a_lambda_layer_is_refused_and_not_run(tmp_path: Path, keras2: Any, suffix: str) -> None:
    marker = tmp_path / "marker"
    keras = keras2.keras
    payload = eval(f"lambda x: __import__('os').makedirs({str(marker)!r}) or x")
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Lambda(payload, name="harmless")])
    path = tmp_path / f"evil{suffix}"
    model.save(path)
    marker.rmdir()  # Building the model has run the payload, so it does what it should.
    assert re.search(
        r"evil\.\w+, layer 'harmless': its class 'Lambda' is or calls a function.*use file.py:function",
        error_of(path),
    )
    assert not marker.exists()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            DENSE | {"class_name": "MyLayer"},
            "layer 'out': its class 'MyLayer' is not one of tf_keras or QKeras",
        ),
        (
            DENSE | {"class_name": "TextVectorization"},
            "its class 'TextVectorization' runs code or reads files",
        ),
        (DENSE | {"class_name": "PruneLowMagnitude"}, "save the model after strip_pruning"),
        (DENSE | {"class_name": ["Dense"]}, r"its class \['Dense'\] is not one of"),
        (DENSE | {"module": "os"}, "layer 'out': its class 'Dense' is said to be from the module 'os'"),
        (DENSE | {"module": "tf_keras.src.utils.generic_utils"}, "is said to be from the module"),
        (DENSE | {"module": "qkeras_evil"}, "is said to be from the module 'qkeras_evil'"),
        (DENSE | {"registered_name": "x>Evil"}, "its class 'Dense' is registered as 'x>Evil'"),
        (
            dense(activation={"class_name": "__lambda__", "config": {"value": "4wEA"}}),
            "layer 'out': its class '__lambda__' is or calls a function",
        ),
        (
            dense(
                kernel_initializer={
                    "module": "os",
                    "class_name": "function",
                    "config": "system",
                    "registered_name": "system",
                }
            ),
            "layer 'out': its class 'function' is or calls a function",
        ),
        (dense(name={"class_name": "Lambda", "config": {}}), "its class 'Lambda' is or calls"),
        (
            DENSE | {"inbound_nodes": [[["in", 0, 0, {"y": {"class_name": "TypeSpec"}}]]]},
            "its class 'TypeSpec'",
        ),
        (
            dense(activation="deserialize"),
            "layer 'out': activation 'deserialize' is no quantizer, activation",
        ),
        (dense(kernel_initializer="get"), "layer 'out': kernel_initializer 'get' is no quantizer"),
        (dense(anything=["print(1)"]), r"layer 'out': anything 'print\(1\)' is no quantizer"),
        (qactivation("set_internal_sigmoid('hard')"), "layer 'quantize': activation \"set_internal_sigmoid"),
        (qactivation("set_internal_sigmoid"), "activation 'set_internal_sigmoid' is no quantizer"),
        (qactivation("deserialize_keras_object('x')"), "is no quantizer"),
        (qactivation("quantized_bits(__import__('os'))"), "is no quantizer"),
        (qactivation("quantized_bits(4)(5)"), "is no quantizer"),
        (qactivation("quantized_bits(4)\n"), "is no quantizer"),
    ],
)
def test_anything_but_known_classes_is_refused(
    tmp_path: Path, suffix: str, layer: dict[str, Any], message: str
) -> None:
    text = error_of(write(tmp_path / f"net{suffix}", sequential(layer)))
    assert re.search(message, text)
    assert "use file.py:function for own Python code" in text


@pytest.mark.parametrize("class_name", ["TFOpLambda", "SlicingOpLambda"])
@pytest.mark.parametrize("function", [None, "io.read_file"])
def test_functions_in_whose_place_there_is_no_layer_are_refused(
    tmp_path: Path, class_name: str, function: str | None
) -> None:
    layer = {"class_name": class_name, "config": {"name": "out", "function": function}}
    text = error_of(write(tmp_path / "net.keras", sequential(layer)))
    assert f"layer 'out': its class '{class_name}' calls tf.{function}, in whose place there is no layer" in text


def test_code_inside_an_inner_model_is_refused(tmp_path: Path) -> None:
    inner = sequential(DENSE) | {"compile_config": {"loss": {"class_name": "Evil", "config": {}}}}
    assert "its class 'Evil' is not one of" in error_of(write(tmp_path / "net.keras", sequential(inner)))


@pytest.mark.parametrize(
    "text",
    [
        "quantized_bits(6,0,alpha=1)",
        "quantized_relu( 6 , 2 )",
        "quantized_tanh",
        "ternary(alpha='auto')",
        "relu",
    ],
)
def test_quantizers_as_text_are_taken(tmp_path: Path, text: str) -> None:
    # The configuration passes: what Keras then misses is the weights, which these files do not have.
    path = write(tmp_path / "net.keras", sequential(qactivation(text)))
    assert re.search(r"net\.keras: Keras cannot load it: .*model\.weights\.h5", error_of(path))


def test_what_keras_says_is_passed_on(tmp_path: Path) -> None:
    path = write(tmp_path / "net.h5", sequential(dense(units=-1)))
    assert re.search("net.h5: Keras cannot load it: .*units.*positive integer.*save it again", error_of(path), re.S)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "assets/../../evil", "..\\evil", "C:\\evil"])
def test_members_outside_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "net.keras", sequential(DENSE), {name: b"evil"})
    assert f"its member {name!r} would be unpacked outside the archive's folder" in error_of(path)
    assert not (tmp_path.parent / "evil").exists()


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "net.keras", sequential(DENSE))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", "{}")
    assert "has two members of one name" in error_of(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_missing_file_is_refused(tmp_path: Path, suffix: str) -> None:
    assert f"none{suffix}: no such file; name an existing" in error_of(tmp_path / f"none{suffix}")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_folder_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"net{suffix}").mkdir()
    assert "not a regular file; name a .keras or .h5 file" in error_of(tmp_path / f"net{suffix}")


@pytest.mark.parametrize("name", ["net.pb", "net", "net.KERAS"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert f"{name}: not a .keras or .h5 file; save the model with model.save" in error_of(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    assert re.search("truncated.*copy it again", error_of(path))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, network: Any, suffix: str, share: float) -> None:
    path = tmp_path / f"net{suffix}"
    network.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert re.search("truncated.*copy it again", error_of(path))


def test_a_damaged_configuration_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "net.keras", sequential(DENSE))
    path.write_bytes(path.read_bytes().replace(b"Sequential", b"Sequentiel"))
    assert "net.keras: cannot be read, it is damaged, truncated or not accessible (Bad CRC-32" in error_of(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_weights_alone_are_refused(tmp_path: Path, network: Any, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".h5":
        network.save_weights(path)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model.weights.h5", b"")
    assert re.search("has no (model_config|config.json).*save the whole model", error_of(path))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("config", [b"{", b"\xff\xfe{", b"[" * 20000 + b"]" * 20000])
def test_an_unreadable_configuration_is_refused(tmp_path: Path, suffix: str, config: bytes) -> None:
    assert "the model's configuration is not readable JSON" in error_of(write(tmp_path / f"net{suffix}", config))


@pytest.mark.parametrize("config", [[], "text", {}, {"config": {}}])
def test_a_configuration_of_no_model_is_refused(tmp_path: Path, config: Any) -> None:
    assert "its configuration is not a Keras model" in error_of(write(tmp_path / "net.keras", config))


def test_a_configuration_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.attrs["model_config"] = 3
    assert re.search("its model_config is a int64, not text", error_of(tmp_path / "net.h5"))


def test_an_unexpectedly_large_configuration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (16 * 2**20 + 1))
    assert "its config.json has more than 16777216 bytes" in error_of(path)


def test_an_hdf5_file_of_keras_3_is_refused(tmp_path: Path) -> None:
    message = r"saved with Keras 3.5.0, of which only .keras files are read; save it with model.save\('model.keras'\)"
    path = write(tmp_path / "net.h5", sequential(DENSE))
    with h5py.File(path, "a") as file:
        file.attrs["keras_version"] = "3.5.0"
    assert re.search(message, error_of(path))


def builder_file(folder: Path, text: str) -> Path:
    path = folder / "mynet.py"
    path.write_text(text)
    return path


def test_a_builder_comes_from_its_file(tmp_path: Path) -> None:
    text = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Widths:
    first: int = 4

def build():
    return Widths().first, __file__
"""
    path = builder_file(tmp_path, text)
    before = set(sys.modules), list(sys.path)
    assert load_builder(f"{path}:build")() == (4, str(path))
    assert (set(sys.modules), sys.path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    for answer in (1, 2, 3):
        path = builder_file(tmp_path, f"def build(): return {answer}")
        assert load_builder(f"{path}:build")() == answer


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("mynet.py", "is not a reference to a function; write it as file.py:function"),
        ("mynet:build", "is not a reference to a function"),
        ("mynet.py:", "is not a reference to a function"),
        ("mynet.py:a.b", "is not a reference to a function"),
        ("none.py:build", "none.py: no such file; the model"),
        ("mynet.py:biuld", r"mynet.py: no function 'biuld'; did you mean build\?"),
        ("mynet.py:width", r"mynet.py: 'width' is a int, not a function"),
    ],
)
def test_a_wrong_reference_is_refused(tmp_path: Path, reference: str, message: str) -> None:
    builder_file(tmp_path, "width = 3\ndef build(): pass\ndef other(): pass\ndef _own(): pass\n")
    with pytest.raises(ModelError, match=message):
        load_builder(f"{tmp_path}/{reference}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = 1 / 0\n", r"ZeroDivisionError: division by zero \(.*mynet\.py, line 2\); fix it there"),
        ("def build(:\n", r"SyntaxError: invalid syntax \(.*mynet\.py, line 1\)"),
        ("import no_such_module\n", r"ModuleNotFoundError: .*line 1\).*\(modules are looked for in "),
        ("\n\nraise SystemExit(3)\n", r"SystemExit: 3 \(.*mynet\.py, line 3\)"),
        ("\nimport json\njson.loads('{')\n", r"JSONDecodeError: .*mynet\.py, line 3\)"),
    ],
)
def test_a_file_that_fails_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = builder_file(tmp_path, text)
    with pytest.raises(ModelError, match=message):
        load_builder(f"{path}:build")


def model_of(keras2: Any, units: int = 2) -> Any:
    return keras2.keras.Sequential([keras2.keras.layers.Input((3,)), keras2.keras.layers.Dense(units)])


OFFERED = {"input_shape": (3,), "classes": ("a", "b"), "input_format": "ufixed<4,0>"}


def test_a_builder_gets_what_it_asks_for(keras2: Any) -> None:
    seen: list[Any] = []

    def some(input_shape: tuple[int, ...], *, width: int = 1) -> Any:
        seen.append((input_shape, width))
        return model_of(keras2)

    def every(**kwargs: Any) -> Any:
        seen.append(kwargs)
        return model_of(keras2)

    call_builder(some, offered=OFFERED, options={"width": 5})
    call_builder(some, offered=OFFERED, options={})
    call_builder(every, offered=OFFERED, options={"depth": 2})
    assert seen == [((3,), 5), ((3,), 1), OFFERED | {"depth": 2}]


def build(input_shape: tuple[int, ...], width: int, depth: int = 1) -> None:
    raise ValueError("too deep")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"width": 1, "dept": 2},
            "function 'build' has no option 'dept'; did you mean depth?",
        ),
        ({"classes": 3}, "the run itself sets the option 'classes'; remove it"),
        (
            {},
            "'build' needs width; set it among the model's options; the run itself gives input_shape",
        ),
        ({"width": 1}, r"'build' failed: ValueError: too deep \(.*test_source.py, line \d+\)"),
    ],
)
def test_a_call_that_cannot_work_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call_builder(build, offered=OFFERED, options=options)


def test_a_failure_deep_in_keras_names_the_users_line(tmp_path: Path, keras2: Any) -> None:
    text = "def build(keras):\n    x = 1\n    return keras.layers.Dense(-x)\n"
    builder = load_builder(f"{builder_file(tmp_path, text)}:build")
    with pytest.raises(ModelError, match=r"'build' failed: ValueError: (.|\n)*mynet\.py, line 3\)"):
        call_builder(builder, offered={}, options={"keras": keras2.keras})


@pytest.mark.parametrize("function", [lambda: None, lambda: "model"])
def test_a_builder_that_gives_no_model_is_refused(function: Callable[[], Any]) -> None:
    with pytest.raises(ModelError, match=r"gave a builtins\.\w+, not a tf_keras\.Model; build and return"):
        call_builder(function, offered={}, options={})


def test_a_builder_without_readable_parameters_is_refused() -> None:
    with pytest.raises(ModelError, match="the model's function 'dict' has no readable parameters"):
        call_builder(dict, offered={}, options={})
