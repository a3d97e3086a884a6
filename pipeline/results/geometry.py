"""The sizes of the layers of the trained model, as they stand in a report."""

from __future__ import annotations

from trigcnn.pipeline.results.section import Section


class AxisEntry(Section):
    """What a layer does along one axis of its input."""

    name: str
    """height or width"""
    size: int
    """pixels of the input, w"""
    window: int
    """pixels of the window, f"""
    stride: int
    """pixels from one window to the next, s"""
    before: int
    """zeros before it, p; less than 0 where pixels are cut off"""
    after: int
    """zeros behind, p; less than 0 where pixels are cut off"""
    repeat: int
    """how often each pixel is given"""
    output: int
    """pixels of the result, (w - f + 2p)/s + 1 without a fraction"""
    formula: str
    """that formula with its numbers"""
    dropped: int
    """pixels at the end that no window sees, since the stride does not divide"""
    skipped: int
    """pixels that no window sees since they lie between two"""


class FieldEntry(Section):
    """The receptive field of a layer's values in one input of the network."""

    input: str
    pixels: list[int]
    """most pixels that a value sees, along each axis of the input"""
    jump: list[float | None]
    """pixels of the input between neighbours, the product of the strides; null where there are none"""


class DenseEntry(Section):
    """What a dense layer from the same input to the same result would need."""

    parameters: int
    """weights and biases"""
    multiplications: int
    """products per event"""


class GeometryEntry(Section):
    """The sizes of one layer of the trained model."""

    name: str
    kind: str
    """class of the layer"""
    inputs: list[list[int]]
    """shapes of what feeds it, without the batch"""
    shape: list[int]
    """shape of its result, without the batch"""
    axes: list[AxisEntry]
    """empty for layers without a window"""
    fields: list[FieldEntry]
    """one for each input of the network that the layer sees"""
    parameters: int
    """weights and biases; a factor and a summand per channel of a normalization"""
    multiplications: int
    """products with weights per event, zeros too"""
    dense: DenseEntry | None
    """null where each value has only one value of its own"""
    unseen: list[str]
    """which pixels no window sees, in words"""
