"""The commands `trigcnn sweep run` and `trigcnn sweep best`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trigcnn.pipeline import interrupts
from trigcnn.pipeline.cli_options import Assignments, Config
from trigcnn.pipeline.extras import require


class _DefaultGroup(typer.core.TyperGroup):
    """Passes an argument that is not a command to `run`: `trigcnn sweep CONFIG`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


sweep = typer.Typer(
    cls=_DefaultGroup,
    no_args_is_help=True,
    help="Search for the best options within a budget.\n\n"
    "The search space is the section `sweep` of the configuration. A stopped sweep resumes where it left off.",
)


@sweep.command("run")
def sweep_run(
    config: Config,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sweep; default: vivado_projects/<name>_sweep.", metavar="DIR")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Total number of trials; default: sweep.trials.")] = None,
    wall_time: Annotated[
        float | None,
        typer.Option(help="Time in s after which no trial starts; default: sweep.wall_time_s.", metavar="S"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of trials at the same time; default: sweep.cluster.workers.")
    ] = None,
    assignments: Assignments = None,
) -> None:
    """Start or resume a sweep; `run` may be left out."""
    require("sweep")
    from trigcnn.pipeline.config.file import load, with_values
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.sweep.command import search

    asked = {"sweep.trials": trials, "sweep.wall_time_s": wall_time, "sweep.cluster.workers": workers}
    given = {name: value for name, value in asked.items() if value is not None}
    loaded = load(config, assignments)
    loaded = with_values(loaded, given, "the command line") if given else loaded
    try:
        search(loaded, out or Path("vivado_projects") / f"{loaded.name}_sweep", Console())
    except KeyboardInterrupt:
        typer.echo("interrupted; finished trials are kept, and the next sweep resumes from there", err=True)
        raise typer.Exit(interrupts.INTERRUPTED) from None


@sweep.command("best")
def sweep_best(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of the sweep; default: the latest one.", metavar="[SWEEP]")
    ] = None,
    within: Annotated[
        str, typer.Option(help="Limits, for example lut=20000,latency_ns=100.", metavar="FIGURE=LIMIT[,...]")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="File for its configuration; default: best.yaml in the sweep.", metavar="FILE")
    ] = None,
) -> None:
    """Print the best trial within limits; write its configuration.

    The configuration can be given to `trigcnn run`.
    """
    require("sweep")
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.sweep.command import choose, latest
    from trigcnn.pipeline.sweep.results import parse_limits

    choose(folder or latest(), parse_limits(within), out, Console())
