"""The primitives that Yosys maps to, and the resources of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from trigcnn.hls.errors import ToolFailedError


@dataclass(frozen=True)
class Resources:
    """Counts in the units of `SynthesisReport`."""

    lut: int = 0
    ff: int = 0
    srl: int = 0
    carry: int = 0
    dsp: int = 0
    bram: int = 0


# Primitives without counted resources: multiplexers that come with the look-up tables, buffers,
# constants.
_FREE = Resources()
_SCOPE = {"$scopeinfo": _FREE}

_XILINX = {
    **_SCOPE,
    **dict.fromkeys(("INV", "BUFG", "IBUF", "OBUF", "MUXF7", "MUXF8", "MUXF9", "GND", "VCC"), _FREE),
    **dict.fromkeys((f"LUT{n}" for n in range(1, 7)), Resources(lut=1)),
    **dict.fromkeys(("FDRE", "FDSE", "FDCE", "FDPE"), Resources(ff=1)),
    # A shift register takes a look-up table; Vivado counts it in the same way.
    **dict.fromkeys(("SRL16E", "SRLC16E", "SRLC32E"), Resources(srl=1, lut=1)),
    # Memories made of look-up tables: 32 or 64 bits in each (UG474, UG574).
    **dict.fromkeys(("RAM16X1S", "RAM32X1S", "RAM64X1S"), Resources(lut=1)),
    **dict.fromkeys(("RAM16X1D", "RAM32X1D", "RAM64X1D", "RAM128X1S"), Resources(lut=2)),
    **dict.fromkeys(("RAM128X1D", "RAM256X1S", "RAM32M", "RAM64M"), Resources(lut=4)),
    **dict.fromkeys(("RAM256X1D", "RAM512X1S", "RAM32M16", "RAM64M8"), Resources(lut=8)),
    **dict.fromkeys(("RAM32X16DR8", "RAM64X8SW"), Resources(lut=8)),
    **dict.fromkeys(("CARRY4", "CARRY8"), Resources(carry=1)),
    **dict.fromkeys(("DSP48E1", "DSP48E2"), Resources(dsp=1)),
    **dict.fromkeys(("RAMB18E1", "RAMB18E2"), Resources(bram=1)),
    **dict.fromkeys(("RAMB36E1", "RAMB36E2"), Resources(bram=2)),
}
_ECP5 = {
    **_SCOPE,
    **dict.fromkeys(("PFUMX", "L6MUX21", "GSR"), _FREE),
    "LUT4": Resources(lut=1),
    # Carries run through look-up tables: two bits take two of them.
    "CCU2C": Resources(lut=2, carry=1),
    "TRELLIS_FF": Resources(ff=1),
    # Four for the memory and two for its write port.
    "TRELLIS_DPR16X4": Resources(lut=6),
    "MULT18X18D": Resources(dsp=1),
    "DP16KD": Resources(bram=1),
    "PDPW16KD": Resources(bram=1),
}
_FAMILIES = {"xc7": _XILINX, "xcu": _XILINX, "xcup": _XILINX, "ecp5": _ECP5}
_CARRIES = ("CARRY4", "CARRY8", "CCU2C")


def count(cells: Mapping[str, int], family: str) -> Resources:
    """Return the resources of all cells.

    Args:
        cells: Number of cells by primitive.
        family: Yosys' name of the family.

    Raises:
        ToolFailedError: A primitive's size is not known here.

    >>> count({"LUT4": 10, "CCU2C": 3}, "ecp5")
    Resources(lut=16, ff=0, srl=0, carry=3, dsp=0, bram=0)
    """
    sizes = _FAMILIES[family]
    unknown = sorted(set(cells) - set(sizes))
    if unknown:
        raise ToolFailedError(f"Yosys used primitives that are not counted here: {', '.join(unknown)}")
    names = [field.name for field in fields(Resources)]
    return Resources(**{name: sum(getattr(sizes[cell], name) * n for cell, n in cells.items()) for name in names})


def carry_primitive(cells: Mapping[str, int]) -> str | None:
    """Name the carry primitive among cells."""
    return next((name for name in _CARRIES if cells.get(name)), None)
