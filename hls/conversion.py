"""QKeras model to hls4ml's graph, its C++ project and our fixed-point graph.

The only file that calls hls4ml's converters.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hls import extraction, handlers, number_formats
from hls.admission import admit
from hls.errors import ConversionError
from hls.fixed_point import FixedPoint
from hls.graph import Graph, Layer
from hls.intervals import analyse
from hls.rewriting.rewrite import NormalForm, RewriteOptions, rewrite

Strategy = Literal["Latency", "Resource"]
IoType = Literal["io_parallel", "io_stream"]


@dataclass(frozen=True)
class LayerOptions:
    """What one layer has of its own; None takes the project's value."""

    strategy: Strategy | None = None
    reuse_factor: int | None = None
    precision: dict[str, str] = field(default_factory=dict)


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


def normal_form(model: Any, options: HlsOptions, *, input_format: FixedPoint | None = None) -> NormalForm:
    """Admit a model and rewrite it into what converts exactly.

    Args:
        model: Keras 2 model; see `hls.admission` for what is let through.
        options: Options of the project.
        input_format: Number format of the digitiser, for models that do not quantize their input.

    Raises:
        AdmissionError: The model holds something that does not convert exactly.
    """
    strategies: dict[str, str] = {name: own.strategy for name, own in options.layers.items() if own.strategy}
    admit(model, io_type=options.io_type, strategy=options.strategy, strategies=strategies, backend=options.backend)
    resource = frozenset(
        layer.name for layer in model.layers if strategies.get(layer.name, options.strategy) == "Resource"
    )
    return rewrite(model, RewriteOptions(options.io_type, input_format, resource))


def convert(
    model: Any,
    *,
    name: str,
    options: HlsOptions,
    project: Path,
    log: Path,
    test_bench: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    input_format: FixedPoint | None = None,
) -> Graph:
    """Convert a trained QKeras model with hls4ml and write its C++ project.

    Args:
        model: Keras 2 model, or its normal form.
        name: Name of the top function; a C identifier.
        options: Options of the project.
        project: Folder for the project; must not exist.
        log: File for what hls4ml prints.
        test_bench: Events and expected outputs for the project's test bench.
        input_format: Number format of the digitiser, for models that do not quantize their input.

    Returns:
        The fixed-point graph.

    Raises:
        AdmissionError: The model holds something that does not convert exactly.
        ConversionError: hls4ml failed, or did something else than was asked for.
    """
    normal = model if isinstance(model, NormalForm) else normal_form(model, options, input_format=input_format)
    _check_layers(normal.model, options)
    content = _declared(normal, options)
    with (
        log.open("w") as stream,
        _keras2_front_end(),
        contextlib.redirect_stdout(stream),
        warnings.catch_warnings(),
        number_formats.declared(content),
    ):
        warnings.simplefilter("ignore")
        try:
            hls_model = _hls4ml_model(normal.model, name, options, project, log.parent, test_bench)
            graph = extraction.extract(hls_model, name)
            _check_options(hls_model, options)
            _check_outputs(graph)
            _check_computation(normal, content, graph)
            _check_strides(graph, options)
            _check_repacking(graph, options)
            hls_model.write()
            _forget_folder(project)
        except ConversionError:
            raise
        except (Exception, SystemExit) as error:
            raise ConversionError(f"hls4ml could not convert the model: {type(error).__name__}: {error}") from error
    return graph


def convert_unchecked(
    model: Any,
    *,
    name: str,
    options: HlsOptions,
    project: Path,
    log: Path,
    test_bench: tuple[npt.NDArray[Any], npt.NDArray[Any]],
) -> Graph:
    """Convert a model as hls4ml does by itself, with the number formats that it infers: to compare with, not to use.

    Args:
        model: QKeras model; it is neither admitted nor rewritten.
        name: Name of the top function; a C identifier.
        options: Options of the project.
        project: Folder for the project; must not exist.
        log: File for what hls4ml prints.
        test_bench: Events and expected outputs for the project's test bench.

    Returns:
        The fixed-point graph; layers that have no meaning there have a name and a number format only.

    Raises:
        ConversionError: hls4ml failed.
    """
    with (
        log.open("w") as stream,
        _keras2_front_end(),
        contextlib.redirect_stdout(stream),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            import hls4ml

            config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend=options.backend)
            for layer, entry in config["LayerName"].items():
                own = options.layers.get(layer, LayerOptions())
                entry["Trace"] = True
                entry["Strategy"] = own.strategy or options.strategy
                entry["ReuseFactor"] = own.reuse_factor or options.reuse_factor
                if own.precision:
                    entry["Precision"].update(own.precision)
            hls_model = _run_hls4ml(model, name, options, project, log.parent, test_bench, config, bit_exact=None)
            graph = extraction.extract(hls_model, name, strict=False)
            hls_model.write()
            _forget_folder(project)
        except (Exception, SystemExit) as error:
            raise ConversionError(f"hls4ml could not convert the model: {type(error).__name__}: {error}") from error
    return graph


def _declared(normal: NormalForm, options: HlsOptions) -> number_formats.Declared:
    layers = {layer.name: layer for layer in normal.model.layers}
    return number_formats.Declared(
        formats=normal.formats,
        functions={
            name: _on_reals(layer.function)
            for name, layer in layers.items()
            if type(layer).__name__ == "Quantize" and layer.role == "table"
        },
        scales={
            name: (layer.scale, layer.shift) for name, layer in layers.items() if type(layer).__name__ == "ScaleShift"
        },
        overrides={
            name: {role: FixedPoint.parse(text) for role, text in own.precision.items()}
            for name, own in options.layers.items()
        },
    )


def _on_reals(function: Callable[[Any], Any]) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    return lambda values: np.asarray(function(np.asarray(values, np.float32)), np.float64)


def _check_layers(model: Any, options: HlsOptions) -> None:
    """Options of a layer that is not there, or has no multiplications, would do nothing."""
    kinds = {layer.name: type(layer).__name__ for layer in model.layers}
    for name in options.layers:
        if name not in kinds:
            raise ConversionError(f"hls.layers.{name}: the model has no layer of this name; it has {', '.join(kinds)}")
        own = options.layers[name]
        if kinds[name] not in _WEIGHTED and (own.strategy or own.reuse_factor):
            raise ConversionError(
                f"hls.layers.{name}: the layer has no multiplications; remove strategy and reuse_factor"
            )
        reuse = own.reuse_factor or options.reuse_factor
        saturates = "SAT" in own.precision.get("accum", "")
        if saturates and reuse > 1 and (own.strategy or options.strategy) == "Resource":
            raise ConversionError(
                f"hls.layers.{name}.precision.accum: a sum that saturates depends on the order of its terms, which "
                "reuse_factor changes; use a wider accumulator that wraps"
            )


_WEIGHTED = ("Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "Dense")


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
    test_bench: tuple[npt.NDArray[Any], npt.NDArray[Any]],
) -> Any:
    import hls4ml

    handlers.register()
    number_formats.register()
    config = {
        "Model": {"Precision": "fixed<16,6>", "Strategy": options.strategy, "ReuseFactor": options.reuse_factor},
        "LayerName": _layer_options(model, options),
        "Flows": [number_formats.FLOW, hls4ml.backends.get_backend(options.backend).get_default_flow()],
    }
    return _run_hls4ml(model, name, options, project, scratch, test_bench, config, bit_exact=False)


def _run_hls4ml(
    model: Any,
    name: str,
    options: HlsOptions,
    project: Path,
    scratch: Path,
    test_bench: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    config: dict[str, Any],
    *,
    bit_exact: bool | None,
) -> Any:
    import hls4ml

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
        bit_exact=bit_exact,
    )
    # Writes each layer's result in simulation; synthesis does not see it.
    hls_model.config.trace_output = True
    for node in hls_model.get_layers():
        if node.class_name.startswith("ZeroPadding"):
            # hls4ml adds some in front of convolutions, in io_stream.
            node.set_attr("trace", True)
    return hls_model


def _layer_options(model: Any, options: HlsOptions) -> dict[str, Any]:
    """Give hls4ml each layer's options.

    The number formats stand in for those that are set later. No two are equal, since hls4ml removes an activation
    whose format is that of the layer in front, and it infers those that are not given.
    """
    entries = {}
    roles = ("result", "weight", "bias", "accum", "scale", "table")
    for number, layer in enumerate(model.layers):
        own = options.layers.get(layer.name, LayerOptions())
        entries[layer.name] = {
            "Precision": dict.fromkeys(roles, f"fixed<{30 + number % 30},{5 + number // 30}>"),
            "Trace": True,
            "Strategy": own.strategy or options.strategy,
            "ReuseFactor": own.reuse_factor or options.reuse_factor,
        }
    return entries


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
        if wanted == "resource" and options.io_type == "io_parallel" and wanted_reuse > _taps(node):
            raise ConversionError(
                f"layer {node.name}: reuse_factor {wanted_reuse} is not possible, a convolution in io_parallel uses a "
                f"multiplier for one filter only; set hls.layers.{node.name}.reuse_factor to {_taps(node)}"
            )
        found = str(node.get_attr("strategy")).lower()
        if found != wanted:
            raise ConversionError(
                f"layer {node.name}: strategy {wanted} is not possible, hls4ml would take {found}; "
                f"set hls.layers.{node.name}.strategy to {found.capitalize()}"
            )


def _check_repacking(graph: Graph, options: HlsOptions) -> None:
    """In io_stream, hls4ml drops values where it repacks pixels of some channels into pixels of others."""
    for layer in graph.layers:
        if options.io_type != "io_stream" or layer.kind != "Reshape":
            continue
        before, after = graph[layer.inputs[0]].shape[-1], layer.shape[-1]
        if max(before, after) % min(before, after):
            name = layer.name.removeprefix("repack_")
            raise ConversionError(
                f"layer {name}: to make pixels of {after} channels from pixels of {before} is not possible in "
                "io_stream; use shapes of which one's last axis divides the other's, or hls.io_type: io_parallel"
            )


def _taps(node: Any) -> int:
    """Weights of one filter; the largest reuse factor of a convolution."""
    if not any(base.__name__ in ("Conv1D", "Conv2D") for base in type(node).__mro__):
        return sys.maxsize
    return int(node.get_attr("filt_height", 1) * node.get_attr("filt_width") * node.get_attr("n_chan"))


def _check_strides(graph: Graph, options: HlsOptions) -> None:
    """In io_stream, hls4ml's pooling ends the whole process where windows overlap or leave gaps.

    Its convolution steps down by one row where the kernel has one.
    """
    for layer in graph.layers:
        flat = layer.kind in ("Conv2D", "DepthwiseConv2D") and layer.attributes["filt_height"] == 1
        pixel = layer.kind == "Conv2D" and layer.attributes["filt_width"] == 1
        if options.io_type == "io_stream" and flat and not pixel and layer.integer("stride_height") > 1:
            raise ConversionError(
                f"layer {layer.name}: strides={layer.integer('stride_height')} with a kernel of one row are not "
                "possible in io_stream; use a kernel of more rows, or hls.io_type: io_parallel"
            )
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


def _check_outputs(graph: Graph) -> None:
    """hls4ml gives no new variable to what only reads values in another shape."""
    for name in graph.outputs:
        layer = graph[name]
        while layer.kind == "Reshape":
            layer = graph[layer.inputs[0]]
        if layer.kind == "Input":
            raise ConversionError(
                f"layer {name}: this output is the input itself, which hls4ml does not compile; take it out of the "
                "model's outputs"
            )


def _check_computation(normal: NormalForm, content: number_formats.Declared, graph: Graph) -> None:
    """Hold hls4ml's graph to the normal form: its constants, its rounding, and no bit lost anywhere else."""
    if int(np.prod(graph.output_shape)) != sum(int(np.prod(tensor.shape[1:])) for tensor in normal.model.outputs):
        raise ConversionError(f"hls4ml's outputs have the shape {graph.output_shape}, the model's have others")
    if len(graph.inputs) != len(normal.model.inputs) or len(graph.outputs) != len(normal.model.outputs):
        raise ConversionError("hls4ml has other inputs or outputs than the model")
    for layer in normal.model.layers:
        _check_constants(layer, content, graph)
    for layer, found in zip(graph.layers, analyse(graph).values(), strict=True):
        own = content.overrides.get(layer.name, {})
        sums = None if "accum" in own else found.sums
        if sums is not None and layer.accumulator is not None and not sums.fits(layer.accumulator):
            raise ConversionError(f"layer {layer.name}: hls4ml sums in {layer.accumulator}, which is too small")
        if not found.exact.fits(layer.result) and layer.result not in _roundings(layer, content, graph):
            raise ConversionError(
                f"layer {layer.name}: hls4ml gave it the number format {layer.result}, in which bits are lost"
            )


def _roundings(layer: Layer, content: number_formats.Declared, graph: Graph) -> list[FixedPoint]:
    """Give the number formats in which a layer's result may lose bits."""
    names = {layer.name, *(name for name in content.formats if name not in {known.name for known in graph.layers})}
    wanted = [content.formats[name] for name in names if name in content.formats]
    own = content.overrides.get(layer.name, {}).get("result")
    followers = [graph[reader.name].kind for reader in graph.layers if layer.name in reader.inputs]
    # The cut in front of a table, which was fused into the layer before it.
    cut = [layer.result] if followers == ["UnaryLUT"] else []
    return [*wanted, *([own] if own else []), *cut, *([layer.result] if layer.name.endswith("_cut") else [])]


def _check_constants(layer: Any, content: number_formats.Declared, graph: Graph) -> None:
    kind = type(layer).__name__
    if kind in _WEIGHTED:
        kernel, *bias = layer.get_weights()
        filters = kernel.shape[-2] if kind.startswith("Depthwise") else kernel.shape[-1]
        expected = {"weight": kernel, "bias": bias[0] if bias else np.zeros(filters)}
    elif layer.name in content.scales:
        expected = dict(zip(("scale", "bias"), content.scales[layer.name], strict=True))
    else:
        return
    for role, values in expected.items():
        found = graph[layer.name].weights[role].values
        if role not in content.overrides.get(layer.name, {}) and (
            found.size % values.size or not np.array_equal(found.ravel(), np.resize(values, found.size))
        ):
            raise ConversionError(
                f"layer {layer.name}: hls4ml took other values for the {role} than the model has; "
                "rename or replace the layer"
            )
