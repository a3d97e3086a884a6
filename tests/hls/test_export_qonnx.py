"""The graph as a QONNX model, run by qonnx: equal integers for every kind of layer, rounding and overflow."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.graphs import SINGLE, given, graph, layer, pool1d, weighted
from tests.hls.streaming_graphs import classifier, decoder, residual, wanted_of, weights_of
from trigcnn.common.fixed_point import FixedPoint, Overflow, Rounding
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.export.qonnx import qonnx
from trigcnn.hls.export.vectors import Vectors
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.hls.graph.kinds import KINDS

ROUNDINGS = get_args(Rounding)
OVERFLOWS: list[Overflow] = [mode for mode in get_args(Overflow) if mode != "WRAP_SM"]


def vectors_of(subject: Graph, seed: int = 1, count: int = 12) -> Vectors:
    """Random events, far out of range too, with their outputs by the oracle."""
    random = np.random.default_rng(seed)
    size = int(np.prod(subject.input_shape))
    events = random.normal(0, 4, (count, size)) * random.choice([0.3, 1, 30, 1e6], (count, 1))
    return checked(subject, events)


def checked(subject: Graph, events: npt.NDArray[Any]) -> Vectors:
    events = events.astype(np.float32)
    outputs = wanted_of(subject, events.reshape(-1, *subject.input_shape))
    return Vectors(events.reshape(len(events), -1).astype(np.float64), outputs.reshape(len(events), -1))


def with_random_formats(subject: Graph, seed: int) -> Graph:
    """Give every input and result another format, of any rounding and overflow."""
    random = np.random.default_rng(seed)

    def other(each: Layer) -> Layer:
        signed, width = bool(random.integers(2)), int(random.integers(1, 9))
        integer = int(random.integers(-1, 6))
        mode = FixedPoint(signed, width, integer, random.choice(ROUNDINGS), random.choice(OVERFLOWS))
        return replace(each, result=mode, accumulator=None)

    # A table has an entry for each number of the format in front of it.
    return replace(subject, layers=tuple(each if "table" in each.weights else other(each) for each in subject.layers))


NETWORKS = {**SINGLE, "residual": residual((4, 4)), "classifier": classifier(), "decoder": decoder()}


def test_every_kind_is_among_the_networks() -> None:
    used = {each.kind for subject in NETWORKS.values() for each in subject.layers}
    assert used == set(KINDS)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_give_the_same_integers(name: str) -> None:
    qonnx.check(NETWORKS[name], vectors_of(NETWORKS[name]))


@pytest.mark.parametrize("name", sorted(SINGLE))
def test_layers_of_random_formats_give_the_same_integers(name: str) -> None:
    for seed in range(3):
        subject = with_random_formats(SINGLE[name], seed)
        qonnx.check(subject, vectors_of(subject, seed))


def formats(integer: int, rounding: Rounding) -> list[FixedPoint]:
    modes: list[tuple[bool, int, Overflow]] = [(True, 4, mode) for mode in OVERFLOWS]
    # One signed bit is -1 or 0, which no quantizer of QONNX gives.
    modes += [(False, 3, "WRAP"), (False, 3, "SAT"), (True, 1, "WRAP"), (True, 1, "SAT")]
    return [FixedPoint(signed, width, integer, rounding, overflow) for signed, width, overflow in modes]


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_rounding_and_overflow_of_a_layer(rounding: Rounding) -> None:
    x = given((128,), "fixed<7,4,RND_CONV,SAT>")
    casts = [
        layer("Activation", "x", (128,), to, name=f"y{n}", activation="linear")
        for n, to in enumerate(formats(2, rounding))
    ]
    subject = graph(x, *casts, outputs=" ".join(cast.name for cast in casts))
    # Every number of the input.
    qonnx.check(subject, checked(subject, np.arange(-64, 64)[None] / 8))


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_rounding_and_overflow_of_an_input(rounding: Rounding) -> None:
    near = np.float32(0.5) - np.float32(2.0**-25)
    values = [0, near, -near, 1e-30, -1e-30, 0.5, 1.5, 2.5, 3.5, 1e9 + 64, -1e30, 1e30, 2.0**23 + 1, -(2.0**24) - 2]
    values += [*(np.arange(-40, 40) / 8), 8388607.5, -4194303.5, 5.4999995]
    inputs = [Layer(f"x{n}", "Input", (), (len(values),), to) for n, to in enumerate(formats(3, rounding))]
    subject = graph(*inputs, outputs=" ".join(each.name for each in inputs))
    qonnx.check(subject, checked(subject, np.tile(np.array(values), len(inputs))[None]))


def test_a_mean_over_any_number_of_pixels() -> None:
    for rounding in ROUNDINGS:
        to = f"fixed<5,3,{rounding},SAT>"
        windows = replace(pool1d("Average", 3, (3, 2), 1), result=FixedPoint.parse(to))
        whole = layer("GlobalPooling1D", "x", (2,), to, name="z", pool_op="Average")
        subject = graph(given((5, 2), "fixed<6,3>"), windows, whole, outputs="y z")
        qonnx.check(subject, vectors_of(subject, count=200))


def test_windows_that_are_left_out() -> None:
    for operation in ("Max", "Average"):
        subject = graph(given((5, 2)), pool1d(operation, 2, (1, 2), 2))
        qonnx.check(subject, vectors_of(subject))


WIDE = weights_of(np.array([[-(1 << 16) + 1], [(1 << 16) - 1], [3]]), "fixed<18,2>")
BIAS = weights_of(np.array([5]), "fixed<6,3>")
LARGE = {"weight": weights_of(np.array([[[1 << 20]]]), "fixed<22,-30>"), "bias": BIAS}


def test_a_tensor_may_be_several_outputs_and_feed_another_layer() -> None:
    relu = layer("Activation", "y", (5, 2), "ufixed<3,2>", name="z", activation="relu")
    subject = graph(*SINGLE["linear"].layers, relu, outputs="y z y")
    qonnx.check(subject, vectors_of(subject))


def test_sums_of_more_than_24_bits_are_in_float64() -> None:
    dense = layer("Dense", "x", (1,), "fixed<12,4,RND,SAT>", weights={"weight": WIDE, "bias": BIAS})
    subject = graph(given((3,), "fixed<14,3>"), dense)
    assert any(node.op_type == "Cast" for node in qonnx.build(subject).graph.node)
    qonnx.check(subject, vectors_of(subject, count=300))


@pytest.mark.parametrize(
    "name",
    ["conv1d strided and padded", "conv2d", "depthwise 2d", "mean beside padding", "global mean", "maximum of windows"],
)
def test_layers_of_more_than_24_bits_are_in_float64(name: str) -> None:
    random = np.random.default_rng(2)
    x, y = SINGLE[name].layers
    wide = {
        role: weights_of(random.integers(-(1 << 19), 1 << 19, weights.integers.shape), "fixed<20,2>")
        for role, weights in y.weights.items()
    }
    for rounding, overflow in (("RND", "SAT"), ("TRN", "WRAP")):
        to = FixedPoint.parse(f"fixed<14,5,{rounding},{overflow}>")
        inputs = replace(x, result=FixedPoint.parse("fixed<24,4,RND_CONV,SAT>"))
        subject = graph(inputs, replace(y, weights=wide, result=to))
        assert any(node.op_type == "Cast" for node in qonnx.build(subject).graph.node)
        qonnx.check(subject, vectors_of(subject, count=20))


def test_an_accumulator_that_wraps() -> None:
    dense = layer("Dense", "x", (3,), "fixed<8,4>", weights=weighted((6, 3)), accumulator="fixed<8,3>")
    subject = graph(given((6,)), dense)
    qonnx.check(subject, vectors_of(subject, count=60))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"result": FixedPoint.parse("fixed<3,2,TRN,WRAP_SM>")}, "overflow mode WRAP_SM of fixed<3,2,TRN,WRAP_SM>"),
        ({"weights": LARGE}, "have 55 bits, and float64 holds 53"),
        ({"result": FixedPoint.parse("fixed<60,-60>")}, "too small or large for float32"),
        ({"accumulator": FixedPoint.parse("fixed<5,2>")}, "accumulator fixed<5,2> does not hold every sum"),
        ({"kind": "Softmax"}, "the values of a Softmax are not known"),
    ],
)  # fmt: skip
def test_what_has_no_exact_form_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    sizes: dict[str, Any] = {"stride_width": 1, "pad_left": 0, "pad_right": 0}
    conv = layer("Conv1D", "x", (5, 1), weights=weighted((1, 1, 1), "fixed<4,1>"), **sizes)
    subject = graph(given((5, 1)), conv)
    qonnx.build(subject)
    with pytest.raises(ConversionError, match=f"layer y: .*{message}"):
        qonnx.build(graph(given((5, 1)), replace(conv, **change)))


def test_results_and_inputs_that_float32_does_not_hold_are_refused() -> None:
    for subject, name in [
        (graph(given((2,), "fixed<26,3>"), outputs="x"), "x"),
        (graph(given((2,), "fixed<14,3>"), layer("Merge", "x x", (2,), "fixed<30,6>", op="multiply")), "y"),
    ]:
        with pytest.raises(ConversionError, match=f"layer {name}: its results have 2[67] bits"):
            qonnx.build(subject)


def test_a_rounding_of_wide_inputs_is_refused() -> None:
    with pytest.raises(ConversionError, match="layer x: QONNX has no rounding RND that is exact for every float32"):
        qonnx.build(graph(given((2,), "fixed<23,3,RND,SAT>"), outputs="x"))


def test_a_wrong_output_fails() -> None:
    vectors = vectors_of(SINGLE["conv2d"])
    vectors.outputs[3, 4] += SINGLE["conv2d"].output.result.lsb
    with pytest.raises(ConversionError, match="output y_out: qonnx gives other values than the graph: 1 of "):
        qonnx.check(SINGLE["conv2d"], vectors)


def test_the_folder_checks_itself(tmp_path: Path) -> None:
    subject = decoder()
    qonnx.write(subject, tmp_path, vectors_of(subject))
    words = [sys.executable, str(tmp_path / "check.py")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "PASS: 12 events\n"), done.stderr
    wanted = dict(np.load(tmp_path / "golden_outputs.npz"))
    wanted["y_out"][2, 1, 0, 3] += 1
    np.savez(tmp_path / "golden_outputs.npz", **wanted)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "FAIL: 1 outputs differ\n"), done.stderr
