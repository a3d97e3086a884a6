"""Training of a configuration's quantized model, its float twin and its teacher, if it has one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.models.history import History
from trigcnn.pipeline import interrupts
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.context import Watch
from trigcnn.pipeline.errors import ConfigError
from trigcnn.pipeline.trigger.scores import make_score
from trigcnn.pipeline.verification.metrics import mean
from trigcnn.pipeline.verification.quality import threshold_at

if TYPE_CHECKING:
    from trigcnn.models.datasets import Dataset
    from trigcnn.models.heads import Head
    from trigcnn.models.training import Measure

_FILES = (".npz", ".h5", ".hdf5")


@dataclass(frozen=True)
class Histories:
    """What the training of each network recorded; None for one that was not trained."""

    quantized: History | None = None
    float_twin: History | None = None
    teacher: History | None = None


@dataclass(frozen=True)
class Trained:
    """The trained models.

    Attributes:
        quantized: The quantized model; another one than before where batch normalization was folded.
        float_twin: The float twin.
        teacher: The teacher; None without one.
        dataset: The events, with the truth of each output.
        histories: What their trainings recorded.
    """

    quantized: Any
    float_twin: Any
    teacher: Any
    dataset: Dataset
    histories: Histories


def is_file(source: str) -> bool:
    """Return whether a data set is a user's own file."""
    return source.lower().endswith(_FILES)


def with_symmetries(config: RunConfig, dataset: Dataset) -> Dataset:
    """Return a data set from a file with the symmetries that the user names; of other data sets they are known."""
    wanted = config.training.augmentation
    if is_file(config.data.source) and not isinstance(wanted, str):
        return replace(dataset, symmetries=tuple(wanted))
    return dataset


def train_models(
    config: RunConfig,
    model: Any,
    twin: Any,
    dataset: Dataset,
    heads: tuple[Head, ...],
    console: Console,
    *,
    checkpoints: Path,
    logs: Path,
    watch: Watch | None = None,
) -> Trained:
    """Train all models of a run; resume from the checkpoints of an interrupted run.

    Args:
        config: The configuration.
        model: The quantized model, not trained yet.
        twin: Its float twin, not trained yet.
        dataset: The events.
        heads: What is known of the outputs.
        console: Where progress is shown.
        checkpoints: Folder for checkpoints.
        logs: Folder for TensorBoard, if requested.
        watch: Called after each epoch of the quantized model.

    Raises:
        ModelError: See `models.training`.
        ConfigError: The monitored efficiency cannot be measured.
    """
    from trigcnn.models import training

    options = config.training
    if options.objective == "distillation" and options.distillation.classes is None and len(dataset.classes) > 1:
        raise ConfigError(
            f"training.distillation.classes: the data set {dataset.name} has the classes {', '.join(dataset.classes)}; "
            "name those that teacher and network may see, such as the background, or all of them"
        )
    dataset = with_symmetries(config, dataset)
    hooks = training.Hooks(
        checkpoint=checkpoints,
        logs=logs if options.tensorboard else None,
        each_step=interrupts.check,
        each_epoch=watch,
    )
    teacher = teacher_history = None
    if options.monitor == "signal_efficiency":
        if len(heads) > 1:
            raise ConfigError("training.monitor: signal_efficiency is of one output; use loss")
        # Before hours of a teacher's training.
        names = options.distillation.classes if options.objective == "distillation" else None
        seen = training.of_classes(dataset, names)
        hooks = replace(hooks, measure=measure(config, seen, heads[0].size))
    if options.objective == "distillation":
        distillation = options.distillation
        training.seed_everything(config.seed)
        with console.task("training the teacher") as task:
            teacher, teacher_history = training.train_teacher(
                distillation, dataset, options, task.update, hooks.of("teacher"), seed=config.seed
            )
        limits = training.limits_of(model)
        dataset = training.student_dataset(teacher, distillation, dataset, seed=config.seed, limits=limits)
    dataset = training.with_heads(dataset, heads, options.objective)
    training.seed_everything(config.seed)
    with console.task("training the quantized model") as task:
        model, history = training.train_for_hardware(model, dataset, options, task.update, hooks, seed=config.seed)
    # Quantization and pruning are measured against the twin, so it has neither.
    unpruned = replace(options, pruning_sparsity=0.0, pruning_layers={})
    training.seed_everything(config.seed)
    with console.task("training the float twin model") as task:
        twin_history = training.train(twin, dataset, unpruned, task.update, hooks.of("float_twin"), seed=config.seed)
    return Trained(model, twin, teacher, dataset, Histories(history, twin_history, teacher_history))


def measure(config: RunConfig, dataset: Dataset, outputs: int) -> Measure:
    """Return the function that measures the monitored signal efficiency, the mean over the signal classes.

    Args:
        config: The configuration.
        dataset: The events.
        outputs: Number of the network's outputs.

    Raises:
        ConfigError: The classes give no score, or there are too few validation events of one.
    """
    trigger, classes = config.trigger, dataset.classes
    wanted = config.training.background_efficiency or max(trigger.background_efficiencies, default=None)
    if wanted is None:
        raise ConfigError(
            "training.monitor: signal_efficiency needs a background efficiency; set training.background_efficiency"
        )
    score = make_score(classes, outputs, signal=trigger.signal, background=trigger.background, kind=None)
    labels = dataset.validation.labels
    missing = [classes[number] for number in score.signal if not (labels == number).any()]
    events = int(np.isin(labels, score.background).sum())
    if missing or events * wanted < 1:
        short = f"no events of {', '.join(missing)}" if missing else f"only {events} background events"
        raise ConfigError(
            f"training.monitor: signal_efficiency at a background efficiency of {wanted:g} cannot be measured with "
            f"{short} for validation; use more events, another background_efficiency, or monitor: loss"
        )

    def mean_efficiency(
        outputs: npt.NDArray[Any], labels: npt.NDArray[np.int64], weights: npt.NDArray[np.float32] | None = None
    ) -> float:
        scores, background = score.of(outputs.reshape(len(outputs), -1)), np.isin(labels, score.background)
        threshold = threshold_at(scores[background], wanted, None if weights is None else weights[background])
        return float(
            np.mean(
                [
                    mean((scores >= threshold)[chosen], None if weights is None else weights[chosen])
                    for chosen in (labels == number for number in score.signal)
                ]
            )
        )

    return mean_efficiency
