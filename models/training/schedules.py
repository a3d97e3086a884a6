"""Course of the learning rate."""

from __future__ import annotations

from typing import Any

from trigcnn.common.keras2 import bring_up
from trigcnn.models.training.options import Recipe


def learning_rate(recipe: Recipe, steps_per_epoch: int) -> Any:
    """Return the learning rate as Keras takes it: a number, or a function of the step.

    After the warm-up, `cosine` falls to zero, `exponential` to a share, both over the steps that are left, and `step`
    falls by a factor every so many epochs, counted from the beginning of training.
    """
    schedules = bring_up().keras.optimizers.schedules
    warmup = round(recipe.warmup_epochs * steps_per_epoch)
    left = max(recipe.epochs * steps_per_epoch - warmup, 1)
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        if warmup:
            return schedules.CosineDecay(0.0, left, warmup_target=rate, warmup_steps=warmup)
        return schedules.CosineDecay(rate, left)
    after: Any = rate
    if recipe.schedule == "exponential":
        after = schedules.ExponentialDecay(rate, left, recipe.final_learning_rate)
    elif recipe.schedule == "step":
        # Keras takes the earlier value at a boundary itself.
        ends = [epoch * steps_per_epoch - 1 for epoch in range(recipe.step_epochs, recipe.epochs, recipe.step_epochs)]
        if ends:
            after = schedules.PiecewiseConstantDecay(ends, [rate * recipe.step_factor**n for n in range(len(ends) + 1)])
    if not warmup:
        return after
    # What falls over the steps that are left begins with them.
    return _warm_up(rate, after, warmup, late=recipe.schedule == "exponential")


def _warm_up(rate: float, after: Any, steps: int, *, late: bool) -> Any:
    """Make a schedule that rises in a line, then follows another one."""
    k = bring_up()

    class WarmUp(k.keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc,name-defined]
        def __call__(self, step: Any) -> Any:
            step = k.tf.cast(step, k.tf.float32)
            later = step - steps if late else step
            following = after(later) if callable(after) else k.tf.constant(rate, k.tf.float32)
            return k.tf.where(step < steps, rate * step / steps, following)

        def get_config(self) -> dict[str, Any]:
            return {}

    return WarmUp()
