"""Options of training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt, MinLen

from trigcnn.common.options import OPTIONS, OptionsError
from trigcnn.models.augmentation import Augmentation
from trigcnn.models.datasets.base import Events
from trigcnn.models.pruning import Pruning

Objective = Literal["classification", "reconstruction", "regression", "distillation"]
Schedule = Literal["cosine", "constant", "exponential", "step"]
Monitor = Literal["loss", "accuracy", "signal_efficiency"]
ClassWeights = Literal["none", "balanced"] | dict[str, Annotated[float, Ge(0)]]


@dataclass(frozen=True)
class Distillation:
    """The teacher, where the network learns the score of another one (`training.objective: distillation`)."""

    __pydantic_config__ = OPTIONS

    teacher: str = "calorimeter_autoencoder"
    """Auto-encoder in float: calorimeter_autoencoder, or the float twin of a network of the zoo."""
    teacher_options: dict[str, Any] = field(default_factory=dict)
    """Options of the teacher's builder."""
    epochs: Annotated[int, Ge(1)] = 20
    """Largest number of passes of the teacher over its events."""
    learning_rate: Annotated[float, Gt(0)] = 0.001
    """Learning rate of Adam for the teacher at the start; it falls to zero as a cosine."""
    classes: Annotated[list[str], MinLen(1)] | None = None
    """Classes of the events that teacher and network learn from; needed if there are several. Labels have no
    other use here."""
    outliers: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of outliers among the network's events; each is a stretched sum of several events."""
    largest_value: float | None = None
    """Value at which the teacher's events are cut off, so that a faulty channel at full scale does not dominate."""

    def shown(self, events: Events) -> Events:
        """Return events as the teacher sees them."""
        return events if self.largest_value is None else np.minimum(events, np.float32(self.largest_value))


@dataclass(frozen=True)
class Recipe:
    """How the quantized model and its float twin are trained."""

    __pydantic_config__ = OPTIONS

    enabled: bool | None = None
    """Whether to train; default: true, except for a saved model, which is used unchanged."""
    objective: Objective = "classification"
    """What is learned. classification: labels, or whatever truth data.labels and data.targets name for each output.
    reconstruction: the event itself. regression: targets of the data set; in a file also real values that data.labels
    names. distillation: a teacher's score, 32 log(mean squared error in units of the input's last bit)."""
    distillation: Distillation = Distillation()
    epochs: Annotated[int, Ge(1)] = 100
    """Largest number of passes over the training events."""
    batch_size: Annotated[int, Ge(1)] = 64
    """Events per step."""
    learning_rate: Annotated[float, Gt(0)] = 0.005
    """Learning rate of Adam, after the warm-up."""
    schedule: Schedule = "cosine"
    """Course of the learning rate over all epochs: to zero as a cosine; constant; to final_learning_rate as an
    exponential; by step_factor after each step_epochs."""
    warmup_epochs: Annotated[float, Ge(0)] = 0.0
    """Epochs over which the learning rate first rises from zero in a line."""
    final_learning_rate: Annotated[float, Gt(0), Le(1)] = 0.01
    """For schedule exponential: share of the learning rate at the end."""
    step_epochs: Annotated[int, Ge(1)] = 10
    """For schedule step: epochs from one step to the next."""
    step_factor: Annotated[float, Gt(0), Lt(1)] = 0.5
    """For schedule step: factor by which the learning rate falls."""
    patience: Annotated[int, Ge(1)] = 50
    """Epochs without a better value of the monitored figure after which training stops early."""
    monitor: Monitor = "loss"
    """Figure on the validation events that decides which epoch's weights are kept; signal_efficiency: the mean over
    trigger.signal at background_efficiency."""
    background_efficiency: Annotated[float, Gt(0), Lt(1)] | None = None
    """Share of the background that the monitored signal efficiency lets through; default: the largest of
    trigger.background_efficiencies."""
    class_weights: ClassWeights = "none"
    """Factor of the loss of each class's events: none; balanced: all classes count the same; or by class name."""
    augmentation: Augmentation = "none"
    """Symmetries by which events are changed at random in each epoch: none but shift_pixels and rotation_deg; auto: all
    that the data set has; or a list of shift, flip_rows, flip_columns, quarter_turns, rotation, roll_rows (rows that
    close to a ring, as azimuth). Shift and rotation need their amounts."""
    shift_pixels: Annotated[float, Ge(0)] = 0.0
    """Augmentation: largest random shift of images along each axis, in pixels; of samples along their one axis."""
    rotation_deg: Annotated[float, Ge(0), Le(180)] = 0.0
    """Augmentation: largest random rotation of images, in degrees."""
    pruning_sparsity: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Share of the weights of each kernel that become zero, the smallest ones; the float twin is not pruned."""
    pruning_layers: dict[str, Annotated[float, Ge(0), Lt(1)]] = field(default_factory=dict)
    """Other shares than pruning_sparsity, by layer name."""
    pruning_first_epoch: Annotated[int, Ge(0)] = 0
    """Epoch, from 0, with which pruning begins; from there on sparsity grows as a cubic function."""
    pruning_last_epoch: Annotated[int, Ge(0)] | None = None
    """Epoch from which on the sparsity is the final one; default: epochs / 2. Earlier ones are not kept as the best."""
    pruning_frequency: Annotated[int, Ge(1)] | None = None
    """Steps (batches) from one choice of the weights that become zero to the next; default: one epoch."""
    folded_epochs: Annotated[int, Ge(0)] = 0
    """Epochs after batch normalization was folded into kernels and biases of few bits; 0 leaves it as it is."""
    initial_weights: str | None = None
    """Saved model (.keras, .h5) whose weights training begins with, in all layers of the same name and shapes; the
    float twin begins at random."""
    checkpoint_epochs: Annotated[int, Ge(1)] = 1
    """Epochs from one checkpoint to the next; a run that was killed goes on from the last one, to the same weights."""
    tensorboard: bool = False
    """Write the learning curves for TensorBoard too, into logs/tensorboard in the run's folder."""

    def __post_init__(self) -> None:
        """Check that the options go together.

        Raises:
            OptionsError: They do not.
        """
        if self.prunes and not self.pruning_first_epoch <= self.pruned_from_epoch < self.epochs:
            raise OptionsError(
                f"pruning from epoch {self.pruning_first_epoch} to epoch {self.pruned_from_epoch} does not fit into "
                f"{self.epochs} epochs; set pruning_first_epoch <= pruning_last_epoch < epochs"
            )
        if self.objective != "classification":
            if self.class_weights != "none":
                raise OptionsError(f"class_weights are for classification, not for {self.objective}; remove them")
            if self.monitor == "accuracy":
                raise OptionsError(f"monitor: there is no accuracy of {self.objective}; use loss")
        if self.warmup_epochs >= self.epochs:
            raise OptionsError(f"warmup_epochs {self.warmup_epochs:g} must be fewer than epochs, {self.epochs}")

    @property
    def prunes(self) -> bool:
        """Whether any weight becomes zero."""
        return self.pruning_sparsity > 0 or any(self.pruning_layers.values())

    @property
    def pruned_from_epoch(self) -> int:
        """Epoch from which on the sparsity is the final one."""
        return self.epochs // 2 if self.pruning_last_epoch is None else self.pruning_last_epoch

    def pruning(self, steps_per_epoch: int) -> Pruning:
        """When how many weights become zero."""
        return Pruning(
            sparsity=self.pruning_sparsity,
            begin_step=self.pruning_first_epoch * steps_per_epoch,
            end_step=self.pruned_from_epoch * steps_per_epoch,
            frequency=self.pruning_frequency or steps_per_epoch,
            layers=self.pruning_layers,
        )
