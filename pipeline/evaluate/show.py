"""An evaluation on the terminal."""

from __future__ import annotations

from trigcnn.pipeline.console import Console
from trigcnn.pipeline.trigger.content import Difference, EngineResult, Evaluation, WorkingPoint
from trigcnn.pipeline.trigger.working_points import hertz


def show(answer: Evaluation, console: Console) -> None:
    """Print events, score, and the working points of every engine."""
    events, score = answer.events, answer.score
    counts = "no labels"
    if events.classes is not None:
        counts = ", ".join(f"{name} {count:,}" for name, count in events.classes.items())
    console.line(f"events: {events.events:,} of {events.file} ({counts})")
    if events.rounded_values:
        console.line(f"note: {events.rounded_values:,} values were rounded to the grid of {events.input_format}")
    console.line(f"score: {score.definition}, in LSB of {score.format} ({score.lsb:g}); accepted from the threshold on")
    kind = "events" if events.classes is None else "background events"
    console.line(f"rates: of {hertz(answer.event_rate_hz)} {kind}; intervals: Wilson, 68.27 %")
    for result in answer.results:
        _show_result(result, console)
    if answer.difference is not None:
        _show_difference(answer.difference, console)


def _show_result(result: EngineResult, console: Console) -> None:
    console.line("")
    text = f"{result.engine} ({result.evidence}): "
    if result.area is not None:
        error = "" if result.area.error is None else f" ± {result.area.error:.2g} (DeLong)"
        text += f"AUC {result.area.auc:.6f}{error}, "
    text += f"{result.distinct_scores:,} distinct scores from {result.lowest_score} to {result.highest_score}, "
    console.line(f"{text}{result.events_per_s:,.3g} events/s")
    labelled = result.area is not None
    columns = ["target", "threshold", "rate", "68 % interval"]
    columns += ["signal efficiency", "68 % interval"] if labelled else []
    console.table(columns, [_row(point, len(columns)) for point in result.working_points])
    for point in result.working_points:
        if point.note is not None:
            console.line(f"  {hertz(point.target_rate_hz)}: {point.note}")
    if result.off_grid_outputs:
        console.line(f"  {result.off_grid_outputs:,} outputs were not on the output's grid and were rounded to it")


def _row(point: WorkingPoint, columns: int) -> list[str]:
    if point.background is None or point.rate_low_hz is None or point.rate_high_hz is None or point.rate_hz is None:
        return [hertz(point.target_rate_hz), "not resolved", *[""] * (columns - 2)]
    cells = [
        hertz(point.target_rate_hz),
        str(point.threshold),
        hertz(point.rate_hz),
        f"{hertz(point.rate_low_hz)} to {hertz(point.rate_high_hz)}",
    ]
    signal = point.signal
    if signal is not None:
        cells += [f"{signal.efficiency:.3%}", f"{signal.low:.3%} to {signal.high:.3%}"]
    return cells


def _show_difference(found: Difference, console: Console) -> None:
    console.line("")
    if not found.differing_outputs:
        console.line(f"{found.engine} = {found.reference} on {found.events:,} events, {found.outputs:,} outputs")
        return
    first = ", ".join(map(str, found.first_events[:10]))
    console.line(
        f"{found.engine} differs from {found.reference} in {found.differing_outputs:,} of {found.outputs:,} outputs of "
        f"{found.differing_events:,} of {found.events:,} events, by up to {found.max_difference_lsb:g} LSB; events "
        f"{first}{', …' if found.differing_events > 10 else ''}"
    )
