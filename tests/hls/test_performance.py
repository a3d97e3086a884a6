from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.hls.reports_at_hand import CSYNTH, real
from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.conversion.choices import Choice
from trigcnn.hls.estimates import performance, unrolling
from trigcnn.hls.estimates.performance import estimate
from trigcnn.hls.graph.graph import Graph, Layer, Weights
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.synthesis.reports import csynth_text
from trigcnn.hls.synthesis.reports.modules import layer_index

FORMAT = FixedPoint.parse("fixed<6,1>")
OPTIONS = HlsOptions("Vivado", "xcu250-figd2104-2L-e", 5.0, "io_stream", "Latency", 1)


class Builder:
    """Layers one behind the other, with the indices of a published report."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.layers = [Layer("input", "Input", (), shape, FORMAT)]
        self.index = {"input": 1}

    @property
    def shape(self) -> tuple[int, ...]:
        return self.layers[-1].shape

    def add(self, kind: str, index: int, shape: tuple[int, ...], **more: Any) -> None:
        name = f"{kind.lower()}{index}"
        self.layers.append(Layer(name, kind, (self.layers[-1].name,), shape, FORMAT, **more))
        self.index[name] = index

    def conv(self, index: int, filters: int) -> None:
        height, width, channels = self.shape
        sizes = {"in_height": height, "in_width": width, "filt_height": 3, "filt_width": 3, "n_chan": channels}
        weights = {"weight": Weights(FORMAT, np.ones((3, 3, channels, filters), np.int64))}
        attributes: Any = {**sizes, "n_filt": filters}
        self.add("Conv2D", index, (height - 2, width - 2, filters), attributes=attributes, weights=weights)

    def pool(self, index: int) -> None:
        height, width, channels = self.shape
        attributes: Any = {"pool_op": "Max", "pool_height": 2, "pool_width": 2}
        self.add("Pooling2D", index, (height // 2, width // 2, channels), attributes=attributes)

    def dense(self, index: int, units: int) -> None:
        n_in = int(np.prod(self.shape))
        if len(self.shape) > 1:
            self.add("Reshape", 100 + index, (n_in,))
        attributes: Any = {"n_in": n_in, "n_out": units}
        weights = {"weight": Weights(FORMAT, np.ones((n_in, units), np.int64))}
        self.add("Dense", index, (units,), attributes=attributes, weights=weights)

    def graph(self) -> Graph:
        return Graph("network", tuple(self.layers), ("input",), (self.layers[-1].name,))

    def choices(self, strategy: str = "Latency", reuse_factor: int = 1) -> list[Choice]:
        return [Choice(layer.name, self.index[layer.name], strategy, reuse_factor) for layer in self.layers]


def svhn() -> Builder:
    """The network of the published reports, without its softmax."""
    network = Builder((32, 32, 3))
    for index, filters in ((2, 16), (6, 16), (10, 24)):
        network.conv(index, filters)
        network.add("Activation", index + 2, network.shape)
        network.pool(index + 3)
    for index, units in ((14, 42), (18, 64)):
        network.dense(index, units)
        network.add("BatchNormalization", index + 2, network.shape)
        network.add("Activation", index + 3, network.shape)
    network.dense(22, 10)
    return network


def by_index(network: Builder, found: performance.Estimate) -> dict[int, int]:
    return {network.index[name]: cycles.latency for name, cycles in found.layers.items() if network.index[name] < 100}


def test_the_layers_of_the_svhn_network_stream_a_pixel_per_cycle() -> None:
    network = svhn()
    found = estimate(network.graph(), OPTIONS, network.choices())
    assert found is not None
    convolutions, dense = {2: 1027, 6: 229, 10: 40}, {14: 7, 18: 3, 22: 3}
    activations, pooling = {4: 902, 8: 171, 12: 18, 17: 1, 21: 1}, {5: 903, 9: 172, 13: 19}
    assert by_index(network, found) == {1: 0, 16: 1, 20: 1} | convolutions | dense | activations | pooling
    assert (found.latency_cycles, found.initiation_interval) == (1064, 1028)


@pytest.mark.parametrize("folder", ["hls4ml_tutorial_quantized_pruned_cnn", "hls4ml_tutorial_pruned_cnn"])
def test_the_published_reports_are_met(folder: str) -> None:
    """The errors of the estimate that docs/explanation/hls_estimates.md shows."""
    report = csynth_text.parse(real(f"{folder}/{CSYNTH}"))
    network = svhn()
    found = estimate(network.graph(), OPTIONS, network.choices())
    assert found is not None
    assert report.latency_cycles_worst is not None
    assert found.initiation_interval == report.initiation_interval_max
    # Its softmax is not converted here.
    softmax = next(timing for timing in report.timings or () if timing.name.startswith("softmax"))
    assert softmax.latency_cycles_worst == 7
    assert round(100 * ((found.latency_cycles + 7) / report.latency_cycles_worst - 1), 1) == 2.6
    # By kind and in the order of the network; in one of the two, normalization is folded into the layer in front.
    measured = sorted(
        (index, timing.name.partition("_")[0], timing.latency_cycles_worst)
        for timing in report.timings or ()
        if (index := layer_index(timing.name)) is not None
    )
    kinds = {"conv": "Conv2D", "dense": "Dense", "pooling2d": "Pooling2D", "relu": "Activation"}
    errors = {}
    for word, kind in kinds.items():
        expected = [found.layers[layer.name].latency for layer in network.layers if layer.kind == kind]
        latencies = [latency for _, name, latency in measured if name == word]
        errors[word] = [own - (latency or 0) for own, latency in zip(expected, latencies, strict=True)]
    assert errors == {"conv": [0, 0, 0], "dense": [0, 0, 1], "pooling2d": [0, 0, 0], "relu": [0, 0, 0, 1, 1]}


def test_the_report_of_hls4mls_own_tests_is_met() -> None:
    report = csynth_text.parse(real("hls4ml_test_report/Vivado/myproject_csynth.rpt"))
    network = Builder((16,))
    network.dense(2, 5)
    network.add("Activation", 3, (5,))
    found = estimate(network.graph(), replace(OPTIONS, part=report.part), network.choices())
    assert found is not None
    assert [cycles.latency for cycles in found.layers.values()] == [0, 7, 1]
    assert [timing.latency_cycles_worst for timing in report.timings or ()] == [7, 2]
    assert (found.latency_cycles, report.latency_cycles_worst) == (9, 10)
    assert found.initiation_interval == report.initiation_interval_max == 8


def test_a_reuse_factor_of_a_latency_layer_slows_the_pixels_down() -> None:
    network = svhn()
    found = estimate(network.graph(), OPTIONS, network.choices(reuse_factor=2))
    assert found is not None
    assert by_index(network, found)[2] == 2 * 1024 + 3


def test_a_resource_layer_takes_reuse_factor_and_depth_for_each_pixel() -> None:
    network = svhn()
    found = estimate(network.graph(), OPTIONS, network.choices("Resource", 9))
    assert found is not None
    assert by_index(network, found)[2] == 1024 * (9 + 2)
    assert by_index(network, found)[18] == 3 + 9
    assert found.initiation_interval == 1024 * 11 + 1


def test_a_graph_that_branches_waits_for_the_slower_branch() -> None:
    network = Builder((8, 8, 3))
    network.conv(2, 4)
    graph = network.graph()
    conv = graph.layers[-1]
    side = replace(conv, name="side", inputs=("input",))
    joined = Layer("sum", "Merge", (conv.name, "side"), conv.shape, FORMAT, attributes={"op": "add"})
    choices = [*network.choices(), Choice("side", 3, "Latency", 4), Choice("sum", 4, None, 1)]
    found = estimate(Graph("network", (*graph.layers, side, joined), ("input",), ("sum",)), OPTIONS, choices)
    assert found is not None
    assert found.layers["side"].latency == 4 * 64 + 3
    # The sum is two cycles behind it, and the design's hand-shake takes one.
    assert found.latency_cycles == 4 * 64 + 3 + 2 + 1


def test_in_parallel_dense_layers_take_their_depth_and_the_interval_is_the_reuse_factor() -> None:
    network = Builder((16,))
    for index, units in ((2, 64), (4, 32), (6, 5)):
        network.dense(index, units)
        network.add("Activation", index + 1, (units,))
    options = replace(OPTIONS, io_type="io_parallel")
    found = estimate(network.graph(), options, network.choices())
    assert found is not None
    assert (found.latency_cycles, found.initiation_interval) == (6, 1)
    slower = estimate(network.graph(), options, network.choices(reuse_factor=4))
    assert slower is not None
    assert (slower.latency_cycles, slower.initiation_interval) == (6 + 3 * 3, 4)


def test_in_parallel_a_convolution_still_takes_pixel_after_pixel() -> None:
    network = Builder((8, 8, 3))
    network.conv(2, 4)
    network.pool(3)
    found = estimate(network.graph(), replace(OPTIONS, io_type="io_parallel"), network.choices(reuse_factor=3))
    assert found is not None
    assert found.layers["conv2d2"].latency == 36 * 3 + 2
    assert (found.latency_cycles, found.initiation_interval) == (110 + 1 + 1, 110 + 1)


def test_a_tool_whose_templates_were_not_looked_at_gets_no_estimate() -> None:
    network = svhn()
    assert estimate(network.graph(), HlsOptions("Quartus", io_type="io_stream"), network.choices()) is None


def excesses(
    network: Builder, number: int, options: HlsOptions, strategy: str = "Latency", factor: int = 1
) -> list[str]:
    layer = network.layers[number]
    return [str(excess) for excess in unrolling.excesses(layer, options, Choice(layer.name, number, strategy, factor))]


def test_the_published_network_keeps_just_below_the_limit_of_vivado() -> None:
    network = svhn()
    assert all(excesses(network, n, OPTIONS) == [] for n in range(len(network.layers)))
    # In io_parallel, the results of its first layers would be arrays of registers.
    options = replace(OPTIONS, io_type="io_parallel")
    words = "Vivado HLS ends with an error above 4,096 (hls4ml#903, hls4ml#1157)"
    expected = f"its results, an array of registers: 14,400 elements; {words}; set hls.io_type to io_stream"
    assert excesses(network, 1, options) == [expected]


def test_too_many_products_are_named_with_the_reuse_factor_that_mends_it() -> None:
    network = Builder((128,))
    network.dense(2, 64)
    words = "Vivado HLS ends with an error above 4,096 (hls4ml#903, hls4ml#1157)"
    mend = "set hls.layers.dense2.strategy to Resource and hls.layers.dense2.reuse_factor to 2 or more"
    assert excesses(network, 1, OPTIONS) == [f"its products, all at once: 8,192 elements; {words}; {mend}"]
    assert excesses(network, 1, OPTIONS, "Resource", 1) == [f"its products, in a turn: 8,192 elements; {words}; {mend}"]
    assert excesses(network, 1, OPTIONS, "Resource", 2) == []
    assert "Vitis HLS has no fixed limit" in excesses(network, 1, replace(OPTIONS, backend="Vitis"))[0]
    assert excesses(network, 1, HlsOptions("oneAPI", io_type="io_stream")) == []


def test_no_mend_is_named_that_the_back_end_does_not_have() -> None:
    network = Builder((2000,))
    network.dense(2, 1001)
    found = excesses(network, 1, HlsOptions("Libero"))
    words = "SmartHLS warns above 1,000 (SHLS-22)"
    mend = "make the layer smaller, or choose another hls.backend than Libero"
    assert found == [
        f"its results, an array of registers: 1,001 elements; {words}; {mend}",
        f"its products, all at once: 2,002,000 elements; {words}; {mend}",
    ]


def test_a_convolution_that_cannot_share_enough_in_parallel_is_sent_to_a_stream() -> None:
    network = Builder((5, 5, 1))
    network.conv(2, 5000)
    found = excesses(network, 1, replace(OPTIONS, io_type="io_parallel"))
    assert found[-1].endswith(
        "set hls.io_type to io_stream, hls.layers.conv2d2.strategy to Resource and hls.layers.conv2d2.reuse_factor to "
        "18 or more"
    )


def test_a_window_that_is_an_array_of_registers_has_a_limit_too() -> None:
    network = Builder((5000,))
    network.dense(2, 1)
    found = excesses(network, 1, OPTIONS, "Resource", 5000)
    assert [excess.partition(":")[0] for excess in found] == ["its input window, an array of registers"]
