"""The head of every text report of Vivado."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.reports.text import Text

_LINE = re.compile(r"^\| (?P<name>[A-Z][\w ]*?) *: (?P<value>.*?) *$", re.MULTILINE)
_VERSION = re.compile(r"Vivado v\.(\d+\.\d+(?:\.\d+)?)")

VendorEvidence = Literal["vendor-synthesis", "vendor-implementation"]


@dataclass(frozen=True)
class Head:
    """The head of a report.

    Attributes:
        version: Vivado's version.
        part: The device.
        state: Design state; empty if the version does not report it.
    """

    version: str
    part: str
    state: str


def read_head(text: Text, command: str) -> Head:
    """Read the head of a report.

    Args:
        text: The report.
        command: The command that writes such reports, for errors.

    Raises:
        ToolFailedError: It is not a report of Vivado.
    """
    # The first of each name: text after the head can look alike.
    found: dict[str, str] = {}
    for match in _LINE.finditer(text.content):
        found.setdefault(match["name"], match["value"])
    version, device = _VERSION.match(found.get("Tool Version", "")), found.get("Device")
    if version is None or device is None:
        raise ToolFailedError(f"{text.path} lacks the tool's version or the device; is it a {command} report?")
    # Until 2021 Vivado left out the xc of 7-series devices.
    return Head(version[1], f"xc{device}" if device.startswith("7") else device, found.get("Design State", ""))


def evidence(state: str, text: Text) -> VendorEvidence:
    """Return the evidence of the figures of a design in a state.

    Raises:
        ToolFailedError: The state is not known.
    """
    if state in ("Synthesized", "Optimized"):
        return "vendor-synthesis"
    if any(word in state for word in ("Placed", "Routed", "Physopt")):
        return "vendor-implementation"
    raise ToolFailedError(
        f"{text.path}: the design state {state!r} is not known; report a synthesized or placed design"
    )
