"""What may be converted exactly, and what is refused, why, and what mends it.

hls4ml turns many QKeras models into something that computes other numbers without a word. So only what was
shown to be bit-exact is let through: every layer class, and every field of its configuration that changes
what it computes, must be in the table below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hls.errors import AdmissionError

Check = Callable[[Any], bool]


@dataclass(frozen=True)
class Rule:
    """One field of a configuration that must have one of the values that convert exactly.

    Attributes:
        field: Name in the layer's or quantizer's configuration.
        admitted: Tells whether a value is exact.
        otherwise: What would go wrong with another value.
        mend: What the user can do.
    """

    field: str
    admitted: Check
    otherwise: str
    mend: str


def _is(*values: Any) -> Check:
    return lambda value: any(
        (value == v and isinstance(value, bool) == isinstance(v, bool)) or value is v for v in values
    )


def _ones(value: Any) -> bool:
    return all(v == 1 for v in (value if isinstance(value, (list, tuple)) else [value]))


def _plain_alpha(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == 1


_CHANNELS_LAST = Rule(
    "data_format", _is("channels_last"), "hls4ml reads the data in the wrong order", "use channels_last"
)
_NO_ACTIVATION = Rule(
    "activation",
    _is(None, "linear"),
    "an activation inside the layer is converted with a number format of its own",
    "make it a QActivation layer of its own behind this one",
)
_NO_DILATION = Rule(
    "dilation_rate",
    _ones,
    "hls4ml ignores the dilation",
    "use dilation_rate=1 and a larger kernel with zeros",
)
_NO_GROUPS = Rule("groups", _is(1), "hls4ml ignores the groups", "use groups=1")
_VALID_POOL = Rule(
    "padding",
    _is("valid"),
    "hls4ml pads with a number that may be larger than the pixels (io_parallel) or aborts (io_stream)",
    "use padding='valid'",
)
_FLOAT32 = Rule(
    "dtype",
    _is("float32"),
    "Keras rounds its values to this type, or truncates them to whole numbers, and the hardware does not",
    "use float32",
)
_CONVOLUTION = (_FLOAT32, _CHANNELS_LAST, _NO_ACTIVATION, _NO_DILATION, _NO_GROUPS)

LAYERS: dict[str, tuple[Rule, ...]] = {
    "InputLayer": (_FLOAT32,),
    "QActivation": (_FLOAT32,),
    "QConv1D": (
        *_CONVOLUTION,
        Rule(
            "padding",
            _is("valid", "same"),
            "causal padding is converted as another one",
            "use 'valid' or 'same'",
        ),
    ),
    "QConv2D": _CONVOLUTION,
    "QDense": (_FLOAT32, _NO_ACTIVATION),
    "MaxPooling1D": (_FLOAT32, _CHANNELS_LAST, _VALID_POOL),
    "MaxPooling2D": (_FLOAT32, _CHANNELS_LAST, _VALID_POOL),
    "Flatten": (_FLOAT32, _CHANNELS_LAST),
    "Dropout": (_FLOAT32,),
}

_ALPHA = Rule(
    "alpha",
    _plain_alpha,
    "the scale is dropped or rounded (differences of 0.03 and more)",
    "use alpha=1 and fine-tune",
)
_NO_STOCHASTIC = Rule(
    "use_stochastic_rounding",
    _is(False, 0),
    "the hardware cannot round at random",
    "use use_stochastic_rounding=False",
)
_NO_NOISE = Rule(
    "qnoise_factor",
    _is(1, 1.0),
    "the hardware quantizes fully, the model only in part",
    "use qnoise_factor=1",
)

_WHOLE_BITS = Rule(
    "bits",
    lambda value: int(value) == value,
    "a number format has whole bits",
    "use a whole number",
)

ACTIVATIONS: dict[str, tuple[Rule, ...]] = {
    "quantized_bits": (
        _WHOLE_BITS,
        Rule(
            "bits",
            lambda value: bool(value >= 2),
            "QKeras takes one bit for -1 and 1, hls4ml for -1 and 0",
            "use 2 bits or more",
        ),
        _ALPHA,
        _NO_STOCHASTIC,
        _NO_NOISE,
        Rule(
            "symmetric",
            _is(False, 0),
            "hls4ml ignores it: the most negative value differs",
            "use symmetric=0",
        ),
        Rule(
            "keep_negative",
            _is(True, 1),
            "hls4ml ignores it and takes the top bit for a sign",
            "use quantized_relu for unsigned values, or one bit more and keep_negative=True",
        ),
    ),
    "quantized_relu": (
        _WHOLE_BITS,
        _NO_STOCHASTIC,
        _NO_NOISE,
        Rule("use_sigmoid", _is(False, 0), "hls4ml ignores it", "use use_sigmoid=0"),
        Rule("negative_slope", _is(0, 0.0), "hls4ml cannot convert it exactly", "use negative_slope=0"),
        Rule(
            "relu_upper_bound",
            _is(None),
            "hls4ml ignores it (differences of 1.4)",
            "choose bits and integer such that the range ends where the bound is",
        ),
    ),
}

WEIGHTS: dict[str, tuple[Rule, ...]] = {
    "quantized_bits": (
        _ALPHA,
        _NO_STOCHASTIC,
        _NO_NOISE,
        Rule(
            "keep_negative",
            _is(True, 1),
            "hls4ml gives the weights a signed format of too few bits",
            "use keep_negative=True",
        ),
    ),
}


# The layers that multiply by weights, and so have a strategy and a reuse factor.
WEIGHTED = ("QConv1D", "QConv2D", "QDense")


def admit(model: Any) -> None:
    """Let a QKeras model through only if its conversion is known to be exact.

    Args:
        model: Keras 2 model (Sequential or functional).

    Raises:
        AdmissionError: It holds something else; the message lists each case with layer, field, value,
            reason and mend.
    """
    problems = list(_problems(model))
    if problems:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise AdmissionError(f"the model cannot be converted exactly:{lines}")


def _problems(model: Any) -> Iterator[str]:
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        yield "its layers are not known before it is called; build it as a functional or Sequential model with an Input"
        return
    if len(inputs) != 1 or len(outputs) != 1:
        yield f"it has {len(inputs)} inputs and {len(outputs)} outputs; one of each is supported"
    for layer in _layers(model):
        kind = type(layer).__name__
        if kind not in LAYERS:
            known = ", ".join(LAYERS)
            yield f"layer {layer.name}: {kind} is not among the layers that are known to convert exactly ({known})"
            continue
        config = layer.get_config()
        yield from _check(f"layer {layer.name} ({kind})", config, LAYERS[kind])
        if kind == "QActivation":
            yield from _quantizer(layer, "activation", layer.quantizer, ACTIVATIONS)
        if kind in WEIGHTED:
            yield from _quantizer(layer, "kernel_quantizer", layer.kernel_quantizer_internal, WEIGHTS)
            if config["use_bias"]:
                yield from _quantizer(layer, "bias_quantizer", layer.bias_quantizer_internal, WEIGHTS)
        if kind == "QDense" and len(layer.input_shape) != 2:
            yield (
                f"layer {layer.name} (QDense): its input has the shape {layer.input_shape[1:]}, and hls4ml leaves the "
                "weights of a dense layer on images unquantized; put a Flatten in front or use a 1x1 convolution"
            )
        if len(layer.inbound_nodes) > 1:
            yield f"layer {layer.name}: it is used {len(layer.inbound_nodes)} times; make one layer per use"
        yield from _name_problems(layer.name)
        yield from _order_problems(layer)
        if any(node.call_kwargs.get("training") for node in layer.inbound_nodes):
            yield f"layer {layer.name}: it is called with training=True, at random; call it without"
    yield from _input_problems(model)


def _layers(model: Any) -> list[Any]:
    """Give all layers; a Sequential model does not list its input layer itself."""
    inputs = [tensor.node.layer for tensor in model.inputs]
    return [*(layer for layer in inputs if layer not in model.layers), *model.layers]


def _name_problems(name: str) -> Iterator[str]:
    """The names go into C++, and into a search for weights by parts of their names."""
    where = f"layer {name}"
    if name in _RESERVED:
        yield f"{where}: hls4ml keeps this name for itself; rename the layer"
    elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or "__" in name or name.endswith("_"):
        yield f"{where}: the name is no plain C identifier; use letters, digits and single underscores"
    elif re.fullmatch(r"(clone|repack|zp[12]d)_.*|.*_linear", name):
        yield f"{where}: hls4ml gives such names to layers that it adds, and mixes them up; rename the layer"
    elif "bias" in name:
        yield f"{where}: hls4ml takes the kernel for the bias of a layer with bias in its name; rename the layer"


def _order_problems(layer: Any) -> Iterator[str]:
    """hls4ml moves quantized_bits into the layer in front of it, in place of the rounding done there."""
    if type(layer).__name__ != "QActivation":
        return
    before = [before for before in _before(layer) if type(before).__name__ != "Dropout"]
    if type(before[0]).__name__ == "Flatten":
        yield (
            f"layer {layer.name}: hls4ml takes its values in another order behind layer {before[0].name} (io_stream); "
            "put the QActivation in front of the Flatten"
        )
    passing = ("Flatten", "MaxPooling1D", "MaxPooling2D")
    first = next(b for b in before if type(b).__name__ not in passing)
    if type(layer.quantizer).__name__ == "quantized_bits" and type(first).__name__ == "QActivation":
        yield (
            f"layer {layer.name}: layer {first.name} has rounded its values already, and hls4ml rounds only once; "
            "keep one of both quantizers"
        )


def _before(layer: Any) -> Iterator[Any]:
    """Walk from a layer to the input of the model."""
    while layer.inbound_nodes and not isinstance(layer.inbound_nodes[0].inbound_layers, list):
        layer = layer.inbound_nodes[0].inbound_layers
        yield layer


# The last two with _t behind them are types of C.
_RESERVED = ("input", "output", "result", "weight", "bias", "accum", "float", "double")


def _quantizer(layer: Any, field: str, quantizer: Any, table: dict[str, tuple[Rule, ...]]) -> Iterator[str]:
    where = f"layer {layer.name} ({type(layer).__name__}), {field}"
    kind = type(quantizer).__name__
    if quantizer is None:
        yield f"{where}: none is set, so hls4ml chooses a number format; set quantized_bits(..., alpha=1)"
    elif kind not in table:
        yield f"{where}: {kind} is not known to convert exactly; use {' or '.join(table)}"
    else:
        yield from _check(f"{where}={kind}", quantizer.get_config(), table[kind], quantizer)


def _check(where: str, config: dict[str, Any], rules: tuple[Rule, ...], source: Any = None) -> Iterator[str]:
    for rule in rules:
        if rule.field not in config and not hasattr(source, rule.field):
            continue
        # QKeras leaves some arguments out of the configuration.
        value: Any = config.get(rule.field, getattr(source, rule.field, None))
        if getattr(value, "size", 0) == 1:
            value = value.item()
        if not rule.admitted(value):
            yield f"{where}: {rule.field}={value!r}: {rule.otherwise}; {rule.mend}"


def _input_problems(model: Any) -> Iterator[str]:
    """Without a quantizer right behind it, hls4ml rounds the input to fixed<16,6> first."""
    for tensor in model.inputs:
        layer = tensor.node.layer
        followers = [node.outbound_layer for node in layer.outbound_nodes]
        if [type(follower).__name__ for follower in followers] != ["QActivation"] or (
            type(followers[0].quantizer).__name__ != "quantized_bits"
        ):
            yield (
                f"layer {layer.name}: the input is not quantized, so hls4ml rounds it in a way of its own; begin the "
                "model with QActivation(quantized_bits(bits, integer, symmetric=0, alpha=1)) in the data set's format"
            )
