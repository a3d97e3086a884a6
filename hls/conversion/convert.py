"""From a QKeras model to hls4ml's graph, its C++ project and our fixed-point graph.

The only file that calls hls4ml's converters.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.foreign import cut
from trigcnn.common.keras2 import made_again
from trigcnn.hls.admission.lacking import lack
from trigcnn.hls.backends import FACTS
from trigcnn.hls.conversion import checks, choices, extraction, handlers, number_formats
from trigcnn.hls.conversion.completion import (
    complete_graph,
    complete_project,
    unread_options,
    without_missing_templates,
)
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.names import Names, in_text
from trigcnn.hls.options import HlsOptions, LayerOptions
from trigcnn.hls.rewriting import tables
from trigcnn.hls.rewriting.normal_form import normal_form
from trigcnn.hls.rewriting.rewrite import NormalForm


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

    With `options.number_formats` hls4ml, nothing is checked after the model was admitted; see `convert_unchecked`.

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
        ConversionError: hls4ml failed, or did something other than asked.
    """
    normal = model if isinstance(model, NormalForm) else normal_form(model, options, input_format=input_format)
    if options.number_formats == "hls4ml":
        return convert_unchecked(
            normal.source, name=name, options=options, project=project, log=log, test_bench=test_bench
        )
    checks.check_layers(normal, options)
    options = _unrolled(_by_safe_names(options, normal.names), normal)
    content = _declared(normal, options)
    with _hls4ml_at_work(log, normal.names), number_formats.declared(content):
        hls_model = _hls4ml_model(normal.model, name, options, project, log.parent, test_bench)
        graph = extraction.extract(hls_model, name, names=normal.names)
        meanings = normal.meanings
        layers = (replace(each, meaning=meanings.get(each.identifier, "")) for each in graph.layers)
        graph = replace(graph, layers=tuple(layers))
        checks.check_options(hls_model, options)
        checks.check_outputs(graph)
        checks.check_computation(normal, content, graph)
        checks.check_padding(graph)
        _write(hls_model, options, project)
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
    """Convert a model with the number formats that hls4ml infers itself: for comparison only.

    Args:
        model: QKeras model; it is neither admitted nor rewritten.
        name: Name of the top function; a C identifier.
        options: Options of the project.
        project: Folder for the project; must not exist.
        log: File for what hls4ml prints.
        test_bench: Events and expected outputs for the project's test bench.

    Returns:
        The fixed-point graph; layers without a meaning there have a name and a number format only.

    Raises:
        ConversionError: hls4ml failed.
    """
    model, shown = _named_safely(model)
    options = _by_safe_names(options, shown)
    with _hls4ml_at_work(log, shown):
        import hls4ml

        config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend=options.backend)
        for layer, entry in config["LayerName"].items():
            entry["Trace"] = True
            entry["Strategy"] = options.strategy_of(layer)
            entry["ReuseFactor"] = options.reuse_factor_of(layer)
            if layer in options.layers:
                entry["Precision"].update(options.layers[layer].precision)
        hls_model = _run_hls4ml(model, name, options, project, log.parent, test_bench, config, bit_exact=None)
        graph = extraction.extract(hls_model, name, names=shown, strict=False)
        _write(hls_model, options, project)
    return graph


def _write(hls_model: Any, options: HlsOptions, project: Path) -> None:
    complete_graph(hls_model, options)
    with without_missing_templates(hls_model, options):
        hls_model.write()
    complete_project(hls_model, options, project)
    choices.save(choices.read(hls_model), project)
    _forget_folder(project)


def _named_safely(model: Any) -> tuple[Any, Mapping[str, str]]:
    """Return a model whose layers have safe names, and the user's names by these."""
    keras = sys.modules["tf_keras"]
    entries = [tensor.node.layer for tensor in model.inputs]
    names = Names([layer.name for layer in [*entries, *model.layers]], [layer.name for layer in entries])
    if all(identifier == name for identifier, name in names.shown.items()):
        return model, names.shown

    def renamed(layer: Any) -> Any:
        return made_again(layer, name=names.identifier(layer.name))

    inputs = [keras.Input(layer.input_shape[0][1:], name=names.identifier(layer.name)) for layer in entries]
    clone = keras.models.clone_model(model, input_tensors=inputs, clone_function=renamed)
    clone.set_weights(model.get_weights())
    return clone, names.shown


def _by_safe_names(options: HlsOptions, names: Mapping[str, str]) -> HlsOptions:
    """Return options with the layers' safe names in place of the user's."""
    identifiers = {shown: name for name, shown in names.items()}
    return replace(options, layers={identifiers.get(name, name): own for name, own in options.layers.items()})


def _unrolled(options: HlsOptions, normal: NormalForm) -> HlsOptions:
    """Return options with which layers of decisions do all multiplications at once, whatever the network's do."""
    strategy = FACTS[options.backend].strategies[0]
    own = {name: LayerOptions(strategy=strategy, reuse_factor=1) for name in normal.unrolled}
    return replace(options, layers={**own, **options.layers})


def _declared(normal: NormalForm, options: HlsOptions) -> number_formats.Declared:
    layers = {layer.name: layer for layer in normal.model.layers}
    return number_formats.Declared(
        formats=normal.formats,
        functions={
            name: tables.on_reals(layer.function)
            for name, layer in layers.items()
            if type(layer).__name__ == "Quantize" and layer.role == "table"
        },
        scales={
            name: _scale(layer) for name, layer in layers.items() if type(layer).__name__ in ("ScaleShift", "Divide")
        },
        overrides={
            name: {role: FixedPoint.parse(text) for role, text in own.precision.items()}
            for name, own in options.layers.items()
        },
        names=normal.names,
        narrowest=FACTS[options.backend].narrowest,
        adds=lack("Add", options.backend, options.io_type, axes=0) is None,
    )


def _scale(layer: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return factor and summand of a layer of the normal form, [channels] each."""
    if type(layer).__name__ == "ScaleShift":
        return layer.scale, layer.shift
    channels = int(layer.output.shape[-1])
    return np.full(channels, layer.quotient.factor), np.zeros(channels)


@contextlib.contextmanager
def _hls4ml_at_work(log: Path, names: Mapping[str, str]) -> Iterator[None]:
    """Bring up Keras 2 for hls4ml, write its prints to a file, and name its errors, with the user's names of layers."""
    with (
        log.open("w") as stream,
        _keras2_front_end(),
        contextlib.redirect_stdout(stream),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        except ConversionError as error:
            raise ConversionError(in_text(names, str(error))) from error
        except (Exception, SystemExit) as error:
            told = in_text(names, f"{type(error).__name__}: {cut(error)}")
            raise ConversionError(f"hls4ml could not convert the model: {told}") from error


@contextlib.contextmanager
def _keras2_front_end() -> Iterator[None]:
    """Make `import keras` find Keras 2, by which hls4ml chooses its front end; undone afterwards."""
    before = sys.modules.get("keras")
    sys.modules["keras"] = sys.modules["tf_keras"]
    try:
        yield
    finally:
        if before is None:
            del sys.modules["keras"]
        else:
            sys.modules["keras"] = before


@contextlib.contextmanager
def _transpositions_kept() -> Iterator[None]:
    """Keep hls4ml from taking a transposition before a Flatten for its own, and permuting the weights behind it."""
    from hls4ml.model.layers import Reshape

    Reshape._channels_last_keep_transpose = True
    try:
        yield
    finally:
        del Reshape._channels_last_keep_transpose


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
    with _transpositions_kept():
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
        **unread_options(options.backend),
    )
    # Writes each layer's result in simulation; synthesis does not see it.
    hls_model.config.trace_output = True
    for node in hls_model.get_layers():
        if node.class_name.startswith("ZeroPadding"):
            # hls4ml adds some before convolutions, in io_stream.
            node.set_attr("trace", True)
    return hls_model


def _layer_options(model: Any, options: HlsOptions) -> dict[str, Any]:
    """Return each layer's options for hls4ml.

    The number formats are placeholders; the real ones are set later. No two are equal, since hls4ml removes an
    activation whose format is that of the layer before it, and it infers those that are not given.
    """
    entries = {}
    roles = ("result", "weight", "bias", "accum", "scale", "table")
    for number, layer in enumerate(model.layers):
        strategy = options.strategy_of(layer.name)
        entries[layer.name] = {
            "Precision": dict.fromkeys(roles, f"fixed<{30 + number % 30},{5 + number // 30}>"),
            "Trace": True,
            # With Libero, hls4ml takes them in lower case only.
            "Strategy": strategy.lower() if options.backend == "Libero" else strategy,
            "ReuseFactor": _reuse_factor(layer, options),
        }
    return entries


def _reuse_factor(layer: Any, options: HlsOptions) -> int:
    """Return the reuse factor to ask hls4ml for, which by itself takes the nearest that divides the products evenly.

    hls4ml does not know the limit of a convolution in io_parallel; see `estimates.reuse`.
    """
    wanted = options.reuse_factor_of(layer.name)
    convolution = type(layer).__name__ in ("Conv1D", "Conv2D")
    serial = options.strategy_of(layer.name) == "Resource" and options.io_type == "io_parallel"
    if convolution and serial and options.takes_nearest(layer.name):
        return min(wanted, int(np.prod(layer.kernel.shape[:-1])))
    return wanted


def _forget_folder(project: Path) -> None:
    """Make the paths in hls4ml's own record relative to the project, so that the project can be moved."""
    record = project / "hls4ml_config.yml"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace(str(project), ".").replace(str(project.parent), ".."), encoding="utf-8")
