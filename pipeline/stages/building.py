"""The data and the model of a configuration, before training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trigcnn.pipeline.config.run import RunConfig
from trigcnn.pipeline.stages.training import is_file

if TYPE_CHECKING:
    from trigcnn.hls.options import HlsOptions
    from trigcnn.models.datasets import Dataset
    from trigcnn.models.forms.walk import Form


def load_data(config: RunConfig) -> Dataset:
    """Load the data set that a configuration names, and split it.

    Raises:
        DataError: It cannot be loaded.
    """
    from trigcnn.models import datasets

    options, objective = config.data.model_dump(), config.training.objective
    if (
        objective == "regression"
        and is_file(options["source"])
        and options["targets"] is None
        and isinstance(options["labels"], str)
    ):
        # A file that was saved for a regression calls its real values labels.
        options |= {"targets": options["labels"], "labels": None}
    needed = trains(config) and objective in ("classification", "regression")
    return datasets.load(**options, seed=config.seed, truth_needed=needed)


def trains(config: RunConfig) -> bool:
    """Return whether the network is trained: by default all but saved models."""
    wanted = config.training.enabled
    return not _is_saved(config.model.source) if wanted is None else wanted


@dataclass(frozen=True)
class Built:
    """The model of a configuration, before training.

    Attributes:
        model: The model that is trained; see `models.forms.plain`.
        trained: Whether it is to be trained.
        changes: What became of its form, one line each.
        outputs: Names of the outputs' layers, by the keys of a model whose outputs are a dictionary.
    """

    model: Any
    trained: bool
    changes: tuple[str, ...]
    outputs: Mapping[str, str]


def build_model(config: RunConfig, dataset: Any) -> Built:
    """Load or build the model of a configuration.

    Raises:
        ModelError: There is no such model, or it cannot be built.
    """
    from trigcnn.models import forms, scaling, source, training, zoo
    from trigcnn.models.bits import with_bits
    from trigcnn.models.errors import ModelError

    offered = {
        **({"input_shapes": dataset.parts} if dataset.parts else {"input_shape": dataset.input_shape}),
        "input_format": scaling.scaled_format(config.preprocessing, dataset.input_format, len(dataset.input_shapes)),
    }
    classes = training.outputs_wanted(dataset, config.training.objective)
    if classes is not None:
        # One output per class, or as many as the objective asks for.
        offered["classes"] = classes
    chosen = config.model
    saved = _is_saved(chosen.source)
    if saved and chosen.options:
        raise ModelError("model.options: a saved model has no options; remove them")
    if saved:
        model = source.load_saved(Path(chosen.source))
    else:
        of_file = ".py:" in chosen.source
        builder = source.load_builder(chosen.source) if of_file else zoo.builder(chosen.source)
        model = source.call_builder(builder, offered=offered, options=chosen.options)
    trained = trains(config)
    if not trained and not getattr(model, "built", True):
        raise ModelError(
            f"the model {model.name} was never built, so it has no weights, and it is not to be trained; begin it with "
            f"tf_keras.Input(shape={dataset.input_shapes[0]}), or set training.enabled: true"
        )
    form = forms.plain(model, dataset.input_shapes)
    forms.check_same(model, form.model)
    keys = forms.output_keys(model)
    layers = [tensor.node.layer.name for tensor in form.model.outputs]
    outputs = dict(zip(keys, layers, strict=True)) if keys else {}
    front = scaling.scaled(with_bits(form.model, chosen.bits), config.preprocessing, dataset.input_format)
    return Built(front.model, trained, (*form.changes, *front.changes), outputs)


def with_output_names(dataset: Dataset, outputs: Mapping[str, str]) -> Dataset:
    """Return a data set whose truths are named by the layers of the outputs, where they are by the model's keys.

    Args:
        dataset: The data set.
        outputs: See `Built`.
    """
    # The name of a layer goes before a key.
    names = {key: name for key, name in outputs.items() if key in dataset.truths and key not in outputs.values()}

    def renamed(truths: Mapping[str, Any]) -> dict[str, Any]:
        return {names.get(output, output): truth for output, truth in truths.items()}

    parts = {part: getattr(dataset, part) for part in ("train", "validation", "test")}
    return replace(
        dataset,
        truths=renamed(dataset.truths),
        **{part: replace(split, truths=renamed(split.truths)) for part, split in parts.items()},
    )


def take_weights(model: Any, path: Path) -> list[str]:
    """Set the weights of all layers that have the name and the shapes of one of a saved model.

    Args:
        model: The model.
        path: The saved model.

    Returns:
        The names of these layers.

    Raises:
        ModelError: The saved model cannot be loaded, or has no such layer.
    """
    from trigcnn.models import forms, source, training
    from trigcnn.models.errors import ModelError

    begun = training.begin_with(model, forms.plain(source.load_saved(path), training.input_shapes(model)).model)
    if not begun:
        raise ModelError(
            f"training.initial_weights: no layer of {path} has the name and the shapes of one of this network; "
            "name a model of the same architecture, or remove the option"
        )
    return begun


def with_quantized_weights(model: Any, hls: HlsOptions) -> Form:
    """Return a model whose weights all have quantizers, if the options ask for that; see `models.float_weights`."""
    from trigcnn.models.float_weights import rounded
    from trigcnn.models.forms.walk import Form

    return rounded(model, hls.float_weight_bits) if hls.float_weights == "round" else Form(model)


def check_input_quantizer(layer: Any, given: Any) -> None:
    """Check that the first quantizer does not round events again, which are on the digitiser's grid.

    Args:
        layer: An input layer of the model.
        given: The digitiser's number format.

    Raises:
        ModelError: It does.
    """
    from trigcnn.hls.rewriting.quantizers import cast_of
    from trigcnn.models.errors import ModelError

    if not layer.outbound_nodes:
        return
    first = layer.outbound_nodes[0].outbound_layer
    taken = cast_of(first)
    if taken is None:
        # The conversion puts the digitiser's own number format before it.
        return
    if taken.lsb > given.lsb or taken.min > given.min or taken.max < given.max:
        bits, integer = given.width + int(not given.signed), given.integer - int(given.signed)
        raise ModelError(
            f"layer {first.name}: its number format {taken} does not hold every value of data.input_format {given}, so "
            f"events would be rounded a second time; use quantized_bits({bits}, {integer}, symmetric=0, alpha=1)"
        )


def _is_saved(source: str) -> bool:
    return source.endswith((".keras", ".h5"))
