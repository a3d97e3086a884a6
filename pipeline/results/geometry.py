"""The sizes of the layers of the trained model, as they stand in a report."""

from __future__ import annotations

from pydantic import Field

from trigcnn.pipeline.results.section import Section


class AxisEntry(Section):
    """What a layer does along one axis of its input."""

    name: str = Field(description="height or width")
    size: int = Field(description="pixels of the input, w")
    window: int = Field(description="pixels of the window, f")
    stride: int = Field(description="pixels from one window to the next, s")
    before: int = Field(description="zeros in front, p; less than 0 where pixels are cut off")
    after: int = Field(description="zeros behind, p; less than 0 where pixels are cut off")
    repeat: int = Field(description="how often each pixel is given")
    output: int = Field(description="pixels of the result, (w - f + 2p)/s + 1 without a fraction")
    formula: str = Field(description="that formula with its numbers")
    dropped: int = Field(description="pixels at the end that no window sees, since the stride does not divide")
    skipped: int = Field(description="pixels that no window sees since they lie between two")


class FieldEntry(Section):
    """The receptive field of a layer's values in one input of the network."""

    input: str
    pixels: list[int] = Field(description="most pixels that a value sees, along each axis of the input")
    jump: list[float | None] = Field(
        description="pixels of the input between neighbours, the product of the strides; null where there are none"
    )


class DenseEntry(Section):
    """What a dense layer from the same input to the same result would need."""

    parameters: int = Field(description="weights and biases")
    multiplications: int = Field(description="products per event")


class GeometryEntry(Section):
    """The sizes of one layer of the trained model."""

    name: str
    kind: str = Field(description="class of the layer")
    inputs: list[list[int]] = Field(description="shapes of what feeds it, without the batch")
    shape: list[int] = Field(description="shape of its result, without the batch")
    axes: list[AxisEntry] = Field(description="empty for layers without a window")
    fields: list[FieldEntry] = Field(description="one for each input of the network that the layer sees")
    parameters: int = Field(description="weights and biases; a factor and a summand per channel of a normalization")
    multiplications: int = Field(description="products with weights per event, zeros too")
    dense: DenseEntry | None = Field(description="null where each value has only one value of its own")
    unseen: list[str] = Field(description="which pixels no window sees, in words")
