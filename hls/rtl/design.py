"""Generated RTL, described once for all documents, test benches and wrappers: ports, clock, times, files, size."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Literal

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.hls.errors import ConversionError

Architecture = Literal["parallel", "streaming"]
Language = Literal["verilog", "vhdl"]

PARTS = ("axis", "board", "layer", "logic", "pkg", "tb", "trigcnn")
"""What follows a design's name in the name of each of its modules and packages, between underscores.

No design has such a word behind the first in its own name, so two designs have no module of the same name.
"""


@dataclass(frozen=True)
class Port:
    """One input or output of the module that users instantiate.

    Attributes:
        name: Its name in Verilog and VHDL.
        layer: The graph's layer whose values it carries.
        shape: Shape of an event's values.
        number_format: Format in which each value is packed: it holds all of them.
        live_bits: Bits of a word that are neither constant nor unused.
        words: Words that carry an event, in row-major order: 1 for all values at once, or one per pixel. In a word
            the first value has the lowest bits.
        valid: Name of the signal that is high while the port carries a word; None if every clock carries one.
        meaning: The formula of an output that was added behind the network, or of the scaling of an input in front of
            it; empty for the network's own.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    number_format: FixedPoint
    live_bits: int
    words: int = 1
    valid: str | None = None
    meaning: str = ""

    @property
    def values(self) -> int:
        """Values in a word."""
        return prod(self.shape) // self.words

    @property
    def width(self) -> int:
        """Bits of a word."""
        return self.values * self.number_format.width


@dataclass(frozen=True)
class RtlDesign:
    """A generated design: everything that is needed to use it.

    Attributes:
        architecture: `parallel` or `streaming`.
        top: Name of the top module; all modules and files have names that begin with it.
        latency_cycles: Clock cycles from an event's first input word at the port to its last output word at the
            port, of the output that ends last; all registers are counted.
        initiation_interval: Clock cycles between two events.
        inputs: The input ports, in the order in which an event holds them.
        outputs: The output ports, in the order in which an event's outputs hold them.
        estimated_lut: LUTs by alkaid's cost model: bits of adders and multiplexers.
        estimated_lut_by_layer: The same for each layer by itself; sharing between layers is not counted.
        clock: Name of the clock; everything happens at its rising edge.
        reset: Name of the synchronous reset, active high, which clears all valid bits; None if there is none.
        sources: The files of each language, each after those that it needs, relative to the project's folder.
    """

    architecture: Architecture
    top: str
    latency_cycles: int
    initiation_interval: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    estimated_lut: float
    estimated_lut_by_layer: dict[str, float]
    clock: str = "clk"
    reset: str | None = "rst"
    sources: dict[Language, tuple[str, ...]] = field(default_factory=dict)

    @property
    def verilog(self) -> list[Path]:
        """The Verilog files, relative to the project's folder."""
        return [Path(name) for name in self.sources["verilog"]]

    @property
    def has_valid(self) -> bool:
        """Whether words are marked by valid bits; if not, every clock carries an event."""
        return self.inputs[0].valid is not None

    @property
    def words(self) -> int:
        """Words per event at every input.

        Raises:
            ConversionError: The inputs, which share one valid, differ.
        """
        words = {port.words for port in self.inputs}
        if len(words) != 1:
            raise ConversionError(f"the inputs share one valid, and cannot have {sorted(words)} words per event")
        return words.pop()

    @property
    def constants(self) -> dict[str, int]:
        """Constants in the code of the top module (Verilog) or of the design's package (VHDL), in clock cycles."""
        return {"LATENCY_CYCLES": self.latency_cycles, "INITIATION_INTERVAL_CYCLES": self.initiation_interval}

    @property
    def input_width(self) -> int:
        """Bits of all inputs that are used."""
        return sum(port.live_bits for port in self.inputs)

    @property
    def output_width(self) -> int:
        """Bits of all outputs that are not constant."""
        return sum(port.live_bits for port in self.outputs)

    def save(self, folder: Path) -> None:
        """Write `design.json`."""
        (folder / "design.json").write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> RtlDesign:
        """Read `design.json`."""
        content = json.loads((folder / "design.json").read_text())
        ports = {role: tuple(_port(entry) for entry in content[role]) for role in ("inputs", "outputs")}
        sources = {language: tuple(files) for language, files in content["sources"].items()}
        return cls(**{**content, **ports, "sources": sources})


def _port(entry: dict[str, Any]) -> Port:
    number_format = FixedPoint(**entry["number_format"])
    return Port(**{**entry, "shape": tuple(entry["shape"]), "number_format": number_format})
