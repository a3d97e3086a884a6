"""What TensorFlow is told when it is brought up."""

from __future__ import annotations

import numpy as np

from trigcnn.common.keras2 import bring_up


def test_a_grouped_convolution_with_activation_is_evaluated() -> None:
    """Fused by TensorFlow, it is refused on CPUs without AVX-512 VNNI."""
    keras, qkeras = bring_up().keras, bring_up().qkeras
    bits = {f"{name}_quantizer": qkeras.quantized_bits(4, 0, 1, alpha=1) for name in ("kernel", "bias")}
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, qkeras.QConv2D(4, 3, groups=2, activation="relu", **bits)(inputs))
    events = np.random.default_rng(1).integers(-8, 8, (4, 8, 8, 4)).astype(np.float32) / 8
    np.testing.assert_array_equal(model.predict(events, verbose=0), model(events).numpy())
