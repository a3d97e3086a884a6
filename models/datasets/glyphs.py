"""The ten digits in the fonts that come with matplotlib, as masks."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

FONTS = tuple(
    "DejaVuSans DejaVuSans-Bold DejaVuSans-Oblique DejaVuSansMono DejaVuSansMono-Bold DejaVuSerif DejaVuSerif-Bold "
    "DejaVuSerif-Italic STIXGeneral STIXGeneralBol STIXGeneralItalic cmr10 cmss10 cmtt10 cmb10".split()
)
SIDE = 32
"""Height and width of a mask, in pixels."""

_POINTS = 32
_DOTS_PER_INCH = 72


@functools.cache
def digit_masks() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Draw every digit in every font, centred.

    Returns:
        Share of each pixel that ink covers, [fonts, 10, SIDE, SIDE]; ink's height and width in pixels,
        [fonts, 10, 2].
    """
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    masks = np.zeros((len(FONTS), 10, SIDE, SIDE), np.float32)
    sizes = np.zeros((len(FONTS), 10, 2), np.float32)
    for number, name in enumerate(FONTS):
        font = FT2Font(str(Path(get_data_path(), "fonts", "ttf", f"{name}.ttf")))
        font.set_size(_POINTS, _DOTS_PER_INCH)
        for digit in range(10):
            font.set_text(str(digit))
            font.draw_glyphs_to_bitmap(antialiased=True)
            drawn = np.asarray(font.get_image(), np.float32) / 255
            rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
            ink = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            top, left = ((SIDE - size) // 2 for size in ink.shape)
            masks[number, digit, top : top + ink.shape[0], left : left + ink.shape[1]] = ink
            sizes[number, digit] = ink.shape
    return masks, sizes
