"""Reuse factors: how many products of an event, or of a pixel, share one multiplier.

hls4ml takes a layer as the product of a vector of `n_in` values with a matrix of `n_in` x `n_out` weights; for a
convolution the vector is what the kernel covers. hls4ml changes a reuse factor that does not divide the work evenly,
and only prints a line (`hls4ml/backends/fpga/fpga_backend.py`, `set_closest_reuse_factor`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from trigcnn.hls.backends import FACTS
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Layer
from trigcnn.hls.options import Backend, HlsOptions, IoType, Strategy

_SHOWN = 4


def valid_reuse_factors(n_in: int, n_out: int) -> tuple[int, ...]:
    """Return the reuse factors that divide a matrix of weights evenly, in ascending order.

    hls4ml asks three things of a reuse factor r: r < n_in or n_in divides r; n_out divides n_in * n_out / r where r <
    n_in; and r divides n_in * n_out. Those below n_in are then the divisors of n_in, the others n_in times a divisor of
    n_out.

    >>> valid_reuse_factors(6, 4)
    (1, 2, 3, 6, 12, 24)
    """
    return tuple(sorted({*_divisors(n_in), *(n_in * divisor for divisor in _divisors(n_out))}))


def _divisors(number: int) -> Iterator[int]:
    for low in range(1, int(number**0.5) + 1):
        if number % low == 0:
            yield low
            yield number // low


def matrix(layer: Layer) -> tuple[int, int] | None:
    """Return `n_in` and `n_out` of a layer, as hls4ml counts them; None if it has no weights."""
    if layer.kind == "Dense":
        return layer.integer("n_in"), layer.integer("n_out")
    if "Conv" not in layer.kind:
        return None
    window = layer.integer("filt_width") * (layer.integer("filt_height") if "2D" in layer.kind else 1)
    return window * layer.integer("n_chan"), layer.integer("n_filt")


def possible(
    n_in: int, n_out: int, *, backend: Backend, strategy: Strategy, io_type: IoType, convolution: bool
) -> tuple[int, ...] | None:
    """Return the reuse factors that a layer can have, in ascending order; None if any whole number is possible.

    Args:
        n_in: Values that one output needs.
        n_out: Outputs, of a pixel for a convolution.
        backend: Tool that the project is for.
        strategy: The layer's. With `Latency`, a reuse factor is only the interval that the tool is asked for, and a
            limit on multipliers; some backends have no such strategy.
        io_type: How values go from layer to layer.
        convolution: Whether it is one. In io_parallel with `Resource`, it uses a multiplier for one filter only: the
            assertion in `nnet_conv2d_resource.h`.
    """
    if strategy == "Latency" and strategy in FACTS[backend].strategies:
        return None
    valid = valid_reuse_factors(n_in, n_out)
    alone = convolution and io_type == "io_parallel"
    return tuple(factor for factor in valid if factor <= n_in) if alone else valid


def nearest(wanted: int, factors: tuple[int, ...]) -> tuple[int, ...]:
    """Return the next lower and the next higher of some reuse factors in ascending order, or the only one.

    >>> nearest(5, (1, 2, 3, 6, 12)), nearest(99, (1, 2))
    ((3, 6), (2,))
    """
    place = bisect_left(factors, wanted)
    return factors[max(place - 1, 0) : place + 1]


def of_model(model: Any, options: HlsOptions) -> Iterator[tuple[str, tuple[int, ...] | None]]:
    """Return each layer's name and its possible reuse factors, as far as the unconverted model shows them.

    Args:
        model: Keras 2 model with its weights. Layers that become several in the conversion are left out.
        options: Options of the project.
    """
    for layer in model.layers:
        kind = type(layer).__name__.removeprefix("Q").removesuffix("Batchnorm")
        if kind in ("Dense", "Conv1D", "Conv2D"):
            *window, n_out = (int(size) for size in layer.kernel.shape)
            yield (
                layer.name,
                possible(
                    math.prod(window),
                    n_out,
                    backend=options.backend,
                    strategy=options.strategy_of(layer.name),
                    io_type=options.io_type,
                    convolution=kind != "Dense",
                ),
            )


def check_model(model: Any, options: HlsOptions) -> None:
    """Check reuse factors before training, as far as the unconverted model shows them.

    Args:
        model: Keras 2 model with its weights. Layers that become several in the conversion are checked there.
        options: Options of the project.

    Raises:
        ConversionError: A layer cannot have its reuse factor; the message names the nearest that it can have.
    """
    for name, factors in of_model(model, options):
        wanted = options.reuse_factor_of(name)
        if factors is not None and wanted not in factors and not options.takes_nearest(name):
            raise ConversionError(refusal(name, wanted, factors, of_all=not options.has_own_reuse_factor(name)))


def refusal(name: str, wanted: int, factors: tuple[int, ...], *, of_all: bool = False) -> str:
    """Return the message that a layer cannot have a reuse factor, with the nearest possible ones.

    Args:
        name: Name of the layer.
        wanted: The factor that is asked for.
        factors: Those that are possible.
        of_all: Whether the factor is set for the whole network.
    """
    near = " or ".join(map(str, nearest(wanted, factors)))
    listed = ", ".join(map(str, factors[:_SHOWN])) + (f", ... {factors[-1]}" if len(factors) > _SHOWN else "")
    return (
        f"layer {name}: reuse_factor {wanted} is not possible; set hls.layers.{name}.reuse_factor to {near} "
        f"(possible: {listed})" + (", or set hls.reuse_factor_policy: nearest" if of_all else "")
    )
