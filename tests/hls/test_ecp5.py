from __future__ import annotations

import pytest

from trigcnn.hls import parts
from trigcnn.hls.errors import ConversionError
from trigcnn.hls.synthesis.ecp5 import Ecp5Part, parse


@pytest.mark.parametrize(
    ("name", "device", "package", "speed", "flag"),
    [
        ("LFE5U-85F-6BG381C", "LFE5U-85F", "CABGA381", 6, "--85k"),
        ("LFE5U-12F-6BG256C", "LFE5U-12F", "CABGA256", 6, "--12k"),
        ("lfe5u-25f-7tg144i", "LFE5U-25F", "TQFP144", 7, "--25k"),
        ("LFE5UM-45F-8BG554I", "LFE5UM-45F", "CABGA554", 8, "--um-45k"),
        ("LFE5UM5G-85F-8BG756C", "LFE5UM5G-85F", "CABGA756", 8, "--um5g-85k"),
        ("LFE5UM5G-25F-8MG285C", "LFE5UM5G-25F", "CSFBGA285", 8, "--um5g-25k"),
    ],
)
def test_a_part_is_taken_apart(name: str, device: str, package: str, speed: int, flag: str) -> None:
    part = parse(name)
    assert part == Ecp5Part(name.upper(), device, package, speed)
    assert part.flag == flag
    assert parts.totals(part.device) is not None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "xcvu9p-flga2104-2L-e",
            r"is not a Lattice ECP5; name device, speed grade and package as in LFE5U-85F-6BG381C",
        ),
        ("LFE5U-85F", r"is not a Lattice ECP5"),
        ("LFE5U-85F-9BG381C", r"is not a Lattice ECP5"),
        ("LFE5U-85F-6BG256C", r"LFE5U-85F has no package BG256; it has MG285, BG381, BG554, BG756$"),
        ("LFE5UM-25F-6TG144C", r"LFE5UM-25F has no package TG144"),
        ("LFE5UM-12F-6BG381C", r"the device of 12F is LFE5U only; name LFE5UM-25F or larger$"),
        ("LFE5UM5G-85F-6BG381C", r"LFE5UM5G has speed grade 8 only$"),
    ],
)
def test_a_part_that_does_not_exist_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        parse(name)
