"""The gates of a configuration, judged on the results of the check."""

from __future__ import annotations

from trigcnn.hls.parts import overrun, totals
from trigcnn.hls.synthesis.ecp5 import is_ecp5
from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.pipeline.config.run import GatesConfig
from trigcnn.pipeline.results.bench import Bench
from trigcnn.pipeline.results.checked import Checked
from trigcnn.pipeline.results.comparison import Comparison
from trigcnn.pipeline.results.quality import Accuracy, Quality, SignalEfficiency, TargetFit
from trigcnn.pipeline.results.report import Gate
from trigcnn.pipeline.results.synthesis import PlaceAndRoute, Synthesized

# Accuracies are ratios of whole numbers of events: a drop equal to the limit must not miss by rounding.
_ROUNDING = 1e-12


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
    found += _quality(gates, checked.quality)
    if synthesized is not None:
        if gates.fits:
            found += _fitting(synthesized.synthesis)
        if synthesized.place_and_route is not None:
            found += _placed(gates, synthesized.place_and_route)
    return found


def _quality(gates: GatesConfig, quality: Quality) -> list[Gate]:
    found: list[Gate] = []
    if quality.accuracy is not None:
        found += _held(quality.accuracy, "accuracy", "", gates.min_accuracy, gates.max_accuracy_drop)
    for entry in quality.signal_efficiencies:
        if entry.signal:
            where = f" for {entry.name} at a background efficiency of {entry.background_efficiency:g}"
            least, drop = gates.min_signal_efficiency, gates.max_efficiency_drop
            found += _held(entry, "efficiency", where, least, drop, minimum="min_signal_efficiency")
    if quality.target_fit is not None:
        least, drop = gates.min_explained_variance, gates.max_explained_variance_drop
        found += _held(quality.target_fit, "explained_variance", "", least, drop)
    return found


def _held(
    measured: Accuracy | SignalEfficiency | TargetFit,
    figure: str,
    where: str,
    least: float | None,
    largest_drop: float | None,
    *,
    minimum: str | None = None,
) -> list[Gate]:
    """Judge one figure of float twin and C simulation by its smallest value and largest loss."""
    found: list[Gate] = []
    if largest_drop is not None:
        drop = measured.float - measured.csim
        found.append(
            Gate(
                name=f"gates.max_{figure}_drop",
                met=drop <= largest_drop + _ROUNDING,
                wanted=f"at most {largest_drop:.4f} below the float twin{where}",
                found=f"{measured.csim:.4f}, float twin {measured.float:.4f}: a drop of {drop:.4f}",
            )
        )
    if least is not None:
        found.append(
            Gate(
                name=f"gates.{minimum or f'min_{figure}'}",
                met=measured.csim >= least - _ROUNDING,
                wanted=f"at least {least:.4f}{where}",
                found=f"{measured.csim:.4f}",
            )
        )
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
