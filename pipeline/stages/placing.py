"""Place and route as a run's configuration asks for it."""

from __future__ import annotations

from trigcnn.hls.synthesis import boards, nextpnr
from trigcnn.hls.synthesis.implement import ImplementOptions
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.hls.synthesis.timing_closure import TimingCandidate
from trigcnn.pipeline.cache.folder import installed_version
from trigcnn.pipeline.config.run import RunConfig

VERSIONS = ("pyosys", nextpnr.DISTRIBUTION)


def options(config: RunConfig) -> ImplementOptions:
    """Return the options of place and route."""
    return ImplementOptions(
        part=config.placed_part,
        clock_period_ns=config.hls.clock_period_ns,
        effort=config.synthesis.yosys_effort,
        dsp=config.synthesis.yosys_dsp,
        seed=config.place_and_route.seed,
        synthesis_timeout_s=config.time_limits.synthesis_s,
        place_timeout_s=config.time_limits.place_and_route_s,
    )


def versions() -> dict[str, str]:
    """Return the versions of the tools, for the cache."""
    return {name: installed_version(name) for name in VERSIONS}


def board(config: RunConfig) -> boards.Board | None:
    """Return the board for which a bitstream is requested."""
    name = config.place_and_route.board
    return None if name is None else boards.find(name)


def verdict(placed: SynthesisReport) -> str:
    """Return the clock that a placed design reaches, and by how much it meets or misses the requested one, in words.

    >>> placed = SynthesisReport("nextpnr-ecp5", "0.11", "open-place-and-route", "rtl", "LFE5U-85F-6BG381C", 5.0,
    ...     estimated_clock_period_ns=8.0)
    >>> verdict(placed)
    'LFE5U-85F-6BG381C: 125 MHz (8.00 ns); the clock period of 5 ns is missed by 3.00 ns'
    """
    reached, slack = placed.estimated_clock_period_ns, placed.slack_ns
    if reached is None or slack is None:
        return f"{placed.part}: no path between registers, and so no clock to meet"
    kept = f"met with {slack:.2f} ns to spare" if slack >= 0 else f"missed by {-slack:.2f} ns"
    return (
        f"{placed.part}: {1000 / reached:.4g} MHz ({reached:.2f} ns); the clock period of "
        f"{placed.clock_period_ns:g} ns is {kept}"
    )


def shown(tried: TimingCandidate) -> str:
    """Write a candidate of the search for a stage delay as a line.

    >>> shown(TimingCandidate(5.0, 9, 1200, 340, 6.25))
    'rtl.stage_delay 5: 9 cycles, 6.25 ns, 1,200 LUT, 340 FF'
    """
    start = f"rtl.stage_delay {tried.stage_delay:g}: {tried.latency_cycles} cycles"
    if tried.reached_ns is None:
        return f"{start}, does not fit"
    return f"{start}, {tried.reached_ns:.2f} ns, {tried.lut:,} LUT, {tried.ff:,} FF"
