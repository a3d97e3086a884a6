"""Options of training."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from trigcnn.pipeline.config.section import Section


class DistillationConfig(Section):
    """The teacher, where the network learns the score of another one (`training.objective: distillation`)."""

    teacher: str = "calorimeter_autoencoder"
    """Auto-encoder in float: calorimeter_autoencoder, or the float twin of a network of the zoo."""
    teacher_options: dict[str, Any] = Field(default_factory=dict)
    """Options of the teacher's builder."""
    epochs: int = Field(default=20, ge=1)
    """Largest number of passes of the teacher over its events."""
    learning_rate: float = Field(default=0.001, gt=0)
    """Learning rate of Adam for the teacher at the start; it falls to zero as a cosine."""
    classes: Annotated[list[str], Field(min_length=1)] | None = None
    """Classes of the events that teacher and network learn from; needed where there are several. No labels are used but
    for this."""
    outliers: float = Field(default=0.2, ge=0, lt=1)
    """Share of outliers among the network's events, made of those events: several on top of each other, stretched."""
    largest_value: float | None = None
    """Where values are cut off for the teacher, so that a faulty channel at full scale is not all that it sees."""


class TrainingConfig(Section):
    """How the quantized model and its float twin are trained."""

    enabled: bool | None = None
    """Whether to train; default: yes, except for a saved model, which is used as it is."""
    objective: Literal["classification", "reconstruction", "regression", "distillation"] = "classification"
    """What is learned: labels; the event itself, or targets of the data set, by the mean squared error; or a teacher's
    score, 32 log(mean squared error in units of the input's last bit). All but labels need one number per target."""
    distillation: DistillationConfig = Field(default_factory=DistillationConfig)
    epochs: int = Field(default=100, ge=1)
    """Largest number of passes over the training events."""
    batch_size: int = Field(default=64, ge=1)
    """Events per step."""
    learning_rate: float = Field(default=0.005, gt=0)
    """Learning rate of Adam, after the warm-up."""
    schedule: Literal["cosine", "constant", "exponential", "step"] = "cosine"
    """Course of the learning rate over all epochs: to zero as a cosine; constant; to final_learning_rate as an
    exponential; by step_factor after each step_epochs."""
    warmup_epochs: float = Field(default=0.0, ge=0)
    """Epochs over which the learning rate first rises from zero in a line."""
    final_learning_rate: float = Field(default=0.01, gt=0, le=1)
    """For schedule exponential: share of the learning rate at the end."""
    step_epochs: int = Field(default=10, ge=1)
    """For schedule step: epochs from one step to the next."""
    step_factor: float = Field(default=0.5, gt=0, lt=1)
    """For schedule step: factor by which the learning rate falls."""
    patience: int = Field(default=50, ge=1)
    """Epochs without a better value of the monitored figure after which training stops early."""
    monitor: Literal["loss", "accuracy", "signal_efficiency"] = "loss"
    """Figure on the validation events that says which epoch's weights are kept; signal_efficiency: the mean over
    trigger.signal at background_efficiency."""
    background_efficiency: float | None = Field(default=None, gt=0, lt=1)
    """Share of the background that the monitored signal efficiency lets through; default: the largest of
    trigger.background_efficiencies."""
    class_weights: Literal["none", "balanced"] | dict[str, Annotated[float, Field(ge=0)]] = "none"
    """Factor of the loss of each class's events: none; balanced: all classes count the same; or by class name."""
    augmentation: (
        Literal["auto", "none"]
        | list[Literal["shift", "flip_rows", "flip_columns", "quarter_turns", "rotation", "roll_rows"]]
    ) = "none"
    """Symmetries by which events are changed at random in each epoch: none but shift_pixels and rotation_deg; auto: all
    that the data set has; or a list of shift, flip_rows, flip_columns, quarter_turns, rotation, roll_rows (rows that
    close to a ring, as azimuth). Shift and rotation need their amounts."""
    shift_pixels: float = Field(default=0.0, ge=0)
    """Augmentation: largest random shift of images along each axis, in pixels; of samples along their one axis."""
    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    """Augmentation: largest random rotation of images, in degrees."""
    pruning_sparsity: float = Field(default=0.0, ge=0, lt=1)
    """Share of the weights of each kernel that become zero, the smallest ones; the float twin is not pruned."""
    pruning_layers: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(default_factory=dict)
    """Other shares than pruning_sparsity, by layer name."""
    pruning_first_epoch: int = Field(default=0, ge=0)
    """Epoch, from 0, with which pruning begins; from there on sparsity grows as a cubic function."""
    pruning_last_epoch: int | None = Field(default=None, ge=0)
    """Epoch from which on the sparsity is the final one; default: epochs / 2. Earlier ones are not kept as the best."""
    pruning_frequency: int | None = Field(default=None, ge=1)
    """Steps (batches) from one choice of the weights that become zero to the next; default: one epoch."""
    folded_epochs: int = Field(default=0, ge=0)
    """Epochs after batch normalization was folded into kernels and biases of few bits; 0 leaves it as it is."""
    initial_weights: str | None = None
    """Saved model (.keras, .h5) whose weights training begins with, in all layers of the same name and shapes; the
    float twin begins at random."""
    checkpoint_epochs: int = Field(default=1, ge=1)
    """Epochs from one checkpoint to the next; a run that was killed goes on from the last one, to the same weights."""
    tensorboard: bool = False
    """Write the learning curves for TensorBoard too, into logs/tensorboard in the run's folder."""

    @model_validator(mode="after")
    def _pruning_ends_in_time(self) -> Self:
        last = self.epochs // 2 if self.pruning_last_epoch is None else self.pruning_last_epoch
        prunes = self.pruning_sparsity or any(self.pruning_layers.values())
        if prunes and not self.pruning_first_epoch <= last < self.epochs:
            raise ValueError(
                f"pruning from epoch {self.pruning_first_epoch} to epoch {last} does not fit into {self.epochs} "
                "epochs; set pruning_first_epoch <= pruning_last_epoch < epochs"
            )
        return self

    @model_validator(mode="after")
    def _options_fit_the_objective(self) -> Self:
        if self.objective == "classification":
            return self
        if self.class_weights != "none":
            raise ValueError(f"class_weights are for classification, not for {self.objective}; remove them")
        if self.monitor == "accuracy":
            raise ValueError(f"monitor: there is no accuracy of {self.objective}; use loss")
        return self

    @model_validator(mode="after")
    def _warm_up_ends_in_time(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs {self.warmup_epochs:g} must be fewer than epochs, {self.epochs}")
        return self
