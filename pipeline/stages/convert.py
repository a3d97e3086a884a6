"""Conversion: the HLS project, the fixed-point graph and the RTL."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.cache import Stage, installed_version
from pipeline.stages import Context, train

_DISTRIBUTIONS = ("alkaid", "hls4ml", "numpy", "qkeras", "tensorflow", "tf-keras")
# The vendor's test bench reads text: enough events to see a difference, not hours of simulation.
_TEST_BENCH_EVENTS = 1000


def stage(context: Context) -> Stage:
    """Describe the stage."""
    return Stage(
        name="convert",
        after=("train",),
        code=(
            "models/keras2.py",
            "models/source.py",
            "models/saved_config.py",
            "models/paths.py",
            "hls",
            "pipeline/stages/convert.py",
        ),
        options=context.config.model_dump(mode="json", include={"name", "hls", "rtl"}),
        files=(),
        versions={name: installed_version(name) for name in _DISTRIBUTIONS},
        work=lambda folder: _work(context, folder),
    )


def _work(context: Context, folder: Path) -> None:
    from hls.conversion import HlsOptions, LayerOptions, convert
    from hls.engines.keras import KerasEngine
    from hls.rtl import parallel
    from models.source import load_saved

    config = context.config
    trained = train.read(context.folder)
    model = load_saved(trained.quantized)
    reference = KerasEngine(model).predict(trained.test_events)
    np.save(folder / "reference.npy", reference)
    hls = config.hls.model_dump(exclude={"layers"})
    layers = {name: LayerOptions(**layer.model_dump()) for name, layer in config.hls.layers.items()}
    part = slice(_TEST_BENCH_EVENTS)
    with context.console.task("converting with hls4ml"):
        graph = convert(
            model,
            name=config.name,
            options=HlsOptions(**hls, layers=layers),
            project=folder / "hls",
            log=folder / "hls4ml.log",
            test_bench=(trained.test_events[part], reference[part].astype(np.float32)),
        )
    graph.save(folder)
    if config.rtl.architecture == "none":
        return
    with context.console.task("generating RTL"):
        design = parallel.generate(
            graph,
            folder / "rtl",
            part=config.hls.part,
            clock_period_ns=config.hls.clock_period_ns,
            stage_delay=config.rtl.stage_delay,
            max_multiplications=config.rtl.max_multiplications,
        )
    design.save(folder)
