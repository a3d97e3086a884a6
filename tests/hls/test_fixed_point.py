from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

from trigcnn.common.fixed_point import FixedPoint, Overflow, Rounding

# Signed, width, integer bits. These shapes get every pair of modes,
CROSSED = [(True, 6, 3), (False, 6, 3), (True, 4, -2), (True, 1, 1), (True, 40, 18)]
# the first two of them in the suite, and the others in `make walk`;
BOTH_SIGNS = CROSSED[:2]
# all others get every rounding mode, overflow modes in turn: negative integer bits, more than the width, one bit, wide.
OTHERS = [(False, 3, -1), (True, 5, 8), (False, 2, 32), (False, 1, 0), (False, 40, 30), (True, 63, 30), (False, 63, 63)]
SHAPES = CROSSED + OTHERS
FORMATS = [
    pytest.param(
        FixedPoint(*shape, rounding, overflow),
        marks=[] if shape in BOTH_SIGNS or (turn + index + position) % 4 == 0 else pytest.mark.walk,
    )
    for turn, shape in enumerate(SHAPES)
    for index, rounding in enumerate(get_args(Rounding))
    for position, overflow in enumerate(get_args(Overflow))
    if (shape[0] or overflow != "WRAP_SM") and (shape in CROSSED or (turn + index + position) % 4 == 0)
]
# A third of the sources for each format in the suite, all of them in `make walk`.
TURNS = 3
TURNED = [
    pytest.param(*each.values, turn, marks=each.marks if index % TURNS == turn else pytest.mark.walk)
    for index, each in enumerate(FORMATS)
    for turn in range(TURNS)
]
INTEGERS = ["int<5>", "uint<5>", "int<1>", "uint<40>"]
# Signed, width, integer bits of what is cast: fine, coarse, all below 1, all of int64, more than int64.
SOURCES = [(True, 20, 10), (False, 12, 4), (True, 7, 40), (False, 9, -6), (True, 64, 30), (True, 96, 40)]
PROGRAM = """
#include "ap_fixed.h"
#include <cstdio>
#include <string>
#include <vector>
template <class T> std::vector<T> read(const std::string &name) {
    std::vector<T> values;
    FILE *file = std::fopen(name.c_str(), "rb");
    for (T value; std::fread(&value, sizeof value, 1, file) == 1;) values.push_back(value);
    std::fclose(file);
    return values;
}
template <class S> std::vector<S> read_fixed(const std::string &name) {
    std::vector<S> values;
    std::vector<long long> words = read<long long>(name);
    for (size_t i = 0; i < words.size(); i += 2) {
        ap_int<128> bits = words[i + 1];
        bits <<= 64;
        bits |= ap_int<128>((unsigned long long)words[i]);
        S value;
        value.V = bits.V;
        values.push_back(value);
    }
    return values;
}
FILE *output;
template <class T, class S> void cast(const std::vector<S> &values) {
    for (const S &value : values) {
        T result(value);
        long long bits = result.V.to_int64();
        std::fwrite(&bits, sizeof bits, 1, output);
    }
}
SOURCES
int main(int, char **arguments) {
    output = std::fopen(arguments[1], "wb");
CALLS    return std::fclose(output);
}
"""


def patterns(bits: int) -> list[int]:
    """Numbers of so many bits and a sign: few ones, many ones, their neighbours, anything."""
    random = np.random.default_rng(bits)
    found = {(a << s) + b for a in range(-9, 10) for s in range(bits) for b in (-1, 0, 1)}
    found |= {sign * ((1 << s) - (1 << t)) for s in range(bits + 1) for t in range(s) for sign in (1, -1)}
    for _ in range(1000):
        number = int.from_bytes(random.bytes(16), "little", signed=True)
        found.add(number >> (128 - 1 - int(random.integers(1, bits + 1))))
    return sorted(n for n in found if abs(n) < 1 << bits)


@cache
def doubles(shape: tuple[bool, int, int]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ordinary values, in quarters of the shape's last bit and next to them, and the extremes."""
    _, width, integer = shape
    quarters = np.ldexp(np.array(patterns(min(width + 4, 53)), dtype=np.float64), integer - width - 2)
    near = quarters[quarters != 0]
    ordinary = np.concatenate([quarters, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)])
    powers = [sign * 2.0**power for power in range(-1022, 1024, 3) for sign in (1, -1)]
    extremes = [1e30, -1e30, 3e300, -3e300, np.finfo(np.float64).max, np.finfo(np.float64).min, 5e-324, -5e-324]
    return ordinary, np.array([*powers, *extremes, -0.0])


@cache
def integers(source: tuple[bool, int, int]) -> npt.NDArray[Any]:
    """Values of a number format in units of its last bit; Python integers where int64 is too small."""
    signed, width, _ = source
    found = [n for n in patterns(width - int(signed)) if signed or n >= 0] + [-(1 << (width - 1))] * signed
    return np.array(found, dtype=np.int64 if width <= 64 else object)


def cpp(signed: bool, width: int, integer: int, modes: Iterable[str] = ()) -> str:
    return f"ap_{'' if signed else 'u'}fixed<{', '.join([str(width), str(integer), *(f'AP_{m}' for m in modes)])}>"


Oracle = dict[str, tuple[npt.NDArray[np.int64], dict[tuple[bool, int, int], npt.NDArray[np.int64]]]]


@pytest.fixture(scope="module")
def ap_fixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """What the headers that hls4ml ships make of the doubles and of sources' integers, by format.

    Compiled is what the tests of this session ask for.
    """
    asked: dict[str, set[int]] = {text: set(range(len(SOURCES))) for text in INTEGERS}
    types = {text: (f"ap_{text}", SHAPES[0]) for text in INTEGERS}
    for item in request.session.items:
        given = item.callspec.params if hasattr(item, "callspec") else {}
        if not isinstance(f := given.get("number_format"), FixedPoint):
            continue
        types[str(f)] = cpp(f.signed, f.width, f.integer, (f.rounding, f.overflow)), (f.signed, f.width, f.integer)
        turn = range(given["turn"], len(SOURCES), TURNS) if "turn" in given else ()
        asked[str(f)] = asked.get(str(f), set()) | set(turn)
    folder = tmp_path_factory.mktemp("ap_fixed")
    found = importlib.util.find_spec("hls4ml")
    assert found is not None
    assert found.origin is not None
    headers = Path(found.origin).parent / "templates" / "vivado" / "ap_types"
    for index, shape in enumerate(SHAPES):
        np.concatenate(doubles(shape)).tofile(folder / f"doubles_{index}")
    for index, source in enumerate(SOURCES):
        words = b"".join(int(n).to_bytes(16, "little", signed=True) for n in integers(source))
        (folder / f"source_{index}").write_bytes(words)
    sources = "".join(
        f'const auto source_{i} = read_fixed<{cpp(*source)}>("source_{i}");\n' for i, source in enumerate(SOURCES)
    )

    def answer(part: list[str], name: str) -> Oracle:
        calls = "".join(
            f"    cast<{types[text][0]}>({values});\n"
            for text in part
            for values in (
                f'read<double>("doubles_{SHAPES.index(types[text][1])}")',
                *(f"source_{index}" for index in sorted(asked[text])),
            )
        )
        program = PROGRAM.replace("SOURCES", sources).replace("CALLS", calls)
        (folder / f"{name}.cpp").write_text(program)
        # NDEBUG: a cast that drops more bits than there are reads one that is not there, and ignores it.
        flags = "-std=c++17 -O0 -DNDEBUG -w -fno-asynchronous-unwind-tables --param=ggc-min-expand=400".split()
        command = ["g++", *flags, f"-I{headers}", f"{name}.cpp", "-o", name]
        subprocess.run(command, cwd=folder, check=True)
        subprocess.run([folder / name, f"{name}.out"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        results = np.fromfile(folder / f"{name}.out", dtype=np.int64)
        oracle = {}
        for text in part:
            chosen = [SOURCES[index] for index in sorted(asked[text])]
            sizes = [sum(map(len, doubles(types[text][1]))), *(len(integers(source)) for source in chosen)]
            of_doubles, *of_sources, results = np.split(results, np.cumsum(sizes))
            oracle[text] = of_doubles, dict(zip(chosen, of_sources, strict=True))
        assert results.size == 0
        return oracle

    with ThreadPoolExecutor() as threads:
        first, second = threads.map(answer, [list(types)[::2], list(types)[1::2]], ["first", "second"])
    return first | second


@pytest.mark.slow
@pytest.mark.parametrize("number_format", FORMATS, ids=str)
def test_cast_is_that_of_ap_fixed(number_format: FixedPoint, ap_fixed: Oracle) -> None:
    ordinary, extremes = doubles((number_format.signed, number_format.width, number_format.integer))
    cast = np.concatenate([number_format.cast(ordinary), number_format.cast(extremes)])
    np.testing.assert_array_equal(cast, ap_fixed[str(number_format)][0])


@pytest.mark.slow
@pytest.mark.parametrize(("number_format", "turn"), TURNED, ids=str)
def test_cast_of_integers_is_that_of_ap_fixed(number_format: FixedPoint, turn: int, ap_fixed: Oracle) -> None:
    for source in SOURCES[turn::TURNS]:
        expected = ap_fixed[str(number_format)][1][source]
        given, fraction = integers(source), source[1] - source[2]
        np.testing.assert_array_equal(number_format.cast_integers(given, fraction), expected, err_msg=str(source))
        few = given[::7].astype(object)
        np.testing.assert_array_equal(number_format.cast_integers(few, fraction), expected[::7], err_msg=str(source))


@pytest.mark.slow
@pytest.mark.parametrize("text", INTEGERS)
def test_cast_to_an_integer_is_that_of_ap_int(text: str, ap_fixed: Oracle) -> None:
    number_format, values = FixedPoint.parse(text), np.concatenate(doubles(SHAPES[0]))
    of_doubles, of_sources = ap_fixed[text]
    # A defect of the headers: these doubles become 1.
    defect = (values > -0.5) & (values < 0)
    assert set(of_doubles[defect]) == {number_format.cast_integers(1, 0).item()}
    np.testing.assert_array_equal(number_format.cast(values[~defect]), of_doubles[~defect])
    for source, expected in of_sources.items():
        if source[2] > 0:
            cast = number_format.cast_integers(integers(source), source[1] - source[2])
            np.testing.assert_array_equal(cast, expected, err_msg=str(source))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (1, 0, 2)])
def test_a_cast_keeps_the_shape(shape: tuple[int, ...]) -> None:
    for cast in (
        FixedPoint(True, 4, 2).cast(np.full(shape, 1.5)),
        FixedPoint(True, 4, 2).cast_integers(np.full(shape, 12), 3),
        FixedPoint(True, 4, 2).cast_integers(np.full(shape, 12, dtype=object), 3),
        FixedPoint(True, 4, 2).cast_integers(np.full(shape, 6 << 80, dtype=object), 82),
    ):
        assert cast.dtype == np.int64
        np.testing.assert_array_equal(cast, np.full(shape, 6))


@pytest.mark.parametrize("overflow", ["WRAP", "SAT_ZERO"])
@pytest.mark.parametrize("shift", [-70, -62, -61, -60, -1, 1, 60, 61, 62, 63, 64, 70])
def test_int64_is_cast_as_python_integers_are(shift: int, overflow: Overflow) -> None:
    number_format = FixedPoint(True, 63, 63, "RND_MIN_INF", overflow)
    near = [sign * (2**power + step) for power in range(63) for step in (-1, 0, 1) for sign in (1, -1)]
    for number in [*near, 3 << 60, 3 << 61, -(3 << 60), 2**63 - 1, -(2**63)]:
        expected = number_format.cast_integers(np.array([number], dtype=object), shift)
        np.testing.assert_array_equal(number_format.cast_integers([number], shift), expected, err_msg=str(number))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "uint64"])
def test_any_integers_are_cast(dtype: str) -> None:
    np.testing.assert_array_equal(FixedPoint(True, 16, 8).cast_integers(np.array([0, 1], dtype=dtype), 0), [0, 256])


def test_integers_beyond_int64_are_cast() -> None:
    saturating, wrapping = FixedPoint(True, 8, 8, "TRN", "SAT"), FixedPoint(True, 8, 8)
    np.testing.assert_array_equal(
        saturating.cast_integers(np.array([2**63, 2**64 - 1, 5], dtype=np.uint64), 0), [127, 127, 5]
    )
    np.testing.assert_array_equal(saturating.cast_integers([2**100, -(2**100), 5], 0), [127, -128, 5])
    np.testing.assert_array_equal(wrapping.cast_integers([2**100 + 5, -(2**100) - 5], 0), [5, -5])
    # NumPy's integers in an array of Python objects must not overflow either.
    mixed = np.array([np.int64(2**62), np.int64(-3)], dtype=object)
    np.testing.assert_array_equal(saturating.cast_integers(mixed, -10), [127, -128])


@pytest.mark.parametrize("values", [[1.0], [2**70, 0.5], ["1"]])
def test_only_integers_are_cast_as_integers(values: list[Any]) -> None:
    with pytest.raises(TypeError, match="integer"):
        FixedPoint(True, 8, 8).cast_integers(np.array(values, dtype=object if len(values) > 1 else None), 0)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("fixed<16,6>", FixedPoint(True, 16, 6)),
        ("ap_ufixed<4,2,AP_RND_CONV,AP_SAT,0>", FixedPoint(False, 4, 2, "RND_CONV", "SAT")),
        (" ap_fixed< 8 , -2 , RND > ", FixedPoint(True, 8, -2, "RND")),
        ("fixed<8,3,TRN,SAT_SYM>", FixedPoint(True, 8, 3, "TRN", "SAT_SYM")),
        ("ufixed<2,32>", FixedPoint(False, 2, 32)),
        ("fixed<8,3,RND_INF,WRAP_SM,0>", FixedPoint(True, 8, 3, "RND_INF", "WRAP_SM")),
        ("int<5>", FixedPoint(True, 5, 5, "TRN_ZERO")),
        ("ap_uint<1>", FixedPoint(False, 1, 1, "TRN_ZERO")),
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
        ("fixed<8,3,RND_UP>", "there is no rounding mode RND_UP; use one of TRN, TRN_ZERO, RND, "),
        ("fixed<8,3,TRN,CLIP>", "there is no overflow mode CLIP; use one of WRAP, SAT, SAT_ZERO, "),
        ("fixed<8,3,TRN,WRAP,2>", "saturation bits are not supported; leave the fifth argument out, or use 0"),
        ("ufixed<8,3,TRN,WRAP_SM>", "the overflow mode WRAP_SM exists for signed formats only; use WRAP"),
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


def test_a_value_that_only_floating_point_takes_for_one_of_the_format_is_refused() -> None:
    for number_format, value in [
        (FixedPoint(False, 63, 63), 2.0**63),
        (FixedPoint(False, 63, 63), 2.0**1023),
        (FixedPoint(True, 8, -60), 2.0**1000),
        (FixedPoint(True, 8, 60), 5e-324),
    ]:
        with pytest.raises(ValueError, match="1 of 1 values are not in the number format"):
            number_format.to_integers([value])
    assert FixedPoint(True, 63, 63).to_integers(-(2.0**62)) == -(2**62)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"cannot cast to fixed<4,2>: values must be finite"):
        FixedPoint(True, 4, 2).cast([0.0, value])


def test_rounding_is_right_where_a_half_more_would_need_a_54th_bit() -> None:
    value = 2.0**52 + 1
    assert FixedPoint(True, 60, 60, "RND").cast(value) == 2**52 + 1
    assert FixedPoint(True, 60, 60, "RND").cast(np.nextafter(0.5, 0)) == 0
