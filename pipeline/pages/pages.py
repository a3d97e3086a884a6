"""The Markdown and HTML pages, made from a report."""

from __future__ import annotations

from typing import Any

from trigcnn.pipeline.pages import changes, headline, page, quality, sizes, timing
from trigcnn.pipeline.pages.figures import confusion, latency, network, path, profile, resources, roc, training
from trigcnn.pipeline.pages.rendering import environment
from trigcnn.pipeline.results.evidence import EVIDENCE, share
from trigcnn.pipeline.results.merit import change, shown
from trigcnn.pipeline.results.merits import merits
from trigcnn.pipeline.results.report import Report


def markdown(report: Report) -> str:
    """Write a report as one Markdown page, without figures."""
    return environment(for_html=False).get_template("report.md.j2").render(**_content(report))


def summary(report: Report) -> str:
    """Write a few lines of Markdown for a merge request: verdict, what was missed, figures, and what changed."""
    last = report.history[0] if report.history else None
    now = merits(report)
    names = {merit.name for merit in now}
    return (
        environment(for_html=False)
        .get_template("summary.md.j2")
        .render(
            report=report,
            sentence=headline.sentence(report),
            merits=now,
            lost=[] if last is None else [merit for merit in last.merits if merit.name not in names],
            before=None if last is None else {merit.name: merit for merit in last.merits},
            changes=[] if last is None else last.changes,
            shown=shown,
            change=change,
        )
    )


def html(report: Report) -> str:
    """Write a report as one self-contained HTML page."""
    drawn = {
        "roc": roc.figure(report),
        "confusion": confusion.figure(report),
        "latency": latency.figure(report),
        "paths": path.figures(report),
        "occupancy": resources.occupancy(report),
        "by_layer": resources.by_layer(report),
        "profile": profile.figure(report),
        "training": training.figure(report),
    }
    return page.render(
        "report.html.j2",
        **_content(report),
        drawn=drawn,
        network=network.picture(report),
        history=changes.since_last(report),
        sections=_sections(report),
    )


def _sections(report: Report) -> dict[str, str]:
    """Return the sections in their order: the template of each, and its heading."""
    place = bool(report.place_and_route or timing.placed(report) or report.timing_closure)
    found = {
        "gates": "Gates",
        "network": "Network" if report.layers else "",
        "accuracy": quality.title(report),
        "equality": "Equality",
        "layers": "Layers",
        "latency": "Latency and initiation interval",
        "place": ("Place and route" if report.place_and_route else "Clock") if place else "",
        "resources": "Resources",
        "profile": "Numerical profile" if report.ranges else "",
        "vendor": "Vendor flow",
        "history": "History" if report.history else "",
        "training": "Training",
        "reproduce": "Reproduce",
    }
    return {name: title for name, title in found.items() if title}


def _content(report: Report) -> dict[str, Any]:
    return {
        "report": report,
        "cards": headline.cards(report),
        "sentence": headline.sentence(report),
        "quality_title": quality.title(report),
        "head_rows": quality.rows(report),
        "unknown": quality.unknown(report),
        "share": share,
        "rates": None if report.roc is None else roc.table(report.roc),
        "training_rows": training.rows(report),
        "legend": _legend(report),
        "timings": [entry for entry in report.synthesis if _has_timing(entry)],
        "timing": timing,
        "sizes": sizes,
    }


def _legend(report: Report) -> dict[str, str]:
    """Return each evidence label in the report, with its meaning."""
    shown: set[str] = {"evaluation", "simulation", *(entry.evidence for entry in report.synthesis)}
    if report.timing_closure is not None:
        shown.add("open-place-and-route")
    estimated = report.rtl is not None or report.hls_estimate is not None
    if estimated or any(layer.estimated_lut is not None for layer in report.layers):
        shown.add("estimate")
    return {label: meaning for label, meaning in EVIDENCE.items() if label in shown}


def _has_timing(entry: Any) -> bool:
    fields = (
        "latency_cycles_best",
        "latency_cycles_worst",
        "initiation_interval_min",
        "initiation_interval_max",
        "estimated_clock_period_ns",
        "failing_endpoints",
    )
    return any(getattr(entry, name) is not None for name in fields)
