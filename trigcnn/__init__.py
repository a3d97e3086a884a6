"""From a QKeras convolutional network to trigger firmware, bit by bit the one that was validated.

The names in `__all__` are the public API; everything else in this package is internal and can change. Nothing heavy
is imported before a name is used, so that `import trigcnn` takes milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trigcnn.common.errors import TrigcnnError
    from trigcnn.common.fixed_point import FixedPoint
    from trigcnn.common.keras2 import bring_up
    from trigcnn.hls.decisions import Decision
    from trigcnn.hls.graph.graph import Graph
    from trigcnn.hls.options import HlsOptions, LayerOptions
    from trigcnn.hls.rtl.options import RtlOptions
    from trigcnn.models.scaling import InputScaling
    from trigcnn.pipeline.api.conversion import Conversion, convert
    from trigcnn.pipeline.api.runs import check_golden, load_config, load_data, run
    from trigcnn.pipeline.results.report import Report
    from trigcnn.pipeline.run import RunResult

    __version__: str

__all__ = [
    "Conversion",
    "Decision",
    "FixedPoint",
    "Graph",
    "HlsOptions",
    "InputScaling",
    "LayerOptions",
    "Report",
    "RtlOptions",
    "RunResult",
    "TrigcnnError",
    "__version__",
    "bring_up",
    "check_golden",
    "convert",
    "load_config",
    "load_data",
    "run",
]

# Where each public name is defined.
_HOMES = {
    "Conversion": "trigcnn.pipeline.api.conversion",
    "Decision": "trigcnn.hls.decisions",
    "FixedPoint": "trigcnn.common.fixed_point",
    "Graph": "trigcnn.hls.graph.graph",
    "HlsOptions": "trigcnn.hls.options",
    "InputScaling": "trigcnn.models.scaling",
    "LayerOptions": "trigcnn.hls.options",
    "Report": "trigcnn.pipeline.results.report",
    "RtlOptions": "trigcnn.hls.rtl.options",
    "RunResult": "trigcnn.pipeline.run",
    "TrigcnnError": "trigcnn.common.errors",
    "bring_up": "trigcnn.common.keras2",
    "check_golden": "trigcnn.pipeline.api.runs",
    "convert": "trigcnn.pipeline.api.conversion",
    "load_config": "trigcnn.pipeline.api.runs",
    "load_data": "trigcnn.pipeline.api.runs",
    "run": "trigcnn.pipeline.api.runs",
}

# Type checkers read the imports above, and so report a name that does not exist.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used (PEP 562)."""
        if name == "__version__":
            from importlib.metadata import version

            value = version("trigcnn")
        elif name in _HOMES:
            from importlib import import_module

            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """List the public names, imported or not."""
        return sorted({*globals(), *__all__})
