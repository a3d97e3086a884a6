"""Earlier runs, as a report shows them."""

from __future__ import annotations

from typing import Literal

from trigcnn.pipeline.results.merit import Merit
from trigcnn.pipeline.results.section import Section


class Change(Section):
    """An option that was changed since an earlier run."""

    option: str
    before: str
    """its value in the earlier run, as JSON; text without quotes"""
    after: str
    """its value in this run"""


class EarlierRun(Section):
    """A run in the same folder, before this one."""

    date: str
    """ISO 8601, UTC"""
    command: str
    verdict: Literal["pass", "fail"]
    merits: list[Merit]
    changes: list[Change]
    """options that were changed since, up to this run"""
