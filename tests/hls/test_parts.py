from __future__ import annotations

import pytest

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.parts import Part, totals, yosys_family


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("xc7z020-clg400-1", Part("xc7z020", "Zynq-7000", 53_200, 106_400, 220, 280)),
        ("xcu250-figd2104-2L-e", Part("xcu250", "Alveo", 1_728_000, 3_456_000, 12_288, 5_376)),
        ("XCVU9P-FLGA2577-2-E", Part("xcvu9p", "Virtex UltraScale+", 1_182_240, 2_364_480, 6_840, 4_320)),
        ("xc7vx690tffg1927-2", Part("xc7vx690t", "Virtex-7", 433_200, 866_400, 3_600, 2_940)),
    ],
)
def test_the_totals_of_a_part_are_those_of_its_device(part: str, expected: Part) -> None:
    assert totals(part) == expected


def test_a_device_that_is_not_in_the_table_has_no_totals() -> None:
    assert totals("xc7a35tcpg236-1") is None


@pytest.mark.parametrize(
    ("part", "family"),
    [
        ("xc7z020-clg400-1", "xc7"),
        ("xc7vx690tffg1927-2", "xc7"),
        ("xc7a35tcpg236-1", "xc7"),
        ("xcku040-ffva1156-2-e", "xcu"),
        ("xcku115-flvb2104-2-i", "xcu"),
        ("xcvu190-flgb2104-2-e", "xcu"),
        ("xcku5p-ffvb676-2-e", "xcup"),
        ("XCVU13P-FLGA2577-2-E", "xcup"),
        ("xczu9eg-ffvb1156-2-e", "xcup"),
        ("xczu28dr-ffvg1517-2-e", "xcup"),
        ("xcu50-fsvh2104-2-e", "xcup"),
        ("xcu250-figd2104-2L-e", "xcup"),
        ("xck26-sfvc784-2LV-c", "xcup"),
    ],
)
def test_a_part_belongs_to_the_family_that_yosys_knows(part: str, family: str) -> None:
    assert yosys_family(part) == family


@pytest.mark.parametrize("part", ["", "vu9p", "xcvc1902-vsva2197-2MP-e-S", "LFE5U-85F"])
def test_a_part_of_no_known_family_is_refused_with_an_example(part: str) -> None:
    with pytest.raises(ConversionError, match=r"is not of a known family; name an AMD part .* xcvu9p-flga2577"):
        yosys_family(part)
