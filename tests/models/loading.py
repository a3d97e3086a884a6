"""Data sets loaded as a run loads them."""

from __future__ import annotations

from typing import Any

from trigcnn.models import datasets
from trigcnn.models.datasets import Dataset


def load(source: str, **changes: object) -> Dataset:
    """Load with seed 0, and a fifth of the events each for validation and test, unless told otherwise."""
    settings: dict[str, Any] = {
        "input_format": None,
        "events": "events",
        "labels": "labels",
        "classes": None,
        "saturate": False,
        "validation_fraction": 0.2,
        "test_fraction": 0.2,
        "seed": 0,
    }
    return datasets.load(source, **(settings | changes))
