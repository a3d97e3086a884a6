"""Training as a configuration asks for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.augmentation import chosen_symmetries
from trigcnn.models.datasets import Dataset, Split, Symmetry
from trigcnn.models.errors import DataError, ModelError
from trigcnn.models.heads import Truth
from trigcnn.models.training import Recipe, weights_by_class
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.stages import training
from trigcnn.pipeline.stages.building import load_data

Trigcnn = Callable[..., subprocess.CompletedProcess[str]]

TRIGGER = {"signal": ["gamma"], "background": ["hadron"]}


def config(**options: Any) -> RunConfig:
    sections = {name: options.pop(name) for name in ("trigger", "data") if name in options}
    return RunConfig.model_validate({"name": "here", "training": options, **sections})


def dataset(validation: int = 40) -> Dataset:
    part = Split(np.zeros((validation, 3), np.float32), np.arange(validation) % 4 // 3)
    classes, symmetries = ("hadron", "gamma"), ("flip_rows",)
    return Dataset("camera", FixedPoint.parse("ufixed<4,0>"), classes, part, part, part, (), symmetries)  # type: ignore[arg-type]


def test_the_recipe_is_a_section_of_the_configuration() -> None:
    options = {"epochs": 7, "schedule": "step", "class_weights": "balanced", "pruning_layers": {"dense": 0.5}}
    recipe = config(**options, monitor="accuracy").training
    assert recipe == Recipe(**options, monitor="accuracy")  # type: ignore[arg-type]
    assert (recipe.epochs, recipe.schedule, recipe.monitor) == (7, "step", "accuracy")
    assert weights_by_class(dataset(), recipe.class_weights) == pytest.approx((2 / 3, 2.0))
    assert (recipe.prunes, recipe.augmentation) == (True, "none")


def symmetries(wanted: RunConfig, data: Dataset) -> tuple[Symmetry, ...]:
    how = wanted.training
    return chosen_symmetries(
        how.augmentation,
        training.with_symmetries(wanted, data),
        shift_pixels=how.shift_pixels,
        rotation_deg=how.rotation_deg,
    )


def test_of_a_file_the_user_knows_the_symmetries() -> None:
    wanted = config(augmentation=["roll_rows"], data={"source": "events.npz"})
    two_axes = Split(np.zeros((2, 3, 1), np.float32), np.zeros(2, np.int64))
    data = Dataset("events.npz", FixedPoint.parse("ufixed<4,0>"), ("one",), two_axes, two_axes, two_axes)
    assert symmetries(wanted, data) == ("roll_rows",)
    with pytest.raises(ModelError, match="roll_rows may change the class"):
        symmetries(config(augmentation=["roll_rows"]), data)


def test_the_monitored_efficiency_is_that_of_signal_at_the_share_of_background() -> None:
    data = dataset()
    measure = training.measure(config(background_efficiency=0.1, trigger=TRIGGER), data, 1)
    labels = data.validation.labels
    scores = np.where(labels == 0, np.cumsum(labels == 0), 0).astype(float)
    # Of 30 background events with scores 1 to 30, three are accepted at 28; of 10 signal events those from 28 on.
    scores[labels == 1] = np.arange(23, 33)
    assert measure(scores[:, np.newaxis], labels, None) == 0.5
    margin = training.measure(config(background_efficiency=0.1, trigger=TRIGGER), data, 2)
    assert margin(np.stack([-scores, np.zeros(40)], axis=1), labels, None) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["gates.min_signal_efficiency=0.5"], "gates.min_signal_efficiency: set trigger.background_efficiencies"),
        (
            ["gates.min_explained_variance=0.5"],
            "gates.min_explained_variance: it needs the figure explained variance, which is not measured (",
        ),
        (["training.objective=distillation", "gates.min_accuracy=null"], "training.distillation.classes: the data set"),
    ],
)
def test_what_cannot_be_judged_or_trained_is_refused_before_training(
    assignments: list[str], message: str, quick_config: Path, trigcnn: Trigcnn
) -> None:
    words = [word for assignment in assignments for word in ("--set", assignment)]
    outcome = trigcnn("train", quick_config, "--out", quick_config.parent / "out", *words)
    assert outcome.returncode == 2
    assert message in outcome.stderr


@pytest.mark.parametrize(
    ("options", "validation", "message"),
    [
        ({}, 40, "needs a background efficiency; set training.background_efficiency"),
        ({"background_efficiency": 0.01}, 40, "0.01 cannot be measured with only 30 background events for validation"),
        ({"background_efficiency": 0.5}, 3, "0.5 cannot be measured with no events of gamma for validation"),
    ],
)
def test_an_efficiency_that_cannot_be_measured_is_refused(
    options: dict[str, Any], validation: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        training.measure(config(trigger=TRIGGER, **options), dataset(validation), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"objective": "regression", "class_weights": "balanced"},
            "class_weights are for classification, not for regr",
        ),
        (
            {"objective": "distillation", "monitor": "accuracy"},
            "monitor: there is no accuracy of distillation; use loss",
        ),
        ({"epochs": 3, "warmup_epochs": 3}, "warmup_epochs 3 must be fewer than epochs, 3"),
        ({"epochs": 3, "pruning_layers": {"a": 0.5}, "pruning_last_epoch": 3}, "does not fit into 3 epochs"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**options)


def weights(out: Path) -> list[Any]:
    from trigcnn.models.source import load_saved

    return [
        *load_saved(out / "train" / "quantized.keras").get_weights(),
        np.load(out / "train" / "test.npz")["float_outputs"],
    ]


def test_an_interrupted_training_goes_on_and_ends_with_the_same_bits(
    quick_config: Path, trigcnn: Trigcnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    outs = [quick_config.parent / name for name in ("whole", "parts")]
    changes = ["--set", "training.epochs=2", "--set", "training.tensorboard=true"]
    assert trigcnn("train", quick_config, "--out", outs[0], *changes).returncode == 0
    steps = 0

    def interrupt() -> None:
        nonlocal steps
        steps += 1
        # An epoch has 13 steps, and a look at its end.
        if steps in (20, 20 + 14 + 18):
            raise KeyboardInterrupt

    monkeypatch.setattr("trigcnn.pipeline.interrupts.check", interrupt)
    names = []
    for _ in range(2):
        assert trigcnn("train", quick_config, "--out", outs[1], *changes).returncode == 130
        names.append(sorted(path.name for path in (outs[1] / "train.checkpoints").glob("*/*")))
    # First in the quantized model's second epoch, then in the twin's.
    assert names == [["quantized.npz"], ["float_twin.npz", "quantized.npz"]]
    # How often a checkpoint is written changes nothing.
    changes += ["--set", "training.checkpoint_epochs=2"]
    outcome = trigcnn("train", quick_config, "--out", outs[1], *changes)
    assert outcome.returncode == 0, outcome.stderr
    assert not (outs[1] / "train.checkpoints").exists()
    for found, expected in zip(*map(weights, outs[::-1]), strict=True):
        np.testing.assert_array_equal(found, expected)
    infos = [json.loads((out / "train" / "info.json").read_text()) for out in outs]
    assert infos[0] == infos[1]
    assert (infos[0]["training"]["device"], infos[0]["training"]["objective"]) == ("CPU", "classification")
    logs = outs[1] / "logs" / "tensorboard"
    assert {path.parent.name for path in logs.rglob("events.out.tfevents.*")} == {"quantized", "float_twin"}


def test_a_run_distils_and_keeps_the_teacher_and_its_scores(quick_config: Path, trigcnn: Trigcnn) -> None:
    out = quick_config.parent / "out"
    changes = [
        *("data.source=calorimeter", "data.options.events=400", "data.input_format=ufixed<10,10>"),
        *("model.source=cicada", "model.options.units=4", "model.bits.dense1=7"),
        *("training.objective=distillation", "training.epochs=1", "training.distillation.epochs=1"),
        *("training.distillation.classes=[background]", "training.batch_size=128"),
        *(
            "training.distillation.teacher_options.filters=[2, 2]",
            "training.distillation.teacher_options.latent_units=2",
        ),
    ]
    outcome = trigcnn("train", quick_config, "--out", out, *(word for change in changes for word in ("--set", change)))
    assert outcome.returncode == 0, outcome.stderr
    info = json.loads((out / "train" / "info.json").read_text())
    training = info["training"]
    assert training["objective"] == "distillation"
    assert all(training[name]["loss"] for name in ("quantized", "float_twin", "teacher"))
    assert info["classes"] == ["background", "multijet", "soft", "displaced"]
    # 130 of 260 training events are background, and four fifths of what the network sees.
    assert training["train_events"] == round(130 / 0.8)
    arrays = np.load(out / "train" / "test.npz")
    assert arrays["truth0"].shape == (100, 1)
    assert 0 <= arrays["truth0"].min() < arrays["truth0"].max() <= 256
    assert {path.name for path in (out / "train").iterdir()} == {
        *("quantized.keras", "float.keras", "teacher.keras"),
        *("test.npz", "info.json", "manifest.json"),
    }


def test_a_distillation_that_sees_no_signal_cannot_be_stopped_by_its_efficiency(
    quick_config: Path, trigcnn: Trigcnn
) -> None:
    changes = [
        *("data.source=calorimeter", "data.options.events=400", "data.input_format=ufixed<10,10>"),
        *("model.source=cicada", "training.objective=distillation", "training.distillation.classes=[background]"),
        *("training.monitor=signal_efficiency", "training.background_efficiency=0.1", "trigger.signal=[soft]"),
    ]
    out = quick_config.parent / "out"
    outcome = trigcnn("train", quick_config, "--out", out, *(word for change in changes for word in ("--set", change)))
    assert outcome.returncode == 2
    assert "cannot be measured with no events of soft for validation" in outcome.stderr
    assert "training the teacher" not in outcome.stdout


def test_a_training_begins_with_the_weights_that_are_named(quick_run: tuple[Path, Path], trigcnn: Trigcnn) -> None:
    config, out = quick_run
    weights = out / "train" / "quantized.keras"
    done = trigcnn("train", config, "--out", out.parent / "warm", "--set", f"training.initial_weights={weights}")
    assert done.returncode == 0, done.stderr
    assert f"weights of dense1, logits are those of {weights}" in done.stdout
    cold = json.loads((out / "train" / "info.json").read_text())["training"]["quantized"]["loss"]
    warm = json.loads((out.parent / "warm" / "train" / "info.json").read_text())["training"]["quantized"]["loss"]
    assert warm[0] < cold[0]


def test_weights_of_another_network_are_refused(quick_run: tuple[Path, Path], trigcnn: Trigcnn) -> None:
    config, out = quick_run
    other = f"training.initial_weights={out / 'train' / 'quantized.keras'}"
    done = trigcnn("train", config, "--out", out.parent / "cold", "--set", other, "--set", "model.options.units=7")
    assert done.returncode == 2
    assert "no layer of" in done.stderr
    assert "has the name and the shapes of one of this network" in done.stderr


def of_file(folder: Path, source: str, objective: str, **arrays: Any) -> RunConfig:
    """A configuration of a file of 60 events."""
    np.savez(folder / "events.npz", events=np.arange(60)[:, np.newaxis] / 64, **arrays)
    data = {"source": str(folder / "events.npz"), "input_format": "ufixed<6,0>"}
    return RunConfig.model_validate(
        {"name": "a", "data": data, "model": {"source": source}, "training": {"objective": objective}}
    )


@pytest.mark.parametrize("source", ["net.keras", "net.py:build"])
def test_labels_of_a_regression_are_its_targets(tmp_path: Path, source: str) -> None:
    found = load_data(of_file(tmp_path, source, "regression", labels=np.arange(60) * 0.1))
    assert (found.truths, found.classes) == ({"": Truth("targets")}, ())
    np.testing.assert_allclose(found.test.truths[""], found.test.events[:, 0] * 6.4, rtol=1e-6)


def test_only_a_network_that_is_trained_needs_a_truth(tmp_path: Path) -> None:
    assert load_data(of_file(tmp_path, "net.keras", "classification")).truths == {}
    assert load_data(of_file(tmp_path, "net.py:build", "reconstruction")).truths == {}
    config = of_file(tmp_path, "net.py:build", "classification")
    with pytest.raises(DataError, match=r"no array 'labels', which data.labels names; choose from events"):
        load_data(config)
    without = config.model_copy(update={"data": config.data.model_copy(update={"labels": None})})
    with pytest.raises(DataError, match="a network that is trained needs labels or targets; name an array in"):
        load_data(without)
