"""Results of the vendor's tools that came from another computer, in the folder `collected` of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trigcnn.hls.synthesis.vendors.plan import VendorPlan
from trigcnn.hls.synthesis.vendors.run import StepResult
from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.results.section import StageFile

FOLDER = "collected"
INDEX = "collected.json"


class Collected(StageFile):
    """Results from another computer; they were checked when they were collected."""

    source: str
    """Name of the file or folder that they came in."""
    hosts: tuple[str, ...]
    """Names of the computers on which the tools ran."""
    plan: dict[str, Any]
    """What was run."""
    inputs: dict[str, str]
    """SHA-256 of the files that the tools were given."""
    results: tuple[StepResult, ...]
    """What each tool did."""

    def matches(self, plan: VendorPlan, inputs: Mapping[str, str]) -> bool:
        """Return whether they are results of this plan on these files."""
        return self.plan == json.loads(json.dumps(plan.as_json())) and self.inputs == inputs


def files(run: RunFolder) -> tuple[Path, ...]:
    """Return the file that changes when other results are collected, if any are."""
    path = run.path / FOLDER / INDEX
    return (path,) if path.is_file() else ()


def read(run: RunFolder) -> Collected | None:
    """Read the collected results of a run; None if there are none."""
    return next(map(Collected.load, files(run)), None)
