"""Every engine by name: what it is built from, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from trigcnn.hls.engines import Engine
from trigcnn.hls.engines.emulator.plan import LevelName
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl.design import RtlDesign

# What an engine takes of a network besides its graph.
Need = Literal["project", "rtl", "model"]


def _no_rtl() -> tuple[RtlDesign, Path]:
    raise ConversionError("no RTL was generated for this network; choose another engine")


@dataclass(frozen=True)
class Network:
    """A converted network: what its engines are built from.

    Attributes:
        graph: The fixed-point graph.
        project: Folder of the HLS project.
        model: Loads the Keras model in its normal form, when an engine needs it.
        rtl: Finds or generates the Verilog, when an engine needs it: the design, and the folder with `src/`.
    """

    graph: Graph
    project: Path
    model: Callable[[], Any]
    rtl: Callable[[], tuple[RtlDesign, Path]] = _no_rtl


@dataclass(frozen=True)
class Workplace:
    """Where and how an engine is built.

    Attributes:
        folder: Folder for what is compiled; it must stay for as long as the engine is used.
        timeout_s: Time limit of each compiler, and later of each call, in seconds.
        quick: Whether to compile faster, for an engine that runs slower; its integers are the same.
    """

    folder: Path
    timeout_s: float
    quick: bool = False


@dataclass(frozen=True)
class EngineKind:
    """One kind of engine.

    Attributes:
        build: Builds the engine of a network.
        needs: What it takes of a network besides the graph.
        evidence: Whether it computes as the firmware does, or as Keras.
        traces_graph: Whether its trace has the results of the graph's layers; Keras' layers can be others, and of
            RTL only the outputs can be seen.
    """

    build: Callable[[Network, Workplace], Engine]
    needs: tuple[Need, ...]
    evidence: Literal["simulation", "evaluation"]
    traces_graph: bool


def _csim(network: Network, place: Workplace) -> Engine:
    from trigcnn.hls.engines import csim

    return csim.build(network.graph, network.project, place.folder, timeout_s=place.timeout_s, quick=place.quick)


def _emulator(network: Network, place: Workplace) -> Engine:
    from trigcnn.hls.engines.emulator import engine

    # One instruction set is compiled instead of three.
    level: LevelName | None = "baseline" if place.quick else None
    return engine.build(network.graph, place.folder, timeout_s=place.timeout_s, level=level)


def _rtl(network: Network, place: Workplace) -> Engine:
    from trigcnn.hls.engines import rtl

    design, project = network.rtl()
    return rtl.build(network.graph, design, project, place.folder, timeout_s=place.timeout_s)


def _qkeras(network: Network, _place: Workplace) -> Engine:
    from trigcnn.hls.engines.keras import KerasEngine

    return KerasEngine(network.model(), {layer.identifier: layer.name for layer in network.graph.layers})


def _interpreter(network: Network, place: Workplace) -> Engine:
    from trigcnn.hls.engines import interpreter

    return interpreter.build(network.graph, optimize=not place.quick)


ENGINES: dict[str, EngineKind] = {
    "csim": EngineKind(_csim, ("project",), "simulation", traces_graph=True),
    "emulator": EngineKind(_emulator, (), "simulation", traces_graph=True),
    "rtl": EngineKind(_rtl, ("rtl",), "simulation", traces_graph=False),
    "qkeras": EngineKind(_qkeras, ("model",), "evaluation", traces_graph=False),
    "interpreter": EngineKind(_interpreter, (), "simulation", traces_graph=True),
}


def build(name: str, network: Network, place: Workplace) -> Engine:
    """Build the engine of a network.

    Args:
        name: Key of `ENGINES`.
        network: The converted network.
        place: Where and how to build it.

    Returns:
        The engine; its outputs have the shape [events, ...] of the graph's outputs.

    Raises:
        ConversionError: The engine cannot run the network exactly; the message names the layer.
        ToolError: A compiler is missing, failed, or ran out of time.
    """
    return ENGINES[name].build(network, place)
