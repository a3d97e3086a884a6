"""Lattice ECP5 parts, parsed from their names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trigcnn.hls.errors import ConversionError

_EXAMPLE = "LFE5U-85F-6BG381C"
# Lattice's codes of packages, and nextpnr's names of them.
_PACKAGES = {
    "TG144": "TQFP144",
    "BG256": "CABGA256",
    "MG285": "CSFBGA285",
    "BG381": "CABGA381",
    "BG554": "CABGA554",
    "BG756": "CABGA756",
}
# The packages whose pins nextpnr knows, by size of the device; the smallest package is for LFE5U only.
_PACKAGES_OF = {
    "12": ("TG144", "BG256", "MG285", "BG381"),
    "25": ("TG144", "BG256", "MG285", "BG381"),
    "45": ("TG144", "BG256", "MG285", "BG381", "BG554"),
    "85": ("MG285", "BG381", "BG554", "BG756"),
}
# Suffix after speed and package: commercial or industrial temperature range.
_NAME = re.compile(r"LFE5(U|UM|UM5G)-(12|25|45|85)F-([678])([TBM]G\d{3})[CI]", re.IGNORECASE)


@dataclass(frozen=True)
class Ecp5Part:
    """A part's name, split for nextpnr.

    Attributes:
        name: Lattice's ordering code.
        device: The device in it, such as `LFE5U-85F`.
        package: nextpnr's name of the package.
        speed: Speed grade; 8 is the fastest.
    """

    name: str
    device: str
    package: str
    speed: int

    @property
    def flag(self) -> str:
        """The option of nextpnr for the device."""
        family, _, size = self.device.removeprefix("LFE5").lower().partition("-")
        prefix = "" if family == "u" else f"{family}-"
        return f"--{prefix}{size.removesuffix('f')}k"


def is_ecp5(part: str) -> bool:
    """Return whether a part's name begins like those of this family."""
    return part.upper().startswith("LFE5")


def parse(part: str) -> Ecp5Part:
    """Split a part's name.

    Raises:
        ConversionError: There is no such part, or nextpnr does not know it.

    >>> parse("LFE5U-85F-6BG381C").package, parse("LFE5UM5G-85F-8BG381I").flag
    ('CABGA381', '--um5g-85k')
    """
    match = _NAME.fullmatch(part)
    if match is None:
        raise ConversionError(
            f"part {part!r} is not a Lattice ECP5; name device, speed grade and package as in {_EXAMPLE}: LFE5U, "
            "LFE5UM or LFE5UM5G; 12F, 25F, 45F or 85F; speed grade 6, 7 or 8; then the package and C or I"
        )
    family, size, speed, package = (word.upper() for word in match.groups())
    known = [code for code in _PACKAGES_OF[size] if family == "U" or code != "TG144"]
    if package not in known:
        raise ConversionError(
            f"part {part!r}: LFE5{family}-{size}F has no package {package}; it has {', '.join(known)}"
        )
    if family != "U" and size == "12":
        raise ConversionError(f"part {part!r}: the device of 12F is LFE5U only; name LFE5{family}-25F or larger")
    if family == "UM5G" and speed != "8":
        raise ConversionError(f"part {part!r}: LFE5UM5G has speed grade 8 only")
    return Ecp5Part(part.upper(), f"LFE5{family}-{size}F", _PACKAGES[package], int(speed))
