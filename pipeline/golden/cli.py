"""The commands `trigcnn golden freeze`, `check` and `update`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

golden = typer.Typer(
    no_args_is_help=True,
    help="Freeze the outputs of a network; check them again later.\n\n"
    "A golden case is FILE.golden.yaml, with its vectors and its model beside it. Exit status of check: 0 equal; "
    "1 changed; 2 bad input; 3 an outside tool or package is missing or failed.",
)

Case = Annotated[Path, typer.Argument(help="Golden case, NAME.golden.yaml.", metavar="FILE")]
VectorsLimit = Annotated[float, typer.Option("--max-vectors-mb", min=0, help="Size limit of the vectors in MB.")]
ModelLimit = Annotated[float, typer.Option("--max-model-mb", min=0, help="Size limit of the model in MB.")]


@golden.command("freeze")
def golden_freeze(
    run: Annotated[Path, typer.Argument(help="Folder of a converted run.", metavar="RUN")],
    events: Annotated[int, typer.Option(min=1, help="Number of test events; corner events are added to them.")] = 32,
    out: Annotated[
        Path | None,
        typer.Option(help="File of the case; default: <name>.golden.yaml here.", metavar="FILE.golden.yaml"),
    ] = None,
    max_vectors_mb: VectorsLimit = 1.0,
    max_model_mb: ModelLimit = 10.0,
) -> None:
    """Write a golden case from a converted run.

    The case holds the model, the configuration, events and the outputs of the C simulation.
    """
    from trigcnn.pipeline.golden.freeze import Limits, freeze

    typer.echo(freeze(run, out, events=events, limits=Limits(max_vectors_mb, max_model_mb)))


@golden.command("check")
def golden_check(
    files: Annotated[list[Path], typer.Argument(help="Golden cases, NAME.golden.yaml.", metavar="FILE...")],
    engine: Annotated[
        list[str] | None,
        typer.Option(help="csim, emulator, rtl, qkeras or all; may be repeated. Default: csim.", metavar="ENGINE"),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="JSON file for the results.", metavar="FILE")] = None,
) -> None:
    """Convert golden cases again and compare all outputs.

    Runs the engines on the frozen events and shows what changed.
    """
    import json

    from trigcnn.pipeline.golden.case import write
    from trigcnn.pipeline.golden.check import check

    results = []
    for file in files:
        results.append(check(file, engine or ["csim"]))
        typer.echo(str(results[-1]))
    if json_file is not None:
        text = json.dumps([result.model_dump(mode="json") for result in results], indent=1) + "\n"
        write({json_file: text.encode()})
    raise typer.Exit(max(result.status for result in results))


@golden.command("update")
def golden_update(
    file: Case,
    run: Annotated[
        Path | None, typer.Option(help="Run to take model, configuration and events from.", metavar="RUN")
    ] = None,
    max_vectors_mb: VectorsLimit = 1.0,
    max_model_mb: ModelLimit = 10.0,
) -> None:
    """Freeze a golden case again and show what changed."""
    from trigcnn.pipeline.golden.freeze import Limits, update

    typer.echo(update(file, run=run, limits=Limits(max_vectors_mb, max_model_mb)))
