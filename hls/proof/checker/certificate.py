"""What was proved of a design, in a file that can be checked without the search that found it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from trigcnn.common.files import write_text
from trigcnn.hls.errors import ProofError
from trigcnn.hls.proof.checker.equivalence import Claim, Obligation
from trigcnn.hls.proof.checker.units import Task
from trigcnn.hls.rtl.design import Language, RtlDesign

FORMAT_VERSION = 2
Status = Literal["proved", "open", "refuted"]
Claims = Mapping[str, Mapping[int, Claim]]


@dataclass(frozen=True)
class Certificate:
    """What was shown of a design, and of which files.

    Attributes:
        design: Name of the top module.
        language: Language of its sources.
        status: `proved`: equal for every input. `refuted`: not equal. `open`: neither was shown.
        reason: Why it is not proved; empty if it is.
        shown: What was shown, layer by layer.
        claims: Bits of the netlist that hold elements of layers, by layer and number of the element; of a streaming
            design by place instead of layer.
        units: Of a streaming design: what each unit computes.
        files: SHA-256 of the graph's files and of the sources, by their path in the run's stage `convert`.
        netlist: SHA-256 of the netlist that Yosys made of the sources.
        tool: Yosys' version.
        version: trigcnn's version.
        seconds: Processor time of the proof, in s.
    """

    design: str
    language: Language
    status: Status
    reason: str
    shown: tuple[Obligation, ...]
    claims: Claims
    units: Mapping[str, Task]
    files: dict[str, str]
    netlist: str
    tool: str
    version: str
    seconds: float

    def save(self, path: Path) -> None:
        """Write the file."""
        claims = {
            layer: {str(index): _document(claim) for index, claim in own.items()} for layer, own in self.claims.items()
        }
        content = {"format_version": FORMAT_VERSION, **asdict(self), "claims": claims}
        write_text(path, json.dumps(content, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Certificate:
        """Read a file that `save` wrote.

        Raises:
            ProofError: It is none.
        """
        try:
            content = json.loads(path.read_text())
            if content.pop("format_version") != FORMAT_VERSION:
                raise ProofError(f"{path}: is a certificate of another version of trigcnn; prove the run again")
            claims = {
                layer: {int(index): _claim(entry) for index, entry in own.items()}
                for layer, own in content["claims"].items()
            }
            units = {name: task(entry) for name, entry in content["units"].items()}
            shown = tuple(Obligation(**entry) for entry in content["shown"])
            return cls(**{**content, "claims": claims, "shown": shown, "units": units})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProofError(f"{path}: is no certificate ({type(error).__name__}: {error})") from error


def digests(convert: Path, design: RtlDesign, language: Language) -> dict[str, str]:
    """Return SHA-256 of the files that a proof is about, by their path in the stage's folder."""
    names = ["graph.json", "graph.npz", "design.json", *source_names(design, language)]
    return {name: digest(convert / name) for name in names}


def source_names(design: RtlDesign, language: Language) -> list[str]:
    """Return the design's files in a language, by their path in the stage's folder."""
    folder = {"verilog": "rtl", "vhdl": "vhdl"}[language]
    return [f"{folder}/{name}" for name in design.sources[language]]


def digest(path: Path) -> str:
    """Return SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _document(claim: Claim) -> dict[str, Any]:
    steps = [[first, second, _document(own)] for first, second, own in claim.steps]
    return {"bits": claim.bits, "copies": claim.copies, "steps": steps}


def task(entry: Mapping[str, Any]) -> Task:
    """Return what a unit computes, from a certificate."""
    return Task(dict(entry["sources"]), tuple(entry["layers"]), tuple(entry["then"]))


def _claim(entry: dict[str, Any]) -> Claim:
    steps = tuple((int(first), int(second), _claim(own)) for first, second, own in entry["steps"])
    copies = tuple((int(position), int(bit)) for position, bit in entry["copies"])
    return Claim(tuple(map(int, entry["bits"])), copies, steps)
