"""Handwritten digits that come with scikit-learn: small, real, and available offline."""

from __future__ import annotations

import numpy as np

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models.datasets.base import Dataset, DatasetInfo, split_stratified
from trigcnn.models.datasets.input_format import parse_input_format, put_on_grid
from trigcnn.models.errors import DataError

INFO = DatasetInfo(
    name="digits",
    description="handwritten digits of scikit-learn (UCI ML repository), ten classes",
    events="1797",
    shape="8x8x1",
    input_format="ufixed<4,0>",
)


def load(
    *,
    input_format: FixedPoint | None,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> Dataset:
    """Load the 1797 images of 8x8 pixels with one channel, each pixel divided by 16.

    A pixel counts the black dots in a 4x4 block of the scan, so it takes 17 values, 0 to 16. A digitiser
    would not spend a fifth bit on the one value 16: it saturates, and so does 16/16 here, at the format's
    largest value (15/16 in ufixed<4,0>). All other pixels are exact in every format that is accepted.

    Args:
        input_format: Unsigned, at least 4 bits, none of them left of the binary point; None for ufixed<4,0>.
        validation_fraction: Share of all events to validate on.
        test_fraction: Share of all events to test on.
        seed: Seed of the split.

    Raises:
        DataError: The format would lose pixel values or waste bits, or the fractions leave a part empty.
    """
    from sklearn.datasets import load_digits

    chosen = input_format or parse_input_format(INFO.input_format)
    if chosen.signed or chosen.width < 4 or chosen.integer != 0:
        raise DataError(
            f"data.input_format {chosen} does not fit the digits, whose pixels are 0 to 1 in steps of 1/16; "
            f"use {INFO.input_format}, or ufixed<W,0> with more bits"
        )
    # return_X_y would give the images flattened; the bunch has them as [n, 8, 8] too.
    bunch = load_digits()
    events = put_on_grid(chosen, bunch.images[..., np.newaxis] / 16, saturate=True, where=INFO.name)
    train, validation, test = split_stratified(
        events,
        bunch.target.astype(np.int64),
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    classes = tuple(str(digit) for digit in range(10))
    # A shifted digit stays the same digit; mirrored or turned far, it may become another, or none.
    return Dataset(INFO.name, chosen, classes, train, validation, test, symmetries=("shift",))
