"""Results of the vendor's tools that came from another computer, in the folder `collected` of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from trigcnn.hls.synthesis.vendors.plan import VendorPlan
from trigcnn.hls.synthesis.vendors.run import StepResult
from trigcnn.pipeline.cache.folder import RunFolder

FOLDER = "collected"
_INDEX = "collected.json"


@dataclass(frozen=True)
class Collected:
    """Results from elsewhere; they were checked when they were collected.

    Attributes:
        folder: Their folder, with logs and reports by design.
        source: Name of the file or folder that they came in.
        hosts: Names of the computers on which the tools ran.
        plan: What was run, as JSON.
        inputs: SHA-256 of the files that the tools were given.
        results: What each tool did.
    """

    folder: Path
    source: str
    hosts: tuple[str, ...]
    plan: dict[str, object]
    inputs: dict[str, str]
    results: tuple[StepResult, ...]

    def matches(self, plan: VendorPlan, inputs: Mapping[str, str]) -> bool:
        """Return whether they are results of this plan on these files."""
        return self.plan == json.loads(json.dumps(plan.as_json())) and self.inputs == inputs

    def write(self) -> None:
        """Write the index of the folder."""
        content = {name: value for name, value in asdict(self).items() if name != "folder"}
        (self.folder / _INDEX).write_text(json.dumps(content, indent=1) + "\n")


def files(run: RunFolder) -> tuple[Path, ...]:
    """Return the file that changes when other results are collected, if any are."""
    path = run.path / FOLDER / _INDEX
    return (path,) if path.is_file() else ()


def read(run: RunFolder) -> Collected | None:
    """Read the collected results of a run; None if there are none."""
    for path in files(run):
        content = json.loads(path.read_text())
        results = tuple(
            StepResult(**{**entry, "critical_warnings": tuple(entry["critical_warnings"])})
            for entry in content.pop("results")
        )
        return Collected(folder=path.parent, results=results, **{**content, "hosts": tuple(content["hosts"])})
    return None
