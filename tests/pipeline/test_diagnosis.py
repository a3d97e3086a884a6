"""The cause of a difference, found on a network whose number formats are spoiled one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines import Events, Outputs, interpreter
from trigcnn.hls.graph.graph import Attribute, Graph, Layer, Weights
from trigcnn.pipeline.results.diagnosis import Diagnosis, Finding, Fix
from trigcnn.pipeline.verification.diagnosis.blame import Setup
from trigcnn.pipeline.verification.diagnosis.layers import explain

FORMAT = FixedPoint.parse


def constants(number_format: str, integers: npt.ArrayLike) -> Weights:
    return Weights(FORMAT(number_format), np.asarray(integers, np.int64))


KERNEL = [[7, -8, 3], [-5, 6, 7], [4, 4, -7], [-8, 7, 5]]
ROUNDED = FORMAT("ufixed<5,3,RND_CONV,SAT>")


def dense(name: str, before: str, result: str, weights: list[list[int]], bias: list[int]) -> Layer:
    constant = {"weight": constants("fixed<4,1>", weights), "bias": constants("fixed<5,2>", bias)}
    sizes: dict[str, Attribute] = {"n_in": len(weights), "n_out": len(bias)}
    return Layer(name, "Dense", (before,), (len(bias),), FORMAT(result), FORMAT(result), constant, sizes)


EXACT = Graph(
    "net",
    (
        Layer("x", "Input", (), (4,), FORMAT("fixed<6,3,RND_CONV,SAT>")),
        dense("dense1", "x", "fixed<14,8>", KERNEL, [5, -9, 3]),
        Layer("relu1", "Activation", ("dense1",), (3,), ROUNDED, None, {}, {"activation": "relu"}),
        dense("logits", "relu1", "fixed<12,7>", [row[:2] for row in KERNEL[:3]], [1, -2]),
    ),
    ("x",),
    ("logits",),
)
EVENTS: Events = (np.random.default_rng(0).integers(-40, 40, (200, 4)) / 8).astype(np.float32)


class Reference:
    """The exact network, under the reference's name."""

    name = "QKeras"

    def predict(self, events: Events) -> Outputs:
        return interpreter.build(EXACT).predict(events)

    def trace(self, events: Events) -> dict[str, Outputs]:
        return interpreter.build(EXACT).trace(events)


def spoiled(name: str, **changes: Any) -> Graph:
    return replace(
        EXACT, layers=tuple(replace(layer, **changes) if layer.name == name else layer for layer in EXACT.layers)
    )


def diagnosis(graph: Graph, overrides: dict[str, dict[str, str]] | None = None, *, inferred: bool = False) -> Diagnosis:
    setup = Setup(overrides or {}, inferred, {"relu1": EXACT["relu1"].result})
    return explain(Reference(), interpreter.build(graph), graph, EVENTS, exact=EXACT, setup=setup)


def only(found: Diagnosis) -> Finding:
    (finding,) = found.findings
    assert found.first is finding
    assert found.differing_events > 0
    return finding


def test_equal_networks_have_no_findings() -> None:
    found = diagnosis(EXACT)
    assert (found.findings, found.first, found.differing_events) == ((), None, 0)


@pytest.mark.parametrize(
    ("accumulator", "cause"),
    [
        ("fixed<9,3>", "overflow by wrap"),
        ("fixed<12,8>", "lost fraction bits"),
    ],
)
def test_an_accumulator_that_is_too_small_is_to_blame(accumulator: str, cause: str) -> None:
    graph = spoiled("dense1", accumulator=FORMAT(accumulator))
    finding = only(diagnosis(graph, {"dense1": {"accum": accumulator}}))
    assert (finding.layer, finding.cause, finding.where) == ("dense1", cause, "accum")
    assert (finding.number_format, finding.needed) == (accumulator, "fixed<14,8>")
    assert finding.fix == Fix("hls.layers.dense1.precision.accum", None)
    assert accumulator in finding.detail


@pytest.mark.parametrize(
    ("layer", "result", "cause"),
    [
        ("dense1", "fixed<9,3>", "overflow by wrap"),
        ("dense1", "fixed<10,4,TRN,SAT>", "saturation"),
        ("dense1", "fixed<11,8>", "lost fraction bits"),
        ("relu1", "ufixed<5,3,TRN,SAT>", "rounding mode"),
        ("relu1", "ufixed<5,4,RND_CONV,SAT>", "lost fraction bits"),
        ("x", "fixed<6,3,RND_CONV,WRAP>", "overflow by wrap"),
    ],
)
def test_a_result_that_loses_bits_is_to_blame(layer: str, result: str, cause: str) -> None:
    finding = diagnosis(spoiled(layer, result=FORMAT(result)), {layer: {"result": result}}).first
    assert finding is not None
    assert (finding.layer, finding.cause, finding.where) == (layer, cause, "result")
    assert (finding.number_format, finding.needed) == (result, str(EXACT[layer].result))
    assert finding.fix == Fix(f"hls.layers.{layer}.precision.result", None)


def test_rounded_weights_are_to_blame() -> None:
    weights = {**EXACT["dense1"].weights, "weight": constants("fixed<3,1>", np.asarray(KERNEL) >> 1)}
    finding = only(diagnosis(spoiled("dense1", weights=weights), {"dense1": {"weight": "fixed<3,1>"}}))
    assert (finding.cause, finding.where, finding.needed) == ("weights rounded", "weight", "fixed<4,1>")


def test_a_rounding_that_hls4ml_dropped_is_named() -> None:
    finding = only(diagnosis(spoiled("relu1", result=FORMAT("fixed<18,9>")), inferred=True))
    assert (finding.layer, finding.cause) == ("relu1", "dropped layer")
    assert (
        finding.detail == "the model rounds to ufixed<5,3,RND_CONV,SAT> here; hls4ml dropped that and keeps fixed<18,9>"
    )
    assert finding.fix == Fix("hls.number_formats", "exact")


def test_a_number_format_left_at_its_default_is_named() -> None:
    finding = only(diagnosis(spoiled("relu1", result=FORMAT("fixed<16,6>")), inferred=True))
    assert finding.cause == "number format left at its default"


def test_values_and_ranges_are_given() -> None:
    finding = only(diagnosis(spoiled("relu1", result=FORMAT("ufixed<5,3,TRN,SAT>"))))
    trace = Reference().trace(EVENTS)
    exact = np.maximum(trace["dense1"], 0)
    wanted, wrong = (FORMAT(f"ufixed<5,3,{mode},SAT>") for mode in ("RND_CONV", "TRN"))
    differing = wanted.cast(exact) != wrong.cast(exact)
    assert finding.seen == (0.0, exact.max())
    assert finding.allowed is not None
    assert finding.allowed[1] >= exact.max()
    assert (finding.values, finding.events) == (differing.sum(), differing.any(axis=1).sum())
    assert finding.max_difference_lsb == 1
    event, position = np.argwhere(differing)[0]
    example = finding.examples[0]
    assert (example.event, example.position, example.exact) == (event, (position,), exact[event, position])
    assert example.expected - example.found == 0.25


def test_a_layer_behind_that_errs_by_itself_is_found_too() -> None:
    graph = spoiled("relu1", result=FORMAT("ufixed<5,3,TRN,SAT>"))
    both = replace(
        graph,
        layers=tuple(
            replace(layer, result=FORMAT("fixed<9,6>")) if layer.name == "logits" else layer for layer in graph.layers
        ),
    )
    assert [finding.layer for finding in diagnosis(both).findings] == ["relu1", "logits"]


def test_a_table_of_hls4ml_is_to_blame_for_a_softmax() -> None:
    softmax = Layer("softmax", "Softmax", ("logits",), (2,), FORMAT("ufixed<16,0>"))
    graph = replace(EXACT, layers=(*EXACT.layers, softmax), outputs=("softmax",))

    class Tables:
        name = "csim"

        def predict(self, events: Events) -> Outputs:
            return self.trace(events)["softmax"]

        def trace(self, events: Events) -> dict[str, Outputs]:
            return {**Reference().trace(events), "softmax": np.full((len(events), 2), 0.5)}

    class Probabilities(Reference):
        def trace(self, events: Events) -> dict[str, Outputs]:
            return {**super().trace(events), "softmax": np.full((len(events), 2), 0.75)}

    setup = Setup({}, True, {})
    finding = only(explain(Probabilities(), Tables(), graph, EVENTS, exact=EXACT, setup=setup))
    assert (finding.layer, finding.cause) == ("softmax", "table approximation")
    assert (finding.seen, finding.allowed) == (None, None)
