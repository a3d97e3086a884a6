"""The sizes of a network's layers as people read them, in reports and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from trigcnn.models.geometry import Axis, LayerGeometry, ReceptiveField


def formulas(axes: Sequence[Axis]) -> list[str]:
    """Return the output size as it is computed: once where all axes are alike, else by axis; empty without a window.

    >>> axes = [Axis.of("height", 8, window=3), Axis.of("width", 9, window=3)]
    >>> formulas(axes[:1]), formulas(axes)
    (['(8 - 3 + 2*0)/1 + 1 = 6'], ['height (8 - 3 + 2*0)/1 + 1 = 6', 'width (9 - 3 + 2*0)/1 + 1 = 7'])
    """
    alike = list(dict.fromkeys(axis.formula for axis in axes))
    return alike if len(alike) < 2 else [f"{axis.name} {axis.formula}" for axis in axes]


def receptive_field(fields: Sequence[ReceptiveField]) -> str | None:
    """Return the pixels that a value sees along each axis, by input where there are several."""
    return _by_input(fields, ["×".join(str(pixels) for pixels in field.pixels) for field in fields])


def jump(fields: Sequence[ReceptiveField]) -> str | None:
    """Return the pixels between neighbours; None where values have no neighbours any more."""
    if any(step is None for field in fields for step in field.jump):
        return None
    steps = [list(dict.fromkeys(f"{step:g}" for step in field.jump if step is not None)) for field in fields]
    return _by_input(fields, ["×".join(each) for each in steps])


def compared(dense: int | None, own: int) -> str | None:
    """Return how many times as many numbers a dense layer would need; None if the layer itself needs none.

    >>> compared(44236800, 388800), compared(2688, 2688), compared(5, 4), compared(1, 0)
    ('114 times', 'as many', '1.25 times', None)
    """
    if dense is None or not own:
        return None
    if dense == own:
        return "as many"
    return f"{dense / own:,.0f} times" if dense >= 100 * own else f"{dense / own:.3g} times"


def unseen(layers: Sequence[LayerGeometry]) -> list[str]:
    """Name the pixels that no window sees, a line for each layer and reason."""
    return [f"{entry.name} ({entry.kind}): {line}" for entry in layers for line in entry.unseen]


def _by_input(fields: Sequence[ReceptiveField], shown: list[str]) -> str | None:
    if len(fields) < 2:
        return shown[0] if shown else None
    return ", ".join(f"{field.input} {text}" for field, text in zip(fields, shown, strict=True))
