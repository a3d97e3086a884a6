"""Windows along one axis of a layer: their number, and the pixels that they do not see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """What a layer does along one axis of its input.

    A padding layer is a window of one pixel; cropping is negative padding.

    Attributes:
        name: `height` or `width`.
        size: Pixels of the input, w.
        window: Pixels from the first to the last that a window sees, f; those between the taps of a dilated kernel too.
        stride: Pixels from one window to the next, s.
        before: Zeros before the first pixel, p.
        after: Zeros behind the last pixel, p.
        repeat: How often each pixel is given.
        blank: How many of the pixels at the input's end are zeros of a padding layer.

    >>> axis = Axis("width", size=13, window=2, stride=2)
    >>> axis.formula, axis.dropped
    ('floor((13 - 2 + 2*0)/2) + 1 = 6', 1)
    """

    name: str
    size: int
    window: int = 1
    stride: int = 1
    before: int = 0
    after: int = 0
    repeat: int = 1
    blank: int = 0

    @property
    def output(self) -> int:
        """Number of windows, (w - f + 2p)/s + 1 without a fraction; with `repeat` so many times more."""
        return self.repeat * (self._steps // self.stride + 1)

    @property
    def formula(self) -> str:
        """The output size as it is computed."""
        if self.repeat > 1:
            return f"{self.repeat}*{self.size} = {self.output}"
        steps = f"({self.size} - {self.window} {self._padding})/{self.stride}"
        return f"{f'floor({steps})' if self._remainder else steps} + 1 = {self.output}"

    @property
    def dropped(self) -> int:
        """Pixels at the end that no window sees, since the stride does not divide; zeros of padding do not count."""
        return max(self._remainder - max(self.after, 0) - self.blank, 0)

    @property
    def skipped(self) -> int:
        """Pixels between windows that none sees, since the stride is larger than the window."""
        return max(self.stride - self.window, 0) * (self.output - 1)

    @property
    def sizes_that_divide(self) -> tuple[int, int]:
        """The next smaller and the next larger input of which no pixel is dropped."""
        return self.size - self.dropped, self.size + self.missing

    @property
    def missing(self) -> int:
        """Pixels that the last, unfinished window lacks; 0 where the stride divides."""
        return -self._steps % self.stride

    @property
    def _steps(self) -> int:
        return self.size - self.window + self.before + self.after

    @property
    def _remainder(self) -> int:
        return self._steps % self.stride

    @property
    def _padding(self) -> str:
        before, after = self.before, self.after
        if min(before, after) < 0:
            return f"- {-before} - {-after}"
        return f"+ 2*{before}" if before == after else f"+ {before} + {after}"


def same_padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """Return the zeros before it and behind that TensorFlow adds for padding='same', so that ceil(w / s) windows fit.

    >>> same_padding(32, 3, 1), same_padding(32, 3, 2), same_padding(8, 1, 2)
    ((1, 1), (0, 1), (0, 0))
    """
    missing = max((-(-size // stride) - 1) * stride + window - size, 0)
    return missing // 2, missing - missing // 2
