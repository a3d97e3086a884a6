"""Activations as casts, factors and limits: exact behind sums of any width, and without a table."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.admission import label
from trigcnn.hls.rewriting.constants import ScaleAndShift
from trigcnn.hls.rewriting.quantizers import common_format, plain
from trigcnn.hls.rewriting.state import Rewriter

_CONSTANT_BITS = 16
"""Bits of a limit that costs no more than a value does."""

_TWICE_LESS_ONE = 2.0
"""Detour of `2 * sigmoid(x) - 1`, where the sigmoid of zero is 1/2."""


@dataclass(frozen=True)
class Clipped:
    """`clip(cast(x * scale + shift), low, high)`; without a cast or a limit that is None.

    Attributes:
        scale: A factor.
        shift: A summand.
        cast: A number format.
        low: Lower limit.
        high: Upper limit.
        detour: Sum of the magnitudes of what the model adds before the cast and subtracts again, which rounds in
            float32.
    """

    scale: float = 1.0
    shift: float = 0.0
    cast: FixedPoint | None = None
    low: float | None = None
    high: float | None = None
    detour: float = 0.0

    @property
    def words(self) -> str:
        """What an activation became, for the report."""
        parts = [] if self.scale == 1 else [f"the factor {self.scale:g}"]
        parts += [f"the summand {self.shift:g}"] if self.shift else []
        parts += [] if self.cast is None else [f"a cast to {self.cast}"]
        limits = ", ".join(f"{end:g}" for end in (self.low, self.high) if end is not None)
        return ", ".join([*parts, *([f"limits ({limits})"] if limits else [])])


@dataclass(frozen=True)
class Sloped:
    """`positive(x)` for positive values and `negative(x * slope)` for others, which is the larger of both.

    Attributes:
        slope: A positive number below one; above one, the smaller of both is taken.
        positive: Cast of `x`; None for none.
        negative: Cast of `x * slope`, to numbers as fine; the smallest is that of the other cast, times the slope.
        high: Upper limit of the result.
    """

    slope: float
    positive: FixedPoint | None = None
    negative: FixedPoint | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """What an activation became, for the report."""
        exact = math.frexp(self.slope)[0] == 0.5
        return "a shift and a choice" if exact else "a factor, which is as exact as float32, and a choice"


def exact_form(quantizer: Any) -> Clipped | Sloped | None:
    """Return the form of an activation function, a quantizer or a ReLU layer of Keras; None if only a table is exact.

    Read in QKeras 0.9.0, `quantizers.py`, and tf_keras, `activations.relu`.
    """
    kind = label(quantizer)
    if kind in ("ReLU", "LeakyReLU"):
        return _relu(quantizer)
    if kind in _FUNCTIONS:
        return _FUNCTIONS[str(kind)]
    if kind not in ("quantized_relu", "quantized_tanh", "quantized_sigmoid"):
        return None
    if int(plain(quantizer.bits)) < 2:
        # Some back ends have no number of one bit.
        return None
    if kind == "quantized_relu":
        return _quantized_relu(quantizer)
    return _quantized_tanh(quantizer) if kind == "quantized_tanh" else _quantized_sigmoid(quantizer)


def add(state: Rewriter, x: Any, name: str, form: Clipped | Sloped) -> Any:
    """Add the layers of a form; the last one has the given name."""
    if isinstance(form, Sloped):
        chosen = name if form.high is None else state.names.added(name, "chosen")
        x = _chosen(state, x, name, chosen, form)
        if form.high is None:
            return x
        form = Clipped(high=form.high)
    steps = _steps(form)
    for number, step in enumerate(steps, 1):
        own = name if number == len(steps) else state.names.added(name, f"step{number}")
        if step == "relu":
            x = state.quantize(x, own, "relu")
        elif isinstance(step, FixedPoint):
            x = state.quantize(x, own, "cast", step, detour=form.detour)
        else:
            x = _scaled(state, x, own, *step)
    return x


def possible(state: Rewriter, form: Clipped | Sloped) -> bool:
    """Return whether the back end has the layers of a form."""
    needed = set()
    if isinstance(form, Sloped):
        needed |= {"BatchNormalization", "Maximum", "Minimum"}
    elif any(isinstance(step, tuple) for step in _steps(form)):
        needed.add("BatchNormalization")
    return not needed & state.options.lacking


_Step = FixedPoint | Literal["relu"] | tuple[float, float]
"""A cast, a cut at zero, or a factor and a summand."""


def _steps(form: Clipped) -> list[_Step]:
    """Limits are differences that are cut off: `low + relu(x - low)`, and then `high - relu(high - x)`."""
    steps: list[_Step] = []
    scale, shift = form.scale, form.shift
    if form.cast is not None:
        steps += [(scale, shift), form.cast]
        scale, shift = 1.0, 0.0
    if form.low is not None:
        steps += [(scale, shift - form.low), "relu"]
        scale, shift = 1.0, form.low
    if form.high is not None:
        steps += [(-scale, form.high - shift), "relu"]
        scale, shift = -1.0, form.high
    return [step for step in [*steps, (scale, shift)] if step != (1, 0)]


def _chosen(state: Rewriter, x: Any, name: str, chosen: str, form: Sloped) -> Any:
    negative = _scaled(state, x, state.names.added(name, "shifted"), form.slope, 0.0)
    if form.positive is not None and form.negative is not None:
        x = state.quantize(x, state.names.added(name, "positive"), "cast", form.positive)
        negative = state.quantize(negative, state.names.added(name, "negative"), "cast", form.negative)
    return state.plain("Maximum" if form.slope < 1 else "Minimum", chosen, [x, negative])


def _scaled(state: Rewriter, x: Any, name: str, scale: float, shift: float) -> Any:
    channels = int(x.shape[-1])
    factors, summands = np.full(channels, scale), np.full(channels, shift)
    if not _few_bits(scale):
        return state.scale_shift_nearly(x, name, factors, summands)
    return state.scale_shift(x, name, ScaleAndShift.exactly(factors, summands, state.range_of(x)))


def _few_bits(*values: float | None) -> bool:
    return common_format([value for value in values if value is not None]).width <= _CONSTANT_BITS


def _relu(layer: Any) -> Clipped | Sloped | None:
    config = {field: plain(value) for field, value in layer.get_config().items()}
    slope = config.get("alpha", config.get("negative_slope", 0)) or 0
    high = config.get("max_value")
    if config.get("threshold") or not _few_bits(high):
        return None
    if slope:
        return Sloped(float(np.float32(slope)), high=high) if slope > 0 and slope != 1 else None
    return Clipped(low=0.0, high=high)


def _sigmoid() -> tuple[float, float] | None:
    """Return slope and value at zero of QKeras' internal sigmoid between its limits; None if it is not linear."""
    quantizers = sys.modules["qkeras.quantizers"]
    return {quantizers.hard_sigmoid: (0.5, 0.5), quantizers.smooth_sigmoid: (0.1875, 0.5)}.get(quantizers._sigmoid)


def _quantized_tanh(quantizer: Any) -> Clipped | None:
    sigmoid = _sigmoid()
    if quantizer.use_real_tanh or sigmoid is None:
        return None
    taken = FixedPoint(True, int(quantizer.bits), 1, "RND_CONV", "SAT_SYM" if quantizer.symmetric else "SAT")
    return Clipped(2 * sigmoid[0], 0.0, taken, detour=_TWICE_LESS_ONE)


def _quantized_sigmoid(quantizer: Any) -> Clipped | None:
    sigmoid = _sigmoid()
    if quantizer.use_real_sigmoid or sigmoid is None:
        return None
    taken = FixedPoint(False, int(quantizer.bits), 0, "RND_CONV", "SAT")
    return Clipped(*sigmoid, taken, low=taken.lsb if quantizer.symmetric else None)


def _quantized_relu(quantizer: Any) -> Clipped | Sloped | None:
    bits, integer, slope = (int(plain(quantizer.bits)), int(plain(quantizer.integer)), plain(quantizer.negative_slope))
    bounded = quantizer.relu_upper_bound is not None and not quantizer.is_quantized_clip
    high = float(np.float32(quantizer.relu_upper_bound)) if bounded else None
    if not _few_bits(high) or (high is not None and high < 0):
        return None
    if slope:
        shift = -round(math.log2(slope))
        if quantizer.use_sigmoid or bounded or not 0 < shift <= bits - 2:
            return None
        positive = FixedPoint(True, bits, integer + 1, "RND_CONV", "SAT")
        return Sloped(slope, positive, FixedPoint(True, bits - shift, integer + 1 - shift, "RND_CONV", "SAT"))
    if not quantizer.use_sigmoid:
        return Clipped(cast=FixedPoint(False, bits, integer, "RND_CONV", "SAT"), high=high)
    sigmoid = _sigmoid()
    if sigmoid is None:
        return None
    # Twice the sigmoid less one, in steps of twice the last bit; but its largest value is one last bit below the range.
    taken = FixedPoint(False, bits, integer + 1, "RND_CONV", "SAT")
    largest = 2.0**integer - taken.lsb / 2
    largest = largest if high is None else min(largest, high)
    return Clipped(2 * sigmoid[0], 0.0, taken, high=largest, detour=_TWICE_LESS_ONE)


_FUNCTIONS = {
    "hard_tanh": Clipped(1.0, 0.0, low=-1.0, high=1.0),
    "smooth_tanh": Clipped(0.375, 0.0, low=-1.0, high=1.0),
    "hard_sigmoid": Clipped(0.5, 0.5, low=0.0, high=1.0),
    "smooth_sigmoid": Clipped(0.1875, 0.5, low=0.0, high=1.0),
}
