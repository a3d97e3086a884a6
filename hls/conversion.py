"""QKeras model to hls4ml's graph, its C++ project and our fixed-point graph.

The only file that calls hls4ml's converters.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hls.admission import WEIGHTED, admit
from hls.errors import ConversionError
from hls.fixed_point import FixedPoint
from hls.graph import Attribute, Graph, Layer, Weights

Strategy = Literal["Latency", "Resource"]
IoType = Literal["io_parallel", "io_stream"]


@dataclass(frozen=True)
class LayerOptions:
    """What one layer has of its own; None takes the project's value."""

    strategy: Strategy | None = None
    reuse_factor: int | None = None


@dataclass(frozen=True)
class HlsOptions:
    """Options of the HLS project, named as in hls4ml.

    Attributes:
        backend: Tool that the project is for.
        part: Device.
        clock_period_ns: Clock period in ns.
        io_type: All values of an event at once, or one pixel after another.
        strategy: `Latency` unrolls, `Resource` reuses multipliers.
        reuse_factor: Times that each multiplier is used per event.
        layers: Overrides by layer name.
    """

    backend: Literal["Vitis", "Vivado"]
    part: str
    clock_period_ns: float
    io_type: IoType
    strategy: Strategy
    reuse_factor: int
    layers: dict[str, LayerOptions] = field(default_factory=dict)


# What of a layer's attributes, as hls4ml names them, defines the computation; by class of hls4ml.
_CONV1D = ("in_width", "n_chan", "n_filt", "filt_width", "stride_width", "pad_left", "pad_right", "out_width")
_CONV2D = (
    *_CONV1D, "in_height", "filt_height", "stride_height", "pad_top", "pad_bottom", "out_height",
)  # fmt: skip
_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Input": ("Input", ()),
    "Activation": ("Activation", ("activation",)),
    "Conv1D": ("Conv1D", _CONV1D),
    "PointwiseConv1D": ("Conv1D", _CONV1D),
    "Conv2D": ("Conv2D", _CONV2D),
    "PointwiseConv2D": ("Conv2D", _CONV2D),
    "Dense": ("Dense", ("n_in", "n_out")),
    "Pooling1D": ("Pooling1D", ("pool_op", "pool_width", "stride_width")),
    "Pooling2D": (
        "Pooling2D",
        ("pool_op", "pool_width", "stride_width", "pool_height", "stride_height"),
    ),
    "Reshape": ("Reshape", ()),
    "Repack": ("Reshape", ()),
    "ZeroPadding1D": ("ZeroPadding1D", ("pad_left", "pad_right")),
    "ZeroPadding2D": ("ZeroPadding2D", ("pad_left", "pad_right", "pad_top", "pad_bottom")),
}


def convert(
    model: Any,
    *,
    name: str,
    options: HlsOptions,
    project: Path,
    log: Path,
    test_bench: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
) -> Graph:
    """Convert a trained QKeras model with hls4ml and write its C++ project.

    Args:
        model: Keras 2 model; see `hls.admission` for what is let through.
        name: Name of the top function; a C identifier.
        options: Options of the project.
        project: Folder for the project; must not exist.
        log: File for what hls4ml prints.
        test_bench: Events and expected outputs for the project's test bench.

    Returns:
        The fixed-point graph.

    Raises:
        AdmissionError: The model holds something that does not convert exactly.
        ConversionError: hls4ml failed, or did something else than was asked for.
    """
    admit(model)
    _check_layers(model, options)
    with (
        log.open("w") as stream,
        _keras2_front_end(),
        contextlib.redirect_stdout(stream),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            hls_model = _hls4ml_model(model, name, options, project, log.parent, test_bench)
            graph = _extract(hls_model, name)
            _check_options(hls_model, options)
            _check_computation(model, graph)
            _check_strides(graph, options)
            hls_model.write()
            _forget_folder(project)
        except ConversionError:
            raise
        except Exception as error:
            raise ConversionError(f"hls4ml could not convert the model: {type(error).__name__}: {error}") from error
    return graph


def _check_layers(model: Any, options: HlsOptions) -> None:
    """Options of a layer that is not there, or has no multiplications, would do nothing."""
    kinds = {layer.name: type(layer).__name__ for layer in model.layers}
    for name in options.layers:
        if name not in kinds:
            raise ConversionError(f"hls.layers.{name}: the model has no layer of this name; it has {', '.join(kinds)}")
        if kinds[name] not in WEIGHTED:
            raise ConversionError(f"hls.layers.{name}: a {kinds[name]} has no multiplications; remove its options")


@contextlib.contextmanager
def _keras2_front_end() -> Iterator[None]:
    """Let hls4ml find Keras 2 as `keras`, by which it chooses its front end, and undo that afterwards."""
    before = sys.modules.get("keras")
    sys.modules["keras"] = sys.modules["tf_keras"]
    try:
        yield
    finally:
        if before is None:
            del sys.modules["keras"]
        else:
            sys.modules["keras"] = before


def _hls4ml_model(
    model: Any,
    name: str,
    options: HlsOptions,
    project: Path,
    scratch: Path,
    test_bench: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
) -> Any:
    import hls4ml

    config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend=options.backend)
    config["Model"].update(Strategy=options.strategy, ReuseFactor=options.reuse_factor)
    for layer, entry in config["LayerName"].items():
        own = options.layers.get(layer, LayerOptions())
        entry["Trace"] = True
        entry["Strategy"] = own.strategy or options.strategy
        entry["ReuseFactor"] = own.reuse_factor or options.reuse_factor
    for layer in model.layers:
        if type(layer).__name__ == "QActivation":
            # hls4ml itself takes int<...>, which neither rounds nor saturates, where there are no fraction bits.
            config["LayerName"][layer.name]["Precision"]["result"] = str(activation_format(layer.quantizer))
    files = []
    for role, array in zip(("inputs", "outputs"), test_bench, strict=True):
        files.append(str(scratch / f"test_bench_{role}.npy"))
        np.save(files[-1], array)
    hls_model = hls4ml.converters.convert_from_keras_model(
        model,
        hls_config=config,
        output_dir=str(project),
        project_name=name,
        backend=options.backend,
        io_type=options.io_type,
        part=options.part,
        clock_period=options.clock_period_ns,
        input_data_tb=files[0],
        output_data_tb=files[1],
        bit_exact=True,
    )
    # Writes each layer's result in simulation; synthesis does not see it.
    hls_model.config.trace_output = True
    return hls_model


def activation_format(quantizer: Any) -> FixedPoint:
    """Give the number format that rounds and saturates as an admitted activation quantizer of QKeras does."""
    bits, integer = int(quantizer.bits), int(quantizer.integer)
    if type(quantizer).__name__ == "quantized_relu":
        return FixedPoint(False, bits, integer, "RND_CONV", "SAT")
    # QKeras counts integer bits without the sign.
    return FixedPoint(True, bits, integer + 1, "RND_CONV", "SAT")


def _forget_folder(project: Path) -> None:
    """Make the paths in hls4ml's own record relative to the project, so that the project can be moved."""
    record = project / "hls4ml_config.yml"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace(str(project), ".").replace(str(project.parent), ".."), encoding="utf-8")


def _check_options(hls_model: Any, options: HlsOptions) -> None:
    """hls4ml changes an invalid reuse factor, and at times the strategy, with no more than a printed line."""
    for node in hls_model.get_layers():
        if "weight" not in node.weights:
            continue
        own = options.layers.get(node.name, LayerOptions())
        wanted_reuse = own.reuse_factor or options.reuse_factor
        found_reuse = node.get_attr("reuse_factor")
        if found_reuse != wanted_reuse:
            raise ConversionError(
                f"layer {node.name}: reuse_factor {wanted_reuse} is not possible, hls4ml would take {found_reuse}; "
                f"set hls.layers.{node.name}.reuse_factor to {found_reuse}"
            )
        wanted = (own.strategy or options.strategy).lower()
        found = str(node.get_attr("strategy")).lower()
        if found != wanted:
            raise ConversionError(
                f"layer {node.name}: strategy {wanted} is not possible, hls4ml would take {found}; "
                f"set hls.layers.{node.name}.strategy to {found.capitalize()}"
            )


def _check_strides(graph: Graph, options: HlsOptions) -> None:
    """In io_stream, hls4ml's pooling ends the whole process where windows overlap or leave gaps."""
    for layer in graph.layers:
        if options.io_type != "io_stream" or not layer.kind.startswith("Pooling"):
            continue
        axes = ("height", "width") if layer.kind == "Pooling2D" else ("width",)
        pool = tuple(layer.integer(f"pool_{axis}") for axis in axes)
        strides = tuple(layer.integer(f"stride_{axis}") for axis in axes)
        if pool != strides:
            raise ConversionError(
                f"layer {layer.name}: pool_size {pool} with strides {strides} is not possible in io_stream; "
                "use strides equal to pool_size, or hls.io_type: io_parallel"
            )


def _check_computation(model: Any, graph: Graph) -> None:
    """hls4ml looks weights up by parts of their names and rewrites formats; hold it to what the model says."""
    shape = tuple(model.output_shape[1:])
    if graph.output.shape != shape:
        raise ConversionError(
            f"the model's output has the shape {shape}, hls4ml's has {graph.output.shape}; end the model without a "
            "Flatten"
        )
    names = {layer.name for layer in graph.layers}
    first = next(layer for layer in model.layers if type(layer).__name__ == "QActivation")
    if graph.input.result != activation_format(first.quantizer):
        raise ConversionError(f"layer {first.name}: hls4ml reads the input as {graph.input.result} instead")
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in WEIGHTED:
            expected = {"weight": layer.kernel_quantizer_internal(layer.kernel).numpy()}
            expected["bias"] = np.zeros(expected["weight"].shape[-1])
            if layer.use_bias:
                expected["bias"] = layer.bias_quantizer_internal(layer.bias).numpy()
            for role, values in expected.items():
                found = graph[layer.name].weights[role].values
                if found.size != values.size or not np.array_equal(found.ravel(), values.ravel()):
                    raise ConversionError(
                        f"layer {layer.name}: hls4ml took other values for the {role} than the model has; "
                        "rename or replace the layer"
                    )
        elif kind == "QActivation" and layer.name in names:
            wanted, format_found = activation_format(layer.quantizer), graph[layer.name].result
            if format_found != wanted:
                raise ConversionError(
                    f"layer {layer.name}: hls4ml gave it the number format {format_found} instead of {wanted}"
                )


def _extract(hls_model: Any, name: str) -> Graph:
    nodes = list(hls_model.get_layers())
    produced_by = {output: node.name for node in nodes for output in node.outputs}
    layers = tuple(_layer(node, produced_by) for node in nodes)
    outputs = tuple(produced_by[output] for output in hls_model.outputs)
    inputs = tuple(layer.name for layer in layers if layer.kind == "Input")
    return Graph(name, layers, inputs, outputs)


def _layer(node: Any, produced_by: dict[str, str]) -> Layer:
    if node.class_name not in _KINDS:
        raise ConversionError(
            f"layer {node.name}: hls4ml made a {node.class_name} of it, which is not known to be exact; "
            "remove the layer from the model"
        )
    kind, names = _KINDS[node.class_name]
    accumulator = node.get_attr("accum_t")
    variable = node.get_output_variable()
    return Layer(
        name=node.name,
        kind=kind,
        inputs=() if kind == "Input" else tuple(produced_by[name] for name in node.inputs),
        shape=tuple(int(n) for n in variable.shape),
        result=_format(variable.type.precision, node.name),
        accumulator=None if accumulator is None else _format(accumulator.precision, node.name),
        weights={key: _weights(node, key, variable) for key, variable in node.weights.items()},
        attributes={name: _plain(node.get_attr(name), node.name, name) for name in names},
    )


def _plain(value: Any, layer: str, name: str) -> Attribute:
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, str):
        return value
    raise ConversionError(f"layer {layer}: hls4ml gives {name}={value!r}, which has no meaning here")


def _format(precision: Any, layer: str) -> FixedPoint:
    try:
        return FixedPoint.parse(str(precision))
    except ValueError as error:
        raise ConversionError(f"layer {layer}: {error}") from error


def _weights(node: Any, key: str, variable: Any) -> Weights:
    """Take the constants as the C simulation reads them: printed as decimal text, then cast."""
    number_format = _format(variable.type.precision, node.name)
    data = np.asarray(variable.data, dtype=np.float64)
    text = np.array([float(variable.precision_fmt.format(value)) for value in data.ravel()]).reshape(data.shape)
    try:
        integers = number_format.to_integers(data)
    except ValueError as error:
        raise ConversionError(f"layer {node.name}: {key}: {error}") from error
    if not np.array_equal(number_format.cast(text), integers):
        raise ConversionError(f"layer {node.name}: {key}: hls4ml writes the values with too few decimal places")
    if key == "weight" and node.get_attr("_weights_transposed"):
        # The Resource strategy stores the filters first.
        integers = np.moveaxis(integers, 0, -1)
    return Weights(number_format, np.ascontiguousarray(integers))
