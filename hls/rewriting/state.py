"""State of the walk over a model's layers, which adds the layers of the normal form."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.admission.lacking import lack
from trigcnn.hls.backends import FACTS
from trigcnn.hls.graph.intervals import LayerRange
from trigcnn.hls.graph.ranges import Range
from trigcnn.hls.names import Names
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rewriting.constants import FACTOR_BITS, Reals, ScaleAndShift
from trigcnn.hls.rewriting.layers import FLOAT, normal_layers
from trigcnn.hls.rewriting.quotients import Quotient
from trigcnn.hls.rewriting.ranges import bits, range_of

_FINE_BITS = 32
"""Bits of a grid that is finer than float32."""

# Layers that rules add.
_ADDED = ("Add", "BatchNormalization", "Maximum", "Minimum")


@dataclass(frozen=True)
class RewriteOptions:
    """What the normal form depends on besides the model.

    Attributes:
        io_type: hls4ml's.
        input_format: Number format of the digitiser; needed where the model does not quantize its input.
        resource: Names of the layers that use the Resource strategy.
        depthwise: Whether the back end has depthwise convolutions.
        mean: Whether the back end's average pooling keeps all bits.
        lacking: Classes of layers that hls4ml does not have with the back end, of those that rules add.
        narrowest: Bits of the narrowest number type of the back end.
    """

    io_type: Literal["io_parallel", "io_stream"]
    input_format: FixedPoint | None = None
    resource: frozenset[str] = frozenset()
    depthwise: bool = True
    mean: bool = True
    lacking: frozenset[str] = frozenset()
    narrowest: int = 1

    @classmethod
    def of(cls, model: Any, options: HlsOptions, input_format: FixedPoint | None) -> RewriteOptions:
        """Return what the options of a project say of a model."""
        facts = FACTS[options.backend]
        resource = frozenset(layer.name for layer in model.layers if options.strategy_of(layer.name) == "Resource")
        lacking = frozenset(kind for kind in _ADDED if lack(kind, options.backend, options.io_type, axes=0))
        depthwise = options.io_type in facts.depthwise
        return cls(options.io_type, input_format, resource, depthwise, facts.mean, lacking, facts.narrowest)


@dataclass
class Rewriter:
    """State of the walk.

    Attributes:
        options: See `RewriteOptions`.
        names: The names of the normal form's layers.
        changes: Lines of `NormalForm.changes`.
        formats: See `NormalForm`.
        finished: Names of the layers whose results leave the model.
        ranges: Ranges of the layers, as far as they were asked for, by name.
        added: The layers that were added so far.
        before_activation: What the argument `activation` of the layer at hand is applied to; None if it has none.
        divided: See `NormalForm`.
        bias_errors: See `NormalForm`.
        unrolled: See `NormalForm`.
    """

    options: RewriteOptions
    names: Names = field(default_factory=Names)
    changes: list[str] = field(default_factory=list)
    formats: dict[str, FixedPoint] = field(default_factory=dict)
    finished: frozenset[str] = frozenset()
    ranges: dict[str, LayerRange] = field(default_factory=dict)
    added: list[Any] = field(default_factory=list)
    before_activation: Any = None
    divided: set[str] = field(default_factory=set)
    bias_errors: dict[str, Reals] = field(default_factory=dict)
    unrolled: set[str] = field(default_factory=set)
    outputs_changed: bool = False

    def quantize(
        self,
        x: Any,
        name: str,
        role: str,
        number_format: FixedPoint | None = None,
        function: Any = None,
        *,
        detour: float = 0.0,
    ) -> Any:
        """Add a `Quantize` layer; `detour` is what the model adds and subtracts again, see `activations.Clipped`."""
        layer = normal_layers().Quantize(role, number_format, function, detour=detour, name=name)
        result = self._added(layer, x)
        if number_format is not None:
            self.formats[name] = number_format
        return result

    def scale_shift(self, x: Any, name: str, constants: ScaleAndShift) -> Any:
        """Add a `ScaleShift` layer."""
        return self._added(normal_layers().ScaleShift(constants, name=name), x)

    def scale_shift_nearly(self, x: Any, name: str, scale: Reals, shift: Reals) -> Any:
        """Add a `ScaleShift` layer that is as exact as float32, and round what it makes of more than 32 bits.

        Args:
            x: What is multiplied.
            name: Name of the layer.
            scale: [channels].
            shift: [channels].
        """
        x = self.narrowed(x, name)
        constants = ScaleAndShift.nearly(scale, shift, np.abs(shift), self.range_of(x))
        return self._on_grid(self.scale_shift(x, name, constants), name, _FINE_BITS)

    def narrowed(self, x: Any, name: str) -> Any:
        """Round sums to a grid that is finer than float32, where they have too many bits to be multiplied.

        Args:
            x: The sums.
            name: Name of the layer that multiplies them.
        """
        return self._on_grid(x, name, FACTOR_BITS)

    def _on_grid(self, x: Any, name: str, most_bits: int) -> Any:
        values = self.range_of(x)
        dropped = bits(values) - most_bits
        if dropped <= 0:
            return x
        rounded = values.rounded(values.fraction - dropped, "RND_CONV")
        held = replace(rounded.format(), rounding="RND_CONV", overflow="SAT")
        return self.quantize(x, self.names.added(name, "grid"), "grid", held)

    def divide(self, x: Any, name: str, divisor: int, quotient: Quotient) -> Any:
        """Add a `Divide` layer."""
        self.formats[name] = quotient.result
        return self._added(normal_layers().Divide(divisor, quotient, name=name), x)

    def plain(self, kind: str, name: str, inputs: Any, weights: Any = (), **options: Any) -> Any:
        """Add a layer of Keras, with constant weights."""
        keras = sys.modules["tf_keras"]
        layer = getattr(keras.layers, kind)(name=name, dtype=FLOAT, **options)
        result = self._added(layer, inputs)
        if len(weights):
            layer.set_weights(list(weights))
        return result

    def range_of(self, x: Any) -> Range:
        """Return the values that a tensor can take."""
        return range_of(x, self.ranges).result

    def _added(self, layer: Any, inputs: Any) -> Any:
        self.added.append(layer)
        return layer(inputs)
