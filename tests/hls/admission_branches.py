"""Small networks, one for each row of the table in `hls.admission`, put together to models of many branches."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trigcnn.common.keras2 import bring_up
from trigcnn.hls.options import HlsOptions, IoType, LayerOptions

OPTIONS = HlsOptions("Vitis", "xcvu9p-flga2104-2L-e", 5.0, "io_parallel", "Latency", 1)
BITS = "quantized_bits(4,0,0,alpha=1)"
IMAGE, SEQUENCE, VECTOR, SQUARE = (5, 6, 2), (7, 2), (4,), (4, 4, 2)


class Branch(NamedTuple):
    """Layers behind quantized inputs, as a user writes them.

    Attributes:
        shape: Shape of each input.
        layers: One call behind another.
        inputs: Number of inputs of the first layer.
        first: Quantizer of the inputs.
        resource: Whether its layers use the Resource strategy.
        twice: Whether the first layer gets the same tensor twice.
        spread: Whether the weights are spread over more than 24 bits.
        others: Shapes of the inputs behind the first one, where they differ.
    """

    shape: tuple[int, ...]
    layers: str
    inputs: int = 1
    first: str = "quantized_bits(6,2,0,alpha=1)"
    resource: bool = False
    twice: bool = False
    spread: bool = False
    others: tuple[tuple[int, ...], ...] = ()


_WEIGHTED = {
    "QConv1D": (SEQUENCE, "filters=4, kernel_size=3", ("kernel", "bias")),
    "QConv2D": (IMAGE, "filters=4, kernel_size=(3, 2)", ("kernel", "bias")),
    "QDepthwiseConv2D": (IMAGE, "kernel_size=(2, 3)", ("depthwise", "bias")),
    "QSeparableConv1D": (SEQUENCE, "filters=3, kernel_size=3", ("depthwise", "pointwise", "bias")),
    "QSeparableConv2D": (IMAGE, "filters=3, kernel_size=(2, 3)", ("depthwise", "pointwise", "bias")),
    "QConv2DBatchnorm": (IMAGE, "filters=4, kernel_size=(3, 2), axis=3", ("kernel", "bias")),
    "QDepthwiseConv2DBatchnorm": (IMAGE, "kernel_size=(2, 3)", ("depthwise", "bias")),
    "QDense": (VECTOR, "units=3", ("kernel", "bias")),
}


def _weighted() -> list[Branch]:
    """Each class with weights, with all that it can have."""
    branches = []
    for kind, (shape, arguments, roles) in _WEIGHTED.items():
        given = f"{arguments}, " + ", ".join(f"{role}_quantizer={BITS}" for role in roles)
        depthwise, spatial = "depthwise" in roles, kind != "QDense"
        no_bias = "use_bias=False" + ("" if "Batchnorm" in kind else ", bias_quantizer=None")
        more = [""] * 6
        if spatial:
            several = "depth_multiplier=2" if depthwise else "groups=2"
            causal = "padding='causal'" if kind == "QConv1D" else ""
            more = ["", "dilation_rate=2, padding='same'", several, "strides=2", causal, ""]
        activations = ["None", "quantized_relu(4,2)", "'relu'", "'softmax'", "'hard_tanh'", "ReLU()"]
        variants = [f"activation={activation}, {own}" for activation, own in zip(activations, more, strict=True)]
        variants[3] += f", {no_bias}" if spatial else no_bias
        calls = [f"{kind}(**dict({given}) | dict({variant}))" for variant in variants]
        branches += [Branch(shape, call) for call in calls]
        if depthwise:
            branches.append(Branch(shape, calls[0], resource=True))
    return branches


_DENSE = "QDense(3, use_bias=False, kernel_quantizer={})"
_LAST = _DENSE.format(BITS)
_CONV = "QConv2D(2, 2, use_bias=False, kernel_quantizer=" + BITS + ")"
_MEAN = "average_quantizer=quantized_bits(6,0,1,alpha=1)"
_NORM = "momentum=0.9, epsilon=2**-10"
_RELU = "quantized_relu(5,2)"

BRANCHES: list[Branch] = [
    *_weighted(),
    # Kernels of one row that step down by more.
    *(
        Branch(IMAGE, f"QConv2D(2, (1, {width}), strides={step}, padding={padding!r}, kernel_quantizer={BITS}, "
               f"bias_quantizer={BITS})")
        for width, step, padding in ((3, 2, "same"), (2, (3, 1), "valid"), (1, 2, "valid"))
    ),
    Branch(IMAGE, f"QDepthwiseConv2D((1, 3), strides=2, padding='same', depthwise_quantizer={BITS}, use_bias=False)"),
    *(Branch(shape, _DENSE.format("quantized_bits(4,0,0,alpha=1)")) for shape in (SEQUENCE, IMAGE)),
    # Pooling.
    *(
        Branch(shape, f"{kind}Pooling{axes}({options})")
        for axes, shape in (("1D", SEQUENCE), ("2D", IMAGE))
        for kind in ("Max", "Average")
        for options in ("2", "2, strides=1")
    ),
    Branch(SEQUENCE, "MaxPooling1D(3, padding='same')", first=_RELU),
    Branch(IMAGE, "MaxPooling2D((3, 2), padding='same')", first=_RELU),
    Branch(SEQUENCE, "MaxPooling1D(3, padding='same')"),
    Branch(IMAGE, "MaxPooling2D((3, 2), strides=(2, 1), padding='same')"),
    *(
        Branch((4, *shape), f"Global{kind}Pooling{axes}(keepdims={keep})")
        for axes, shape in (("1D", (3,)), ("2D", (4, 2)))
        for kind in ("Max", "Average")
        for keep in (False, True)
    ),
    *(
        Branch(SQUARE, f"Q{kind}AveragePooling2D({options})")
        for kind, size, more in (("", "2", ""), ("Global", "", ", keepdims=True"))
        for options in (
            size,
            f"{_MEAN}, activation=quantized_relu(4,2)" + more,
            "activation='relu'",
            "activation='softmax'",
            "activation='hard_tanh'",
            "activation=ReLU()",
        )
    ),
    Branch(SQUARE, "QAveragePooling2D(2, strides=1)"),
    Branch(SQUARE, "QAveragePooling2D(2, activation='softmax')"),
    # Batch normalization.
    Branch(IMAGE, f"{_CONV} > BatchNormalization({_NORM}) > QActivation({_RELU})"),
    Branch(VECTOR, "QBatchNormalization(mean_quantizer=None, variance_quantizer=None, gamma_quantizer=None, "
           f"beta_quantizer=None, {_NORM})"),
    Branch(IMAGE, "Rescaling([0.25, -2.0], 0.5)"),
    # Values in other places.
    Branch(SEQUENCE, "Cropping1D((1, 2))"),
    Branch(IMAGE, "Cropping2D(((1, 2), (0, 1)))"),
    Branch(SEQUENCE, "ZeroPadding1D((1, 2))"),
    Branch(IMAGE, "ZeroPadding2D(((1, 2), (0, 1)))"),
    Branch(SEQUENCE, "UpSampling1D(2)"),
    Branch(IMAGE, "UpSampling2D((2, 3))"),
    Branch(IMAGE, f"{_CONV} > Flatten()"),
    Branch(IMAGE, f"{_CONV} > Reshape((5, 8))"),
    Branch(IMAGE, "Reshape((4, 5, 3))"),
    Branch((3, 2), "Permute((2, 1))"),
    Branch((5, 4, 3), f"Permute((2, 1, 3)) > Flatten() > {_LAST}"),
    Branch(IMAGE, "MaxPooling2D((3, 2), strides=(2, 3), padding='same')", first=_RELU),
    # In io_stream, a vector comes in the words of the image before it.
    *(Branch(SQUARE, f"Flatten() > {layer}") for layer in (f"QActivation({_RELU})", _LAST)),
    *(
        Branch((2, 2), f"(lambda xs: {kind}()([Flatten()(x) for x in xs])) > {_LAST}", inputs=2)
        for kind in ("Add", "Subtract", "Multiply", "Maximum", "Concatenate")
    ),
    # Merges.
    *(
        Branch(IMAGE, f"{kind}()", inputs=count)
        for kind in ("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Concatenate", "Average")
        for count in (2, 3)
        if (kind, count) not in (("Subtract", 3), ("Average", 3))
    ),
    Branch(IMAGE, "Add()", twice=True),
    Branch(VECTOR, "(lambda x: Add()([QActivation(quantized_relu(4, k % 2))(x) for k in range(9)]))"),
    # Names that are not safe in C++.
    Branch(IMAGE, f"{_CONV} > QActivation({_RELU}, name='time') > Flatten(name='conv1/clone')"),
    *(
        Branch(IMAGE, f"{kind}()", inputs=2, others=(other,))
        for kind, other in (("Add", (5, 1, 1)), ("Subtract", (1, 6, 2)), ("Multiply", (2,)), ("Maximum", (5, 6, 1)),
                            ("Minimum", (1, 1, 2)), ("Average", (6, 2)))
    ),
    Branch(VECTOR, "Multiply()", inputs=2, others=((1,),)),
    # Means of other numbers of values than 2, 4, 8 ..., in front of a quantizer.
    *(
        Branch((6, 6, 2)[-rank - 1:], f"{kind}{rank}D({size}) > QActivation({quantizer})")
        for kind, rank, size, quantizer in (
            ("AveragePooling", 1, 3, "quantized_bits(6,1,0,alpha=1)"),
            ("AveragePooling", 2, 3, "quantized_relu(4,1)"),
            ("QAveragePooling", 2, (2, 3), "quantized_bits(3,2,1)"),
            ("GlobalAveragePooling", 1, "", "quantized_bits(8,1,0,alpha=1)"),
            ("GlobalAveragePooling", 2, "", "quantized_bits(16,1,0,alpha=1)"),
            ("QGlobalAveragePooling", 2, "", "quantized_bits(6,1,0,alpha=1)"),
        )
    ),
    Branch(IMAGE, "Average() > Flatten() > QActivation(quantized_bits(6,1,0,alpha=1))", inputs=3),
    # What does nothing when the model is applied.
    Branch(VECTOR, f"{_LAST} > Dropout(0.5) > AlphaDropout(0.1) > GaussianDropout(0.1) > GaussianNoise(0.1) > "
           "ActivityRegularization(0.1) > Identity()"),
    Branch(SEQUENCE, f"{_LAST} > SpatialDropout1D(0.5)"),
    Branch(IMAGE, f"{_CONV} > SpatialDropout2D(0.5)"),
    # Activations.
    *(
        Branch(VECTOR, call)
        for call in (
            "Activation('relu')",
            "Activation(quantized_relu(4,1))",
            "Activation('linear')",
            "Activation(hard_tanh)",
            "Activation(ReLU())",
            "QActivation(ReLU())",
            "Activation(LeakyReLU(0.25))",
            f"{_LAST} > Activation('softmax')",
            f"{_LAST} > QActivation('softmax')",
            f"{_LAST} > Activation('sigmoid')",
            f"{_LAST} > Softmax()",
            "ReLU()",
            "ReLU(max_value=1.5)",
            "ReLU(negative_slope=0.25, threshold=0.5)",
            "LeakyReLU(0.25)",
            "ThresholdedReLU(1.0)",
            f"{_LAST} > QActivation('linear')",
            f"{_LAST} > QActivation('sigmoid')",
            "QActivation('relu')",
            "QActivation('hard_sigmoid')",
            "QActivation('smooth_tanh')",
            "QActivation(quantized_bits(1,0,0,alpha=1))",
            "QActivation(quantized_bits(4,0,1))",
            "QActivation(quantized_bits(4,0,0,keep_negative=False,use_stochastic_rounding=True,alpha=1))",
            "QActivation(quantized_bits(4,1,0,alpha=0.5))",
            "QActivation(quantized_relu(4,1,use_stochastic_rounding=True))",
            "QActivation(quantized_relu(4,2,use_sigmoid=1))",
            "QActivation(quantized_relu(5,1,negative_slope=0.25))",
            "QActivation(quantized_relu(4,2,relu_upper_bound=1.5,is_quantized_clip=False))",
            "QActivation(binary(alpha=1))",
            "QActivation(binary(use_01=True,alpha=2.0))",
            "QActivation(stochastic_binary(alpha=1))",
            "QActivation(ternary())",
            "QActivation(ternary(threshold=0.75,alpha=0.5))",
            "QActivation(stochastic_ternary(alpha=1))",
            "QActivation(quantized_tanh(4))",
            "QActivation(quantized_tanh(5,symmetric=True,use_real_tanh=True))",
            "QActivation(quantized_sigmoid(4))",
            "QActivation(quantized_sigmoid(5,use_real_sigmoid=True))",
            "QActivation(quantized_hswish(6,1,alpha=1))",
            "QActivation(quantized_po2(4))",
            "QActivation(quantized_po2(4,max_value=2,quadratic_approximation=True))",
            "QActivation(quantized_relu_po2(4,negative_slope=0.25))",
        )
    ),
    # Weights.
    *(
        Branch(VECTOR, _DENSE.format(quantizer))
        for quantizer in (
            "quantized_bits(4,0,1)",
            "quantized_bits(1,0,0,alpha=1)",
            "quantized_bits(4,0,1,alpha='auto_po2')",
            "quantized_bits(4,0,0,keep_negative=False,use_stochastic_rounding=True,alpha=1)",
            "binary(alpha=1)",
            "binary(use_01=True,alpha='auto_po2')",
            "stochastic_binary(alpha=1)",
            "stochastic_binary()",
            "ternary(alpha=1)",
            "ternary(alpha='auto_po2')",
            "stochastic_ternary(alpha=1)",
            "stochastic_ternary(alpha='auto_po2')",
            "quantized_po2(4)",
            "quantized_po2(8)",
        )
    ),
]  # fmt: skip

# Here float32 rounds, so Keras differs from what is exact.
WIDE: list[Branch] = [
    Branch((3, 3, 2), "QConv2DBatchnorm(2, 2, kernel_quantizer=quantized_bits(4,0,0,alpha=1))"),
    Branch((3, 3, 2), "QDepthwiseConv2DBatchnorm(2, depthwise_quantizer=quantized_bits(4,0,0,alpha=1))"),
    Branch((3, 3, 2), f"{_CONV} > BatchNormalization()"),
    Branch(VECTOR, "QBatchNormalization()"),
    Branch(VECTOR, "Rescaling(1 / 255, [0.0, -0.1, 0.3, 1.0])"),
    Branch(VECTOR, "LeakyReLU(0.3)"),
    Branch(VECTOR, "ReLU(negative_slope=0.3)"),
    Branch(VECTOR, _DENSE.format("quantized_bits(4,0,1,alpha='auto')")),
    Branch(
        IMAGE,
        "QSeparableConv2D(2, 2, depthwise_quantizer=quantized_bits(4,0,0,alpha=0.3), "
        "pointwise_quantizer=ternary(alpha='auto'), use_bias=False)",
    ),
    *(
        Branch(shape, f"{kind}Pooling{axes}({size})")
        for axes, shape in (("1D", SEQUENCE), ("2D", (3, 3, 2)))
        for kind, size in (("Average", "3"), ("GlobalAverage", ""))
    ),
    Branch(VECTOR, "Average()", inputs=3),
    *(Branch(SQUARE, f"QAveragePooling2D(3{mean})") for mean in ("", f", {_MEAN}")),
    *(Branch((3, 3, 2), f"QGlobalAveragePooling2D({mean})") for mean in ("", _MEAN)),
]


class Network(NamedTuple):
    model: Any
    options: HlsOptions


def network(branches: list[Branch], options: HlsOptions | IoType) -> Network:
    """A model with one input or more, and one output, for each branch; layers that have a name keep it."""
    options = dataclasses.replace(OPTIONS, io_type=options) if isinstance(options, str) else options
    modules = bring_up()
    names = {**vars(modules.keras.layers), **vars(modules.qkeras.quantizers)}
    names |= {name: kind for name, kind in vars(modules.qkeras).items() if name.startswith("Q")}
    names |= {"Model": modules.keras.Model, "Sequential": modules.keras.Sequential}
    inputs, outputs, resource = [], [], []
    spread: list[Any] = []
    for number, branch in enumerate(branches):
        tensors = []
        for index in range(branch.inputs):
            shape = (branch.shape, *branch.others)[index] if branch.others else branch.shape
            inputs.append(modules.keras.Input(shape, name=f"x{number}_{index}"))
            first = modules.qkeras.QActivation(eval(branch.first, names), name=f"first{number}_{index}")
            tensors.append(first(inputs[-1]))
        x = 2 * tensors if branch.twice else tensors[0] if branch.inputs == 1 else tensors
        for index, call in enumerate(branch.layers.split(" > ")):
            layer = eval(call, names)
            if "name=" not in call:
                layer._name = f"layer{number}_{index}"
            x = layer(x)
            resource += [layer.name] if branch.resource else []
            spread += layer.weights if branch.spread else []
        outputs.append(x)
    model = modules.keras.Model(inputs, outputs)
    fill(model)
    for weight in spread:
        weight.assign(np.logspace(1, -7, weight.shape.num_elements()).reshape(weight.shape))
    own = {name: LayerOptions("Resource") for name in resource}
    return Network(model, dataclasses.replace(options, layers={**options.layers, **own}))


def fill(model: Any) -> None:
    """Random weights, some beyond the range of their quantizers; exact batch normalization where epsilon is."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([random.uniform(-1.2, 1.2, array.shape) for array in layer.get_weights()])
        norm = getattr(layer, "batchnorm", layer)
        if not hasattr(norm, "moving_variance"):
            continue
        shape = norm.moving_variance.shape
        if norm.epsilon == 2**-10:
            norm.moving_variance.assign(np.full(shape, 0.25 - 2**-10))
            for variable in (norm.gamma, norm.beta, norm.moving_mean):
                variable.assign(random.integers(-4, 4, shape) / 4)
        else:
            norm.moving_variance.assign(random.uniform(0.1, 2, shape))


def events_of(model: Any) -> list[npt.NDArray[np.float32]]:
    """Events on the grid of the inputs, exactly half between its points, anywhere, and far out of range."""
    random = np.random.default_rng(3)
    events = []
    for tensor in model.inputs:
        shape = (12, *tensor.shape[1:])
        grid = random.integers(-32, 32, shape) / 8
        parts = [grid, grid + 1 / 16, np.round(random.uniform(-5, 5, shape) * 256) / 256, 20 * grid]
        events.append(np.concatenate(parts).astype(np.float32))
    return events
