"""Names of modules in vendors' reports: which layer of hls4ml's graph they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from hls.synthesis.report import SynthesisReport

# hls4ml names a layer's C++ configuration after its place in the graph, and HLS tools name instances after it.
_INDEX = re.compile(r"config(\d+)(?!\d)")


def layer_index(instance: str) -> int | None:
    """Give the index that hls4ml gave a layer, from the name of an instance; None where the name does not tell.

    >>> layer_index("relu_array_array_ap_fixed_16u_relu_config4_U0"), layer_index("Block_proc_U0")
    (4, None)
    """
    found = _INDEX.search(instance)
    return None if found is None else int(found[1])


def instance_of(pin: str) -> str | None:
    """Give the instance of a layer in which a pin of a netlist lies; None where the name does not tell.

    >>> instance_of("bd_0_i/inst/dense_latency_config7_U0/sum_reg[3]/C")
    'dense_latency_config7_U0'
    """
    return next((level for level in pin.split("/") if layer_index(level) is not None), None)


def name_layers(report: SynthesisReport, names: Mapping[int, str]) -> SynthesisReport:
    """Put names of layers in place of the tool's names of their instances.

    Args:
        report: Report of a project of hls4ml.
        names: Names by hls4ml's index. Instances of other indices keep their names.
    """

    def named(instance: str) -> str:
        index = layer_index(instance)
        return instance if index is None else names.get(index, instance)

    layers, timings, path = report.layers, report.timings, report.critical_path
    return replace(
        report,
        layers=layers and tuple(replace(layer, name=named(layer.name)) for layer in layers),
        timings=timings and tuple(replace(timing, name=named(timing.name)) for timing in timings),
        critical_path=path and tuple(replace(step, layer=step.layer and named(step.layer)) for step in path),
    )
