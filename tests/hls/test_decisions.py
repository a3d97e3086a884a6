"""Thresholds, sums of squares, the largest value and its lead: exact in every engine."""

from __future__ import annotations

import functools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.hls.test_rewriting import OPTIONS, chain
from trigcnn.common.options import OptionsError
from trigcnn.hls.backends import FACTS
from trigcnn.hls.conversion.convert import convert
from trigcnn.hls.decisions import Decision
from trigcnn.hls.engines import interpreter
from trigcnn.hls.engines.keras import KerasEngine
from trigcnn.hls.engines.registry import Network, Workplace, build
from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.check import compare, random_events
from trigcnn.hls.rewriting.normal_form import check_converts, normal_form
from trigcnn.hls.rewriting.rewrite import NormalForm
from trigcnn.hls.rtl import generation, simulators, test_bench
from trigcnn.hls.rtl.description import page
from trigcnn.hls.rtl.options import RtlOptions

THRESHOLD = Decision("threshold", threshold=0.5, signal=(1,), background=(0,))
DECISIONS = (
    THRESHOLD,
    Decision("threshold", name="off_grid", threshold=0.51, signal=(1,), background=(0,)),
    Decision("threshold", name="groups", threshold=-0.25, signal=(0, 1), background=(2, 3)),
    Decision("threshold", name="low", threshold=0.25, background=(3,)),
    Decision("sum_of_squares"),
    Decision("threshold", name="anomaly", output="sum_of_squares", threshold=0.125),
    Decision("argmax"),
    Decision("top2_difference"),
)
# Outputs of the network, and what follows from them by hand.
ROWS = {
    (0.0, 0.5, 0.0, 0.0): (1, 0, 1, 0, 0.25, 1, 1, 0.5),
    (-1.0, -0.25, -2.0, -4.0): (1, 1, 1, 1, 21.0625, 1, 1, 0.75),
    (0.25, 0.5, 0.5, 0.25): (0, 0, 1, 0, 0.625, 1, 1, 0.0),
    (3.75, 3.75, 3.75, 3.75): (0, 0, 1, 0, 56.25, 1, 0, 0.0),
    (-4.0, -4.0, -4.0, -4.0): (0, 0, 1, 1, 64.0, 1, 0, 0.0),
    (-4.0, -4.0, -4.0, 3.75): (0, 0, 0, 0, 62.0625, 1, 3, 7.75),
    (-0.25, 0.0, 0.25, 0.0): (0, 0, 1, 0, 0.125, 1, 2, 0.25),
    (0.25, 0.0, 0.0, 0.0): (0, 0, 1, 0, 0.0625, 0, 0, 0.25),
}  # fmt: skip


@functools.cache
def network() -> Any:
    """A network that gives its four inputs, in quarters from -4 to 3.75, as they are."""
    model = chain(
        (4,),
        first="quantized_bits(5,2,symmetric=0,alpha=1)",
        logits="QDense(4,kernel_quantizer=quantized_bits(3,1,alpha=1),bias_quantizer=quantized_bits(3,1,alpha=1))",
    )
    model.get_layer("logits").set_weights([np.eye(4), np.zeros(4)])
    return model


@functools.cache
def decided(options: HlsOptions = OPTIONS) -> NormalForm:
    return normal_form(network(), options, decisions=DECISIONS)


def converted(place: Path, options: HlsOptions = OPTIONS) -> Graph:
    project, log = place / "hls", place / "log"
    bench = (np.zeros((1, 4), np.float32), np.zeros((1, 12), np.float32))
    return convert(
        normal_form(network(), options, decisions=DECISIONS),
        name="top",
        options=options,
        project=project,
        log=log,
        test_bench=bench,
    )


def by_hand() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    return np.array([*ROWS], np.float32), np.array([[*row, *found] for row, found in ROWS.items()])


def by_definition(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = {"logits": logits}
    for decision in DECISIONS:
        known[decision.name] = decision.of(known[decision.output or "logits"])
    return np.concatenate([*known.values()], axis=1)


def beyond() -> npt.NDArray[np.float32]:
    """Random events, a part of them beyond the range of the input's format, where the input saturates."""
    return np.concatenate([random_events(decided(), 200), np.random.default_rng(3).uniform(-99, 99, (50, 4))])


def test_the_normal_form_computes_what_follows_by_hand_and_by_definition() -> None:
    events, expected = by_hand()
    np.testing.assert_array_equal(by_definition(expected[:, :4]), expected)
    engine = KerasEngine(decided().model)
    np.testing.assert_array_equal(engine.predict(events), expected)
    found = engine.predict(beyond())
    np.testing.assert_array_equal(found, by_definition(found[:, :4]))
    # The network's own outputs are still compared with the model's.
    assert compare(network(), decided(), [events]).outputs == 4 * (8 + 512)


def test_a_threshold_is_met_from_its_value_on() -> None:
    """Control: with a threshold one step higher, events at the first one are no longer accepted."""
    events, expected = by_hand()
    higher = normal_form(network(), OPTIONS, decisions=[replace(THRESHOLD, threshold=0.75)])
    found = KerasEngine(higher.model).predict(events)[:, 4]
    np.testing.assert_array_equal(np.flatnonzero(found != expected[:, 4]), [0])


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_hls4ml_keeps_them_and_the_program_of_the_rtl_computes_them(tmp_path: Path, io_type: Any) -> None:
    # The network's options of reuse are not those of its decisions.
    graph = converted(tmp_path, replace(OPTIONS, io_type=io_type, strategy="Resource", reuse_factor=4))
    assert graph.outputs == ("logits", *(decision.name for decision in DECISIONS))
    formats = {layer.name: str(layer.result) for layer in graph.output_layers}
    bit = "ufixed<1,1,TRN,SAT>"
    assert formats == {
        "logits": "fixed<5,3>", "trigger": bit, "off_grid": bit, "groups": bit, "low": bit, "anomaly": bit,
        "sum_of_squares": "ufixed<11,7,TRN,SAT>", "class_index": "ufixed<2,2,TRN,SAT>",
        "top2_difference": "ufixed<5,3,TRN,SAT>",
    }  # fmt: skip
    engine = interpreter.build(graph, optimize=False)
    events, expected = by_hand()
    np.testing.assert_array_equal(engine.predict(events), expected)
    found = engine.predict(beyond())
    np.testing.assert_array_equal(found, by_definition(found[:, :4]))


def test_the_graph_keeps_what_they_mean_and_the_ports_say_it(tmp_path: Path) -> None:
    graph = converted(tmp_path)
    graph.save(tmp_path)
    assert Graph.load(tmp_path)["trigger"].meaning == "logits[1] - logits[0] >= 0.5"
    design = generation.generate(
        graph, tmp_path / "rtl", RtlOptions("parallel"), part=OPTIONS.amd_part, clock_period_ns=5.0,
        log=tmp_path / "rtl.log", timeout_s=100.0,
    )  # fmt: skip
    text = page(design)
    assert "- `out_trigger`: `logits[1] - logits[0] >= 0.5`\n" in text
    assert "- `out_groups`: `max(logits[0], logits[1]) - max(logits[2], logits[3]) >= -0.25`\n" in text
    assert "- `out_class_index`: `place of the largest of logits[0] to logits[3], of equal ones the first`\n" in text
    assert "`out_logits`: " not in text


QUARTUS = HlsOptions("Quartus", FACTS["Quartus"].part, 5.0, "io_stream", "Resource", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("options", "architecture"), [(OPTIONS, "parallel"), (QUARTUS, "streaming")])
def test_every_engine_computes_them(tmp_path: Path, options: HlsOptions, architecture: Any) -> None:
    graph = converted(tmp_path, options)
    design = generation.generate(
        graph, tmp_path / "rtl", RtlOptions(architecture, language="vhdl"), part=options.amd_part, clock_period_ns=5.0,
        log=tmp_path / "rtl.log", timeout_s=100.0,
    )  # fmt: skip
    network = Network(graph, tmp_path / "hls", lambda: None, lambda: (design, tmp_path / "rtl"))
    by_hand_events, expected = by_hand()
    events = np.concatenate([by_hand_events, beyond()])
    for name in ("csim", "emulator", "rtl"):
        place = tmp_path / f"{name}_engine"
        place.mkdir()
        found = build(name, network, Workplace(place, 600.0, quick=True)).predict(events)
        np.testing.assert_array_equal(found[: len(expected)], expected)
        np.testing.assert_array_equal(found, by_definition(found[:, :4]))
    if shutil.which("ghdl") is None:
        pytest.skip("ghdl is not installed; all else passed")
    # The outputs that the VHDL must give are those of the definition, and in a control the last one is another.
    vectors = test_bench.vectors(graph, design, events.astype(np.float32), by_definition(found[:, :4]))
    for wrong in (False, True):
        vectors[1][-1][-1] += wrong
        sources = test_bench.write(tmp_path / "vhdl", design, *vectors, clock_period_ns=5, language="vhdl")
        result = simulators.run(simulators.plan("ghdl", "top_tb", sources), tmp_path / "vhdl", tmp_path, timeout_s=120)
        assert result.passed is not wrong, result.output
        shutil.rmtree(tmp_path / "vhdl" / "tb")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "threshold"}, "postprocessing trigger: needs a threshold"),
        ({"kind": "threshold", "threshold": float("inf")}, "postprocessing trigger: needs a threshold"),
        ({"kind": "threshold", "threshold": 1.0, "signal": (1,), "background": (1,)}, "name the value 1 twice"),
        ({"kind": "argmax", "threshold": 1.0}, "add an entry of kind threshold with output: class_index"),
    ],
)
def test_options_that_do_not_go_together_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        Decision(**options)


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ([Decision("argmax", name="logits")], "postprocessing logits: there is another layer or output of this name"),
        ([Decision("argmax", name="first")], "postprocessing first: there is another layer or output of this name"),
        ([Decision("argmax"), Decision("argmax")], "postprocessing class_index: there is another layer or output"),
        ([Decision("argmax", output="logit")], "there is no output logit before it; did you mean logits"),
        ([Decision("threshold", threshold=1.0)], "the output logits has 4 values; say in `signal` which are the score"),
        ([replace(THRESHOLD, signal=(4,))], "numbered from 0 to 3; there is no value 4"),
        (
            [Decision("sum_of_squares"), Decision("argmax", output="sum_of_squares")],
            r"the output sum_of_squares has the shape \[1\], and argmax takes one vector of 2 to 32 values",
        ),
    ],
)
def test_decisions_that_do_not_fit_the_network_are_refused_before_training(
    decisions: list[Decision], message: str
) -> None:
    with pytest.raises(AdmissionError, match=message):
        check_converts(network(), OPTIONS, decisions=decisions)


def test_a_sum_of_squares_of_too_many_bits_is_refused() -> None:
    dense = "QDense(2,kernel_quantizer=quantized_bits(8,0,alpha=1),use_bias=False)"
    wide = chain((2,), first="quantized_bits(24,0,symmetric=0,alpha=1)", logits=dense)
    with pytest.raises(AdmissionError, match=r"postprocessing sum_of_squares: it has \d+ bits, of which the engines"):
        check_converts(wide, OPTIONS, decisions=[Decision("sum_of_squares")])
