"""Writes ordinary models as scripts: input, body and heads, in the words of `words.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.search.scripts import Script
from tests.search.words import Words


def draw(seed: int) -> Script:
    """Draw a script.

    Args:
        seed: Which one; the same script for the same seed.
    """
    return _Author(Words(np.random.default_rng(seed))).script(seed)


class _Author:
    """Writes one script."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._one_of, self._chance = words.one_of, words.chance
        self._lines: list[str] = []
        self._form = self._one_of("sequential", "sequential", "add", "functional", "functional", "functional")
        self._rank = self._one_of(0, 1, 2, 2, 2)

    def script(self, seed: int) -> Script:
        """Write the model."""
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
            self._words.float_weights,
        )

    def _shape(self) -> tuple[int, ...]:
        if self._rank == 0:
            return (self._one_of(4, 7, 10, 16, 21),)
        if self._rank == 1:
            return (self._one_of(8, 12, 16, 20), self._one_of(1, 2, 3))
        return (self._one_of(6, 8, 8, 9), self._one_of(6, 8, 8, 10), self._one_of(1, 1, 2, 3))

    # Pieces of a network: lists of layers one behind the other.

    def _convolutions(self, shape: Sequence[int]) -> list[str]:
        """Blocks of convolution, perhaps batch normalization, activation, perhaps pooling."""
        out: list[str] = []
        sizes, rank = list(shape[:-1]), len(shape) - 1
        channels = shape[-1]
        for _ in range(self._one_of(1, 1, 2)):
            kernel = self._one_of(1, 2, 3, 3) if min(sizes) >= 3 else 1
            padding, strides = ("same" if self._chance(0.4) else "valid"), self._one_of(1, 1, 1, 2)
            if kernel > 1 and padding == "valid" and self._chance(0.1):
                out.append(f"layers.ZeroPadding{rank}D({kernel // 2})")
                sizes = [n + kernel // 2 * 2 for n in sizes]
            if self._chance(0.2):
                out.append(self._words.separable(rank, channels, kernel, padding=padding))
                strides = 1
            else:
                channels = self._one_of(2, 3, 4)
                as_pair = f"({kernel}, {kernel})" if rank == 2 and self._chance(0.5) else kernel
                causal = rank == 1 and padding == "same" and self._chance(0.2)
                word = "causal" if causal else padding
                out.append(self._words.convolution(rank, channels, as_pair, padding=word, strides=strides))
            if self._chance(0.35):
                out.append(self._words.normalization())
            out += self._words.activated()
            sizes = [-(-n // strides) if padding == "same" else (n - kernel) // strides + 1 for n in sizes]
            if min(sizes) >= 3 and self._chance(0.5):
                sizes = self._pooling(out, sizes)
            if self._chance(0.15):
                out.append(self._words.noise(rank))
        return out

    def _pooling(self, out: list[str], sizes: list[int]) -> list[int]:
        rank, kind = len(sizes), self._one_of("Max", "Max", "Average")
        pool = self._one_of("2", "(2, 2)") if rank == 2 else "2"
        if self._chance(0.15):
            out.append(f"layers.{kind}Pooling{rank}D(3, strides=2)")
            sizes = [(n - 3) // 2 + 1 for n in sizes]
        elif kind == "Max" and self._chance(0.15):
            out.append(f"layers.MaxPooling{rank}D({pool}, padding='same')")
            sizes = [-(-n // 2) for n in sizes]
        else:
            out.append(f"layers.{kind}Pooling{rank}D({pool})")
            sizes = [n // 2 for n in sizes]
        if kind == "Average" and self._chance(0.7):
            out.append(self._words.cast())
        return sizes

    def _to_vector(self, rank: int) -> list[str]:
        if self._chance(0.75):
            return [self._one_of("layers.Flatten()", "layers.Flatten()", "layers.Reshape((-1,))")]
        kind = self._one_of("Max", "Average")
        out = [f"layers.Global{kind}Pooling{rank}D()"]
        if kind == "Average" and self._chance(0.6):
            out.append(self._words.cast())
        return out

    def _hidden(self) -> list[str]:
        out: list[str] = []
        for _ in range(self._one_of(0, 1, 1, 2)):
            out.append(self._words.dense(self._one_of(4, 8, 12)))
            if self._chance(0.25):
                out.append(self._words.normalization())
            out += self._words.activated()
            if self._chance(0.15):
                out.append(self._words.noise(0))
        return out

    def _last(self) -> list[str]:
        units = self._one_of(1, 2, 3, 5, 10)
        out = [self._words.float_dense(units) if self._chance(0.04) else self._words.dense(units)]
        if self._chance(0.6):
            name = "sigmoid" if units == 1 else "softmax"
            kinds = [f"layers.Activation('{name}')", f"layers.Activation('{name}', name='{name}')"]
            out.append(str(self._one_of(*kinds, *(["layers.Softmax()"] if units > 1 else []))))
        return out

    # Whole models.

    def _single(self, shape: tuple[int, ...], *, quantized: bool) -> None:
        first = [self._words.input_quantizer()] if quantized else []
        if self._rank == 0:
            body = [*self._hidden(), *self._last()]
        else:
            body = self._convolutions(shape)
            if self._chance(0.1):
                body += [
                    f"layers.UpSampling{self._rank}D(2)",
                    self._words.convolution(self._rank, 1, 3, padding="same"),
                ]
            else:
                body += [*self._to_vector(self._rank), *self._hidden(), *self._last()]
        if self._form == "functional":
            self._functional(shape, [*first, *body])
        else:
            self._sequential(shape, [*first, *body])

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
        grafts: list[Callable[[str], list[str]]] = [self._residual, self._branches, self._nested, self._gate]
        places = [n for n, layer in enumerate(body) if layer.startswith(("QConv1D", "QConv2D(", "QDense"))][:-1]
        at = self._one_of(*places) if places and self._chance(0.4) else -1
        for number, layer in enumerate(body):
            if number == at:
                self._lines += self._one_of(*grafts)(layer)
            else:
                self._lines.append(f"x = {layer}(x)")
        outputs = "x"
        if self._chance(0.1) and ("softmax" in body[-1] or "Softmax" in body[-1]):
            self._lines[-1] = self._lines[-1].replace("x = ", "y = ", 1)
            outputs = self._one_of("[x, y]", "{'logits': x, 'scores': y}")
        elif self._chance(0.08) and len(places) > 1 and self._rank == 0:
            self._lines.append(f"y = {self._words.dense(2)}(inputs)")
            outputs = "[x, y]"
        self._lines.append(f"model = keras.Model(inputs, {outputs})")

    def _like(self, layer: str) -> str:
        """A layer that keeps the shape of another one's result."""
        filters = int(layer.partition("(")[2].partition(",")[0])
        if layer.startswith("QDense"):
            return self._words.dense(filters)
        return self._words.convolution(int(layer[5]), filters, 3, padding="same")

    def _residual(self, layer: str) -> list[str]:
        """A layer, and around its activated result a second one that keeps the shape."""
        kinds = ("layers.Add()([x, y])", "layers.add([x, y])", "x + y", "layers.Average()([x, y])")
        return [
            f"x = {layer}(x)",
            f"x = {self._words.cast()}(x)",
            f"y = {self._like(layer)}(x)",
            f"y = {self._words.cast()}(y)",
            f"x = {self._one_of(*kinds, 'layers.Maximum()([x, y])')}",
        ]

    def _branches(self, layer: str) -> list[str]:
        axis = self._one_of("", "axis=-1")
        return [
            f"y = {layer}(x)",
            f"y = {self._words.cast()}(y)",
            f"x = {layer}(x)",
            f"x = {self._words.cast()}(x)",
            f"x = layers.Concatenate({axis})([x, y])",
        ]

    def _nested(self, layer: str) -> list[str]:
        return [
            "part_in = keras.Input(x.shape[1:])",
            f"part = {layer}(part_in)",
            f"part = {self._words.cast()}(part)",
            "x = keras.Model(part_in, part)(x)",
        ]

    def _gate(self, layer: str) -> list[str]:
        """A product with what a second layer, or the mean of each channel, lets through."""
        out = [f"x = {layer}(x)", f"x = {self._words.cast()}(x)"]
        if layer.startswith("QConv") and self._chance(0.5):
            out.append(f"y = layers.GlobalAveragePooling{layer[5]}D(keepdims=True)(x)")
            out.append(f"y = {self._words.cast()}(y)")
        else:
            out.append(f"y = {self._like(layer)}(x)")
        return [*out, "y = QActivation(quantized_sigmoid(6))(y)", "x = layers.Multiply()([x, y])"]

    def _twins(self, shape: tuple[int, ...], *, quantized: bool) -> None:
        """Two inputs, and the layers that both go through, shared or not."""
        units = self._one_of(4, 8)
        names: list[Any] = [f"input_{letter}" for letter in "ab"] if self._chance(0.5) else [None, None]
        for letter, name in zip("ab", names, strict=True):
            words = f", name='{name}'" if name else ""
            self._lines.append(f"{letter} = in_{letter} = keras.Input({shape}{words})")
            if quantized:
                self._lines.append(f"{letter} = {self._words.input_quantizer()}({letter})")
            if len(shape) > 1:
                self._lines.append(f"{letter} = layers.Flatten()({letter})")
        if self._chance(0.5):
            self._lines += [f"shared = {self._words.dense(units)}", "a, b = shared(a), shared(b)"]
        else:
            self._lines += [f"{letter} = {self._words.dense(units)}({letter})" for letter in "ab"]
        self._lines += [f"{letter} = {self._words.cast()}({letter})" for letter in "ab"]
        how = self._one_of("Concatenate", "Subtract", "Add", "Maximum")
        self._lines.append(f"x = layers.{how}()([a, b])")
        self._lines += [f"x = {layer}(x)" for layer in self._last()]
        self._lines.append("model = keras.Model([in_a, in_b], x)")
