"""The files of a sweep's results: `sweep.json`, and from it `sweep.html`, `sweep.md` and `sweep.csv`."""

from __future__ import annotations

from pathlib import Path

from trigcnn.common.files import write_text
from trigcnn.pipeline.pages import page, tables
from trigcnn.pipeline.pages.figures import pareto, sweeping
from trigcnn.pipeline.pages.rendering import environment
from trigcnn.pipeline.results.compared import Compared, ComparedRun, fronts
from trigcnn.pipeline.results.merit import shown
from trigcnn.pipeline.results.sweep import OUTCOMES, Sweep


def write(sweep: Sweep, folder: Path, *, pages: bool = True) -> None:
    """Write the results into the sweep's folder.

    Args:
        sweep: The results.
        folder: The folder.
        pages: Write the page too, not only the files for programs.
    """
    texts = {"sweep.json": sweep.model_dump_json(indent=2) + "\n", "sweep.csv": csv(sweep)}
    if pages:
        texts |= {"sweep.md": markdown(sweep), "sweep.html": html(sweep)}
    for name, text in texts.items():
        write_text(folder / name, text)


def markdown(sweep: Sweep) -> str:
    """Write the front as Markdown."""
    return environment(for_html=False).get_template("sweep.md.j2").render(sweep=sweep, shown=shown)


def html(sweep: Sweep) -> str:
    """Write the results as one self-contained page."""
    drawn = [sweeping.parallel_coordinates(sweep), sweeping.importance(sweep), sweeping.hypervolume(sweep)]
    return page.render(
        "sweep.html.j2",
        sweep=sweep,
        fronts=pareto.figures(compared(sweep)),
        drawn=[figure for figure in drawn if figure is not None],
        outcomes=OUTCOMES,
        shown=shown,
    )


def compared(sweep: Sweep) -> Compared:
    """Return the trials with a report, met gates and a kept budget as runs to compare."""
    runs = [
        ComparedRun(
            label=str(trial.number),
            source=f"{trial.folder}/report/report.json",
            name=sweep.name,
            date="",
            verdict="pass",
            missed=[],
            differing_outputs=0,
            merits=trial.merits,
        )
        for trial in sweep.trials
        if trial.outcome == "reported" and trial.verdict == "pass" and trial.feasible
    ]
    names = dict.fromkeys(merit.name for run in runs for merit in run.merits)
    return Compared(runs=runs, figures=list(names), options=[], fronts=fronts(runs, list(names)))


def csv(sweep: Sweep) -> str:
    """Return a row per trial: options, figures with their evidence, outcome."""
    names = list(dict.fromkeys(merit.name for trial in sweep.trials for merit in trial.merits))
    columns = ["trial", "outcome", "on_front", "feasible", "seconds", *sweep.options]
    columns += [column for name in names for column in (name, f"evidence of {name}")]
    rows = []
    for trial in sweep.trials:
        cells: list[object] = [trial.number, trial.outcome, trial.on_front, trial.feasible, trial.seconds]
        cells += [trial.values.get(path) for path in sweep.options]
        for name in names:
            merit = trial.merit(name)
            cells += [None, None] if merit is None else [f"{merit.value:.12g}", merit.evidence]
        rows.append(cells)
    return tables.text(columns, rows)
