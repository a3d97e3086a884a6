"""A model for each refused row of the table in `hls.admission`."""

from __future__ import annotations

from typing import Any

from tests.hls.admission_branches import BITS, IMAGE, VECTOR, Branch
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.admission.rows import Row
from trigcnn.hls.admission.table import entries

_CONV = f"QConv2D(**dict(filters=2, kernel_size=2, kernel_quantizer={BITS}, bias_quantizer={BITS}) | dict({{}}))"
_DENSE = "QDense(3, use_bias=False, kernel_quantizer={})"
_ACTIVATION = "QActivation({})"
_NONE = "quantized_ulaw(4)"


def conv(options: str) -> Branch:
    return Branch(IMAGE, _CONV.format(options))


def vector(text: str, template: str = "{}") -> Branch:
    return Branch(VECTOR, template.format(text))


# For each refused row that a model shows: the model, and what the message begins with behind the layer's name.
REFUSED: dict[str, tuple[Branch, str]] = {
    "InputLayer.dtype=others": (
        vector("quantized_bits(8,0,0,alpha=1)", _DENSE + " > ReLU(dtype='float16')"),
        "(ReLU): dtype='float16'",
    ),
    "QActivation.activation=softmax, sigmoid elsewhere": (
        vector("Activation('sigmoid') > ReLU()"),
        "(Activation): activation='sigmoid'",
    ),
    "QActivation.activation=bernoulli": (
        vector("bernoulli(alpha=1)", _ACTIVATION),
        "(QActivation): activation='bernoulli'",
    ),
    "QActivation.activation=quantized_ulaw": (vector(_NONE, _ACTIVATION), "(QActivation): activation='quantized_ulaw'"),
    "QActivation.activation=others": (
        vector("Activation('tanh')"),
        "(Activation): activation='keras.activations.tanh'",
    ),
    "Softmax.axis=others, or elsewhere": (vector("Softmax() > ReLU()"), "(Softmax): axis=-1"),
    "QConv1D.data_format=channels_first": (
        conv("data_format='channels_first'"),
        "(QConv2D): data_format='channels_first'",
    ),
    "QConv1D.kernel_quantizer=none": (conv("kernel_quantizer=None"), "(QConv2D): kernel_quantizer=None"),
    "QConv1D.kernel_quantizer=others": (
        conv(f"kernel_quantizer={_NONE}"),
        "(QConv2D): kernel_quantizer='quantized_ulaw'",
    ),
    "QConv1D.bias_quantizer=none, with a bias": (conv("bias_quantizer=None"), "(QConv2D): bias_quantizer=None"),
    "QConv1D.bias_quantizer=others": (conv(f"bias_quantizer={_NONE}"), "(QConv2D): bias_quantizer='quantized_ulaw'"),
    "QDepthwiseConv2D.depthwise_quantizer=none": (
        Branch(IMAGE, "QDepthwiseConv2D(2, use_bias=False)"),
        "(QDepthwiseConv2D): depthwise_quantizer=None",
    ),
    "QDepthwiseConv2D.depthwise_quantizer=others": (
        Branch(IMAGE, f"QDepthwiseConv2D(2, use_bias=False, depthwise_quantizer={_NONE})"),
        "(QDepthwiseConv2D): depthwise_quantizer='quantized_ulaw'",
    ),
    "QSeparableConv1D.pointwise_quantizer=none": (
        Branch(IMAGE, f"QSeparableConv2D(2, 2, use_bias=False, depthwise_quantizer={BITS})"),
        "(QSeparableConv2D): pointwise_quantizer=None",
    ),
    "QSeparableConv1D.pointwise_quantizer=others": (
        Branch(
            IMAGE, f"QSeparableConv2D(8, 2, use_bias=False, depthwise_quantizer={BITS}, pointwise_quantizer={_NONE})"
        ),
        "(QSeparableConv2D): pointwise_quantizer='quantized_ulaw'",
    ),
    "QDense.input_shape=more axes": (
        Branch((2, 2, 2, 2), _DENSE.format(BITS)),
        "(QDense): input_shape=(None, 2, 2, 2, 2)",
    ),
    "BatchNormalization.axis=others": (Branch(IMAGE, "BatchNormalization(axis=1)"), "(BatchNormalization): axis="),
    **{
        f"QBatchNormalization.{role}_quantizer=others": (
            Branch(VECTOR, f"QBatchNormalization({role}_quantizer={_NONE})"),
            f"(QBatchNormalization): {role}_quantizer='quantized_ulaw'",
        )
        for role in ("gamma", "beta", "mean", "variance")
    },
    **{
        f"Rescaling.{field}=others": (
            Branch(IMAGE, f"Rescaling(**dict(scale=1.0) | dict({field}=[[[1.0, 2.0]]]))"),
            f"(Rescaling): {field}=",
        )
        for field in ("scale", "offset")
    },
    "AveragePooling1D.padding=same, where padding is needed": (
        Branch(IMAGE, "AveragePooling2D(2, padding='same')"),
        "(AveragePooling2D): padding='same'",
    ),
    "QAveragePooling2D.average_quantizer=others": (
        Branch(IMAGE, "QAveragePooling2D(2, average_quantizer=quantized_tanh(4))"),
        "(QAveragePooling2D): average_quantizer='quantized_tanh'",
    ),
    "UpSampling2D.interpolation=others": (
        Branch(IMAGE, "UpSampling2D(2, interpolation='bilinear')"),
        "(UpSampling2D): interpolation='bilinear'",
    ),
    "activation quantized_bits.bits=others": (
        vector("quantized_bits(4.5,0,0,alpha=1)", _ACTIVATION),
        "(QActivation), activation=quantized_bits: bits=4.5",
    ),
    "activation quantized_bits.alpha=auto, auto_po2, one per channel": (
        vector("quantized_bits(4,0,1,alpha='auto')", _ACTIVATION),
        "(QActivation), activation=quantized_bits: alpha='auto'",
    ),
    "activation quantized_bits.qnoise_factor=others": (
        vector("quantized_bits(4,0,0,alpha=1,qnoise_factor=0.5)", _ACTIVATION),
        "(QActivation), activation=quantized_bits: qnoise_factor=0.5",
    ),
    "activation quantized_po2.bits=others": (
        vector("quantized_po2(8)", _ACTIVATION),
        "(QActivation), activation=quantized_po2: bits=8",
    ),
}
# Rows that only another test shows.
ELSEWHERE = (
    "hls.io_type=others",
    "hls.io_type=io_stream, with Libero",
    "hls.strategy=Latency, with Quartus and oneAPI",
    "hls.strategy=Resource, with Libero",
    "activation quantized_relu.bits=1, with Quartus, oneAPI and Catapult",
    "hls.strategy=others",
    "hls.backend=others",
    "InputLayer.uses=more",
    "InputLayer.training=True",
    "InputLayer.sparse=True",
    "InputLayer.ragged=True",
    "InputLayer.optional=True",
    # QKeras itself does not compute them.
    "QSeparableConv1D.padding=causal",
    "activation quantized_bits.integer=others",
)
# Rows that show while the model is rewritten: the model, and what the message begins with behind the layer's name.
LATE: dict[str, tuple[Branch, str]] = {
    "weights quantized_bits.alpha=others, whose constants need more than 24 bits": (
        vector("quantized_bits(4,0,0,alpha=0.3)", _DENSE)._replace(spread=True),
        "(QDense): kernel_quantizer alpha=0.3",
    ),
    "weights quantized_po2.bits=others, whose constants need more than 24 bits": (
        vector("quantized_po2(8)", _DENSE)._replace(spread=True),
        "(QDense): kernel_quantizer bits=8",
    ),
}


def representatives() -> dict[str, Row]:
    """One name for each refused row: many layers share one."""
    names: dict[Row, str] = {}
    for name, row in entries().items():
        if row.verdict == "refused":
            names.setdefault(row, name)
    return {name: row for row, name in names.items()}


def chain(*layers: Any, shape: tuple[int, ...] = VECTOR, **options: Any) -> Any:
    """A model of an input quantizer and some layers."""
    modules = bring_up()
    inputs = modules.keras.Input(shape, name="events", **options)
    x = modules.qkeras.QActivation("quantized_bits(6,2,0,alpha=1)", name="first")(inputs)
    for each in layers:
        x = each(x)
    return modules.keras.Model(inputs, x)


def layer(kind: str, *arguments: Any, **options: Any) -> Any:
    return getattr(bring_up().keras.layers, kind)(*arguments, **options)
