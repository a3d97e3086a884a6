"""The pipeline depth that a clock needs: the fewest registers with which place and route meets it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from trigcnn.hls.errors import ConversionError, DoesNotFitError
from trigcnn.hls.rtl.design import RtlDesign
from trigcnn.hls.synthesis.implement import Implementation, ImplementOptions, implement

# In alkaid's unit, about the delay of an adder. From one to the next, the number of stages grows by about 1.4; with
# finer steps, placement would matter more than registers.
STAGE_DELAYS = (20.0, 14.0, 10.0, 7.0, 5.0, 3.5, 2.5, 1.75)


@dataclass(frozen=True)
class TimingCandidate:
    """A design for one stage delay, placed and routed."""

    stage_delay: float
    """Longest path between two registers, in alkaid's unit."""
    latency_cycles: int
    """Latency of the design in clock cycles."""
    lut: int | None
    """Look-up tables, placed; None if it does not fit."""
    ff: int | None
    """Flip-flops, placed; None if it does not fit."""
    reached_ns: float | None
    """Clock period that it reaches, in ns; None if it does not fit."""


@dataclass(frozen=True)
class TimingClosure:
    """The search for a stage delay."""

    clock_period_ns: float
    """Clock period to reach, in ns."""
    part: str
    """Part on which it was tried."""
    candidates: tuple[TimingCandidate, ...]
    """What was tried, in this order."""
    chosen: TimingCandidate
    """The one with the longest stage delay that meets the clock, or the fastest where none does."""
    met: bool
    """Whether it meets the clock."""


Generate = Callable[[float, Path], RtlDesign]


def close(
    generate: Generate,
    folder: Path,
    options: ImplementOptions,
    *,
    delays: Sequence[float] = STAGE_DELAYS,
    note: Callable[[TimingCandidate], None] = lambda _: None,
) -> TimingClosure:
    """Search for the longest stage delay with which a clock is met, by bisection.

    The search assumes that a shorter delay gives a faster design; placement makes this untrue by some percent.

    Args:
        generate: Writes the design for a stage delay into a new folder, its Verilog in `src/`.
        folder: Folder for the candidates; their files are removed.
        options: Part and clock.
        delays: Stage delays to choose from.
        note: Called with each candidate.

    Raises:
        DoesNotFitError: No candidate fits the part.
        ToolError: A tool is missing, failed or ran out of time.
    """
    search = _Search(generate, folder, options)
    ordered = sorted(delays, reverse=True)
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        candidate = search.candidate(ordered[middle])
        note(candidate)
        if _meets(candidate, options):
            high = middle
        else:
            low = middle + 1
    return search.result()


class _Search:
    """The candidates of one search. Designs that are equal are placed once."""

    def __init__(self, generate: Generate, folder: Path, options: ImplementOptions) -> None:
        self._generate = generate
        self._folder = folder
        self._options = options
        self._found: list[TimingCandidate] = []
        self._known: dict[str, Implementation] = {}
        self._obstacle: DoesNotFitError | None = None

    def candidate(self, delay: float) -> TimingCandidate:
        work = self._folder / "candidate"
        try:
            design = self._generate(delay, work)
            sources = design.verilog
            digest = sha256(b"".join((work / path).read_bytes() for path in sources)).hexdigest()
            if digest not in self._known:
                self._known[digest] = implement(sources, design.top, work, self._options)
            placed = self._known[digest].placement
            found = TimingCandidate(
                delay, design.latency_cycles, placed.lut, placed.ff, placed.estimated_clock_period_ns
            )
        except DoesNotFitError as error:
            self._obstacle = error
            found = TimingCandidate(delay, design.latency_cycles, None, None, None)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        self._found.append(found)
        return found

    def result(self) -> TimingClosure:
        options = self._options
        placed = [(each.reached_ns, each) for each in self._found if each.reached_ns is not None]
        if not placed:
            raise self._obstacle or ConversionError(
                "a design without registers has no clock to meet; set rtl.stage_delay"
            )
        meeting = [each for _, each in placed if _meets(each, options)]
        fastest = min(placed, key=lambda pair: pair[0])[1]
        chosen = max(meeting, key=lambda each: each.stage_delay) if meeting else fastest
        return TimingClosure(options.clock_period_ns, options.part, tuple(self._found), chosen, bool(meeting))


def _meets(candidate: TimingCandidate, options: ImplementOptions) -> bool:
    return candidate.reached_ns is not None and candidate.reached_ns <= options.clock_period_ns
