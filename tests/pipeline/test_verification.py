"""Comparison of engines, in units of the last bit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.engines import Events, Outputs
from trigcnn.hls.graph.graph import Graph, Layer
from trigcnn.pipeline.results.comparison import Comparison
from trigcnn.pipeline.verification.comparison import compare, first_differing_layer

RESULT = FixedPoint.parse("fixed<8,4>")
LSB = 1 / 16
GRAPH = Graph(
    "toy",
    (
        Layer("events", "Input", (), (2, 2), RESULT),
        Layer("double", "Dense", ("events",), (2, 2), RESULT),
        Layer("flat", "Reshape", ("double",), (4,), RESULT),
        Layer("logits", "Dense", ("flat",), (4,), RESULT),
    ),
    ("events",),
    ("logits",),
)


GRAPH_ENDS = (GRAPH.inputs, GRAPH.outputs)


@dataclass
class Toy:
    """Doubles, flattens and adds one; `wrong` is added to the result of a layer, of each event by its number."""

    name: str
    wrong: dict[str, list[float]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    traced: list[int] = field(default_factory=list)

    def predict(self, events: Events) -> Outputs:
        return self._layers(events)["logits"]

    def trace(self, events: Events) -> dict[str, Outputs]:
        self.traced.append(len(events))
        return {name: values for name, values in self._layers(events).items() if name not in self.hidden}

    def _layers(self, events: Events) -> dict[str, Outputs]:
        double = self._spoil("double", 2.0 * events.astype(np.float64), events)
        flat = self._spoil("flat", double.reshape(len(events), -1), events)
        return {"double": double, "flat": flat, "logits": self._spoil("logits", flat + 1, events)}

    def _spoil(self, name: str, values: Outputs, events: Events) -> Outputs:
        if name not in self.wrong:
            return values
        # The first value of an event is its number.
        numbers = events.reshape(len(events), -1)[:, 0].astype(int)
        result = values.copy()
        result.reshape(len(events), -1)[:, -1] += np.asarray(self.wrong[name])[numbers]
        return result


@pytest.fixture
def events() -> Events:
    events: Events = np.zeros((5, 2, 2), np.float32)
    events[:, 0, 0] = np.arange(5)
    return events


def compared(other: Toy, events: Events) -> Comparison:
    reference = Toy("model")
    return compare(reference, other, reference.predict(events), other.predict(events), graph=GRAPH, events=events)


def test_equal_engines_are_equal_and_no_layer_is_looked_at(events: Events) -> None:
    other = Toy("csim")
    result = compared(other, events)
    assert result == Comparison("model", "csim", 5, 20, 0, 0, 0.0, None)
    assert result.equal
    assert str(result) == "csim = model on 5 events, 20 outputs"
    assert other.traced == []


def test_differences_are_counted_in_lsb_of_the_output(events: Events) -> None:
    other = Toy("csim", {"logits": [0, LSB, 0, -3 * LSB, 0]})
    result = compared(other, events)
    assert result == Comparison("model", "csim", 5, 20, 2, 2, 3.0, "logits")
    assert not result.equal
    assert str(result) == (
        "csim differs from model in 2 of 20 outputs of 2 of 5 events, by up to 3 LSB, first in layer logits"
    )


def test_only_events_that_differ_are_traced(events: Events) -> None:
    other = Toy("csim", {"logits": [0, LSB, 0, LSB, 0]})
    compared(other, events)
    assert other.traced == [2]


def test_a_batch_of_differing_events_is_traced_in_part(events: Events) -> None:
    many: Events = np.zeros((200, 2, 2), np.float32)
    other = Toy("csim", {"logits": [LSB]})
    assert compared(other, many).differing_events == 200
    assert other.traced == [64]


def test_the_first_layer_in_the_graph_s_order_is_named(events: Events) -> None:
    other = Toy("csim", {"double": [0, LSB, 0, 0, 0], "logits": [0, 0, 0, 0, LSB]})
    assert compared(other, events).first_layer == "double"


def test_a_layer_that_an_engine_does_not_show_is_passed_over(events: Events) -> None:
    other = Toy("csim", {"double": [LSB] * 5}, hidden=("double",))
    assert compared(other, events).first_layer == "flat"


def test_layers_are_equal_in_any_shape_of_the_same_values(events: Events) -> None:
    class Flat(Toy):
        def trace(self, events: Events) -> dict[str, Outputs]:
            return {name: values.reshape(len(events), -1) for name, values in super().trace(events).items()}

    assert first_differing_layer(Toy("model"), Flat("csim"), GRAPH, events) is None


def test_a_difference_that_no_shown_layer_explains_names_none(events: Events) -> None:
    other = Toy("csim", {"logits": [LSB] * 5}, hidden=("double", "flat", "logits"))
    result = compared(other, events)
    assert (result.equal, result.first_layer) == (False, None)
    assert "first in layer" not in str(result)


@pytest.mark.parametrize("both", [False, True])
def test_nan_is_never_equal(events: Events, both: bool) -> None:
    reference, other = Toy("model"), Toy("csim")
    expected, found = reference.predict(events), other.predict(events)
    found[2, 1] = np.nan
    if both:
        expected[2, 1] = np.nan
    result = compare(reference, other, expected, found, graph=GRAPH, events=events)
    assert (result.differing_outputs, result.differing_events, result.equal) == (1, 1, False)


def test_outputs_of_different_shapes_are_refused(events: Events) -> None:
    reference, other = Toy("model"), Toy("csim")
    expected = reference.predict(events)
    message = r"model gives outputs of shape \(5, 4\), csim \(4, 4\)"
    with pytest.raises(ValueError, match=message):
        compare(reference, other, expected, expected[:4], graph=GRAPH, events=events)
