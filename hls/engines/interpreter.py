"""The program from which the Verilog is generated, evaluated on integers: what the RTL computes, without a compiler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.engines.words import words
from trigcnn.hls.graph.graph import Graph
from trigcnn.hls.rtl.program import program


@dataclass(frozen=True)
class Interpreter:
    """A graph's combinational logic.

    Attributes:
        graph: What it was made of.
        logic: alkaid's `CombLogic`.
    """

    graph: Graph
    logic: Any

    @property
    def name(self) -> str:
        """Name that comparisons and reports show."""
        return "interpreter"

    def predict(self, events: Events) -> Outputs:
        """Cast all events to the input ports' formats and evaluate them."""
        return self._evaluate(self.logic, events).reshape(len(events), *self.graph.output_shape)

    def trace(self, events: Events) -> dict[str, Outputs]:
        """Return every layer's result, before common subexpressions of different layers are merged."""
        parts = self._every_layer.split_outputs(self._evaluate(self._every_layer_logic, events))
        return dict(zip(self._every_layer.outputs, parts, strict=True))

    @cached_property
    def _every_layer(self) -> Graph:
        return replace(self.graph, outputs=tuple(layer.name for layer in self.graph.layers))

    @cached_property
    def _every_layer_logic(self) -> Any:
        return program(self._every_layer, optimize=False)

    def _evaluate(self, logic: Any, events: Events) -> Outputs:
        values: Outputs = logic.predict(words(self.graph, events), n_threads=1)
        return values


def build(graph: Graph, *, optimize: bool = True) -> Interpreter:
    """Trace a graph.

    Args:
        graph: The graph.
        optimize: Whether to merge common subexpressions, which takes longer; the integers are the same.

    Raises:
        ConversionError: A layer has no hardware.
    """
    return Interpreter(graph, program(graph, optimize=optimize))
