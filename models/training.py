"""Training: seeds, augmentation, pruning, folding, early stopping, history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.augmentation import shift_and_rotate
from models.datasets import Dataset, InputFormat, Split
from models.errors import ModelError
from models.folding import fold_batch_normalization
from models.keras2 import bring_up, inputs_of
from models.pruning import Pruning, pruning_callback

Progress = Callable[[int, int, str], None]

# What is rounded anew needs smaller steps than what begins at random.
_FOLDED_LEARNING_RATE = 0.3


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: Largest number of passes over the training events.
        batch_size: Events per step.
        learning_rate: Of Adam at the start; it falls to zero as a cosine over all epochs.
        patience: Epochs without a lower validation loss after which training stops.
        shift_pixels: Augmentation: largest shift, in pixels.
        rotation_deg: Augmentation: largest rotation, in degrees.
        seed: Of initial weights, shuffling and augmentation.
        pruning_sparsity: Share of the weights of each kernel that become zero; 0 for none.
        pruning_first_epoch: Epoch with which pruning begins, from 0.
        pruning_last_epoch: Epoch from which on all of them are zero; None for the middle of training.
        folded_epochs: Epochs after batch normalization was folded; 0 leaves it as it is.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    shift_pixels: float
    rotation_deg: float
    seed: int
    pruning_sparsity: float = 0.0
    pruning_first_epoch: int = 0
    pruning_last_epoch: int | None = None
    folded_epochs: int = 0

    @property
    def pruning(self) -> Pruning:
        """When how many weights become zero."""
        last = self.epochs // 2 if self.pruning_last_epoch is None else self.pruning_last_epoch
        return Pruning(self.pruning_sparsity, self.pruning_first_epoch, last)


@dataclass(frozen=True)
class History:
    """One value per epoch; epochs with batch normalization folded follow the others."""

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and ask TensorFlow for reproducible operations."""
    k = bring_up()
    k.keras.utils.set_random_seed(seed)
    k.tf.config.experimental.enable_op_determinism()


def input_shapes(model: Any) -> tuple[tuple[int, ...], ...]:
    """Shapes of a model's inputs, without the batch."""
    return tuple(tuple(tensor.shape[1:]) for tensor in model.inputs)


def check_fits(model: Any, dataset: Dataset, *, trained: bool) -> None:
    """See that a model takes the data set's events and gives its classes.

    Args:
        model: The model.
        dataset: The data set.
        trained: Whether the model is to be trained, for which it must have one output.

    Raises:
        ModelError: Numbers or shapes of inputs or outputs do not match.
    """
    taken, given = input_shapes(model), dataset.input_shapes
    if len(taken) != len(given):
        raise ModelError(
            f"the model has {len(taken)} inputs, the data set {dataset.name} gives {len(given)}; name one array per "
            f"input in data.events, in the order {', '.join(tensor.node.layer.name for tensor in model.inputs)}"
        )
    for number, (shape, offered) in enumerate(zip(taken, given, strict=True)):
        which = "" if len(given) == 1 else f" at input {number}"
        if shape != offered:
            raise ModelError(
                f"the model takes events of shape {shape}{which}, the data set {dataset.name} "
                f"gives {offered}; build the model with input_shape={offered}"
            )
    if len(model.outputs) > 1:
        if trained:
            raise ModelError(
                f"the model has {len(model.outputs)} outputs, and only one can be trained here; train it yourself, "
                "save it, and name the file in model.source"
            )
        return
    classes = len(dataset.classes)
    wanted = {(classes,), (1,)} if classes == 2 else {(classes,)}
    if tuple(model.output_shape[1:]) not in wanted:
        raise ModelError(
            f"the model's output has shape {tuple(model.output_shape[1:])}, the data set {dataset.name} has "
            f"{classes} classes; end the model with a QDense layer of {classes} units (one logit per class)"
        )


def train_for_hardware(model: Any, dataset: Dataset, recipe: Recipe, progress: Progress) -> tuple[Any, History]:
    """Train a quantized classifier, fold its batch normalization if asked, and train what came of it further.

    Args:
        model: QKeras model; trained in place.
        dataset: Events and labels.
        recipe: How to train. Weights that pruning made zero stay zero.
        progress: Called with (epoch, epochs, text) after each epoch.

    Returns:
        The trained model, which is another one where batch normalization was folded; both histories as one.

    Raises:
        ModelError: As `train` does; or there is nothing to fold.
    """
    epochs = recipe.epochs + recipe.folded_epochs
    history = train(model, dataset, recipe, lambda epoch, _, text: progress(epoch, epochs, text))
    if not recipe.folded_epochs:
        return model, history
    folded = fold_batch_normalization(model)
    further = replace(
        recipe,
        epochs=recipe.folded_epochs,
        learning_rate=recipe.learning_rate * _FOLDED_LEARNING_RATE,
        pruning_first_epoch=0,
        pruning_last_epoch=0,
    )
    first = len(history.loss)
    second = train(folded, dataset, further, lambda epoch, _, text: progress(first + epoch, epochs, text))
    joined = {each.name: getattr(history, each.name) + getattr(second, each.name) for each in fields(History)}
    return folded, History(**joined)


def train(model: Any, dataset: Dataset, recipe: Recipe, progress: Progress) -> History:
    """Train a classifier whose outputs are logits, in place, and leave it at its lowest validation loss.

    Where weights are pruned, only epochs with the final sparsity count.

    Args:
        model: Keras model; compiled here.
        dataset: Events and labels.
        recipe: How to train.
        progress: Called with (epoch, epochs, text) after each epoch.

    Raises:
        ModelError: Augmentation is asked for events that are no images, or the loss is not finite.
    """
    if (recipe.shift_pixels or recipe.rotation_deg) and len(dataset.input_shape) != 3:
        raise ModelError(
            f"augmentation moves images of shape (height, width, channels), but events have the shape "
            f"{dataset.input_shape}; set training.shift_pixels and training.rotation_deg to 0"
        )
    keras = bring_up().keras
    batches = _batches(model, dataset.train, dataset.input_format, recipe)
    steps = recipe.epochs * len(batches)
    binary = model.output_shape[-1] == 1
    losses = keras.losses.BinaryCrossentropy if binary else keras.losses.SparseCategoricalCrossentropy
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0) if binary else "accuracy"
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)),
        loss=losses(from_logits=True),
        metrics=[accuracy],
    )
    history = History()
    validation = dataset.validation
    pruned = recipe.pruning_sparsity > 0
    model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=(inputs_of(model, validation.events), validation.labels),
        callbacks=[
            *([pruning_callback(recipe.pruning)] if pruned else []),
            _Record.callback(history, recipe.epochs, progress),
            keras.callbacks.EarlyStopping(
                "val_loss",
                patience=recipe.patience,
                restore_best_weights=True,
                start_from_epoch=recipe.pruning.last_epoch if pruned else 0,
            ),
        ],
        verbose=0,
    )
    return history


def classify(outputs: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
    """Give the class with the largest logit, the first of equals; with one logit, whether it is above zero.

    Args:
        outputs: Logits [events, classes] or [events, 1].
    """
    logits = outputs.reshape(len(outputs), -1)
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).astype(np.int64)
    classes: npt.NDArray[np.int64] = np.argmax(logits, axis=1).astype(np.int64)
    return classes


class _Record:
    """Keras' callback that fills a `History`; made late, since its base class comes with TensorFlow."""

    @staticmethod
    def callback(history: History, epochs: int, progress: Progress) -> Any:
        def on_epoch_end(epoch: int, logs: dict[str, float]) -> None:
            if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
                raise ModelError(f"the loss is not finite after epoch {epoch + 1}; lower training.learning_rate")
            history.loss.append(float(logs["loss"]))
            history.validation_loss.append(float(logs["val_loss"]))
            history.accuracy.append(float(logs["accuracy"]))
            history.validation_accuracy.append(float(logs["val_accuracy"]))
            progress(epoch + 1, epochs, f"validation accuracy {logs['val_accuracy']:.4f}")

        return bring_up().keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)


def _batches(model: Any, split: Split, input_format: InputFormat, recipe: Recipe) -> Any:
    """Make Keras' sequence of batches; every epoch is shuffled and augmented anew, on the input's grid."""
    keras = bring_up().keras
    rng = np.random.default_rng(recipe.seed)

    class Batches(keras.utils.Sequence):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.on_epoch_end()

        def on_epoch_end(self) -> None:
            order = rng.permutation(len(split.events))
            self.events, self.labels = split.events[order], split.labels[order]
            if recipe.shift_pixels or recipe.rotation_deg:
                moved = shift_and_rotate(
                    self.events, rng, shift_pixels=recipe.shift_pixels, rotation_deg=recipe.rotation_deg
                )
                self.events = input_format.put_on_grid(moved, saturate=True, where="augmentation")

        def __len__(self) -> int:
            return -(-len(split.events) // recipe.batch_size)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            part = slice(index * recipe.batch_size, (index + 1) * recipe.batch_size)
            return inputs_of(model, self.events[part]), self.labels[part]

    return Batches()
