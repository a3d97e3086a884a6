"""A normal form compared with its model, Keras against Keras."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import AdmissionError
from trigcnn.hls.graph.graph import pack
from trigcnn.hls.rewriting.rewrite import NormalForm
from trigcnn.hls.rewriting.rules import logits


@dataclass(frozen=True)
class Rewriting:
    """What became of a model before it was converted, and how the two compare, Keras against Keras."""

    changes: tuple[str, ...]
    """What was rewritten, one line each, beginning with the layer's name."""
    outputs_changed: bool
    """Whether a softmax or sigmoid at the end was left out, so that outputs are logits."""
    wide: tuple[str, ...]
    """Layers whose constants or sums are wider than float32, in which Keras itself rounds."""
    events: int
    """Events on which both were evaluated, real and random."""
    outputs: int
    """Outputs compared."""
    differing_outputs: int
    """How many differ."""
    differing_events: int
    """Events that have an output that differs."""
    max_difference: float
    """Largest difference, in the output's units."""


def compare(model: Any, normal: NormalForm, events: list[npt.NDArray[Any]], *, random_events: int = 512) -> Rewriting:
    """Compare a normal form with its model on given and on random events, equal float64 for equal float64.

    Args:
        model: The model.
        normal: Its normal form.
        events: One array [events, ...] per input.
        random_events: Events to add: noise over the range of the given ones and, for a quarter, four times that.

    Raises:
        AdmissionError: They differ although Keras' float32 holds all sums: the rewriting is wrong.
    """
    generator = np.random.default_rng(0)
    both = [np.concatenate([x, _noise(x, random_events, generator)]).astype(np.float32) for x in events]
    both = _digitised(model, normal, both)
    expected = _outputs(_without_final_activation(model) if normal.outputs_changed else model, both)
    found = _outputs(normal.model, both)
    differing = [a != b for a, b in zip(expected, found, strict=True)]
    by_event = np.zeros(len(both[0]), bool)
    for part in differing:
        by_event |= part.reshape(len(part), -1).any(axis=1)
    rewriting = Rewriting(
        changes=normal.changes,
        outputs_changed=normal.outputs_changed,
        wide=normal.wide,
        events=len(both[0]),
        outputs=sum(part.size for part in differing),
        differing_outputs=sum(int(part.sum()) for part in differing),
        differing_events=int(by_event.sum()),
        max_difference=max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(expected, found, strict=True)),
    )
    if rewriting.differing_outputs and not normal.wide:
        raise AdmissionError(
            f"the rewritten model differs from the model in {rewriting.differing_outputs} of {rewriting.outputs} "
            f"outputs, by up to {rewriting.max_difference:g}; please report this model. "
            f"Rewritten were: {'; '.join(normal.changes)}"
        )
    return rewriting


def random_events(normal: NormalForm, count: int = 256) -> npt.NDArray[np.float32]:
    """Return events [events, ...] that fill the range of each input's number format, the same ones every time.

    Args:
        normal: The normal form of a model; each of its inputs begins with a cast.
        count: Number of events.
    """
    generator, parts = np.random.default_rng(0), []
    for tensor in normal.model.inputs:
        (node,) = tensor.node.layer.outbound_nodes
        taken = normal.formats[node.outbound_layer.name]
        shape = (count, *tensor.shape[1:])
        whole = generator.integers(taken.min_integer, taken.max_integer, shape, endpoint=True)
        parts.append(taken.to_real(whole).astype(np.float32))
    return pack(parts)


def _digitised(model: Any, normal: NormalForm, events: list[npt.NDArray[Any]]) -> list[npt.NDArray[np.float32]]:
    """Return what the digitiser makes of events, where only the normal form casts its input."""
    own = {layer.name for layer in model.layers}
    result = []
    for tensor, values in zip(normal.model.inputs, events, strict=True):
        (node,) = tensor.node.layer.outbound_nodes
        name = node.outbound_layer.name
        taken = None if normal.names.get(name, name) in own else normal.formats.get(name)
        result.append(values if taken is None else taken.to_real(taken.cast(values)).astype(np.float32))
    return result


def _noise(events: npt.NDArray[Any], count: int, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    low, high = (float(events.min()), float(events.max())) if events.size else (-1.0, 1.0)
    middle, half = (low + high) / 2, max((high - low) / 2, 0.5)
    reach = np.where(np.arange(count) % 4 == 0, 4 * half, half).reshape(-1, *([1] * (events.ndim - 1)))
    # A number of 16 bits: the model's first quantizer sees ties, too.
    noise = middle + reach * generator.uniform(-1, 1, (count, *events.shape[1:]))
    return np.asarray(np.round(noise * 2.0**8) * 2.0**-8)


def _outputs(model: Any, events: list[npt.NDArray[Any]]) -> list[npt.NDArray[np.float64]]:
    result = model.predict(events if len(events) > 1 else events[0], batch_size=256, verbose=0)
    return [np.asarray(part, np.float64) for part in (result if isinstance(result, list) else [result])]


def _without_final_activation(model: Any) -> Any:
    """The model up to the logits."""
    keras = sys.modules["tf_keras"]
    return keras.Model(model.inputs, [logits(tensor) for tensor in model.outputs])
