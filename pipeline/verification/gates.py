"""The gates of a configuration, judged on the results of the check."""

from __future__ import annotations

from trigcnn.hls.parts import overrun, totals
from trigcnn.hls.synthesis.ecp5 import is_ecp5
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.pipeline.config.gates import GatesConfig
from trigcnn.pipeline.results.bench import Bench
from trigcnn.pipeline.results.checked import Checked
from trigcnn.pipeline.results.comparison import Comparison
from trigcnn.pipeline.results.report import Gate
from trigcnn.pipeline.results.synthesis import PlaceAndRoute, Synthesized
from trigcnn.pipeline.verification import quality_gates


def judge(gates: GatesConfig, checked: Checked, synthesized: Synthesized | None = None) -> list[Gate]:
    """Judge every gate that is set.

    Args:
        gates: The conditions.
        checked: What the check stage found.
        synthesized: What the synthesize stage found; None before it.
    """
    found: list[Gate] = []
    if gates.exact:
        found += [_exact(entry) for entry in checked.comparisons]
        found += [_bench(entry) for entry in checked.test_benches if entry.passed is not None]
    found += quality_gates.judge(gates, checked.quality)
    if synthesized is not None:
        if gates.fits:
            found += _fitting(synthesized.synthesis)
        if synthesized.place_and_route is not None:
            found += _placed(gates, synthesized.place_and_route)
    return found


def _fitting(reports: list[SynthesisReport]) -> list[Gate]:
    """Judge whether designs fit: by the placed design if there is one, else by synthesis' counts."""
    found = []
    for report in reports:
        device = totals(report.part)
        if device is None or report.evidence in ("estimate", "open-place-and-route") or is_ecp5(report.part):
            continue
        over = overrun({name: getattr(report, name) for name in ("lut", "ff", "dsp", "bram")}, device)
        wanted = f"the {report.design.upper()} design fits {report.part} by the counts of {report.tool}"
        says = f"it needs {', '.join(over)}" if over else "it fits"
        found.append(Gate(name="gates.fits", met=not over, wanted=wanted, found=says))
    return found


def _placed(gates: GatesConfig, placed: PlaceAndRoute) -> list[Gate]:
    fits = placed.status == "placed"
    found = []
    if gates.fits:
        wanted = f"the RTL fits {placed.part}"
        found.append(Gate(name="gates.fits", met=fits, wanted=wanted, found="it fits" if fits else placed.message))
    if gates.clock:
        wanted = "the clock period is met in place and route"
        found.append(Gate(name="gates.clock", met=placed.met, wanted=wanted, found=placed.message))
    return found


def _exact(comparison: Comparison) -> Gate:
    return Gate(
        name="gates.exact",
        met=comparison.equal,
        wanted=f"{comparison.engine} equal to {comparison.reference} on every test event",
        found=str(comparison),
    )


def _bench(bench: Bench) -> Gate:
    return Gate(
        name="gates.exact",
        met=bench.passed is True,
        wanted=f"the {bench.language} test bench passes",
        found=str(bench),
    )
