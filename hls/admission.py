"""What may be converted exactly, and what is refused, why, and what mends it.

hls4ml turns many QKeras models into something that computes other numbers without a word. So only what was
shown to be bit-exact is let through: every layer class, and every field of its configuration that changes
what it computes, must be in the table below.
"""

from __future__ import annotations

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
_CONVOLUTION = (_CHANNELS_LAST, _NO_ACTIVATION, _NO_DILATION, _NO_GROUPS)

LAYERS: dict[str, tuple[Rule, ...]] = {
    "InputLayer": (),
    "QActivation": (),
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
    "QDense": (_NO_ACTIVATION,),
    "MaxPooling1D": (_CHANNELS_LAST, _VALID_POOL),
    "MaxPooling2D": (_CHANNELS_LAST, _VALID_POOL),
    "Flatten": (_CHANNELS_LAST,),
    "Dropout": (),
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

ACTIVATIONS: dict[str, tuple[Rule, ...]] = {
    "quantized_bits": (
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
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        yield f"it has {len(model.inputs)} inputs and {len(model.outputs)} outputs; one of each is supported"
    names = [layer.name for layer in model.layers]
    for layer in model.layers:
        kind = type(layer).__name__
        if kind not in LAYERS:
            known = ", ".join(LAYERS)
            yield f"layer {layer.name}: {kind} is not among the layers that are known to convert exactly ({known})"
            continue
        config = layer.get_config()
        yield from _check(f"layer {layer.name} ({kind})", config, LAYERS[kind])
        if kind == "QActivation":
            yield from _quantizer(layer, "activation", layer.quantizer, ACTIVATIONS)
        if kind in ("QConv1D", "QConv2D", "QDense"):
            yield from _quantizer(layer, "kernel_quantizer", layer.kernel_quantizer_internal, WEIGHTS)
            if config["use_bias"]:
                yield from _quantizer(layer, "bias_quantizer", layer.bias_quantizer_internal, WEIGHTS)
        if len(layer.inbound_nodes) > 1:
            yield f"layer {layer.name}: it is used {len(layer.inbound_nodes)} times; make one layer per use"
    yield from _input_problems(model)
    reserved = sorted(set(names) & {"input", "output", "result", "weight", "bias"})
    if reserved:
        yield f"layer {reserved[0]}: hls4ml keeps this name for itself; rename the layer"


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
