"""The kinds of layers of the fixed-point graph: what each computes, and the facts that several modules need.

| Kind | Computes | Attributes | Weights |
|---|---|---|---|
| `Input` | the cast of the event | | |
| `Activation` | `x` or `max(x, 0)` | `activation`: `linear`, `relu` | |
| `UnaryLUT` | the table's entry at the bits of `x`, read as an unsigned number | | `table` [2**width of x] |
| `Dense` | `x @ weight + bias` | `n_in`, `n_out` | `weight` [n_in, n_out], `bias` |
| `Conv1D`, `Conv2D` | convolution (no flip) and bias | see below | `weight` [height, width, n_chan, n_filt], `bias` |
| `DepthwiseConv1D`, `DepthwiseConv2D` | the same by channel | see below | `weight` [height, width, n_chan, 1], `bias` |
| `Pooling1D`, `Pooling2D` | maximum or mean of windows | `pool_op`: `Max`, `Average`; `pool_*`, `stride_*`, `pad_*` | |
| `GlobalPooling1D`, `GlobalPooling2D` | maximum or mean of each channel | `pool_op` | |
| `BatchNormalization` | `x * scale + bias`, by channel (the last axis) | | `scale`, `bias` |
| `Merge` | element by element, of two inputs | `op`: `add`, `subtract`, `multiply`, `maximum`, `minimum` | |
| `Concatenate` | two inputs, one after the other | `axis`, without the batch, not negative | |
| `ZeroPadding1D`, `ZeroPadding2D` | zeros around `x` | `pad_*` | |
| `Resize` | each pixel repeated (nearest neighbour) | `factor_height` (2D), `factor_width` | |
| `Transpose` | axes in another order | `perm`, without the batch | |
| `Reshape` | the same values in row-major order | | |

1D layers have the shape [width, channels], 2D layers [height, width, channels]. A convolution has `stride_width`,
`pad_left`, `pad_right`, `filt_width`, `in_width`, `out_width`, `n_chan` and `n_filt`, in 2D also `stride_height`,
`pad_top`, `pad_bottom`, `filt_height`, `in_height` and `out_height`. Padding adds zeros; a window of a pooling
layer never counts them: the mean is over the pixels that are there, as in Keras.

`docs/howto/add_a_layer_kind.md` lists every module that must know a kind.
"""

from __future__ import annotations

from dataclasses import dataclass

_PAD1D = ("pad_left", "pad_right")
_PAD2D = (*_PAD1D, "pad_top", "pad_bottom")
_CONV1D = ("in_width", "n_chan", "n_filt", "filt_width", "stride_width", *_PAD1D, "out_width")
_CONV2D = (
    *_CONV1D, "in_height", "filt_height", "stride_height", "pad_top", "pad_bottom", "out_height",
)  # fmt: skip
_POOL1D = ("pool_op", "pool_width", "stride_width", *_PAD1D)
_POOL2D = (*_POOL1D, "pool_height", "stride_height", "pad_top", "pad_bottom")


@dataclass(frozen=True)
class Kind:
    """Facts of a kind of layer.

    Attributes:
        attributes: What defines the computation besides the weights, as hls4ml names it.
        weighted: It sums products with a matrix `weight`, so it has a strategy and a reuse factor.
        sums: It sums several values, so it has an accumulator.
        wires: In hardware it is wires alone: no logic, no clock cycle, and no layer of its own in the C simulation.
        each_value: It computes each value by itself, so it can share a unit with the layer in front.
    """

    attributes: tuple[str, ...] = ()
    weighted: bool = False
    sums: bool = False
    wires: bool = False
    each_value: bool = False


KINDS = {
    "Input": Kind(wires=True),
    "Activation": Kind(("activation",), each_value=True),
    "UnaryLUT": Kind(each_value=True),
    "Dense": Kind(("n_in", "n_out"), weighted=True, sums=True),
    "Conv1D": Kind(_CONV1D, weighted=True, sums=True),
    "Conv2D": Kind(_CONV2D, weighted=True, sums=True),
    "DepthwiseConv1D": Kind(_CONV1D, weighted=True, sums=True),
    "DepthwiseConv2D": Kind(_CONV2D, weighted=True, sums=True),
    "Pooling1D": Kind(_POOL1D, sums=True),
    "Pooling2D": Kind(_POOL2D, sums=True),
    "GlobalPooling1D": Kind(("pool_op",), sums=True),
    "GlobalPooling2D": Kind(("pool_op",), sums=True),
    "BatchNormalization": Kind(each_value=True),
    "Merge": Kind(("op",)),
    "Concatenate": Kind(("axis",)),
    "ZeroPadding1D": Kind(_PAD1D),
    "ZeroPadding2D": Kind(_PAD2D),
    "Resize": Kind(("factor_height", "factor_width")),
    "Transpose": Kind(("perm",)),
    "Reshape": Kind(wires=True),
}
"""Every kind by its name, which is the class name of hls4ml."""

WEIGHTED = frozenset(name for name, kind in KINDS.items() if kind.weighted)
SUMS = frozenset(name for name, kind in KINDS.items() if kind.sums)
WIRES = frozenset(name for name, kind in KINDS.items() if kind.wires)
EACH_VALUE = frozenset(name for name, kind in KINDS.items() if kind.each_value)
