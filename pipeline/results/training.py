"""How the models were trained, and what the stage leaves."""

from __future__ import annotations

from trigcnn.models.geometry import LayerGeometry
from trigcnn.models.heads import Head
from trigcnn.models.history import History
from trigcnn.pipeline.results.section import Section, StageFile


class Training(Section):
    """How the models were trained."""

    trained: bool
    """false when a saved model was used as it is"""
    objective: str = "classification"
    """classification, or what targets were learned"""
    device: str = "CPU"
    """what TensorFlow computed on"""
    seed: int
    train_events: int
    validation_events: int
    test_events: int
    quantized: History | None
    float_twin: History | None
    teacher: History | None = None
    """the network whose score was learned, if any"""


class TrainInfo(StageFile):
    """What the stage leaves besides models and arrays."""

    dataset: str
    dataset_notes: list[str]
    """What the data set says of itself, such as the scale of its features."""
    changes: tuple[str, ...] = ()
    """What became of the model's form, one line each: inner models, operators, layers that are used several times."""
    input_format: str
    """Number format of the digitiser."""
    classes: list[str]
    """Names of the events' classes; empty where they are not known."""
    heads: list[Head]
    """What is known of the outputs, in their order."""
    training: Training
    geometry: list[LayerGeometry]
    """Sizes of the layers of the trained model."""
