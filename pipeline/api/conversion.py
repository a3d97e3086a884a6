"""Conversion of a trained model, for Python programs."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.hls.decisions import Decision
from trigcnn.hls.engines import registry
from trigcnn.hls.engines.registry import Network, Workplace
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.options import HlsOptions
from trigcnn.hls.rtl import generation
from trigcnn.hls.rtl.options import RtlOptions
from trigcnn.pipeline.api.engines import ConvertedEngine, RtlEngine, fresh
from trigcnn.pipeline.config.file import validate
from trigcnn.pipeline.config.run import TimeLimits
from trigcnn.pipeline.stages.convert import TEST_BENCH_EVENTS

if TYPE_CHECKING:
    from trigcnn.hls.rewriting.check import Rewriting
    from trigcnn.models.scaling import InputScaling

_DEFAULT_HLS, _DEFAULT_RTL = HlsOptions(), RtlOptions()


@dataclass(frozen=True, eq=False)
class Conversion:
    """A converted network, and the engines that run it.

    Engines are compiled when they are asked for. They compute the same integers; `reference` is what the others are
    compared with.

    Attributes:
        graph: The fixed-point graph: layers, number formats and weights.
        changes: What was rewritten in the model, one line each, beginning with the layer's name.
        rewriting: The comparison of the rewritten model with the model, Keras against Keras.
        options: Options of the HLS project.
        folder: Folder with the HLS project in `hls/`, and what engines compile.
    """

    graph: Graph = field(repr=False)
    changes: tuple[str, ...]
    rewriting: Rewriting
    options: HlsOptions
    folder: Path
    _network: Network = field(repr=False)

    def reference(self) -> ConvertedEngine:
        """Return the model itself, rewritten into its exact form and evaluated by Keras in float64."""
        return self._engine("qkeras", self.folder, None)

    def csim(self, *, quick: bool = False, timeout_s: float | None = None) -> ConvertedEngine:
        """Compile hls4ml's C simulation.

        Args:
            quick: Whether to compile without optimization: faster to compile, slower to run, the same integers.
            timeout_s: Time limit of the compiler, and later of each call, in seconds; default: that of runs.

        Raises:
            TrigcnnError: The compiler is missing or failed.
        """
        return self._engine("csim", fresh(self.folder, "csim"), timeout_s, quick=quick)

    def emulator(self, *, timeout_s: float | None = None) -> ConvertedEngine:
        """Compile the emulator, the fastest engine.

        Args:
            timeout_s: Time limit of each call of the compiler, in seconds; default: that of runs.

        Raises:
            TrigcnnError: A layer cannot be emulated exactly, or the compiler is missing or failed.
        """
        return self._engine("emulator", fresh(self.folder, "emulator"), timeout_s)

    def rtl(self, options: RtlOptions = _DEFAULT_RTL, *, timeout_s: float | None = None) -> RtlEngine:
        """Generate RTL, and compile its simulation with Verilator.

        Args:
            options: How the RTL is laid out.
            timeout_s: Time limit of the compiler, and later of each call, in seconds; default: that of runs.

        Returns:
            The engine, with the design's latency and the folder of the Verilog.

        Raises:
            TrigcnnError: The options or the network have no RTL, or Verilator or a compiler is missing or failed.
        """
        validate({"name": self.graph.name, "hls": self.options, "rtl": options}, "Conversion.rtl")
        place = fresh(self.folder, "rtl")
        verilog = place / "rtl"
        design = generation.generate(
            self.graph,
            verilog,
            options,
            part=self.options.amd_part,
            clock_period_ns=self.options.clock_period_ns,
            log=place / "rtl.log",
            timeout_s=TimeLimits().rtl_s,
        )
        network = Network(self.graph, self._network.project, self._network.model, lambda: (design, verilog))
        engine = registry.build("rtl", network, _workplace(place, timeout_s))
        part, period = self.options.amd_part, self.options.clock_period_ns
        return RtlEngine(engine.name, self.graph, engine, self, design, verilog, part, period)

    def _engine(self, name: str, place: Path, timeout_s: float | None, *, quick: bool = False) -> ConvertedEngine:
        engine = registry.build(name, self._network, _workplace(place, timeout_s, quick=quick))
        return ConvertedEngine(engine.name, self.graph, engine, self)


def convert(
    model: Any,
    *,
    name: str = "network",
    input_format: FixedPoint | str | None = None,
    options: HlsOptions = _DEFAULT_HLS,
    preprocessing: Sequence[InputScaling] = (),
    postprocessing: Sequence[Decision] = (),
    events: npt.ArrayLike | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> Conversion:
    """Convert a trained QKeras model: admit it, rewrite it exactly, check the rewriting, and write the HLS project.

    Args:
        model: A model of tf_keras with QKeras layers, or the path of a saved one (`.keras`, `.h5`).
        name: Name of the top function and module: lower-case letters, digits and underscores.
        input_format: Number format of the digitiser, such as `ufixed<8,0>`, for a model that does not quantize its
            input, or with `preprocessing`.
        options: Options of the HLS project.
        preprocessing: Scaling of the inputs in the hardware, before the model; events are not scaled.
        postprocessing: What the hardware computes of the model's outputs; each entry is one more output.
        events: Events [events, ...] on which the rewritten model is compared with the model, beside random ones;
            they also go into the project's test bench. Default: random events alone.
        folder: New or empty folder for the project and the engines; default: a temporary folder that is removed with
            the conversion and its engines.

    Returns:
        The conversion, with the fixed-point graph and the engines.

    Raises:
        TrigcnnError: The model or an option cannot be used; the message says which layer, why, and what fixes it.
    """
    from trigcnn.hls.conversion.convert import convert as write_project
    from trigcnn.hls.engines.keras import KerasEngine
    from trigcnn.hls.rewriting.check import compare, random_events
    from trigcnn.hls.rewriting.normal_form import normal_form
    from trigcnn.models import scaling
    from trigcnn.models.forms import flattened
    from trigcnn.pipeline.stages.building import with_quantized_weights

    validate({"name": name, "hls": options}, "convert")
    given = _number_format(input_format)
    place, temporary = _place(folder)
    try:
        with warnings.catch_warnings():
            # What Keras 2 and QKeras say to their developers.
            warnings.simplefilter("ignore")
            form = flattened(_loaded(model))
            front = scaling.scaled(form.model, preprocessing, given)
            rounded = with_quantized_weights(front.model, options)
            normal = normal_form(rounded.model, options, input_format=given, decisions=postprocessing)
            changes = (*form.changes, *front.changes, *rounded.changes, *normal.changes)
            normal = replace(normal, changes=changes, scalings=scaling.formulas(preprocessing, front.model))
            engine = KerasEngine(normal.model)
            array = random_events(normal) if events is None else np.asarray(events, np.float32)
            rewriting = compare(normal.source, normal, engine.inputs_of(array))
            bench = (array[:TEST_BENCH_EVENTS], engine.predict(array[:TEST_BENCH_EVENTS]).astype(np.float32))
            graph = write_project(
                normal, name=name, options=options, project=place / "hls", log=place / "hls4ml.log", test_bench=bench
            )
    except BaseException:
        if temporary:
            shutil.rmtree(place)
        raise
    network = Network(graph, place / "hls", lambda: normal.model)
    converted = Conversion(graph, normal.changes, rewriting, options, place, network)
    if temporary:
        weakref.finalize(converted, shutil.rmtree, place, ignore_errors=True)
    return converted


def _number_format(given: FixedPoint | str | None) -> FixedPoint | None:
    if not isinstance(given, str):
        return given
    try:
        return FixedPoint.parse(given)
    except ValueError as error:
        raise ConversionError(f"input_format: {error}") from error


def _loaded(model: Any) -> Any:
    """Return a model that is given as an object or as a file."""
    keras = bring_up().keras
    if isinstance(model, (str, os.PathLike)):
        from trigcnn.models.source import load_saved

        return load_saved(Path(model))
    if not isinstance(model, keras.Model):
        kind = type(model)
        raise ConversionError(
            f"the model is a {kind.__module__}.{kind.__qualname__}, not a tf_keras.Model; build it with the Keras 2 "
            "and QKeras that trigcnn.bring_up() returns, or give the path of a saved model"
        )
    return model


def _place(folder: str | os.PathLike[str] | None) -> tuple[Path, bool]:
    """Return the folder of a conversion, and whether it is temporary."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="trigcnn-")), True
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        used = any(place.iterdir())
    except OSError as error:
        raise ConversionError(f"{place}: cannot be used as the folder of a conversion: {error}") from error
    if used:
        raise ConversionError(f"{place}: is not empty; name a new folder for the conversion")
    return place, False


def _workplace(folder: Path, timeout_s: float | None, *, quick: bool = False) -> Workplace:
    return Workplace(folder, TimeLimits().compile_s if timeout_s is None else timeout_s, quick)
