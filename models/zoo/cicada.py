"""A small network on calorimeter regions, in the shape of the CICADA trigger of CMS."""

from __future__ import annotations

from typing import Any

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.zoo import blocks


def cicada(
    input_shape: tuple[int, ...],
    classes: int,
    input_format: FixedPoint,
    *,
    filters: int = 4,
    units: int = 16,
    convolution_bits: int = 12,
    dense_bits: int = 8,
    score_bits: int = 12,
    activation_bits: int = 10,
    activation_integer_bits: int = 6,
    saturation_bits: int = 0,
) -> Any:
    """One 2x2 convolution of stride 2, a dense layer with batch normalization, and a score (CICADA's student).

    CICADA's student learns the score of an auto-encoder, a number from 0 to 256 in 16 bits: that is the one output of
    `training.objective: distillation`. Trained on labels, the outputs are logits, which have a sign bit; two classes
    share one.

    Options:
        input_shape: (azimuth, pseudorapidity, 1); 18x14x1 in CICADA.
        classes: Number of classes; two of them share one logit. 1 for a score.
        filters: Filters of the convolution.
        units: Units of the dense layer.
        convolution_bits: Bits of the convolution's weights, sign included.
        dense_bits: Bits of the dense layer's weights and biases, sign included.
        score_bits: Bits of the last layer's weights, sign included.
        saturation_bits: Whole counts above this number of bits are cut off before the network, so that a faulty
            region at full scale does not outshine all others; 0 for no cut. For counts from 0.
    """
    k = bring_up()
    activation = {"bits": activation_bits, "integer": activation_integer_bits}
    x = inputs = k.keras.Input(input_shape, name="events")
    x = blocks.input_quantizer(x, input_format)
    if saturation_bits:
        x = blocks.relu(x, bits=saturation_bits, integer=saturation_bits, name="saturation")
    # Energies are tens of counts: larger weights would saturate the activation from the start.
    x = blocks.convolution(x, filters, 2, bits=convolution_bits, padding="valid", name="conv", strides=2, gain=0.25)
    x = blocks.relu(x, name="conv_relu", **activation)
    x = k.keras.layers.Flatten(name="flatten")(x)
    x = blocks.dense(x, units, bits=dense_bits, folded_bits=dense_bits, name="dense1")
    x = blocks.relu(x, name="dense1_relu", **activation)
    x = blocks.dense(x, 1 if classes == 2 else classes, bits=score_bits, name="dense2")
    q = k.qkeras
    score = q.quantized_relu(16, 8) if classes == 1 else q.quantized_bits(16, 7, symmetric=0, alpha=1)
    return k.keras.Model(inputs, k.qkeras.QActivation(score, name="score")(x), name="cicada")
