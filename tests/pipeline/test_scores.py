"""How a score is made of the outputs."""

from __future__ import annotations

import numpy as np
import pytest

from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.trigger.scores import Score, make_score


def test_the_margin_of_two_classes_is_the_difference_of_their_logits() -> None:
    score = make_score(["qcd", "top"], 2, signal=None, background=None, kind=None)
    assert score == Score("margin", signal=(1,), background=(0,))
    assert score.of(np.array([[3, 5], [2, -7]])).tolist() == [2, -9]
    assert score.definition(["qcd", "top"]) == "logit[top] - logit[qcd]"


def test_the_margin_of_several_classes_leaves_out_those_on_neither_side() -> None:
    classes = ["a", "b", "c", "d", "other"]
    score = make_score(classes, 5, signal=["d", "b"], background=["a", "c"], kind="margin")
    assert score.of(np.array([[1, 4, 2, 9, 99], [5, 1, 8, 0, 99]])).tolist() == [7, -7]
    assert score.definition(classes) == "max(logit[d], logit[b]) - max(logit[a], logit[c])"


def test_the_signal_score_is_the_largest_signal_logit() -> None:
    score = make_score(["a", "b", "c"], 3, signal=["b", "c"], background=None, kind="signal")
    assert score.of(np.array([[9, 1, 2], [9, -1, -2]])).tolist() == [2, -1]
    assert score.background == (0,)


@pytest.mark.parametrize(("signal", "expected", "text"), [("top", [3, -4], "output"), ("qcd", [-3, 4], "-output")])
def test_a_single_output_is_the_score_turned_so_that_signal_is_high(
    signal: str, expected: list[int], text: str
) -> None:
    score = make_score(["qcd", "top"], 1, signal=[signal], background=None, kind=None)
    assert score.of(np.array([[3], [-4]])).tolist() == expected
    assert score.definition(["qcd", "top"]) == text


def test_one_output_of_several_classes_is_large_for_signal() -> None:
    score = make_score(["a", "b", "c"], 1, signal=["a", "c"], background=None, kind=None)
    assert score == Score("output", signal=(0, 2), background=(1,))


def test_of_two_classes_the_one_that_is_not_background_is_signal() -> None:
    assert make_score(["top", "qcd"], 2, signal=None, background=["qcd"], kind=None).signal == (0,)


@pytest.mark.parametrize(
    ("outputs", "signal", "background", "kind", "message"),
    [
        (3, None, None, None, "there are 3 classes (a, b, c); say which are signal with --signal"),
        (3, ["x"], None, None, "--signal x: no such class; choose from a, b, c"),
        (3, ["a"], ["y"], None, "--background y: no such class; choose from a, b, c"),
        (3, ["a"], ["b", "a"], None, "class a is signal and background"),
        (3, ["a", "a"], None, None, "--signal: names the class a twice"),
        (3, [], None, None, "--signal: names no class"),
        (3, ["a", "b", "c"], None, None, "every class (a, b, c) is signal"),
        (3, ["a"], None, "best", "--score best: must be margin, signal or output"),
        (3, ["a"], None, "output", "--score output: with 3 outputs it must be margin or signal"),
        (4, ["a"], None, None, "the output has 4 values and the run has 3 classes"),
        (1, None, None, None, "there are 3 classes (a, b, c); say which are signal with --signal"),
    ],
)
def test_a_score_that_cannot_be_made(
    outputs: int, signal: list[str] | None, background: list[str] | None, kind: str | None, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_score(["a", "b", "c"], outputs, signal=signal, background=background, kind=kind)
    assert str(caught.value).startswith(message)


def test_without_classes_the_score_is_an_output_alone() -> None:
    score = make_score([], 1, signal=None, background=None, kind=None)
    assert (score, score.definition([])) == (Score("output", (), ()), "output")
    for outputs, signal in ((3, None), (1, ["top"])):
        with pytest.raises(ConfigError, match="the classes of the events are not known"):
            make_score([], outputs, signal=signal, background=None, kind=None)
