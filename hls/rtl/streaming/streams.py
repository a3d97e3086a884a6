"""Streams between the units of a streaming design: images whose pixels come one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trigcnn.hls.rtl.packing import Interval, live_bits, symbolic


@dataclass(frozen=True)
class Stream:
    """A sequence of images.

    Attributes:
        height: Rows of an image; 1 for a row of pixels or a vector.
        width: Pixels in a row; 1 for a vector.
        channels: The values of each channel of a pixel.
    """

    height: int
    width: int
    channels: tuple[Interval, ...]

    @property
    def words(self) -> int:
        """Words per event; a word is a pixel with all its channels."""
        return self.height * self.width

    @property
    def live_bits(self) -> int:
        """Bits of a word that carry values; none if every channel is constant."""
        return live_bits(self.channels)

    @property
    def bits(self) -> int:
        """Bits of a word as a signal, which has at least one."""
        return max(self.live_bits, 1)

    def symbolic(self, *, whole_words: bool = False) -> Any:
        """Return a word as alkaid's symbolic numbers [channels], constants as constants.

        Args:
            whole_words: Give each number the range of all its bit patterns; a table must cover them.
        """
        return symbolic(self.channels, whole_words=whole_words)


def stream_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return height, width and channels of a layer's shape."""
    *pixels, channels = shape
    return (1, 1, *pixels, channels)[-3], (1, 1, *pixels, channels)[-2], channels
