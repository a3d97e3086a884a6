"""What the RTL computes, compared with an oracle in exact arithmetic."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.graphs import EXACT, LINE, SINGLE, constants, conv1d, events_for, given, graph, layer, pool1d, weighted
from tests.hls.oracle import expected
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines import rtl
from trigcnn.hls.engines.interpreter import Interpreter, build
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph, Layer, Weights, pack
from trigcnn.hls.rtl import parallel, simulators, sums, test_bench
from trigcnn.hls.rtl.design import RtlDesign


def check(subject: Graph) -> dict[str, npt.NDArray[np.float64]]:
    """Hold the interpreter to the oracle: every output, and every layer."""
    events, engine = events_for(subject), build(subject)
    wanted = expected(subject, events)
    for name, values in engine.trace(events).items():
        np.testing.assert_array_equal(values, wanted[name], err_msg=name)
    outputs = engine.predict(events)
    assert outputs.shape == (len(events), *subject.output_shape)
    np.testing.assert_array_equal(outputs, pack([wanted[name] for name in subject.outputs]))
    return {name: wanted[name] for name in subject.outputs}


@pytest.mark.parametrize("kind", SINGLE)
def test_a_kind_of_layer_is_what_the_contract_says(kind: str) -> None:
    (values,) = check(SINGLE[kind]).values()
    assert len(np.unique(values)) > 3


@pytest.mark.parametrize("kind", SINGLE)
def test_a_kind_of_layer_has_a_cost(kind: str, tmp_path: Path) -> None:
    design = generate(SINGLE[kind], tmp_path / "rtl")
    assert design.estimated_lut_by_layer["x"] == 0
    wires = ("Reshape", "Resize", "Transpose", "ZeroPadding1D", "ZeroPadding2D")
    assert (design.estimated_lut_by_layer["y"] > 0) != (SINGLE[kind]["y"].kind in wires)


PAIR = (given((3, 2), "fixed<5,3>", "a"), given((3, 2), "ufixed<4,1>", "b"))


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "maximum", "minimum"])
@pytest.mark.parametrize("result", [EXACT, "fixed<5,3,RND,SAT>"])
def test_two_inputs_are_merged(op: str, result: str | FixedPoint) -> None:
    check(graph(*PAIR, layer("Merge", "a b", (3, 2), result, op=op)))


def test_a_layer_is_merged_with_itself() -> None:
    operations = ("add", "subtract", "multiply", "maximum")
    merges = [layer("Merge", "a a", (3, 2), name=op, op=op) for op in operations]
    check(graph(PAIR[0], *merges, outputs=" ".join(operations)))


@pytest.mark.parametrize(("axis", "shape"), [(0, (6, 2)), (1, (3, 4))])
def test_two_inputs_are_put_behind_each_other(axis: int, shape: tuple[int, int]) -> None:
    check(graph(*PAIR, layer("Concatenate", "a b", shape, axis=axis)))


@pytest.mark.parametrize("op", ["maximum", "minimum"])
@pytest.mark.parametrize("order", ["sum first", "first sum"])
def test_numbers_that_depend_on_each_other_are_compared(op: str, order: str) -> None:
    """The difference is never negative; in the second layer that is known only after common parts were merged."""
    weights = weighted((3, 1))
    layers = [
        given((3,), "fixed<4,4>", "a"),
        given((1,), "ufixed<4,4>", "b"),
        layer("Dense", "a", (1,), "fixed<5,5>", name="first", weights=weights),
        layer("Dense", "a", (1,), "fixed<5,5>", name="same", weights=weights),
        layer("Merge", "first b", (1,), name="sum", op="add"),
        layer("Merge", "sum same", (1,), "fixed<3,3,TRN,SAT>", name="difference", op="subtract"),
        layer("Merge", order, (1,), name="y", op=op),
        layer("Merge", order.replace("first", "same"), (1,), name="z", op=op),
    ]
    check(graph(*layers, outputs="y z difference"))


def test_casts_of_sums_that_are_always_half_way() -> None:
    """alkaid's own rounding to even fails where every value lies between two results."""
    weights = {
        "scale": Weights(FixedPoint(True, 4, 4), np.array([2])),
        "bias": Weights(FixedPoint(True, 4, 3), np.array([1])),
    }
    for mode in ("RND", "RND_CONV"):
        result = f"fixed<5,5,{mode},SAT>"
        check(graph(given((1,), "fixed<4,4>"), layer("BatchNormalization", "x", (1,), result, weights=weights)))


ROUNDINGS = ("TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV")


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_cast(rounding: str) -> None:
    """Formats that drop bits at either end or both, signed and not, of values on both sides of zero."""
    source = given((1,), "fixed<7,3>")
    casts = [
        layer("Activation", "x", (1,), f"{kind},{rounding},{overflow}>", name=f"y{n}_{m}", activation="linear")
        for n, kind in enumerate(["fixed<4,2", "ufixed<3,2", "fixed<9,5", "fixed<1,1", "fixed<3,5", "fixed<2,-2"])
        for m, overflow in enumerate(["WRAP", "SAT", "SAT_ZERO", "SAT_SYM"])
    ]
    subject = graph(source, *casts, outputs=" ".join(each.name for each in casts))
    every = source.result.to_real(np.arange(-64, 64)).reshape(-1, 1).astype(np.float32)
    wanted = expected(subject, every)
    np.testing.assert_array_equal(build(subject).predict(every), pack([wanted[name] for name in subject.outputs]))


# ------------------------------------------------------------------------------------------------------ look-up tables


@pytest.mark.parametrize("text", ["fixed<5,3>", "ufixed<5,2>", "fixed<1,1>", "ufixed<1,0>"])
def test_a_table_is_read_by_bit_pattern(text: str) -> None:
    source = given((4,), text)
    weights = {"table": constants((2**source.result.width,), "fixed<8,2>")}
    check(graph(source, layer("UnaryLUT", "x", (4,), "fixed<6,2,RND,SAT>", weights=weights)))


def test_a_table_behind_numbers_of_which_some_never_come() -> None:
    """The relu leaves half of the declared format, the scale every fourth value, the padding a constant."""
    weights = {"table": constants((256,), "fixed<9,3>")}
    four = {"scale": Weights(FixedPoint(True, 4, 4), np.array([-4])), "bias": constants((1,), "fixed<2,2>")}
    layers = [
        given((3, 1), "fixed<4,4>"),
        layer("Activation", "x", (3, 1), "fixed<8,8>", name="positive", activation="relu"),
        layer("ZeroPadding1D", "positive", (4, 1), "fixed<8,8>", name="padded", pad_left=1, pad_right=0),
        layer("BatchNormalization", "padded", (4, 1), "fixed<8,8>", name="scaled", weights=four),
        layer("UnaryLUT", "padded", (4, 1), name="first", weights=weights),
        layer("UnaryLUT", "scaled", (4, 1), name="second", weights=weights),
    ]
    check(graph(*layers, outputs="first second"))


# -------------------------------------------------------------------------------------------------------- accumulators

ACCUMULATORS = {
    "holds everything": "fixed<20,10>",
    "saturates never": "fixed<20,10,RND,SAT>",
    "wraps": "fixed<9,4>",
    "truncates products": "fixed<12,9>",
    "rounds products": "fixed<12,9,RND_CONV>",
    "rounds products, saturates never": "fixed<14,11,RND,SAT>",
    "truncates and wraps": "fixed<5,4>",
    "rounds to zero and wraps": "fixed<4,4,RND_ZERO>",
    "is unsigned": "ufixed<7,4>",
}


@pytest.mark.parametrize("what", ACCUMULATORS)
def test_products_are_summed_in_the_accumulator(what: str) -> None:
    accumulator = ACCUMULATORS[what]
    layers = [
        given((4, 2), "fixed<5,3>"),
        layer("Reshape", "x", (8,), "fixed<5,3>", name="flat"),
        layer("Dense", "flat", (3,), accumulator=accumulator, weights=weighted((8, 3)), name="dense"),
        dataclasses.replace(conv1d(accumulator=accumulator, weights=weighted((2, 2, 3))), shape=(3, 3), name="conv"),
        layer(
            "DepthwiseConv1D", "x", (3, 2), name="depthwise", weights=weighted((2, 2, 1)), accumulator=accumulator,
            stride_width=1, pad_left=0, pad_right=0,
        ),
    ]  # fmt: skip
    subject = graph(*layers, outputs="dense conv depthwise")
    found = check(subject)
    exactly = dataclasses.replace(
        subject, layers=tuple(dataclasses.replace(each, accumulator=None) for each in subject.layers)
    )
    wanted = expected(exactly, events_for(exactly))
    same = all(np.array_equal(found[name], wanted[name]) for name in found)
    assert same == (what in ("holds everything", "saturates never"))


def test_large_matrices_are_divided_into_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in (("_LARGEST_SEARCH", 20), ("_BLOCK", 6), ("_BLOCK_ROWS", 3)):
        monkeypatch.setattr(sums, name, limit)
    # Blocks without a weight, and one that is not full.
    weights = weighted((7, 5))
    weights["weight"].integers[:3, :2] = 0
    weights["weight"].integers[:, 4] = 0
    (values,) = check(graph(given((7,)), layer("Dense", "x", (5,), weights=weights))).values()
    assert len(np.unique(values[:, :4])) > 20


def test_a_zero_weight_or_a_coarse_input_rounds_nothing() -> None:
    """No product has the last bits of the formats, so the accumulator needs none of them."""
    weights = {
        "weight": Weights(FixedPoint(True, 6, 2), np.array([[16], [0], [-32]])),
        "bias": Weights(FixedPoint(True, 6, 2), np.array([16])),
    }
    check(graph(given((3,), "fixed<4,4>"), layer("Dense", "x", (1,), accumulator="fixed<8,8,RND>", weights=weights)))


# ------------------------------------------------------------------------------------------------------------ refusals


def refused(message: str, *layers: Layer, outputs: str = "y") -> None:
    with pytest.raises(ConversionError, match=message):
        build(graph(*layers, outputs=outputs))


def test_an_accumulator_that_may_saturate_is_refused() -> None:
    message = r"^layer y: sums from -\d+\S* to \d+\S* can saturate its accumulator fixed<8,4,TRN,SAT>, .*; give the acc"
    refused(message, given((6,)), layer("Dense", "x", (3,), accumulator="fixed<8,4,TRN,SAT>", weights=weighted((6, 3))))


def test_a_mean_over_a_number_that_is_no_power_of_two_is_refused() -> None:
    message = "^layer y: a mean over 3 pixels needs a division, .*; use windows whose number of pixels is a power of"
    refused(message, LINE, pool1d("Average", 3, (3, 2), 1))
    # One window of four pixels has one of them in the padding.
    refused(message, LINE, pool1d("Average", 4, (3, 2), 1, left=1))
    refused("^layer y: a mean over 5 pixels", LINE, layer("GlobalPooling1D", "x", (2,), pool_op="Average"))


@pytest.mark.parametrize("accumulator", ["fixed<6,4>", "fixed<6,3>"])
def test_a_mean_that_the_accumulator_cannot_hold_is_refused(accumulator: str) -> None:
    pool = dataclasses.replace(pool1d("Average", 2, (2, 2), 2), accumulator=FixedPoint.parse(accumulator))
    ok = dataclasses.replace(pool, accumulator=FixedPoint.parse("fixed<7,4>"))
    check(graph(LINE, ok))
    refused(r"^layer y: its accumulator \S+ cannot hold every sum and mean of 2 pixels; give it more", LINE, pool)


def test_modes_without_hardware_are_refused() -> None:
    message = r"^layer y: there is no RTL for the overflow mode WRAP_SM of \S+; use WRAP or SAT$"
    refused(message, LINE, layer("Activation", "x", (5, 2), "fixed<3,2,TRN,WRAP_SM>", activation="relu"))
    refused(
        "^layer y: there is no RTL for the activation elu$",
        LINE,
        layer("Activation", "x", (5, 2), activation="elu"),
    )
    refused("^layer y: there is no RTL for merging by average$", *PAIR, layer("Merge", "a b", (3, 2), op="average"))
    refused("^layer y: there is no RTL for a layer of the kind LSTM$", LINE, layer("LSTM", "x", (5, 2)))


def test_constants_that_would_be_rounded_are_refused() -> None:
    wide = {
        "weight": Weights(FixedPoint(True, 32, 2), np.array([[2**25 + 1]])),
        "bias": Weights(FixedPoint(True, 4, 2), np.array([1])),
    }
    message = "^layer y: its weight has values of more than 24 significant bits, .*; use a narrower number format"
    refused(message, given((1,)), layer("Dense", "x", (1,), weights=wide))
    table = {"table": Weights(FixedPoint(True, 32, 2), np.full(32, 2**25 + 1))}
    refused("^layer y: its table has values of more than 24", given((1,)), layer("UnaryLUT", "x", (1,), weights=table))
    far_apart = {"table": Weights(FixedPoint(True, 40, 20), np.array([1, 2**35]))}
    message = "^layer y: its table has results of more than 31 bits, .*; use a narrower number format$"
    refused(message, given((1,), "fixed<1,1>"), layer("UnaryLUT", "x", (1,), "fixed<40,20>", weights=far_apart))


@pytest.mark.parametrize("result", ["fixed<48,44,RND>", "fixed<45,41,RND,SAT>"])
def test_constants_far_apart_are_added_one_after_the_other(result: str) -> None:
    """The bias is 2**33, and half of the last bit 2**-5; the largest number of the second format has 44 bits."""
    far = {
        "scale": Weights(FixedPoint(True, 4, 1), np.array([1])),
        "bias": Weights(FixedPoint(True, 8, 41), np.array([1])),
    }
    check(graph(given((1,), "fixed<5,3>"), layer("BatchNormalization", "x", (1,), result, weights=far)))
    check(graph(given((1,), "fixed<50,44>"), layer("Activation", "x", (1,), result, activation="linear")))


def test_sums_of_53_bits_are_rounded() -> None:
    """With the half bit that rounds, and in the differences that saturate, they have 54."""
    bias = {
        "scale": Weights(FixedPoint(True, 8, 1), np.array([127])),
        "bias": Weights(FixedPoint(True, 24, 29), np.array([-(2**23) + 1])),
    }
    for result in ("fixed<20,29,RND,SAT>", "fixed<20,20,RND_CONV,SAT>", "fixed<30,1,RND,WRAP>"):
        check(graph(given((1,), "fixed<46,29>"), layer("BatchNormalization", "x", (1,), result, weights=bias)))


def test_numbers_wider_than_what_is_computed_exactly_are_refused() -> None:
    wide = given((1,), "fixed<30,10>")
    square = layer("Merge", "x x", (1,), "fixed<60,20>", name="square", op="multiply")
    refused(
        r"^the RTL would have numbers of 58 bits, of which 53 are computed exactly; use",
        wide,
        square,
        outputs="square",
    )


# ------------------------------------------------------------------------------------------------------------- Verilog


def generate(subject: Graph, folder: Path) -> RtlDesign:
    return parallel.generate(subject, folder, clock_period_ns=5, stage_delay=3, max_multiplications=10_000)


def several() -> Graph:
    """Two inputs and four outputs, of different shapes and formats, through layers of many kinds."""
    return graph(
        given((4, 4, 2), "fixed<5,3>", "image"),
        given((3,), "ufixed<4,1>", "numbers"),
        layer(
            "DepthwiseConv2D", "image", (2, 4, 2), "fixed<6,4,RND_CONV,SAT>", name="filtered", stride_height=2,
            stride_width=1, pad_top=0, pad_bottom=0, pad_left=1, pad_right=0, weights=weighted((2, 2, 2, 1)),
            accumulator="fixed<8,5>",
        ),
        layer(
            "Pooling2D", "filtered", (1, 2, 2), "fixed<6,4>", name="pooled", pool_op="Max", pool_height=2,
            pool_width=3, stride_height=2, stride_width=2, pad_top=0, pad_bottom=0, pad_left=1, pad_right=0,
        ),
        layer("Reshape", "pooled", (4,), "fixed<6,4>", name="flat"),
        layer("UnaryLUT", "flat", (4,), "fixed<5,1>", name="curve", weights={"table": constants((64,), "fixed<5,1>")}),
        layer("Merge", "flat curve", (4,), "fixed<9,4,RND_ZERO,SAT_ZERO>", name="product", op="multiply"),
        layer("Concatenate", "product numbers", (7,), "fixed<10,5>", name="joined", axis=0),
        layer(
            "Dense", "joined", (2,), "fixed<8,5,RND_INF,SAT_SYM>", name="dense", weights=weighted((7, 2)),
            accumulator="fixed<10,7,RND>",
        ),
        layer("GlobalPooling2D", "image", (2,), "fixed<8,2>", name="mean", pool_op="Average"),
        layer("Merge", "mean dense", (2,), "ufixed<6,4,TRN,SAT>", name="largest", op="maximum"),
        outputs="dense largest curve numbers",
    )  # fmt: skip


@pytest.mark.slow
def test_several_inputs_and_outputs_in_verilog(tmp_path: Path) -> None:
    subject = several()
    events = events_for(subject, 200)
    check(subject)
    design = generate(subject, tmp_path / "verilog")
    simulation = rtl.build(subject, design, tmp_path / "verilog", tmp_path, timeout_s=300)
    wanted = build(subject).predict(events)
    assert wanted.shape == (len(events), 2 + 2 + 4 + 3)
    np.testing.assert_array_equal(simulation.predict(events), wanted)
    shown = simulation.trace(events)
    assert list(shown) == list(subject.outputs)
    np.testing.assert_array_equal(pack(list(shown.values())), wanted)


def test_every_port_is_described(tmp_path: Path) -> None:
    design = generate(several(), tmp_path / "verilog")
    assert [(port.name, port.layer, port.shape) for port in design.inputs] == [
        ("in_image", "image", (4, 4, 2)),
        ("in_numbers", "numbers", (3,)),
    ]
    assert [str(port.number_format) for port in design.inputs] == ["fixed<5,3>", "ufixed<4,1>"]
    assert (design.input_width, design.latency_cycles > 2) == (32 * 5 + 3 * 4, True)
    assert [port.name for port in design.outputs] == [f"out_{name}" for name in several().outputs]
    text = (tmp_path / "verilog" / "PORTS.md").read_text()
    assert "| `in_image` | in | `in_valid` | `image` | 4 × 4 × 2 | 1 | 32 | `fixed<5,3>` |" in text
    assert "| `out_dense` | out | `out_dense_valid` | `dense` | 2 | 1 | 2 | `fixed<8,5>` |" in text
    assert f"Its outputs are there {design.latency_cycles} clocks later." in text
    header = (tmp_path / "verilog" / "src" / "top.v").read_text()
    assert "input [159:0] in_image" in header
    assert "output [15:0] out_dense" in header
    assert set(design.estimated_lut_by_layer) == {each.name for each in several().layers}
    design.save(tmp_path)
    assert RtlDesign.load(tmp_path) == design


def test_an_input_that_reaches_no_output_keeps_its_port(tmp_path: Path) -> None:
    unread = graph(*PAIR, layer("Activation", "a", (3, 2), activation="linear"))
    design = generate(unread, tmp_path / "unread")
    used, free = design.inputs
    assert (used.width, free.width) == (used.width, unread["b"].size * unread["b"].result.width)
    assert str(free.number_format) == str(unread["b"].result).split(",")[0] + f",{unread['b'].result.integer}>"


ZERO = layer("Merge", "a a", (3, 2), "fixed<3,2>", name="z", op="subtract")


def of_constants(*values: int) -> Graph:
    weights = {
        role: Weights(FixedPoint(True, 4, 4), np.array(numbers)) for role, numbers in (("scale", [0]), ("bias", values))
    }
    return graph(given((3,), "fixed<5,3>"), layer("BatchNormalization", "x", (3,), "fixed<4,4>", weights=weights))


@pytest.mark.parametrize(
    ("subject", "widths"),
    [
        (graph(*PAIR, layer("Merge", "a b", (3, 2), op="add"), ZERO, outputs="y z"), [6 * 7, 6 * 3]),
        (graph(PAIR[0], ZERO, outputs="z"), [6 * 3]),
        (of_constants(0, 0, 0), [3 * 4]),
        (of_constants(5, 0, -2), [3 * 4]),
    ],
    ids=["one of two", "the only one", "all", "constants"],
)
def test_an_output_that_is_constant_has_a_port(subject: Graph, widths: list[int], tmp_path: Path) -> None:
    design = generate(subject, tmp_path / "constant")
    assert [port.width for port in design.outputs] == widths
    if shutil.which("iverilog") is None:
        return
    events = events_for(subject, 20)
    vectors = test_bench.vectors(subject, design, events, build(subject).predict(events))
    sources = test_bench.write(tmp_path / "constant", design, *vectors, clock_period_ns=5)
    plan = simulators.plan("icarus", "top_tb", sources)
    assert simulators.run(plan, tmp_path / "constant", tmp_path, timeout_s=60).passed


def test_the_interpreter_is_an_engine() -> None:
    engine = build(several())
    assert (engine.name, isinstance(engine, Interpreter)) == ("interpreter", True)
    assert list(engine.trace(events_for(engine.graph, 2))) == [each.name for each in engine.graph.layers]


def test_sums_of_signed_numbers_of_one_bit() -> None:
    check(graph(given((7,), "fixed<1,1>"), layer("Dense", "x", (2,), weights=weighted((7, 2)))))
