from __future__ import annotations

import re
from typing import Any

import pytest

from hls.admission import admit
from hls.errors import AdmissionError
from hls.fixed_point import FixedPoint
from models import zoo
from models.keras2 import bring_up


def bits(width: Any = 4, integer: Any = 0, **options: Any) -> Any:
    return bring_up().qkeras.quantized_bits(width, integer, **{"symmetric": 0, "alpha": 1, **options})


def relu(width: int = 4, integer: int = 2, **options: Any) -> Any:
    return bring_up().qkeras.quantized_relu(width, integer, **options)


def activation(quantizer: Any, name: str = "act") -> Any:
    return bring_up().qkeras.QActivation(quantizer, name=name)


def convolution(**options: Any) -> Any:
    defaults = {"filters": 2, "kernel_size": 3, "kernel_quantizer": bits(), "bias_quantizer": bits(), "name": "conv"}
    return bring_up().qkeras.QConv2D(**{**defaults, **options})


def dense(**options: Any) -> Any:
    defaults = {"units": 2, "kernel_quantizer": bits(), "bias_quantizer": bits(), "name": "dense"}
    return bring_up().qkeras.QDense(**{**defaults, **options})


def layer(kind: str, *arguments: Any, **options: Any) -> Any:
    return getattr(bring_up().keras.layers, kind)(*arguments, **options)


def chain(*layers: Any, shape: tuple[int, ...] = (6, 6, 4), first: Any = None, **options: Any) -> Any:
    """A model of an input quantizer and some layers."""
    keras = bring_up().keras
    inputs = keras.Input(shape, name="events", **options)
    x = activation(bits(6, 2) if first is None else first, "input_quantizer")(inputs)
    for each in layers:
        x = each(x)
    return keras.Model(inputs, x)


def refusal(model: Any) -> str:
    with pytest.raises(AdmissionError, match=r"^the model cannot be converted exactly:\n  - ") as caught:
        admit(model)
    (problem,) = re.findall(r"\n  - (.*)", str(caught.value))
    return str(problem)


@pytest.mark.parametrize("options", [{}, {"hidden_units": 4, "padding": "same", "dropout": 0.5}])
@pytest.mark.parametrize("number_format", ["ufixed<4,0>", "fixed<8,3>", "ufixed<5,5>"])
def test_the_zoo_is_admitted(number_format: str, options: dict[str, Any]) -> None:
    admit(zoo.available()["lenet"]((8, 8, 1), 10, FixedPoint.parse(number_format), **options))


def test_all_that_is_known_to_be_exact_is_admitted() -> None:
    admit(
        chain(
            convolution(strides=2, padding="same", use_bias=False, bias_quantizer=None),
            layer("Dropout", 0.5),
            activation("quantized_relu(4,2)", "relu"),
            layer("MaxPooling2D", 2, strides=1),
            layer("Flatten"),
            dense(kernel_quantizer="quantized_bits(4,0,1,alpha=1)"),
            activation(bits(6, 6)),
        )
    )


# Each row: the layers behind the input quantizer, and what the message must say of layer, field, value and mend.
REFUSED: dict[str, tuple[Any, str]] = {
    "dilation": (
        lambda: chain(convolution(dilation_rate=2)),
        "layer conv (QConv2D): dilation_rate=(2, 2): hls4ml ignores the dilation; use dilation_rate=1",
    ),
    "activation inside": (
        lambda: chain(convolution(activation=relu())),
        "layer conv (QConv2D): activation=",
    ),
    "activation inside, as text": (
        lambda: chain(layer("Flatten"), dense(activation="quantized_relu(4,2)")),
        "layer dense (QDense): activation=",
    ),
    "causal": (
        lambda: chain(
            bring_up().qkeras.QConv1D(
                2, 2, padding="causal", kernel_quantizer=bits(), bias_quantizer=bits(), name="conv"
            ),
            shape=(6, 2),
        ),
        "layer conv (QConv1D): padding='causal': causal padding is converted as another one; use 'valid' or 'same'",
    ),
    "pool padding": (
        lambda: chain(layer("MaxPooling2D", 2, padding="same", name="pool")),
        "layer pool (MaxPooling2D): padding='same': ",
    ),
    "pool padding in one dimension": (
        lambda: chain(layer("MaxPooling1D", 2, padding="same", name="pool"), shape=(6, 2)),
        "layer pool (MaxPooling1D): padding='same': ",
    ),
    "channels first, convolution": (
        lambda: chain(convolution(data_format="channels_first")),
        "layer conv (QConv2D): data_format='channels_first': hls4ml reads the data in the wrong order",
    ),
    "channels first, flatten": (
        lambda: chain(layer("Flatten", data_format="channels_first", name="flat")),
        "layer flat (Flatten): data_format='channels_first': ",
    ),
    "channels first, pool": (
        lambda: chain(layer("MaxPooling2D", 2, data_format="channels_first", name="pool")),
        "layer pool (MaxPooling2D): data_format='channels_first': ",
    ),
    "half precision": (
        lambda: chain(layer("Flatten", dtype="float16", name="flat")),
        "layer flat (Flatten): dtype='float16': Keras rounds its values to this type",
    ),
    "whole numbers at the input": (
        lambda: chain(layer("Flatten"), dtype="int32"),
        "layer events (InputLayer): dtype='int32': ",
    ),
    "alpha auto": (
        lambda: chain(convolution(kernel_quantizer=bits(alpha="auto", symmetric=1))),
        "layer conv (QConv2D), kernel_quantizer=quantized_bits: alpha='auto': the scale is dropped or rounded",
    ),
    "alpha auto_po2": (
        lambda: chain(convolution(bias_quantizer=bits(alpha="auto_po2", symmetric=1))),
        "layer conv (QConv2D), bias_quantizer=quantized_bits: alpha='auto_po2': ",
    ),
    "alpha not set": (
        lambda: chain(convolution(kernel_quantizer=bits(alpha=None))),
        "layer conv (QConv2D), kernel_quantizer=quantized_bits: alpha='auto_po2': ",
    ),
    "alpha 2": (
        lambda: chain(convolution(), activation(bits(alpha=2.0))),
        "layer act (QActivation), activation=quantized_bits: alpha=2.0: ",
    ),
    "symmetric": (
        lambda: chain(convolution(), activation(bits(symmetric=1))),
        "layer act (QActivation), activation=quantized_bits: symmetric=1: hls4ml ignores it",
    ),
    "unsigned bits": (
        lambda: chain(convolution(), activation(bits(keep_negative=False))),
        "layer act (QActivation), activation=quantized_bits: keep_negative=False: ",
    ),
    "unsigned weights": (
        lambda: chain(convolution(kernel_quantizer=bits(keep_negative=False))),
        "layer conv (QConv2D), kernel_quantizer=quantized_bits: keep_negative=False: ",
    ),
    "one bit": (
        lambda: chain(convolution(), activation(bits(1, 0))),
        "layer act (QActivation), activation=quantized_bits: bits=1: QKeras takes one bit for -1 and 1",
    ),
    "half a bit": (
        lambda: chain(convolution(), activation(bits(4.5))),
        "layer act (QActivation), activation=quantized_bits: bits=4.5: a number format has whole bits",
    ),
    "upper bound": (
        lambda: chain(convolution(), activation(relu(relu_upper_bound=1.5))),
        "layer act (QActivation), activation=quantized_relu: relu_upper_bound=1.5: hls4ml ignores it",
    ),
    "negative slope": (
        lambda: chain(convolution(), activation(relu(negative_slope=0.25))),
        "layer act (QActivation), activation=quantized_relu: negative_slope=0.25: ",
    ),
    "sigmoid": (
        lambda: chain(convolution(), activation(relu(use_sigmoid=1))),
        "layer act (QActivation), activation=quantized_relu: use_sigmoid=1: hls4ml ignores it; use use_sigmoid=0",
    ),
    "stochastic rounding": (
        lambda: chain(convolution(), activation(relu(use_stochastic_rounding=True))),
        "layer act (QActivation), activation=quantized_relu: use_stochastic_rounding=True: ",
    ),
    "stochastic rounding of weights": (
        lambda: chain(convolution(kernel_quantizer=bits(use_stochastic_rounding=True))),
        "layer conv (QConv2D), kernel_quantizer=quantized_bits: use_stochastic_rounding=True: ",
    ),
    "noise": (
        lambda: chain(convolution(), activation(relu(qnoise_factor=0.5))),
        "layer act (QActivation), activation=quantized_relu: qnoise_factor=0.5: ",
    ),
    "other activation": (
        lambda: chain(convolution(), activation("quantized_tanh(4)")),
        "layer act (QActivation), activation: quantized_tanh is not known to convert exactly; use quantized_bits or "
        "quantized_relu",
    ),
    "other weights": (
        lambda: chain(convolution(kernel_quantizer="ternary(alpha=1)")),
        "layer conv (QConv2D), kernel_quantizer: ternary is not known to convert exactly; use quantized_bits",
    ),
    "no kernel quantizer": (
        lambda: chain(convolution(kernel_quantizer=None)),
        "layer conv (QConv2D), kernel_quantizer: none is set, so hls4ml chooses a number format; set quantized_bits",
    ),
    "no bias quantizer": (
        lambda: chain(convolution(bias_quantizer=None)),
        "layer conv (QConv2D), bias_quantizer: none is set",
    ),
    "average pooling": (
        lambda: chain(layer("AveragePooling2D", 2, name="pool")),
        "layer pool: AveragePooling2D is not among the layers that are known to convert exactly (InputLayer, ",
    ),
    "batch normalization": (
        lambda: chain(layer("BatchNormalization", name="norm")),
        "layer norm: BatchNormalization is not among the layers",
    ),
    "softmax": (lambda: chain(layer("Softmax", name="soft")), "layer soft: Softmax is not among the layers"),
    "plain activation": (
        lambda: chain(layer("Activation", "relu", name="act")),
        "layer act: Activation is not among the layers",
    ),
    "lambda": (
        lambda: chain(layer("Lambda", lambda x: 2 * x, name="twice")),
        "layer twice: Lambda is not among the layers",
    ),
    "model in the model": (
        lambda: chain(bring_up().keras.Sequential([convolution()], name="inner")),
        "layer inner: Sequential is not among the layers",
    ),
    "reserved name": (
        lambda: chain(layer("Flatten"), dense(name="input")),
        "layer input: hls4ml keeps this name for itself; rename the layer",
    ),
    "no identifier": (
        lambda: chain(layer("Flatten"), dense(name="dense-1")),
        "layer dense-1: the name is no plain C identifier; use letters, digits and single underscores",
    ),
    "name of a layer that hls4ml adds": (
        lambda: chain(convolution(), activation(relu(), "conv_linear")),
        "layer conv_linear: hls4ml gives such names to layers that it adds, and mixes them up; rename the layer",
    ),
    "name of a type": (lambda: chain(layer("Flatten"), dense(name="float")), "layer float: hls4ml keeps this name"),
    "bias in the name": (
        lambda: chain(layer("Flatten"), dense(name="debiased")),
        "layer debiased: hls4ml takes the kernel for the bias of a layer with bias in its name; rename the layer",
    ),
    "dense on an image": (
        lambda: chain(dense()),
        "layer dense (QDense): its input has the shape (6, 6, 4), and hls4ml leaves the weights of a dense layer on "
        "images unquantized; put a Flatten in front or use a 1x1 convolution",
    ),
    "activation behind flatten": (
        lambda: chain(convolution(), layer("Flatten", name="flat"), layer("Dropout", 0.1), activation(relu())),
        "layer act: hls4ml takes its values in another order behind layer flat (io_stream); put the QActivation in "
        "front of the Flatten",
    ),
    "rounded twice": (
        lambda: chain(convolution(), activation(relu(), "relu"), layer("MaxPooling2D", 2), activation(bits())),
        "layer act: layer relu has rounded its values already, and hls4ml rounds only once; keep one of both "
        "quantizers",
    ),
    "input rounded twice": (
        lambda: chain(activation(bits())),
        "layer act: layer input_quantizer has rounded its values already",
    ),
    "input not quantized": (
        lambda: chain(layer("Flatten"), first=relu()),
        "layer events: the input is not quantized, so hls4ml rounds it in a way of its own; begin the model with "
        "QActivation(quantized_bits(bits, integer, symmetric=0, alpha=1)) in the data set's format",
    ),
    "random in use": (
        lambda: chain(lambda x: layer("Dropout", 0.5, name="drop")(x, training=True)),
        "layer drop: it is called with training=True, at random; call it without",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_known_to_be_exact_is_refused(case: str) -> None:
    build, message = REFUSED[case]
    assert refusal(build()).startswith(message)


def test_groups_are_refused() -> None:
    model = chain(convolution())
    model.get_layer("conv").groups = 2
    assert refusal(model) == "layer conv (QConv2D): groups=2: hls4ml ignores the groups; use groups=1"


def test_a_layer_that_is_used_twice_is_refused() -> None:
    shared = convolution(filters=4)
    assert refusal(chain(shared, shared)) == "layer conv: it is used 2 times; make one layer per use"


def test_several_inputs_and_outputs_are_refused() -> None:
    keras = bring_up().keras
    inputs = [keras.Input((4,), name=name) for name in ("left", "right")]
    outputs = [activation(bits(), f"act{index}")(x) for index, x in enumerate(inputs)]
    assert refusal(keras.Model(inputs, outputs)) == "it has 2 inputs and 2 outputs; one of each is supported"


def test_the_input_of_a_sequential_model_is_seen() -> None:
    keras = bring_up().keras
    layers = [keras.Input((4,), name="input"), activation(bits(), "first"), dense()]
    assert refusal(keras.Sequential(layers)) == "layer input: hls4ml keeps this name for itself; rename the layer"


def test_a_model_without_known_layers_is_refused() -> None:
    keras = bring_up().keras
    message = "its layers are not known before it is called; build it as a functional or Sequential model with an Input"
    assert refusal(keras.Sequential([dense()])) == message
    assert refusal(type("Own", (keras.Model,), {})()) == message


def test_all_problems_are_told_at_once() -> None:
    model = chain(convolution(dilation_rate=2, bias_quantizer=None), activation(bits(symmetric=1, qnoise_factor=0.0)))
    with pytest.raises(AdmissionError) as caught:
        admit(model)
    starts = [
        "layer conv (QConv2D): dilation_rate=(2, 2): ",
        "layer conv (QConv2D), bias_quantizer: none is set",
        "layer act (QActivation), activation=quantized_bits: qnoise_factor=0.0: ",
        "layer act (QActivation), activation=quantized_bits: symmetric=1: ",
    ]
    lines = str(caught.value).split("\n  - ")[1:]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
