"""Training: objective, fit, pruning, folding, and the epoch that is kept."""

from __future__ import annotations

from trigcnn.models.history import History
from trigcnn.models.training.distillation import limits_of, of_classes, student_dataset, train_teacher
from trigcnn.models.training.fit import seed_everything, train, train_for_hardware
from trigcnn.models.training.heads import check_fits, input_shapes, outputs_wanted, with_heads
from trigcnn.models.training.objectives import classify
from trigcnn.models.training.options import Distillation, Recipe
from trigcnn.models.training.recipe import Hooks, Measure, Progress
from trigcnn.models.training.warm_start import begin_with
from trigcnn.models.training.weights import weights_by_class

__all__ = [
    "Distillation",
    "History",
    "Hooks",
    "Measure",
    "Progress",
    "Recipe",
    "begin_with",
    "check_fits",
    "classify",
    "input_shapes",
    "limits_of",
    "of_classes",
    "outputs_wanted",
    "seed_everything",
    "student_dataset",
    "train",
    "train_for_hardware",
    "train_teacher",
    "weights_by_class",
    "with_heads",
]
