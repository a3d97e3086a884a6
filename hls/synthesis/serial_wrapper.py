"""A design at the serial port of a board: its Verilog wrapper, the bytes that go in and out, and the bitstream."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trigcnn.hls.errors import ConversionError
from trigcnn.hls.rtl.design import Port, RtlDesign
from trigcnn.hls.synthesis import nextpnr
from trigcnn.hls.synthesis.boards import Board, constraints
from trigcnn.hls.synthesis.implement import Implementation, ImplementOptions, implement
from trigcnn.hls.templating import environment

Integers = npt.NDArray[np.int64]


def wrapper(design: RtlDesign, board: Board) -> str:
    """Write the Verilog module `<top>_board`, which has the board's clock and serial port and no other pins.

    Raises:
        ConversionError: The design's inputs come in different numbers of words.
    """
    low = 0
    inputs = []
    for port in design.inputs:
        inputs.append((port, low))
        low += port.width
    out_bytes = answer_size(design)
    return (
        environment("trigcnn.hls.synthesis")
        .get_template("serial_wrapper.v.j2")
        .render(
            design=design,
            board=board,
            marked=design.has_valid,
            words=design.words,
            inputs=inputs,
            in_bytes=_bytes(low),
            out_bytes=out_bytes,
            padding=8 * out_bytes - sum(port.words * port.width for port in design.outputs),
            width=lambda values: max(values - 1, 1).bit_length(),
        )
    )


def event_bytes(design: RtlDesign, event: Mapping[str, Integers]) -> bytes:
    """Return the bytes of an event, as the wrapper receives them.

    Args:
        design: The design.
        event: The integers of each input, in units of its format's last bit, by port name.
    """
    words, data = design.words, b""
    for n in range(words):
        bits, low = 0, 0
        for port in design.inputs:
            values = event[port.name].reshape(words, port.values)[n]
            bits |= _packed(values, port) << low
            low += port.width
        data += bits.to_bytes(_bytes(low), "little")
    return data


def answer_size(design: RtlDesign) -> int:
    """Return the number of bytes that the wrapper sends for an event."""
    return _bytes(sum(port.words * port.width for port in design.outputs))


def answer(design: RtlDesign, data: bytes) -> dict[str, Integers]:
    """Read the bytes that the wrapper sends: the integers of each output, by port name.

    Raises:
        ConversionError: The number of bytes is wrong.
    """
    if len(data) != answer_size(design):
        raise ConversionError(
            f"an answer of {design.top} has {answer_size(design)} bytes, not {len(data)}; send the event again"
        )
    bits, found = int.from_bytes(data, "little"), {}
    for port in design.outputs:
        found[port.name] = _unpacked(bits, port).reshape(port.shape)
        bits >>= port.words * port.width
    return found


def bitstream(
    design: RtlDesign, sources: list[Path], board: Board, folder: Path, options: ImplementOptions
) -> tuple[Path, Implementation]:
    """Make a bitstream for a board. Everything in it runs at the clock of the board.

    Args:
        design: The design.
        sources: Its Verilog files, relative to the folder.
        board: The board; its part and clock replace those of the options.
        folder: Folder with the sources, and for what the tools write.
        options: How to place and route.

    Returns:
        The bitstream, and the tools' reports on its whole content.

    Raises:
        DoesNotFitError: The part has less than the design needs.
        ToolError: A tool is missing, failed or ran out of time.
    """
    top = f"{design.top}_board"
    verilog, pins, routed, bits = (Path(f"{top}.{ending}") for ending in ("v", "lpf", "config", "bit"))
    (folder / verilog).write_text(wrapper(design, board))
    (folder / pins).write_text(constraints(board))
    found = implement(
        [*sources, verilog], top, folder, options.on(board.part, board.clock_period_ns), pins=pins, routed=routed
    )
    nextpnr.call(
        "ecppack",
        ("--compress", str(routed), str(bits)),
        folder,
        log=folder / "ecppack.log",
        timeout_s=options.place_timeout_s,
    )
    return folder / bits, found


def _bytes(bits: int) -> int:
    return -(-bits // 8)


def _packed(values: Integers, port: Port) -> int:
    width = port.number_format.width
    return sum((int(value) % (1 << width)) << (width * n) for n, value in enumerate(values))


def _unpacked(bits: int, port: Port) -> Integers:
    number_format = port.number_format
    width, count = number_format.width, port.words * port.values
    raw = [(bits >> (width * n)) % (1 << width) for n in range(count)]
    return np.array([n - (1 << width) if number_format.signed and n >> (width - 1) else n for n in raw], np.int64)
