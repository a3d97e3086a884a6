"""What a device holds, and which Yosys family it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from trigcnn.hls.errors import ConversionError


@dataclass(frozen=True)
class Part:
    """The resources of one device.

    Attributes:
        name: Device without package and speed grade, such as `xcvu9p`.
        family: Product family.
        lut: Look-up tables: of 6 inputs in parts of AMD, of 4 in ECP5.
        ff: Flip-flops.
        dsp: Multiplier blocks.
        bram: Block memory in halves of 18 Kbit.
    """

    name: str
    family: str
    lut: int
    ff: int
    dsp: int
    bram: int


# Sources: AMD DS180 (7 series), DS190 (Zynq-7000), DS890 (UltraScale, UltraScale+), DS891 (Zynq UltraScale+
# MPSoC), DS889 (RFSoC), DS987 (Kria K26), and the data sheets of the Alveo cards: DS962 (U200, U250), DS963
# (U280), DS965 (U50), DS978 (U55C). They count memory in 36 Kbit blocks: twice as many halves here.
_PARTS = (
    Part("xc7z020", "Zynq-7000", 53_200, 106_400, 220, 280),
    Part("xc7z045", "Zynq-7000", 218_600, 437_200, 900, 1_090),
    Part("xc7k325t", "Kintex-7", 203_800, 407_600, 840, 890),
    Part("xc7vx485t", "Virtex-7", 303_600, 607_200, 2_800, 2_060),
    Part("xc7vx690t", "Virtex-7", 433_200, 866_400, 3_600, 2_940),
    Part("xcku040", "Kintex UltraScale", 242_400, 484_800, 1_920, 1_200),
    Part("xcku060", "Kintex UltraScale", 331_680, 663_360, 2_760, 2_160),
    Part("xcku115", "Kintex UltraScale", 663_360, 1_326_720, 5_520, 4_320),
    Part("xcku15p", "Kintex UltraScale+", 522_720, 1_045_440, 1_968, 1_968),
    Part("xcvu3p", "Virtex UltraScale+", 394_080, 788_160, 2_280, 1_440),
    Part("xcvu7p", "Virtex UltraScale+", 788_160, 1_576_320, 4_560, 2_880),
    Part("xcvu9p", "Virtex UltraScale+", 1_182_240, 2_364_480, 6_840, 4_320),
    Part("xcvu11p", "Virtex UltraScale+", 1_296_000, 2_592_000, 9_216, 4_032),
    Part("xcvu13p", "Virtex UltraScale+", 1_728_000, 3_456_000, 12_288, 5_376),
    Part("xcu50", "Alveo", 871_680, 1_743_360, 5_952, 2_688),
    Part("xcu55c", "Alveo", 1_303_680, 2_607_360, 9_024, 4_032),
    Part("xcu200", "Alveo", 1_182_240, 2_364_480, 6_840, 4_320),
    Part("xcu250", "Alveo", 1_728_000, 3_456_000, 12_288, 5_376),
    Part("xcu280", "Alveo", 1_303_680, 2_607_360, 9_024, 4_032),
    Part("xck26", "Kria", 117_120, 234_240, 1_248, 288),
    Part("xczu3eg", "Zynq UltraScale+ MPSoC", 70_560, 141_120, 360, 432),
    Part("xczu7ev", "Zynq UltraScale+ MPSoC", 230_400, 460_800, 1_728, 624),
    Part("xczu9eg", "Zynq UltraScale+ MPSoC", 274_080, 548_160, 2_520, 1_824),
    Part("xczu28dr", "Zynq UltraScale+ RFSoC", 425_280, 850_560, 4_272, 2_160),
    # As nextpnr 0.11 counts them; it gives the 12F all of the 25F, which it is made of. A memory block has 18 Kbit.
    *(
        Part(f"lfe5{family}-{size}f", "ECP5", lut, lut, dsp, bram)
        for family in ("u", "um", "um5g")
        for size, lut, dsp, bram in (
            (12, 24_288, 28, 56),
            (25, 24_288, 28, 56),
            (45, 43_848, 72, 108),
            (85, 83_640, 156, 208),
        )
        if (family, size) not in (("um", 12), ("um5g", 12))
    ),
)

_YOSYS_FAMILIES = (
    (re.compile(r"xc7[akszv]"), "xc7"),
    # The plus of UltraScale+ is a p after the number, so this line comes before that of UltraScale.
    (re.compile(r"xc[aksv]u\d+p|xczu\d|xcux?\d|xck\d"), "xcup"),
    (re.compile(r"xc[kv]u\d"), "xcu"),
)


def totals(part: str) -> Part | None:
    """Return what a device holds, or None if it is not in the table.

    Args:
        part: Full part name; what follows the device is ignored.

    >>> totals("xcvu9p-flga2577-2-e").dsp
    6840
    """
    name = part.lower()
    return max((known for known in _PARTS if name.startswith(known.name)), key=_name_length, default=None)


def yosys_family(part: str) -> str:
    """Return the `-family` of Yosys' `synth_xilinx` for a part.

    Returns:
        `xc7` for the 7 series, `xcu` for UltraScale, `xcup` for UltraScale+.

    Raises:
        ConversionError: Yosys does not map to the part's family.

    >>> yosys_family("xcku115-flvb2104-2-i"), yosys_family("xcvu13p-flga2577-2-e")
    ('xcu', 'xcup')
    """
    for pattern, family in _YOSYS_FAMILIES:
        if pattern.match(part.lower()):
            return family
    raise ConversionError(
        f"part {part!r} is not of a known family; name an AMD part of the 7 series, UltraScale or "
        "UltraScale+ (xc7…, xcku…, xcvu…, xczu…, xcu…, xck…), for example xcvu9p-flga2577-2-e"
    )


def largest() -> Part:
    """Return the device with the most look-up tables."""
    return max(_PARTS, key=lambda part: part.lut)


def overrun(counts: Mapping[str, int | None], device: Part) -> list[str]:
    """Return of what a design needs more than a device has, and by how much.

    Args:
        counts: What it needs, by the names of a part's fields; None where it is not known.
        device: The device.

    >>> overrun({"lut": 60_000, "ff": 1_000, "dsp": None}, totals("xc7z020clg400-1"))
    ['60,000 LUT of 53,200 (13% over)']
    """
    found = []
    for name, count in counts.items():
        total = getattr(device, name)
        if count is not None and count > total:
            share = f" ({count / total - 1:.0%} over)" if total else ""
            found.append(f"{count:,} {name.upper()} of {total:,}{share}")
    return found


def _name_length(part: Part) -> int:
    return len(part.name)
