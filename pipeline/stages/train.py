"""Data and training: a quantized model and its float twin."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    Built,
    build_model,
    check_input_quantizer,
    load_data,
    take_weights,
    with_output_names,
    with_quantized_weights,
)
from trigcnn.pipeline.stages.training import Histories, train_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trigcnn.models.datasets.base import Dataset, Split
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
        include={"seed", "data", "model", "preprocessing", "training"},
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


@dataclass(frozen=True)
class _Plan:
    """What is trained, and on which events, after everything was checked that can be checked before training.

    Attributes:
        dataset: The data set.
        built: The model.
        heads: What is known of each output.
        twin: The float twin; None for none.
    """

    dataset: Dataset
    built: Built
    heads: tuple[Head, ...]
    twin: Any


@dataclass(frozen=True)
class _Networks:
    """What is saved.

    Attributes:
        converted: The model that is converted.
        twin: The float twin; None for none.
        teacher: The teacher; None for none.
        dataset: The data set with the truth of each output.
        histories: Learning curves.
        changes: What became of the model, one line each.
    """

    converted: Any
    twin: Any
    teacher: Any
    dataset: Dataset
    histories: Histories
    changes: tuple[str, ...]


def _work(context: Context, folder: Path) -> None:
    from trigcnn.common.keras2 import predict

    plan = _planned(context)
    networks = _finished(context, plan)
    for name, network in (("quantized", networks.converted), ("float", networks.twin), ("teacher", networks.teacher)):
        if network is not None:
            # The file does not need the state of training.
            network.compile()
            network.save(folder / f"{name}.keras")
    test = networks.dataset.test
    arrays: dict[str, Any] = {
        "events": test.events,
        "labels": test.labels,
        "weights": test.weights,
        "float_outputs": None if networks.twin is None else predict(networks.twin, test.events),
        **{f"truth{number}": test.truths.get(head.name) for number, head in enumerate(plan.heads)},
    }
    np.savez_compressed(folder / "test.npz", **{name: array for name, array in arrays.items() if array is not None})
    _info(context.config, plan, networks).save(folder / INFO)


def _planned(context: Context) -> _Plan:
    """Load the data and the model, and check everything that can be checked before training."""
    from trigcnn.models import training
    from trigcnn.pipeline.verification import quality_gates
    from trigcnn.pipeline.verification.quality import trigger_score

    config = context.config
    dataset = load_data(config)
    for note in dataset.notes:
        context.console.line(f"{dataset.name}: {note}")
    training.seed_everything(config.seed)
    built = build_model(config, dataset)
    if config.training.initial_weights is not None:
        begun = take_weights(built.model, Path(config.training.initial_weights))
        context.console.line(f"  weights of {', '.join(begun)} are those of {config.training.initial_weights}")
    dataset = dataset.shaped_for(training.input_shapes(built.model))
    dataset = with_output_names(dataset, built.outputs)
    known = training.check_fits(built.model, dataset, trained=built.trained, objective=config.training.objective)
    _check_converts(config, built.model, dataset)
    twin, heads = _twin(built.model, known, config, trained=built.trained)
    for head in heads:
        if head.reason:
            context.console.line(f"  output {head.name}: its quality is not measured: {head.reason}")
    quality_gates.check(config.gates, heads, efficiencies=bool(config.trigger.background_efficiencies))
    if len(heads) == 1:
        trigger_score(heads[0].size, dataset.classes, config.trigger, dataset.test.labels)
    return _Plan(dataset, built, heads, twin)


def _check_converts(config: RunConfig, model: Any, dataset: Dataset) -> None:
    """Check that a model can be converted, with the weights that it has.

    Raises:
        AdmissionError: A layer cannot be converted exactly.
        ModelError: Events would be rounded again, or pixels dropped that the configuration wants to keep.
    """
    from trigcnn.hls.estimates.reuse import check_model
    from trigcnn.hls.rewriting.normal_form import check_converts
    from trigcnn.models import forms, geometry

    single = forms.single_use(model).model
    _check_size(config, single)
    quantized = with_quantized_weights(single, config.hls).model
    check_converts(
        quantized,
        config.hls,
        input_format=dataset.input_format,
        decisions=config.postprocessing,
        rtl=config.rtl.architecture != "none",
    )
    check_model(quantized, config.hls)
    if config.model.dropped_pixels == "refuse":
        geometry.refuse_dropped(geometry.geometry(single))
    for tensor in single.inputs:
        check_input_quantizer(tensor.node.layer, dataset.input_format)


def _check_size(config: RunConfig, model: Any) -> None:
    """Check that RTL of a model's size is generated within the limits of the configuration.

    Raises:
        ConversionError: The model is too large.
    """
    from trigcnn.hls.rtl import size
    from trigcnn.models import geometry
    from trigcnn.models.errors import ModelError

    try:
        layers = geometry.geometry(model)
    except ModelError:
        # Admission says more of a layer that is not known.
        return
    size.check(
        [size.LayerSize(each.name, each.parameters, each.multiplications, "Dense" in each.kind) for each in layers],
        config.rtl,
    )


def _finished(context: Context, plan: _Plan) -> _Networks:
    """Train where that is wanted, and bring the model into the form that is converted."""
    from trigcnn.models import forms, training

    config, model, dataset = context.config, plan.built.model, plan.dataset
    twin, teacher, histories = plan.twin, None, Histories()
    if plan.built.trained:
        trained = train_models(
            config,
            model,
            twin,
            dataset,
            plan.heads,
            context.console,
            checkpoints=context.folder.checkpoints(stage(context)),
            logs=context.folder.path / "logs" / "tensorboard",
            watch=context.watch,
        )
        model, twin, teacher, dataset = trained.quantized, trained.float_twin, trained.teacher, trained.dataset
        histories = trained.histories
    else:
        dataset = training.with_heads(dataset, plan.heads, config.training.objective)
    single = forms.single_use(model)
    forms.check_same(model, single.model)
    rounded = with_quantized_weights(single.model, config.hls)
    changes = [*plan.built.changes, *single.changes, *rounded.changes]
    if rounded.changes:
        changes.append(_cost(single.model, rounded.model, dataset.test, plan.heads))
        context.console.line(f"  {changes[-1]}")
    return _Networks(rounded.model, twin, teacher, dataset, histories, tuple(changes))


def _info(config: RunConfig, plan: _Plan, networks: _Networks) -> TrainInfo:
    from trigcnn.common.keras2 import device
    from trigcnn.models import geometry

    dataset, histories = networks.dataset, networks.histories
    return TrainInfo(
        dataset=dataset.name,
        dataset_notes=list(dataset.notes),
        changes=networks.changes,
        input_format=str(dataset.input_format),
        classes=list(dataset.classes),
        heads=list(plan.heads),
        training=Training(
            trained=plan.built.trained,
            objective=_learned(config, plan.heads),
            device=device(),
            seed=config.seed,
            train_events=len(dataset.train.events),
            validation_events=len(dataset.validation.events),
            test_events=len(dataset.test.events),
            quantized=histories.quantized,
            float_twin=histories.float_twin,
            teacher=histories.teacher,
        ),
        geometry=list(geometry.geometry(networks.converted)),
    )


def _cost(before: Any, after: Any, test: Split, heads: Sequence[Head]) -> str:
    """Say what the rounding of weights changes on the test events."""
    from trigcnn.common.keras2 import predict

    outputs = [predict(model, test.events) for model in (before, after)]
    text = f"the rounding of weights changes outputs by up to {np.abs(outputs[0] - outputs[1]).max():.3g}"
    if len(heads) == 1 and heads[0].truth == "classes" and heads[0].size > 1:
        old, new = (float(np.mean(part.argmax(axis=-1) == test.labels)) for part in outputs)
        text += f", and the accuracy from {old:.5f} to {new:.5f}"
    return f"{text}, on {len(test.events)} test events"


def _twin(model: Any, heads: tuple[Head, ...], config: RunConfig, *, trained: bool) -> tuple[Any, tuple[Head, ...]]:
    """Return the float twin, and what is known of the outputs.

    There is no twin where nothing is learned and no figure is measured. A model that is not trained and has no twin
    is converted all the same, and its quality, which is measured against the twin, is not.
    """
    from trigcnn.models.errors import ModelError
    from trigcnn.models.float_twin import float_twin

    efficiencies = bool(config.trigger.background_efficiencies)
    if not trained and not efficiencies and all(head.truth == "none" for head in heads):
        return None, heads
    # A value after a ReLU that starts at zero learns nothing, so the twin starts with the model's weights.
    begun = not trained or any(head.truth == "targets" for head in heads)
    try:
        return float_twin(model, with_weights=begun), heads
    except ModelError as error:
        if trained or efficiencies:
            raise
        reason = str(error).partition(";")[0]
        return None, tuple(
            head if head.truth == "none" else replace(head, truth="none", classes=(), reason=reason) for head in heads
        )


def _learned(config: RunConfig, heads: Sequence[Head]) -> str:
    """Return the objective, as the report shows it."""
    kinds = {head.truth for head in heads if head.truth != "none"}
    if config.training.objective == "classification" and kinds and kinds != {"classes"}:
        words = {"classes": "classification", "mask": "segmentation", "targets": "regression"}
        return " and ".join(word for kind, word in words.items() if kind in kinds)
    return config.training.objective
