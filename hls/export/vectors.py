"""Events and the outputs that go with them, for the tests of what is exported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Vectors:
    """Events with the outputs that every engine gives.

    Attributes:
        events: [events, event size], real numbers; also far outside the range of the inputs.
        outputs: [events, output size], real numbers.
    """

    events: npt.NDArray[np.float64]
    outputs: npt.NDArray[np.float64]
