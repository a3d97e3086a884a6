"""The model and the data of a run before training: names of outputs, and a model that has no float twin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.common.keras2 import bring_up
from trigcnn.models.datasets.base import Dataset, Split
from trigcnn.models.errors import ModelError
from trigcnn.models.forms import output_keys, plain
from trigcnn.models.heads import Head, Truth
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.stages.building import with_output_names
from trigcnn.pipeline.stages.train import _twin


def labelled(*outputs: str) -> Dataset:
    truths = {output: np.arange(4) % 2 for output in outputs}
    part = Split(np.zeros((4, 6), np.float32), np.zeros(4, np.int64), truths=truths)
    known = {output: Truth("classes", ("a", "b")) for output in outputs}
    return Dataset("events", FixedPoint.parse("ufixed<4,0>"), (), part, part, part, truths=known)


def test_truths_are_named_by_layers_or_by_the_keys_of_a_dictionary() -> None:
    keras = bring_up().keras
    events = keras.Input((6,))
    outputs = {name: keras.layers.Dense(2, name=f"dense_{name}")(events) for name in ("scores", "energy")}
    model = keras.Model(events, outputs)
    layers = [tensor.node.layer.name for tensor in plain(model).model.outputs]
    names = dict(zip(output_keys(model), layers, strict=True))
    assert names == {"energy": "dense_energy", "scores": "dense_scores"}
    assert output_keys(keras.Model(events, list(outputs.values()))) == ()
    found = with_output_names(labelled("scores", "dense_energy", "other"), names)
    expected = ["dense_scores", "dense_energy", "other"]
    assert [list(found.truths), list(found.test.truths)] == [expected, expected]
    # The layer that is called so.
    assert list(with_output_names(labelled("a"), {"a": "b", "b": "a"}).truths) == ["a"]


def test_a_saved_model_without_a_float_twin_has_no_quality() -> None:
    keras, qkeras = bring_up()[1:]
    model = keras.Sequential([keras.Input((6,)), qkeras.QAdaptiveActivation("quantized_bits", 4, name="follows")])
    heads = (Head("follows", (6,), "classes", tuple("abcdef")),)

    def twin(*, trained: bool, efficiencies: tuple[float, ...] = ()) -> Any:
        config = SimpleNamespace(trigger=SimpleNamespace(background_efficiencies=efficiencies))
        return _twin(model, heads, cast("RunConfig", config), trained=trained)

    reason = "layer follows: there is no float twin of a QAdaptiveActivation"
    assert twin(trained=False) == (None, (Head("follows", (6,), "none", reason=reason),))
    for options in ({"trained": True}, {"trained": False, "efficiencies": (0.01,)}):
        with pytest.raises(ModelError, match=reason):
            twin(**options)
