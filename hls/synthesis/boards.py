"""Boards with an ECP5 and a serial port: their parts, clocks and pins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trigcnn.common.suggestions import did_you_mean
from trigcnn.hls.errors import ConversionError

BAUD = 115_200


@dataclass(frozen=True)
class Pin:
    """A pin of the part.

    Attributes:
        site: Its place in the package, such as `G2`.
        pull: Resistor in the pin: `UP`, `DOWN` or `NONE`.
    """

    site: str
    pull: str


@dataclass(frozen=True)
class Board:
    """A board. All its pins used here work at 3.3 V.

    Attributes:
        name: Its name in configurations.
        part: The part on it.
        clock_hz: Frequency of its oscillator in Hz.
        clock: Pin of the oscillator.
        receive: Pin on which the part receives, from the computer.
        transmit: Pin on which the part sends, to the computer.
        high: Pins that must be held high.
        note: What a user must know before the first use.
    """

    name: str
    part: str
    clock_hz: int
    clock: Pin
    receive: Pin
    transmit: Pin
    high: tuple[Pin, ...] = ()
    note: str = ""

    @property
    def clock_period_ns(self) -> float:
        """Clock period in ns."""
        return 1e9 / self.clock_hz

    @property
    def clocks_per_bit(self) -> int:
        """Clock cycles of a bit on the serial line."""
        return round(self.clock_hz / BAUD)


# Sources. ULX3S: doc/constraints/ulx3s_v20.lpf in the repository emard/ulx3s; its pins "ftdi_txd" and "ftdi_rxd" are
# named from the computer's side. ECP5 Evaluation Board: Lattice FPGA-EB-02017, and the board file ecp5_5g_evn.py in
# amaranth-lang/amaranth-boards.
_ULX3S = {
    "clock_hz": 25_000_000,
    "clock": Pin("G2", "NONE"),
    "receive": Pin("M1", "UP"),
    "transmit": Pin("L4", "UP"),
    # GPIO0 of the ESP32, which otherwise may take over the board.
    "high": (Pin("L2", "NONE"),),
}
_BOARDS = (
    *(Board(f"ulx3s_{size}f", f"LFE5U-{size}F-6BG381C", **_ULX3S) for size in (12, 25, 45, 85)),  # type: ignore[arg-type]
    Board(
        "ecp5_evaluation",
        "LFE5UM5G-85F-8BG381C",
        12_000_000,
        clock=Pin("A10", "NONE"),
        receive=Pin("P2", "UP"),
        transmit=Pin("P3", "UP"),
        note="its serial port is connected only after two resistors are moved (R34 and R35; user guide, section 6.2)",
    ),
)

NAMES = tuple(board.name for board in _BOARDS)


def find(name: str) -> Board:
    """Return a board.

    Raises:
        ConversionError: There is no board of this name.
    """
    for board in _BOARDS:
        if board.name == name:
            return board
    raise ConversionError(f"board {name!r} is not known; {did_you_mean(name, NAMES)}")


def constraints(board: Board) -> str:
    """Write the pin constraints (LPF) of the test wrapper's ports."""
    return "\n".join(_lines(board)) + "\n"


def _lines(board: Board) -> Iterator[str]:
    high = {f"high[{n}]": pin for n, pin in enumerate(board.high)}
    for port, pin in {"clk": board.clock, "rx": board.receive, "tx": board.transmit, **high}.items():
        yield f'LOCATE COMP "{port}" SITE "{pin.site}";'
        yield f'IOBUF PORT "{port}" IO_TYPE=LVCMOS33 PULLMODE={pin.pull};'
    yield f'FREQUENCY PORT "clk" {board.clock_hz / 1e6:g} MHZ;'
