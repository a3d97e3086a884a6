from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hls.fixed_point import FixedPoint

# Every rounding and overflow mode, signed and unsigned; no integer bits, negative ones, more than the width.
FORMATS = [
    FixedPoint(signed, width, integer, rounding, overflow)
    for signed, width, integer in [(True, 6, 3), (False, 6, 3), (True, 4, -2), (False, 3, 0), (True, 5, 8)]
    for rounding in ("TRN", "RND", "RND_CONV")
    for overflow in ("WRAP", "SAT", "SAT_SYM")
] + [
    FixedPoint(False, 2, 32),
    FixedPoint(True, 1, 1),
    FixedPoint(False, 1, 0, "RND_CONV", "SAT"),
    FixedPoint(True, 32, 16, "RND", "WRAP"),
]
PROGRAM = """
#include "ap_fixed.h"
#include <cstdio>
#include <vector>
template <class T, bool is_signed, int width> void show(const std::vector<double> &values) {
    for (double value : values) {
        T cast = value;
        long long bits = 0;
        for (int i = 0; i < width; i++) bits |= (long long)(bool)cast[i] << i;
        if (is_signed && cast[width - 1]) bits -= 1LL << width;
        std::printf("%lld ", bits);
    }
    std::printf("\\n");
}
int main() {
    std::vector<double> values;
    for (double value; std::scanf("%la", &value) == 1;) values.push_back(value);
CALLS}
"""


def values() -> npt.NDArray[np.float64]:
    """Corners, halves and points close to them for the small formats; powers of two; anything."""
    random = np.random.default_rng(1)
    halves = np.arange(-200, 201) / 16
    near = halves[halves != 0]
    return np.concatenate(
        [
            halves,
            np.nextafter(near, np.inf),
            np.nextafter(near, -np.inf),
            np.arange(-40, 41) / 128,
            np.arange(-300, 301) * 4.0,
            [sign * 2.0**power for power in range(-40, 35) for sign in (1, -1)],
            random.uniform(-20, 20, 300),
            random.uniform(-1e6, 1e6, 300),
        ]
    )


@pytest.fixture(scope="module")
def ap_fixed(tmp_path_factory: pytest.TempPathFactory) -> npt.NDArray[np.int64]:
    """The integers [format, value] that the ap_fixed headers which hls4ml ships give."""
    folder = tmp_path_factory.mktemp("ap_fixed")
    found = importlib.util.find_spec("hls4ml")
    assert found is not None
    assert found.origin is not None
    calls = "".join(
        f"    show<ap_{'' if f.signed else 'u'}fixed<{f.width}, {f.integer}, AP_{f.rounding}, AP_{f.overflow}>, "
        f"{int(f.signed)}, {f.width}>(values);\n"
        for f in FORMATS
    )
    (folder / "cast.cpp").write_text(PROGRAM.replace("CALLS", calls))
    headers = Path(found.origin).parent / "templates" / "vivado" / "ap_types"
    subprocess.run(["g++", "-std=c++17", "-w", f"-I{headers}", "cast.cpp", "-o", "cast"], cwd=folder, check=True)
    text = "\n".join(float(value).hex() for value in values())
    answer = subprocess.run([folder / "cast"], input=text, capture_output=True, text=True, check=True).stdout
    return np.array([line.split() for line in answer.splitlines()], dtype=np.int64)


@pytest.mark.parametrize("index", range(len(FORMATS)), ids=[str(f).replace(",", "_") for f in FORMATS])
def test_cast_is_that_of_ap_fixed(index: int, ap_fixed: npt.NDArray[np.int64]) -> None:
    np.testing.assert_array_equal(FORMATS[index].cast(values()), ap_fixed[index])


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("fixed<16,6>", FixedPoint(True, 16, 6)),
        ("ap_ufixed<4,2,AP_RND_CONV,AP_SAT,0>", FixedPoint(False, 4, 2, "RND_CONV", "SAT")),
        (" ap_fixed< 8 , -2 , RND > ", FixedPoint(True, 8, -2, "RND")),
        ("fixed<8,3,TRN,SAT_SYM>", FixedPoint(True, 8, 3, "TRN", "SAT_SYM")),
        ("ufixed<2,32>", FixedPoint(False, 2, 32)),
        ("int<5>", FixedPoint(True, 5, 5)),
        ("ap_uint<1>", FixedPoint(False, 1, 1)),
    ],
)
def test_a_format_is_read(text: str, parsed: FixedPoint) -> None:
    assert FixedPoint.parse(text) == parsed


@pytest.mark.parametrize("number_format", FORMATS, ids=str)
def test_a_format_is_read_back_from_its_text(number_format: FixedPoint) -> None:
    assert FixedPoint.parse(str(number_format)) == number_format
    assert FixedPoint.parse(f"ap_{number_format}") == number_format


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("float", "'float' is no number format"),
        ("fixed<8>", "is no number format"),
        ("fixed<8,3", "is no number format"),
        ("fixed<8,3,RND_ZERO>", "rounding mode RND_ZERO is not supported; use TRN, RND or RND_CONV"),
        ("fixed<8,3,TRN,SAT_ZERO>", "overflow mode SAT_ZERO is not supported; use WRAP, SAT or SAT_SYM"),
        ("fixed<0,0>", "the width must lie between 1 and 63 bits"),
        ("ufixed<64,3>", "the width must lie between 1 and 63 bits"),
    ],
)
def test_another_format_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FixedPoint.parse(text)


def test_range_and_last_bit() -> None:
    signed, unsigned = FixedPoint(True, 4, 2), FixedPoint(False, 4, -1)
    assert (signed.fraction, signed.lsb, signed.min, signed.max) == (2, 0.25, -2.0, 1.75)
    assert (unsigned.fraction, unsigned.lsb, unsigned.min, unsigned.max) == (5, 1 / 32, 0.0, 15 / 32)
    assert (FixedPoint(False, 2, 32).lsb, FixedPoint(False, 2, 32).max) == (2.0**30, 3 * 2.0**30)


def test_integers_are_those_of_the_values() -> None:
    number_format = FixedPoint(True, 4, 2)
    integers = number_format.to_integers([[-2.0, -0.25], [0.0, 1.75]])
    assert integers.dtype == np.int64
    np.testing.assert_array_equal(integers, [[-8, -1], [0, 7]])
    np.testing.assert_array_equal(number_format.to_real(integers), [[-2.0, -0.25], [0.0, 1.75]])


@pytest.mark.parametrize("value", [0.125, 2.0, -2.25, np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_in_the_format_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"1 of 2 values are not in the number format fixed<4,2>"):
        FixedPoint(True, 4, 2).to_integers([0.25, value])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0**60, -(2.0**60)])
def test_what_cannot_be_cast_exactly_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"cannot cast to fixed<4,2>: values must be finite and below 2\*\*60"):
        FixedPoint(True, 4, 2).cast([0.0, value])
    assert FixedPoint(True, 4, 2).cast(2.0**59) == 0


def test_rounding_is_right_where_a_half_more_would_need_a_54th_bit() -> None:
    value = 2.0**52 + 1
    assert FixedPoint(True, 60, 60, "RND").cast(value) == 2**52 + 1
    assert FixedPoint(True, 60, 60, "RND").cast(np.nextafter(0.5, 0)) == 0
