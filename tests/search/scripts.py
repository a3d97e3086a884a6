"""Ordinary models: random scripts as people write them, with the names that Keras gives, saved and loaded again.

`networks.py` draws from what trigcnn has rules for. This module draws from the vocabulary of Keras and QKeras
instead: Sequential and functional models, 1D and 2D, of 1 to 16 bits, with and without a quantized input.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trigcnn.common.keras2 import bring_up
from trigcnn.hls.backends import FACTS
from trigcnn.hls.options import HlsOptions

_WIDTHS = (1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 8, 10, 12, 16, 16)


@dataclass(frozen=True)
class Script:
    """A model as a script, and what it is converted with.

    Attributes:
        lines: Lines of Python that make `model`; `layers`, `keras` and all names of QKeras are at hand.
        seed: Seed of weights and events.
        suffix: How the model is saved: `.h5` or `.keras`.
        backend: Back end of the HLS project.
        io_type: Interface of the HLS project.
        input_format: Number format of the digitiser; None where the model quantizes its inputs.
    """

    lines: tuple[str, ...]
    seed: int
    suffix: str
    backend: str
    io_type: str
    input_format: str | None

    def __str__(self) -> str:
        settings = f"{self.suffix}, {self.backend}, {self.io_type}, input_format={self.input_format}, seed={self.seed}"
        return "\n".join([*self.lines, f"# {settings}"])

    def save(self, folder: Path) -> Path:
        """Build the model, give it weights as after a training, and save it."""
        modules = bring_up()
        keras = modules.keras
        keras.backend.clear_session()
        keras.utils.set_random_seed(self.seed)
        names = {**vars(modules.qkeras), "keras": keras, "layers": keras.layers}
        exec("\n".join(self.lines), names)
        model = names["model"]
        generator = np.random.default_rng(self.seed)
        for variable in model.weights:
            _train(variable, generator)
        path = folder / f"model{self.suffix}"
        model.save(path)
        return path

    def hls_options(self) -> HlsOptions:
        """Return the options of the conversion."""
        facts = FACTS[self.backend]
        return HlsOptions(self.backend, facts.part, 5.0, self.io_type)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """Write the script as text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Script:
        """Read what `to_json` wrote."""
        entries = json.loads(text)
        return cls(tuple(entries.pop("lines")), **entries)


def _train(variable: Any, generator: np.random.Generator) -> None:
    """Move what an initializer left at a constant: biases and the constants of batch normalization."""
    name, shape = variable.name.rsplit("/", 1)[-1], tuple(variable.shape)
    ranges = {
        "bias": (-0.25, 0.25),
        "moving_mean": (-1.0, 1.0),
        "moving_variance": (0.1, 4.0),
        "gamma": (0.5, 1.5),
        "beta": (-0.5, 0.5),
    }
    for word, (low, high) in ranges.items():
        if word in name:
            variable.assign(generator.uniform(low, high, shape))


def draw(seed: int) -> Script:
    """Draw a script.

    Args:
        seed: Which one; the same script for the same seed.
    """
    return _Author(np.random.default_rng(seed)).script(seed)


@dataclass
class _Bits:
    """What an author chooses once per model."""

    weight: int
    activation: int
    as_text: bool
    alpha: str


class _Author:
    """Writes one script."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._random = generator
        self._lines: list[str] = []
        self._form = self._one_of("sequential", "sequential", "add", "functional", "functional", "functional")
        weight, activation = self._one_of(*_WIDTHS), self._one_of(*_WIDTHS[1:])
        self._bits = _Bits(weight, activation, self._chance(0.25), self._one_of("1", "1", "1.0", "None", "'auto_po2'"))
        self._rank = self._one_of(0, 1, 2, 2, 2)

    def _one_of(self, *values: Any) -> Any:
        return values[int(self._random.integers(len(values)))]

    def _chance(self, share: float) -> bool:
        return bool(self._random.random() < share)

    def script(self, seed: int) -> Script:
        """Write the model: input, body, head."""
        shape = self._shape()
        quantized = self._chance(0.6)
        if self._form == "functional" and self._chance(0.15):
            self._twins(shape, quantized=quantized)
        else:
            self._single(shape, quantized=quantized)
        given = self._one_of("ufixed<8,0>", "ufixed<10,0>", "fixed<8,1>", "fixed<16,6>", "ufixed<4,4>")
        return Script(
            tuple(self._lines),
            seed,
            self._one_of(".h5", ".keras"),
            self._one_of("Vitis", "Vitis", "Vivado"),
            self._one_of("io_parallel", "io_stream"),
            None if quantized else given,
        )

    def _shape(self) -> tuple[int, ...]:
        if self._rank == 0:
            return (self._one_of(4, 7, 10, 16, 21),)
        if self._rank == 1:
            return (self._one_of(8, 12, 16, 20), self._one_of(1, 2, 3))
        return (self._one_of(6, 8, 8, 9), self._one_of(6, 8, 8, 10), self._one_of(1, 1, 2, 3))

    # Layers, as text.

    def _quantizer(self, text: str) -> str:
        return repr(text) if self._bits.as_text else text

    def _weights(self) -> str:
        # In a text, QKeras takes None for a name.
        bits, alpha = self._bits.weight, "" if self._bits.alpha == "None" else f"alpha={self._bits.alpha}"
        if bits == 1:
            return self._quantizer(f"binary({alpha})")
        if bits == 2 and self._chance(0.5):
            return self._quantizer(f"ternary({alpha})")
        words = [str(bits), str(self._one_of(0, 0, 0, 1)), *([alpha] if alpha else [])]
        return self._quantizer(f"quantized_bits({', '.join(words)})")

    def _bias(self) -> str:
        return self._quantizer(f"quantized_bits({max(self._bits.weight, 4)}, {self._one_of(0, 1)}, alpha=1)")

    def _activation(self) -> str:
        bits = self._bits.activation
        kinds = [f"quantized_relu({bits})", f"quantized_relu({bits}, {min(bits, self._one_of(0, 1, 2, 3))})"] * 4
        kinds += [f"quantized_bits({bits}, {min(bits - 1, 2)}, alpha=1)"] * 2
        kinds += [
            f"quantized_tanh({bits})",
            f"quantized_sigmoid({bits})",
            f"quantized_relu({bits}, 2, negative_slope=0.25)",
        ]
        return str(self._one_of(*kinds))

    def _activated(self) -> list[str]:
        """A layer of its own that activates what is before."""
        text = self._activation()
        choice = self._random.random()
        if choice < 0.75:
            return [f"QActivation({self._quantizer(text)})"]
        if choice < 0.85:
            return [f"layers.Activation({text})"]
        return [
            "layers.ReLU()",
            f"QActivation({self._quantizer(f'quantized_bits({self._bits.activation}, 2, alpha=1)')})",
        ]

    def _dense(self, units: int) -> str:
        return f"QDense({units}, kernel_quantizer={self._weights()}{self._bias_argument()})"

    def _bias_argument(self) -> str:
        return ", use_bias=False" if self._chance(0.25) else f", bias_quantizer={self._bias()}"

    def _convolution(self, rank: int, filters: int, kernel: Any, *, same: bool, strides: int = 1) -> str:
        words = f"{filters}, {kernel}, kernel_quantizer={self._weights()}{self._bias_argument()}"
        words += ", padding='same'" if same else ""
        words += f", strides={strides}" if strides > 1 else ""
        return f"QConv{rank}D({words})"

    def _normalization(self) -> str:
        return str(self._one_of("layers.BatchNormalization()", "layers.BatchNormalization()", "QBatchNormalization()"))

    # Pieces of a network: lists of layers one behind the other.

    def _convolutions(self, shape: Sequence[int]) -> tuple[list[str], tuple[int, ...]]:
        """Blocks of convolution, perhaps batch normalization, activation, perhaps pooling."""
        out: list[str] = []
        sizes, rank = list(shape[:-1]), len(shape) - 1
        channels = shape[-1]
        for _ in range(self._one_of(1, 1, 2)):
            kernel = self._one_of(1, 2, 3, 3) if min(sizes) >= 3 else 1
            same, strides = self._chance(0.4), self._one_of(1, 1, 1, 2)
            if rank == 2 and self._chance(0.2):
                out += self._separable(channels, kernel, same=same)
                strides = 1
            else:
                channels = self._one_of(2, 3, 4)
                as_pair = f"({kernel}, {kernel})" if rank == 2 and self._chance(0.5) else kernel
                out.append(self._convolution(rank, channels, as_pair, same=same, strides=strides))
            if self._chance(0.35):
                out.append(self._normalization())
            out += self._activated()
            sizes = [-(-n // strides) if same else (n - kernel) // strides + 1 for n in sizes]
            if min(sizes) >= 2 and self._chance(0.5):
                kind = self._one_of("Max", "Max", "Average")
                pool = "2" if rank == 1 or self._chance(0.5) else "(2, 2)"
                out.append(f"layers.{kind}Pooling{rank}D({pool})")
                sizes = [n // 2 for n in sizes]
                if kind == "Average":
                    out.append(
                        f"QActivation({self._quantizer(f'quantized_bits({self._bits.activation}, 2, alpha=1)')})"
                    )
            if self._chance(0.15):
                out.append(f"layers.Dropout({self._one_of(0.1, 0.25)})")
        return out, (*sizes, channels)

    def _separable(self, channels: int, kernel: int, *, same: bool) -> list[str]:
        padding = ", padding='same'" if same else ""
        if self._chance(0.5):
            return [f"QDepthwiseConv2D({kernel}, depthwise_quantizer={self._weights()}, use_bias=False{padding})"]
        words = f"depthwise_quantizer={self._weights()}, pointwise_quantizer={self._weights()}, use_bias=False{padding}"
        return [f"QSeparableConv2D({channels}, {kernel}, {words})"]

    def _to_vector(self, shape: Sequence[int]) -> list[str]:
        rank = len(shape) - 1
        if self._chance(0.75):
            return ["layers.Flatten()"]
        kind = self._one_of("Max", "Average")
        out = [f"layers.Global{kind}Pooling{rank}D()"]
        if kind == "Average":
            out.append(f"QActivation({self._quantizer(f'quantized_bits({self._bits.activation}, 2, alpha=1)')})")
        return out

    def _hidden(self) -> list[str]:
        out: list[str] = []
        for _ in range(self._one_of(0, 1, 1, 2)):
            out.append(self._dense(self._one_of(4, 8, 12)))
            if self._chance(0.25):
                out.append(self._normalization())
            out += self._activated()
            if self._chance(0.15):
                out.append("layers.Dropout(0.2)")
        return out

    def _last(self) -> list[str]:
        units = self._one_of(1, 2, 3, 5, 10)
        out = [self._dense(units)]
        if self._chance(0.6):
            name = "sigmoid" if units == 1 else "softmax"
            out.append(str(self._one_of(f"layers.Activation('{name}')", f"layers.Activation('{name}', name='{name}')")))
        return out

    def _input_quantizer(self) -> list[str]:
        bits = self._one_of(4, 6, 8, 10)
        text = self._one_of(
            f"quantized_bits({bits}, 0, alpha=1)", f"quantized_bits({bits}, 2, alpha=1)", f"quantized_relu({bits})"
        )
        return [f"QActivation({self._quantizer(text)})"]

    # Whole models.

    def _single(self, shape: tuple[int, ...], *, quantized: bool) -> None:
        first = self._input_quantizer() if quantized else []
        if self._rank == 0:
            body: list[str] = []
            behind = shape
        else:
            body, behind = self._convolutions(shape)
            body += self._to_vector(behind)
        body = [*first, *body, *self._hidden(), *self._last()]
        if self._form == "functional":
            self._functional(shape, body)
        else:
            self._sequential(shape, body)

    def _sequential(self, shape: tuple[int, ...], body: list[str]) -> None:
        if self._chance(0.5):
            first = body[0]
            body = [f"{first[:-1]}, input_shape={shape})", *body[1:]]
        else:
            body = [f"keras.Input({shape})", *body]
        if self._form == "add":
            self._lines += ["model = keras.Sequential()", *(f"model.add({layer})" for layer in body)]
        else:
            self._lines += ["model = keras.Sequential([", *(f"    {layer}," for layer in body), "])"]

    def _functional(self, shape: tuple[int, ...], body: list[str]) -> None:
        name = f", name='{self._one_of('input', 'inputs', 'events', 'image')}'" if self._chance(0.4) else ""
        self._lines.append(f"x = inputs = keras.Input({shape}{name})")
        grafts: list[Callable[[str], list[str]]] = [self._residual, self._branches, self._nested]
        at = self._random.integers(len(body)) if self._chance(0.35) else -1
        for number, layer in enumerate(body):
            if number == at and layer.startswith(("QConv", "QDense")):
                self._lines += self._one_of(*grafts)(layer)
            else:
                self._lines.append(f"x = {layer}(x)")
        if self._chance(0.1) and "softmax" in body[-1]:
            self._lines[-1] = self._lines[-1].replace("x = ", "y = ", 1)
            self._lines.append("model = keras.Model(inputs, [x, y])")
        else:
            self._lines.append("model = keras.Model(inputs, x)")

    def _cast(self) -> str:
        return f"QActivation({self._quantizer(f'quantized_bits({max(self._bits.activation, 2)}, 2, alpha=1)')})"

    def _residual(self, layer: str) -> list[str]:
        """A layer, and around its activated result a second one that keeps the shape."""
        if layer.startswith("QDense"):
            units = layer.partition("(")[2].partition(",")[0]
            inner = self._dense(int(units))
        else:
            kind, _, words = layer.partition("(")
            inner = self._convolution(int(kind[5]), int(words.partition(",")[0]), 3, same=True)
        how = self._one_of("layers.Add()([x, y])", "layers.add([x, y])", "x + y")
        return [
            f"x = {layer}(x)",
            f"x = {self._cast()}(x)",
            f"y = {inner}(x)",
            f"y = {self._cast()}(y)",
            f"x = {how}",
        ]

    def _branches(self, layer: str) -> list[str]:
        axis = self._one_of("", "axis=-1")
        return [
            f"y = {layer}(x)",
            f"y = {self._cast()}(y)",
            f"x = {layer}(x)",
            f"x = {self._cast()}(x)",
            f"x = layers.Concatenate({axis})([x, y])",
        ]

    def _nested(self, layer: str) -> list[str]:
        return [
            "part_in = keras.Input(x.shape[1:])",
            f"part = {layer}(part_in)",
            f"part = {self._cast()}(part)",
            "x = keras.Model(part_in, part)(x)",
        ]

    def _twins(self, shape: tuple[int, ...], *, quantized: bool) -> None:
        """Two inputs, and the layers that both go through, shared or not."""
        units = self._one_of(4, 8)
        names = [f"input_{letter}" for letter in "ab"] if self._chance(0.5) else [None, None]
        for letter, name in zip("ab", names, strict=True):
            words = f", name='{name}'" if name else ""
            self._lines.append(f"{letter} = in_{letter} = keras.Input({shape}{words})")
            if quantized:
                self._lines.append(f"{letter} = {self._input_quantizer()[0]}({letter})")
            if len(shape) > 1:
                self._lines.append(f"{letter} = layers.Flatten()({letter})")
        if self._chance(0.5):
            self._lines += [f"shared = {self._dense(units)}", "a, b = shared(a), shared(b)"]
        else:
            self._lines += [f"{letter} = {self._dense(units)}({letter})" for letter in "ab"]
        self._lines += [f"{letter} = {self._cast()}({letter})" for letter in "ab"]
        how = self._one_of("Concatenate", "Subtract", "Add", "Maximum")
        self._lines.append(f"x = layers.{how}()([a, b])")
        self._lines += [f"x = {layer}(x)" for layer in self._last()]
        self._lines.append("model = keras.Model([in_a, in_b], x)")
