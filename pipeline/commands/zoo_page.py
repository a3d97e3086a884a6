"""The page `docs/zoo.md`: every network of the zoo with what its run measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trigcnn.hls.synthesis.report import SynthesisReport
from trigcnn.pipeline.commands.zoo import Outcome
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.pages.rendering import environment
from trigcnn.pipeline.results.report import Report


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the page as Markdown.

    Args:
        outcomes: The results of the runs, in the order of the page.
    """
    from trigcnn.models import datasets, zoo

    known = {info.name: info for info in datasets.available()}
    networks = [
        {
            "outcome": outcome,
            "config": outcome.entry.config,
            "report": outcome.report,
            "about": about[0],
            "options": {**about[1], **outcome.entry.config.model.options},
            "data": known.get(outcome.entry.config.data.source),
            "merits": [] if outcome.report is None else merits(outcome.report),
            "synthesis": None if outcome.report is None else _synthesis(outcome.report),
        }
        for outcome in outcomes
        for about in [zoo.describe(outcome.entry.config.model.source)]
    ]
    return environment(for_html=False).get_template("zoo.md.j2").render(networks=networks)


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print a line per run."""
    rows = []
    for outcome in outcomes:
        report = outcome.report
        if report is None:
            rows.append((outcome.entry.name, "failed", "", "", "", "", "", ""))
            continue
        first = next(iter(merits(report)), None)
        entry = _synthesis(report)
        rows.append(
            (
                outcome.entry.name,
                report.verdict,
                "" if first is None else f"{first['quantized']:.2%}",
                "" if first is None else f"{first['float']:.2%}",
                ", ".join(f"{comparison.differing_outputs:,}" for comparison in report.comparisons),
                "" if report.rtl is None else f"{report.rtl.latency_cycles:,}",
                "" if report.rtl is None else f"{report.rtl.initiation_interval:,}",
                "" if entry is None else f"{entry.lut:,}",
            )
        )
    console.table(("run", "verdict", "quantized", "float twin", "differing", "latency", "II", "LUT (Yosys)"), rows)


def merits(report: Report) -> list[dict[str, Any]]:
    """Return the figures that a network is judged by, as shares: efficiencies, accuracy, agreement with targets."""
    found: list[dict[str, Any]] = [
        {
            "name": f"efficiency for {entry.name} at {entry.background_efficiency:.4g} of the background",
            "float": entry.float,
            "quantized": entry.quantized,
        }
        for entry in report.signal_efficiencies
        if entry.signal
    ]
    for name, figure in (("accuracy", report.accuracy), ("explained variance", report.target_fit)):
        if figure is not None:
            found.append({"name": name, "float": figure.float, "quantized": figure.quantized})
    return found


def _synthesis(report: Report) -> SynthesisReport | None:
    """Return the open synthesis of the RTL for the configured part."""
    found = (
        entry
        for entry in report.synthesis
        if entry.design == "rtl" and entry.evidence == "open-synthesis" and entry.lut
    )
    return next(found, None)
