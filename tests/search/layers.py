"""One function per kind of layer: it adds a random one behind the layer `x` of a draft, and gives its name."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.search import quantizers
from tests.search.network import Step

Draw = Callable[[Any], Any]


@dataclass
class Draft:
    """A network while it is drawn."""

    draw: Draw
    steps: list[Step] = field(default_factory=list)
    tensors: dict[str, Any] = field(default_factory=dict)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a layer's result, without the batch."""
        return tuple(self.tensors[name].shape[1:])

    def add(self, kind: str, inputs: str | tuple[str, ...], **arguments: Any) -> str:
        """Add a layer and give its name."""
        names = (inputs,) if isinstance(inputs, str) else inputs
        step = Step(kind, f"{kind.lower()}{len(self.steps)}", names, arguments)
        # Keras draws seeds of initializers, which Hypothesis does not like.
        state = random.getstate()
        self.tensors[step.name] = step.apply(self.tensors)
        random.setstate(state)
        self.steps.append(step)
        return step.name

    def chance(self, percent: int) -> bool:
        """Tell whether something shall be; simplest is that it shall not."""
        return bool(self.draw(st.integers(0, 99)) >= 100 - percent)

    def pick(self, *values: Any) -> Any:
        """Choose a value; the first is the simplest."""
        return self.draw(st.sampled_from(values))


def _own_activation(draft: Draft) -> dict[str, Any]:
    return {"activation": draft.draw(quantizers.casts())} if draft.chance(15) else {}


def _bias(draft: Draft) -> dict[str, Any]:
    if draft.chance(25):
        return {"use_bias": False}
    return {"bias_quantizer": draft.draw(quantizers.weights())}


def _window(draft: Draft, x: str, *, largest: int = 3, dilation: bool = True) -> dict[str, Any]:
    """Kernel size, strides and padding that fit the image."""
    image = draft.shape(x)[:-1]
    size = [draft.draw(st.integers(1, min(largest, length))) for length in image]
    padding = draft.pick("valid", "same")
    window: dict[str, Any] = {"kernel_size": size, "padding": padding}
    if draft.chance(30):
        window["strides"] = [draft.draw(st.integers(1, 3))] * len(image)
    elif dilation and draft.chance(25):
        rates = [2 if (n - 1) * 2 < length else 1 for n, length in zip(size, image, strict=True)]
        window["dilation_rate"] = rates
    return window


def convolution(draft: Draft, x: str) -> str:
    """QConv1D, QConv2D."""
    rank, channels = len(draft.shape(x)) - 1, draft.shape(x)[-1]
    window = _window(draft, x)
    filters = draft.draw(st.integers(1, 4))
    if rank == 1 and draft.chance(20) and "strides" not in window:
        window["padding"] = "causal"
    if draft.chance(15) and channels % 2 == 0:
        window["groups"], filters = 2, 2 * filters
    kernel = draft.draw(quantizers.weights())
    options = {**_bias(draft), **_own_activation(draft)}
    return draft.add(f"QConv{rank}D", x, filters=filters, kernel_quantizer=kernel, **window, **options)


def _same_strides(window: dict[str, Any]) -> dict[str, Any]:
    """TensorFlow's depthwise convolution takes either strides or dilation, alike in both axes."""
    if "dilation_rate" in window:
        window["dilation_rate"] = [min(window["dilation_rate"])] * 2
    return window


def depthwise(draft: Draft, x: str) -> str:
    """QDepthwiseConv2D."""
    quantizer = draft.draw(quantizers.weights())
    options = {**_bias(draft), **_own_activation(draft), **_same_strides(_window(draft, x))}
    if draft.chance(25):
        options["depth_multiplier"] = 2
    return draft.add("QDepthwiseConv2D", x, depthwise_quantizer=quantizer, **options)


def separable(draft: Draft, x: str) -> str:
    """QSeparableConv1D, QSeparableConv2D."""
    rank = len(draft.shape(x)) - 1
    roles = {f"{role}_quantizer": draft.draw(quantizers.weights()) for role in ("depthwise", "pointwise")}
    window = _window(draft, x, dilation=False)
    options = {**_bias(draft), **_own_activation(draft), **window}
    return draft.add(f"QSeparableConv{rank}D", x, filters=draft.draw(st.integers(1, 4)), **roles, **options)


def folded(draft: Draft, x: str) -> str:
    """QConv2DBatchnorm, QDepthwiseConv2DBatchnorm."""
    window = _window(draft, x, dilation=False)
    quantizer, bias = draft.draw(quantizers.fixed_weights()), draft.draw(quantizers.fixed_weights())
    folding = draft.pick("ema_stats_folding", "batch_stats_folding")
    options = {**window, "bias_quantizer": None if draft.chance(15) else bias, "folding_mode": folding}
    if draft.chance(50):
        return draft.add("QDepthwiseConv2DBatchnorm", x, depthwise_quantizer=quantizer, **options)
    filters = draft.draw(st.integers(1, 4))
    return draft.add("QConv2DBatchnorm", x, filters=filters, kernel_quantizer=quantizer, **options)


def dense(draft: Draft, x: str) -> str:
    """QDense; on an image it works on each pixel."""
    units, kernel = draft.draw(st.integers(1, 6)), draft.draw(quantizers.weights())
    return draft.add("QDense", x, units=units, kernel_quantizer=kernel, **_bias(draft), **_own_activation(draft))


def normalization(draft: Draft, x: str) -> str:
    """BatchNormalization, QBatchNormalization, Rescaling."""
    if draft.chance(15):
        scale, offset = draft.draw(st.integers(-8, 8)) / 4, draft.draw(st.integers(-8, 8)) / 8
        return draft.add("Rescaling", x, scale=scale, offset=offset)
    switches = {"center": not draft.chance(20), "scale": not draft.chance(20)}
    return draft.add(draft.pick("BatchNormalization", "QBatchNormalization"), x, **switches)


def pooling(draft: Draft, x: str) -> str:
    """Maxima and means of windows, and of whole images."""
    image = draft.shape(x)[:-1]
    rank = len(image)
    kind = draft.pick("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling", "Q")
    if kind == "Q":
        kind, rank = draft.pick("QAveragePooling", "QGlobalAveragePooling") if rank == 2 else "AveragePooling", rank
    arguments: dict[str, Any] = {}
    if "Global" not in kind:
        arguments["pool_size"] = [draft.draw(st.integers(1, min(3, length))) for length in image]
        if kind == "AveragePooling":
            arguments["pool_size"] = [min(size, 2) for size in arguments["pool_size"]]
        if draft.chance(20):
            arguments["strides"] = [draft.draw(st.integers(1, 2)) for _ in image]
        if kind == "MaxPooling" and draft.chance(30):
            arguments["padding"] = "same"
        if rank == 1:
            arguments = {key: value[0] if isinstance(value, list) else value for key, value in arguments.items()}
    if kind.startswith("Q"):
        arguments["average_quantizer"] = draft.draw(quantizers.fixed_weights())
    elif kind == "GlobalAveragePooling" and int(np.prod(image)).bit_count() > 1:
        kind = "GlobalMaxPooling"
    return draft.add(f"{kind}{rank}D", x, **arguments)


def zero_padding(draft: Draft, x: str) -> str:
    """ZeroPadding1D, ZeroPadding2D."""
    rank = len(draft.shape(x)) - 1
    sides = [[draft.draw(st.integers(0, 2)) for _ in range(2)] for _ in range(rank)]
    return draft.add(f"ZeroPadding{rank}D", x, padding=sides if rank > 1 else sides[0])


def up_sampling(draft: Draft, x: str) -> str:
    """UpSampling1D, UpSampling2D."""
    rank = len(draft.shape(x)) - 1
    if rank == 1:
        return draft.add("UpSampling1D", x, size=draft.draw(st.integers(1, 2)))
    return draft.add("UpSampling2D", x, size=[draft.draw(st.integers(1, 2)) for _ in range(2)])


def rearranged(draft: Draft, x: str) -> str:
    """Reshape, Permute, Flatten."""
    shape = draft.shape(x)
    kind = draft.pick("Flatten", "Permute", "Reshape")
    if kind == "Permute" and len(shape) > 1:
        return draft.add("Permute", x, dims=draft.draw(st.permutations(range(1, len(shape) + 1))))
    if kind == "Reshape" and len(shape) > 1:
        return draft.add("Reshape", x, target_shape=[shape[-1], *shape[:-1]])
    return draft.add("Flatten", x)


def unquantized(draft: Draft, x: str) -> str:
    """Layers that do little or nothing."""
    kind = draft.pick("Activation", "ReLU", "Dropout", "GaussianNoise", "linear")
    arguments: dict[str, dict[str, Any]] = {
        "Activation": {"activation": "relu"},
        "Dropout": {"rate": 0.5},
        "GaussianNoise": {"stddev": 0.5},
    }
    if kind == "linear":
        return draft.add("Activation", x, activation="linear")
    return draft.add(kind, x, **arguments.get(kind, {}))


def cast(draft: Draft, x: str) -> str:
    """QActivation that is a cast."""
    return draft.add("QActivation", x, activation=draft.draw(quantizers.casts()))


def table(draft: Draft, x: str) -> str:
    """QActivation that is a table, mostly behind a cast to few bits."""
    if draft.chance(80):
        x = draft.add("QActivation", x, activation=draft.draw(quantizers.casts(most_bits=8)))
    return draft.add("QActivation", x, activation=draft.draw(quantizers.tables()))


def merged(draft: Draft, x: str) -> str:
    """Two branches from `x` that meet again."""
    branches = [_elementwise(draft, x), _elementwise(draft, x)]
    if draft.chance(20):
        branches.append(_elementwise(draft, x))
    kind = draft.pick("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate")
    if kind == "Subtract":
        branches = branches[:2]
    axes = len(draft.shape(x))
    arguments = {"axis": draft.draw(st.sampled_from([-1, *range(1, axes + 1)]))} if kind == "Concatenate" else {}
    return draft.add(kind, tuple(branches), **arguments)


def _elementwise(draft: Draft, x: str) -> str:
    return draft.pick(cast, table, _pixelwise)(draft, x)  # type: ignore[no-any-return]


def _pixelwise(draft: Draft, x: str) -> str:
    shape = draft.shape(x)
    x = draft.add("QDense", x, units=shape[-1], kernel_quantizer=draft.draw(quantizers.weights()), use_bias=False)
    return cast(draft, x)


Rule = Callable[[Draft, str], str]
ANYWHERE: tuple[Rule, ...] = (cast, dense, table, normalization, merged, unquantized)
ON_SEQUENCES: tuple[Rule, ...] = (convolution, pooling, separable, zero_padding, up_sampling, rearranged)
ON_IMAGES: tuple[Rule, ...] = (*ON_SEQUENCES, convolution, depthwise, folded)
RULES: dict[int, tuple[Rule, ...]] = {
    1: (*ANYWHERE, dense),
    2: (*ANYWHERE, *ON_SEQUENCES),
    3: (*ANYWHERE, *ON_IMAGES),
}
# Behind these, numbers are hardly wider than before.
NARROW: tuple[Rule, ...] = (cast, table, pooling, unquantized, rearranged)
