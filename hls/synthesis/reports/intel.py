"""Parts that the reports of Intel's HLS compiler and of oneAPI share: the estimate's row and Quartus' nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trigcnn.hls.errors import ToolFailedError
from trigcnn.hls.synthesis.report import LayerResources, SynthesisReport
from trigcnn.hls.synthesis.reports.text import Text


@dataclass(frozen=True)
class Estimate:
    """The compiler's estimate of the resources of a design or of one kernel.

    Attributes:
        alut: Look-up tables; two are in an adaptive logic module.
        ff: Flip-flops.
        m20k: Block memory of 20 Kbit.
        dsp: Multiplier blocks, those shared by several products counted by their share.
        mlab: Memory made of logic.
    """

    alut: int
    ff: int
    m20k: int
    dsp: int
    mlab: int


def estimate(columns: Sequence[str], row: Sequence[Any], text: Text, *, packing: int = 1) -> Estimate:
    """Read a row of the estimate by the names of its columns.

    Args:
        columns: Names: `ALUTs`, `FFs`, `RAMs`, `DSPs`, `MLABs`, and in oneAPI `Frac. DSPs`.
        row: One figure for each.
        text: The report.
        packing: How many products of `Frac. DSPs` share a multiplier block.

    Raises:
        ToolFailedError: A column is missing, or a figure is not a number.
    """
    names = [name.strip().lower() for name in columns]
    found = dict(zip(names, row, strict=False))

    def count(name: str) -> int:
        number = text.number(str(found.get(name, "")), name)
        if number is None:
            raise ToolFailedError(f"{text.path} lacks the figure {name} in the estimate of resources")
        return math.ceil(number)

    shared = math.ceil(count("frac. dsps") / packing) if "frac. dsps" in names else 0
    return Estimate(
        alut=count("aluts"), ff=count("ffs"), m20k=count("rams"), dsp=count("dsps") + shared, mlab=count("mlabs")
    )


def layer(name: str, found: Estimate) -> LayerResources:
    """Return a kernel's resources."""
    return LayerResources(
        name=name, lut=found.alut, ff=found.ff, dsp=found.dsp, bram=None, m20k=found.m20k, mlab=found.mlab
    )


def fitted(content: Mapping[str, Any], text: Text, *, part: str, clock_period_ns: float) -> SynthesisReport | None:
    """Read Quartus' results for the design; None if it was not run.

    Args:
        content: `quartusFitClockSummary` and `quartusFitResourceUsageSummary`, as in `quartus.ndjson`.
        text: The report.
        part: The device; the report does not hold it.
        clock_period_ns: Clock period asked for, in ns; the report does not hold it.

    Raises:
        ToolFailedError: The content is of another form.
    """
    try:
        clock = content["quartusFitClockSummary"]["nodes"][0]
        nodes = content["quartusFitResourceUsageSummary"]["nodes"]
        # One kernel without its surroundings on the device; with several, everything on it.
        kernels = [node for node in nodes if node.get("type") == "kernel"]
        used = nodes[0] if len(kernels) > 1 else nodes[-1]
        frequency = text.number(str(clock.get("clock fmax", clock["clock"])), "the frequency that is reached, in MHz")
        figures = {name: text.number(str(used[name]), name) for name in ("alm", "reg", "dsp", "ram", "mlab")}
        alut = text.number(str(used.get("alut", "")), "alut")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ToolFailedError(f"{text.path} is not a summary of Quartus' fitter: {error!r} is missing") from error
    if frequency is None:
        return None
    return SynthesisReport(
        tool="Quartus",
        version="",
        evidence="vendor-implementation",
        design="hls",
        part=part,
        clock_period_ns=clock_period_ns,
        estimated_clock_period_ns=round(1000 / frequency, 3),
        lut=_whole(alut),
        alm=figures["alm"],
        ff=_whole(figures["reg"]),
        dsp=_whole(figures["dsp"]),
        m20k=_whole(figures["ram"]),
        mlab=_whole(figures["mlab"]),
    )


def _whole(figure: float | None) -> int | None:
    return None if figure is None else math.ceil(figure)
