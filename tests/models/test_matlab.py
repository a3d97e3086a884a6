import io
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from trigcnn.models.datasets import matlab
from trigcnn.models.errors import DataError

PATH = Path("some.mat")
IMAGES = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)


def saved(arrays: dict[str, Any], *, packed: bool) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, arrays, do_compression=packed)
    return stream.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_arrays_of_every_type_are_read_as_scipy_wrote_them(packed: bool, kind: str) -> None:
    arrays = {"x": IMAGES.astype(kind), "a_longer_name": np.array([[3]], kind)}
    found = matlab.read(PATH, saved(arrays, packed=packed))
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


def test_what_is_no_array_of_real_numbers_is_passed_over() -> None:
    arrays = {"text": "abc", "record": {"a": 1}, "cells": np.array([1, "b"], object), "z": np.array([1j]), "x": IMAGES}
    np.testing.assert_array_equal(matlab.read(PATH, saved(arrays, packed=True)).pop("x"), IMAGES)
    assert list(matlab.read(PATH, saved(arrays, packed=False))) == ["x"]


def element(order: str, kind: int, content: bytes) -> bytes:
    return struct.pack(f"{order}II", kind, len(content)) + content + bytes(-len(content) % 8)


@pytest.mark.parametrize(("order", "mark"), [("<", b"IM"), (">", b"MI")])
def test_both_byte_orders_and_values_stored_in_a_smaller_type_are_read(order: str, mark: bytes) -> None:
    parts = [
        element(order, 6, struct.pack(f"{order}II", 6, 0)),  # a double array
        element(order, 5, struct.pack(f"{order}ii", 2, 3)),
        element(order, 1, b"values"),
        element(order, 4, struct.pack(f"{order}6H", *range(6))),  # its values as 16 bits
    ]
    content = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01" + mark + element(order, 14, b"".join(parts))
    found = matlab.read(PATH, content)["values"]
    np.testing.assert_array_equal(found, [[0, 2, 4], [1, 3, 5]])
    assert found.dtype == np.float64


@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_file_is_an_error_or_other_values_but_never_a_crash(packed: bool) -> None:
    content = saved({"X": IMAGES, "y": np.arange(3)}, packed=packed)
    rng = random.Random(packed)
    outcomes = [_outcome(_damaged(content, rng)) for _ in range(1500)]
    assert set(outcomes) == {"read", "refused"}
    assert outcomes.count("refused") > 1000


def _damaged(content: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.randrange(1, 4)):
        damaged[rng.randrange(124, len(damaged))] = rng.randrange(256)
    return bytes(damaged[: rng.randrange(124, len(damaged) + 200)])


def _outcome(content: bytes) -> str:
    try:
        matlab.read(PATH, content)
    except DataError:
        return "refused"
    return "read"


def test_a_length_beyond_the_file_is_refused() -> None:
    content = bytearray(saved({"x": IMAGES}, packed=False))
    content[132:136] = b"\xff\xff\xff\x7f"
    with pytest.raises(
        DataError, match=r"damaged, truncated or not accessible \(it ends after 80 of an element's 2147"
    ):
        matlab.read(PATH, bytes(content))


def test_a_changed_value_of_a_packed_file_is_found_by_its_checksum() -> None:
    content = bytearray(saved({"x": IMAGES}, packed=True))
    content[-1] ^= 1
    with pytest.raises(DataError, match="incorrect data check"):
        matlab.read(PATH, bytes(content))
