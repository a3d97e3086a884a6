"""Data and training: a quantized model and its float twin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from trigcnn.pipeline.cache import reach
from trigcnn.pipeline.cache.folder import RunFolder, Stage, installed_version
from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.context import Context
from trigcnn.pipeline.results.training import TrainInfo, Training
from trigcnn.pipeline.stages.building import (
    build_model,
    check_input_quantizer,
    load_data,
    take_weights,
    with_quantized_weights,
)
from trigcnn.pipeline.stages.training import Histories, is_file, train_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trigcnn.models.datasets.base import Split
    from trigcnn.models.heads import Head

INFO = "info.json"
_DISTRIBUTIONS = ("h5py", "numpy", "qkeras", "scikit-learn", "tensorflow", "tf-keras")


def stage(context: Context) -> Stage:
    """Describe the stage."""
    from trigcnn.models.datasets import files_read

    config = context.config
    files = [*context.user_files]
    if config.training.initial_weights is not None:
        files.append(Path(config.training.initial_weights))
    files += files_read(config.data.source, config.data.options)
    return Stage(
        name="train",
        after=(),
        code=reach.code(_work, config, context.user_files),
        options=_options(config),
        files=tuple(files),
        versions={name: installed_version(name) for name in _DISTRIBUTIONS},
        work=lambda folder: _work(context, folder),
    )


def _options(config: RunConfig) -> dict[str, Any]:
    options: dict[str, Any] = _float_weights(config) | config.model_dump(
        mode="json",
        include={"seed", "data", "model", "training"},
        # The interval of checkpoints does not influence the result.
        exclude={"training": {"checkpoint_epochs"}},
    )
    if config.training.monitor == "signal_efficiency":
        trigger = {"signal", "background", "background_efficiencies"}
        options["trigger"] = config.trigger.model_dump(mode="json", include=trigger)
    return options


def _float_weights(config: RunConfig) -> dict[str, Any]:
    """Return the options of the rounding of weights, if there is any."""
    if config.hls.float_weights == "refuse":
        return {}
    return {"float_weights": config.hls.float_weights, "float_weight_bits": config.hls.float_weight_bits}


@dataclass(frozen=True)
class TrainOutput:
    """The results that later stages read.

    Attributes:
        test_events: [events, ...], on the grid of the input's number format; one row per event for several inputs.
        test_labels: [events]; zeros where the events' classes are not known.
        truths: [events, ...] of each head in `info.heads`; None for a head without truth.
        weights: [events]; None if all events count the same.
        float_outputs: Outputs of the float twin on the test events; one row per event for several outputs. None where
            there is no twin, because nothing is known of the outputs.
        info: All else.
        quantized: File of the quantized model.
    """

    test_events: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int64]
    truths: tuple[npt.NDArray[Any] | None, ...]
    weights: npt.NDArray[np.float32] | None
    float_outputs: npt.NDArray[np.float32] | None
    info: TrainInfo
    quantized: Path


def read(folder: RunFolder) -> TrainOutput:
    """Read the results of the stage."""
    stage_folder = folder.stage("train")
    info = TrainInfo.load(stage_folder / INFO)
    with np.load(stage_folder / "test.npz", allow_pickle=False) as arrays:
        return TrainOutput(
            arrays["events"],
            arrays["labels"],
            tuple(arrays.get(f"truth{number}") for number in range(len(info.heads))),
            arrays.get("weights"),
            arrays.get("float_outputs"),
            info,
            stage_folder / "quantized.keras",
        )


def _work(context: Context, folder: Path) -> None:
    from trigcnn.common.keras2 import device, predict
    from trigcnn.hls.admission import admit
    from trigcnn.hls.estimates.reuse import check_model
    from trigcnn.hls.rewriting.rewrite import check_bits
    from trigcnn.hls.rewriting.state import RewriteOptions
    from trigcnn.models import forms, geometry, training
    from trigcnn.pipeline.verification import quality_gates
    from trigcnn.pipeline.verification.quality import trigger_score

    config = context.config
    dataset = load_data(config)
    for note in dataset.notes:
        context.console.line(f"{dataset.name}: {note}")
    objective = config.training.objective
    training.seed_everything(config.seed)
    built = build_model(config, dataset)
    model = built.model
    if config.training.initial_weights is not None:
        begun = take_weights(model, Path(config.training.initial_weights))
        context.console.line(f"  weights of {', '.join(begun)} are those of {config.training.initial_weights}")
    wanted = built.trained
    dataset = dataset.shaped_for(training.input_shapes(model))
    heads = training.check_fits(model, dataset, trained=wanted, objective=objective)
    for head in heads:
        if head.reason:
            context.console.line(f"  output {head.name}: its quality is not measured: {head.reason}")
    quality_gates.check(config.gates, heads, efficiencies=bool(config.trigger.background_efficiencies))
    if len(heads) == 1:
        trigger_score(heads[0].size, dataset.classes, config.trigger, dataset.test.labels)
    hls = config.hls
    single = forms.single_use(model)
    quantized = with_quantized_weights(single.model, hls).model
    admit(quantized, io_type=hls.io_type, strategy=hls.strategy, strategies=hls.own_strategies, backend=hls.backend)
    check_model(quantized, hls)
    check_bits(quantized, RewriteOptions.of(quantized, hls, dataset.input_format))
    if config.model.dropped_pixels == "refuse":
        geometry.refuse_dropped(geometry.geometry(single.model))
    for tensor in single.model.inputs:
        check_input_quantizer(tensor.node.layer, dataset.input_format)
    twin = _twin(model, heads, config, trained=wanted)
    teacher, histories = None, Histories()
    if wanted:
        trained = train_models(
            config,
            model,
            twin,
            dataset,
            heads,
            context.console,
            checkpoints=context.folder.checkpoints(stage(context)),
            logs=context.folder.path / "logs" / "tensorboard",
            watch=context.watch,
        )
        model, twin, teacher, dataset = trained.quantized, trained.float_twin, trained.teacher, trained.dataset
        histories = trained.histories
    else:
        dataset = training.with_heads(dataset, heads, objective)
    converted = forms.single_use(model).model
    forms.check_same(model, converted)
    rounded = with_quantized_weights(converted, hls)
    changes = [*built.changes, *single.changes, *rounded.changes]
    if rounded.changes:
        changes.append(_cost(converted, rounded.model, dataset.test, heads))
        context.console.line(f"  {changes[-1]}")
    converted = rounded.model
    for name, network in (("quantized", converted), ("float", twin), ("teacher", teacher)):
        if network is not None:
            # The file does not need the state of training.
            network.compile()
            network.save(folder / f"{name}.keras")
    test = dataset.test
    arrays: dict[str, Any] = {
        "events": test.events,
        "labels": test.labels,
        "weights": test.weights,
        "float_outputs": None if twin is None else predict(twin, test.events),
        **{f"truth{number}": test.truths.get(head.name) for number, head in enumerate(heads)},
    }
    np.savez_compressed(folder / "test.npz", **{name: array for name, array in arrays.items() if array is not None})
    TrainInfo(
        dataset=dataset.name,
        dataset_notes=list(dataset.notes),
        changes=tuple(changes),
        input_format=str(dataset.input_format),
        classes=list(dataset.classes),
        heads=list(heads),
        training=Training(
            trained=wanted,
            objective=_learned(config, heads),
            device=device(),
            seed=config.seed,
            train_events=len(dataset.train.events),
            validation_events=len(dataset.validation.events),
            test_events=len(dataset.test.events),
            quantized=histories.quantized,
            float_twin=histories.float_twin,
            teacher=histories.teacher,
        ),
        geometry=list(geometry.geometry(converted)),
    ).save(folder / INFO)


def _cost(before: Any, after: Any, test: Split, heads: Sequence[Head]) -> str:
    """Say what the rounding of weights changes on the test events."""
    from trigcnn.common.keras2 import predict

    outputs = [predict(model, test.events) for model in (before, after)]
    text = f"the rounding of weights changes outputs by up to {np.abs(outputs[0] - outputs[1]).max():.3g}"
    if len(heads) == 1 and heads[0].truth == "classes" and heads[0].size > 1:
        old, new = (float(np.mean(part.argmax(axis=-1) == test.labels)) for part in outputs)
        text += f", and the accuracy from {old:.5f} to {new:.5f}"
    return f"{text}, on {len(test.events)} test events"


def _twin(model: Any, heads: Sequence[Head], config: RunConfig, *, trained: bool) -> Any:
    """Return the float twin; None where nothing is learned and no figure is measured."""
    from trigcnn.models.errors import ModelError
    from trigcnn.models.float_twin import float_twin

    judged = any(head.truth != "none" for head in heads) or config.trigger.background_efficiencies
    if not trained and not judged:
        return None
    # A value after a ReLU that starts at zero learns nothing, so the twin starts with the model's weights.
    begun = not trained or any(head.truth == "targets" for head in heads)
    try:
        return float_twin(model, with_weights=begun)
    except ModelError as error:
        if trained or not is_file(config.data.source):
            raise
        raise ModelError(
            f"{error}; or set data.labels and data.targets to null, so that no quality is measured"
        ) from error


def _learned(config: RunConfig, heads: Sequence[Head]) -> str:
    """Return the objective, as the report shows it."""
    kinds = {head.truth for head in heads if head.truth != "none"}
    if config.training.objective == "classification" and kinds and kinds != {"classes"}:
        words = {"classes": "classification", "mask": "segmentation", "targets": "regression"}
        return " and ".join(word for kind, word in words.items() if kind in kinds)
    return config.training.objective
