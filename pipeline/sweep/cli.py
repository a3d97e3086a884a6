"""The command `trigcnn sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trigcnn.pipeline.cli_options import Assignments, Config


class _DefaultGroup(typer.core.TyperGroup):
    """Takes what is none of its commands as the argument of `run`: `trigcnn sweep CONFIG`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


sweep = typer.Typer(
    cls=_DefaultGroup,
    no_args_is_help=True,
    help="Search for the options of a run that reach the most within a budget: `trigcnn sweep CONFIG`.\n\n"
    "What is varied stands in the section sweep of the configuration. A sweep that was stopped goes on where it was.",
)


@sweep.command("run")
def sweep_run(
    config: Config,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sweep; default: vivado_projects/<name>_sweep.", metavar="DIR")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials that the sweep is to have; default: sweep.trials.")
    ] = None,
    wall_time: Annotated[
        float | None, typer.Option(help="Time after which no trial begins; default: sweep.wall_time_s.", metavar="S")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at the same time; default: sweep.cluster.workers.")
    ] = None,
    assignments: Assignments = None,
) -> None:
    """Search, or go on searching; `run` may be left out."""
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
        typer.echo("interrupted; finished trials are kept, and the next sweep goes on from there", err=True)
        raise typer.Exit(130) from None


@sweep.command("best")
def sweep_best(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of the sweep; default: the latest one.", metavar="[SWEEP]")
    ] = None,
    within: Annotated[
        str, typer.Option(help="Limits, such as lut=20000,latency_ns=100.", metavar="FIGURE=LIMIT[,...]")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="File of its configuration; default: best.yaml in the sweep.", metavar="FILE")
    ] = None,
) -> None:
    """Print the best trial within limits, and write its configuration, ready for `trigcnn run`."""
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.sweep.command import choose, latest
    from trigcnn.pipeline.sweep.results import parse_limits

    choose(folder or latest(), parse_limits(within), out, Console())
