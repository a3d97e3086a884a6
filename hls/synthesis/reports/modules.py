"""Names of modules in vendors' reports, matched to layers of hls4ml's graph."""

from __future__ import annotations

import re
from collections.abc import Mapping

# hls4ml names a layer's C++ configuration after its place in the graph, and HLS tools name instances after it.
_INDEX = re.compile(r"config(\d+)(?!\d)")


def layer_index(instance: str) -> int | None:
    """Return the index that hls4ml gave a layer, from the name of an instance; None if the name does not tell.

    >>> layer_index("relu_array_array_ap_fixed_16u_relu_config4_U0"), layer_index("Block_proc_U0")
    (4, None)
    """
    found = _INDEX.search(instance)
    return None if found is None else int(found[1])


def instance_of(pin: str) -> str | None:
    """Return the instance of a layer in which a pin of a netlist lies; None if the name does not tell.

    >>> instance_of("bd_0_i/inst/dense_latency_config7_U0/sum_reg[3]/C")
    'dense_latency_config7_U0'
    """
    return next((level for level in pin.split("/") if layer_index(level) is not None), None)


def layer_name(instance: str, names: Mapping[int, str]) -> str:
    """Return the name of an instance's layer; an instance of no known layer keeps its own name.

    Args:
        instance: The tool's name of an instance.
        names: Names of layers by hls4ml's index.

    >>> layer_name("conv_2d_cl_array_16u_config2_U0", {2: "conv1"}), layer_name("Block_proc_U0", {2: "conv1"})
    ('conv1', 'Block_proc_U0')
    """
    index = layer_index(instance)
    return instance if index is None else names.get(index, instance)
