"""Windows along one axis of a layer: their number, and the pixels that they do not see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """What a layer does along one axis of its input.

    A padding layer is a window of one pixel; cropping is negative padding.

    >>> axis = Axis.of("width", size=13, window=2, stride=2)
    >>> axis.formula, axis.dropped
    ('floor((13 - 2 + 2*0)/2) + 1 = 6', 1)
    """

    name: str
    """`height` or `width`."""
    size: int
    """Pixels of the input, w."""
    window: int
    """Pixels from the first to the last that a window sees, f; those between the taps of a dilated kernel too."""
    stride: int
    """Pixels from one window to the next, s."""
    before: int
    """Zeros in front of the first pixel, p; less than 0 where pixels are cut off."""
    after: int
    """Zeros behind the last pixel, p; less than 0 where pixels are cut off."""
    repeat: int
    """How often each pixel is given."""
    blank: int
    """How many of the pixels at the input's end are zeros of a padding layer."""
    output: int
    """Number of windows, (w - f + 2p)/s + 1 without a fraction; with `repeat` so many times more."""
    formula: str
    """The output size as it is computed, with its numbers."""
    dropped: int
    """Pixels at the end that no window sees, since the stride does not divide; zeros of padding do not count."""
    skipped: int
    """Pixels between windows that none sees, since the stride is larger than the window."""

    @classmethod
    def of(
        cls,
        name: str,
        size: int,
        window: int = 1,
        stride: int = 1,
        before: int = 0,
        after: int = 0,
        repeat: int = 1,
        blank: int = 0,
    ) -> Axis:
        """Return an axis with what follows from its sizes."""
        steps = size - window + before + after
        output = repeat * (steps // stride + 1)
        remainder = steps % stride
        if repeat > 1:
            formula = f"{repeat}*{size} = {output}"
        else:
            fraction = f"({size} - {window} {_padding(before, after)})/{stride}"
            formula = f"{f'floor({fraction})' if remainder else fraction} + 1 = {output}"
        return cls(
            name=name,
            size=size,
            window=window,
            stride=stride,
            before=before,
            after=after,
            repeat=repeat,
            blank=blank,
            output=output,
            formula=formula,
            dropped=max(remainder - max(after, 0) - blank, 0),
            skipped=max(stride - window, 0) * (output - 1),
        )

    @property
    def sizes_that_divide(self) -> tuple[int, int]:
        """The next smaller and the next larger input of which no pixel is dropped."""
        return self.size - self.dropped, self.size + self.missing

    @property
    def missing(self) -> int:
        """Pixels that the last, unfinished window lacks; 0 where the stride divides."""
        return -(self.size - self.window + self.before + self.after) % self.stride


def _padding(before: int, after: int) -> str:
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
