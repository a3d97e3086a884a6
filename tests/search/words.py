"""The vocabulary of ordinary models: quantizers and layers of Keras and QKeras, as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_WIDTHS = (1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 8, 10, 12, 16, 16)
_SCALES = ("1", "1", "1", "1", "1.0", "None", "None", "'auto_po2'", "'auto_po2'", "'auto'")


@dataclass
class _Bits:
    """What an author chooses once per model."""

    weight: int
    activation: int
    as_text: bool
    alpha: str


class Words:
    """Draws quantizers and layers for one script."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._random = generator
        weight, activation = self.one_of(*_WIDTHS), self.one_of(*_WIDTHS[1:])
        self._bits = _Bits(weight, activation, self.chance(0.25), self.one_of(*_SCALES))
        self.float_weights = "refuse"

    def one_of(self, *values: Any) -> Any:
        """Return one of the values."""
        return values[int(self._random.integers(len(values)))]

    def chance(self, share: float) -> bool:
        """Return True in a share of the cases."""
        return bool(self._random.random() < share)

    def _quantizer(self, text: str) -> str:
        return repr(text) if self._bits.as_text else text

    def _weights(self) -> str:
        # In a text, QKeras takes None for a name.
        bits, alpha = self._bits.weight, "" if self._bits.alpha == "None" else f"alpha={self._bits.alpha}"
        if bits == 1:
            return self._quantizer(f"{self.one_of('binary', 'binary', 'stochastic_binary')}({alpha})")
        if bits == 2 and self.chance(0.5):
            return self._quantizer(f"{self.one_of('ternary', 'ternary', 'stochastic_ternary')}({alpha})")
        if bits <= 5 and self.chance(0.1):
            return self._quantizer(f"quantized_po2({bits})")
        words = [str(bits), str(self.one_of(0, 0, 0, 1)), *(["1"] if self.chance(0.15) else [])]
        words += [alpha] if alpha else []
        return self._quantizer(f"quantized_bits({', '.join(words)})")

    def _bias(self) -> str:
        return self._quantizer(f"quantized_bits({max(self._bits.weight, 4)}, {self.one_of(0, 1)}, alpha=1)")

    def activation(self) -> str:
        """Return a quantizer of activations."""
        bits = self._bits.activation
        kinds = [f"quantized_relu({bits})", f"quantized_relu({bits}, {min(bits, self.one_of(0, 1, 2, 3))})"] * 6
        kinds += [f"quantized_bits({bits}, {min(bits - 1, 2)}, alpha=1)"] * 3
        kinds += [
            f"quantized_tanh({bits})",
            f"quantized_sigmoid({bits})",
            f"quantized_relu({bits}, 2, negative_slope=0.25)",
            f"quantized_bits({bits}, {min(bits - 1, 2)}, 1, alpha=1)",
            f"quantized_relu_po2({min(max(bits, 2), 5)}, 4)",
            f"quantized_hswish({max(bits, 3)}, 2, alpha=1)",
            self.one_of("binary(alpha=1)", "ternary(alpha=1)"),
        ]
        return str(self.one_of(*kinds))

    def activated(self) -> list[str]:
        """Return layers that activate what is before."""
        text = self.activation()
        choice = self._random.random()
        if choice < 0.7:
            return [f"QActivation({self._quantizer(text)})"]
        if choice < 0.8:
            return [f"layers.Activation({text})"]
        kinds = ("layers.ReLU()", "layers.Activation('relu')", "layers.ReLU(max_value=6)", "layers.ReLU(6.0)")
        return [str(self.one_of(*kinds, "layers.LeakyReLU(0.25)")), self.cast()]

    def cast(self) -> str:
        """Return a layer that rounds."""
        bits = max(self._bits.activation, 2)
        return f"QActivation({self._quantizer(f'quantized_bits({bits}, 2, alpha=1)')})"

    def input_quantizer(self) -> str:
        """Return a layer that rounds the events."""
        bits = self.one_of(4, 6, 8, 10)
        kinds = (
            f"quantized_bits({bits}, 0, alpha=1)",
            f"quantized_bits({bits}, 2, alpha=1)",
            f"quantized_relu({bits})",
        )
        text = self.one_of(*kinds)
        if self.chance(0.1):
            return f"layers.Activation({text})"
        return f"QActivation({self._quantizer(text)})"

    def _bias_argument(self) -> str:
        return ", use_bias=False" if self.chance(0.25) else f", bias_quantizer={self._bias()}"

    def _more(self, *, activated: bool = True) -> str:
        """Return arguments that have no effect on the converted numbers, or are an activation."""
        words = ""
        if self.chance(0.1):
            words += f", {self.one_of('kernel_initializer=' + repr('he_normal'), 'kernel_regularizer=' + repr('l2'))}"
        if activated and self.chance(0.1):
            words += f", activation={self._quantizer(self.activation())}"
        return words

    def dense(self, units: int) -> str:
        """Return a dense layer."""
        return f"QDense({units}, kernel_quantizer={self._weights()}{self._bias_argument()}{self._more()})"

    def float_dense(self, units: int) -> str:
        """Return a dense layer without quantizers, for which some authors set an option."""
        self.float_weights = self.one_of("refuse", "round", "round")
        return f"layers.Dense({units})"

    def convolution(self, rank: int, filters: int, kernel: Any, *, padding: str = "valid", strides: int = 1) -> str:
        """Return a convolution."""
        words = f"{filters}, {kernel}, kernel_quantizer={self._weights()}{self._bias_argument()}"
        words += f", padding='{padding}'" if padding != "valid" else ""
        words += f", strides={strides}" if strides > 1 else ""
        if rank == 2 and self.chance(0.06):
            return f"QConv2DBatchnorm({words})"
        return f"QConv{rank}D({words}{self._more()})"

    def separable(self, rank: int, channels: int, kernel: int, *, padding: str) -> str:
        """Return a depthwise or separable convolution."""
        padded = f", padding='{padding}'" if padding != "valid" else ""
        if rank == 2 and self.chance(0.5):
            return f"QDepthwiseConv2D({kernel}, depthwise_quantizer={self._weights()}, use_bias=False{padded})"
        words = f"depthwise_quantizer={self._weights()}, pointwise_quantizer={self._weights()}, use_bias=False{padded}"
        return f"QSeparableConv{rank}D({channels}, {kernel}, {words})"

    def normalization(self) -> str:
        """Return a batch normalization."""
        return str(self.one_of("layers.BatchNormalization()", "layers.BatchNormalization()", "QBatchNormalization()"))

    def noise(self, rank: int) -> str:
        """Return a layer that acts in training only."""
        kinds = ["layers.Dropout(0.1)", "layers.Dropout(0.25)", "layers.GaussianNoise(0.1)"]
        return str(self.one_of(*kinds, *([f"layers.SpatialDropout{rank}D(0.2)"] if rank else [])))
