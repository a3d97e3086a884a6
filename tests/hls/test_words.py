from __future__ import annotations

import numpy as np
import pytest

from trigcnn.hls.engines.words import pack_bits, unpack_bits


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("width", "values"), [(1, 1), (1, 70), (7, 9), (9, 3), (32, 2), (33, 3), (63, 2)])
def test_integers_come_back(width: int, values: int, signed: bool) -> None:
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1)) if signed else (0, 2**width)
    integers = np.random.default_rng(1).integers(low, high, (50, values), dtype=np.int64)
    integers[0], integers[1] = low, high - 1
    words = pack_bits(integers, width)
    assert words.shape == (50, -(-width * values // 32))
    # The first value has the lowest bits.
    whole = [sum(int(word) << 32 * n for n, word in enumerate(row)) for row in words]
    assert [number % 2**width for number in whole] == [int(number) % 2**width for number in integers[:, 0]]
    np.testing.assert_array_equal(unpack_bits(words, width, values, signed=signed), integers)
