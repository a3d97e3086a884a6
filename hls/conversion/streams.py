"""What hls4ml's graph needs in io_stream: vectors in whole words, and few readers of one stream.

hls4ml leaves out a Flatten, so that the words of its stream still are pixels. A dense layer reads such words; the C++
of other layers takes a word for the whole vector. And its C++ copies a stream seven times at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trigcnn.hls.backends import Backend

MOST_READERS = 7
# Back ends that keep a Flatten.
_WHOLE_WORDS: tuple[Backend, ...] = ("oneAPI",)


def prepare(model: Any) -> None:
    """Put words together behind a Flatten, and divide the readers of one stream among copies.

    Args:
        model: hls4ml's graph, before its back end's passes.
    """
    if model.config.get_config_value("IOType") != "io_stream":
        return
    for node in list(model.get_layers()):
        if model.config.backend.name not in _WHOLE_WORDS:
            _put_together(model, node)
    for node in list(model.get_layers()):
        _divide(model, node)


def _put_together(model: Any, node: Any) -> None:
    from hls4ml.model.layers import Dense, Reshape

    shape = node.get_output_variable(node.outputs[0]).shape
    if not isinstance(node, Reshape) or len(shape) != 1 or node.outputs[0] in model.outputs:
        return
    readers = [reader for reader, _ in _readers(model, node.outputs[0])]
    if len(readers) == 1 and isinstance(readers[0], Dense):
        return
    model.replace_node(node, model.make_node("Repack", node.name, {"target_shape": list(shape)}, node.inputs.copy()))


def _divide(model: Any, node: Any) -> None:
    (tensor,) = node.outputs
    most = MOST_READERS - (tensor in model.outputs)
    readers = list(_readers(model, tensor))
    if len(readers) <= most:
        return
    # As few readers per copy as still make no more copies than there can be.
    each = max(-(-len(readers) // most), 2)
    for number, first in enumerate(range(0, len(readers), each), 1):
        group = readers[first : first + each]
        size = int(np.prod(node.get_output_variable(tensor).shape))
        attributes = {"activation": "linear", "n_in": size, "trace": True}
        copy = model.make_node("Activation", f"copy{number}_{node.name}", attributes, [tensor])
        model.insert_node(copy, before=group[0][0], input_idx=group[0][1])
        for reader, place in group[1:]:
            reader.inputs[place] = copy.outputs[0]
        _divide(model, copy)


def _readers(model: Any, tensor: str) -> Iterator[tuple[Any, int]]:
    """Return the layers that read a tensor, each with the place among its inputs; twice if it reads it twice."""
    for node in model.get_layers():
        for place, given in enumerate(node.inputs):
            if given == tensor:
                yield node, place
