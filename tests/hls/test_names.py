"""Names of layers: what Keras allows, and what C++, RTL and file systems take."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import hls4ml
import pytest

from trigcnn.hls.names import Names, in_text, is_safe

TEMPLATES = Path(hls4ml.__file__).parent / "templates" / "vivado"
# Names of keras.applications, of Keras' defaults and of C, and what only an input can be called.
ODD = (
    "time key id mode size int8 int activation layer7_out bias debiased conv1/conv block__conv _ 3d a>b a.b a-b x_ "
    "clone_conv conv_linear conv_cut config3 relu_config3_x M_PI EOF w2 sum while Time valid "
    "\u00e9 <b>x</b> a|b a\nb*/ $x a\\ " + 200 * "long"
).split(" ")


@pytest.mark.parametrize(
    "name", ["conv1", "conv_1", "input_1", "Conv", "out", "ECAL", "x0_0", "a", "block1_conv2_relu"]
)
def test_a_name_that_is_safe_stays(name: str) -> None:
    assert Names([name]).shown == {name: name}


def test_every_name_becomes_an_identifier_of_its_own() -> None:
    names = Names(["conv", *ODD, *(name.upper() for name in ODD)], ODD)
    assert list(names.shown.values()).count("time") == 1
    assert all(is_safe(identifier) and len(identifier) <= 128 for identifier in names.shown)
    assert len({identifier.lower() for identifier in names.shown}) == len(names.shown) > len(ODD)
    assert names.shown[names.identifier("conv1/conv")] == "conv1/conv"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("conv", "conv_accum"),
        ("conv", "conv_weight_t"),
        ("conv", "CONV"),
        ("conv", "clone_conv"),
        ("conv", "conv_linear"),
        ("conv_accum_t", "conv"),
        ("top", "top_kernel"),
        ("y", "y_valid"),
    ],
)
def test_nothing_that_is_called_after_two_layers_has_one_name(first: str, second: str) -> None:
    # Whichever comes first keeps its name.
    assert Names([first, second]).shown == {first: first, f"{second}_layer": second}


def test_inputs_are_ports_too() -> None:
    assert Names(["signal", "in_1", "in1"]).shown == {name: name for name in ("signal", "in_1", "in1")}
    named = Names(["signal", "in_1", "in1"], ["signal", "in_1", "in1"])
    assert named.shown == {"in_1": "in_1", "signal_layer": "signal", "in1_layer": "in1"}


def test_layers_that_are_added_have_free_names() -> None:
    names = Names(["concatenate", "concatenate_1", "conv1/conv"])
    assert names.added("concatenate", "1") == "concatenate_1_layer"
    assert names.shown["concatenate_1_layer"] == "concatenate_1_layer"
    assert [names.added("conv1_conv", "padding") for _ in "12"] == ["conv1_conv_padding", "conv1_conv_padding_layer"]
    assert names.shown["conv1_conv_padding"] == "conv1/conv_padding"


def test_messages_have_the_user_s_names() -> None:
    shown = {"a": "a.", "int8_layer": "int8", "flat": "flat"}
    text = "layer int8_layer: set hls.layers.a.reuse_factor to a number, or Input (a), not int8_layer_activation"
    found = "layer int8: set hls.layers.a..reuse_factor to a number, or Input (a.), not int8_layer_activation"
    assert in_text(shown, text) == found
    assert in_text({"flat": "flat"}, text) == text


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_no_word_of_the_headers_is_safe(tmp_path: Path) -> None:
    headers = ("ap_fixed.h", "hls_stream.h", "nnet_utils/nnet_helpers.h", "nnet_utils/nnet_types.h", "map", "math.h")
    source = tmp_path / "top.cpp"
    source.write_text("".join(f'#include "{name}"\n' for name in headers))

    def printed(*options: str) -> str:
        folders = (f"-I{TEMPLATES}", f"-I{TEMPLATES / 'ap_types'}")
        command = ["g++", "-std=gnu++17", *folders, "-E", *options, str(source)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    macros = re.findall(r"^#define ([A-Za-z]\w*)", printed("-dM"), re.MULTILINE)
    types = re.findall(r"\b([A-Za-z]\w*)_t\b", printed())
    assert {"linux", "EOF"} <= set(macros)
    assert {"time", "int8"} <= set(types)
    assert sorted(name for name in chain(macros, types) if is_safe(name)) == []
