"""The command line: thin commands over the package.

Everything heavy is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    name="trigcnn",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a QKeras network to trigger firmware, proved bit by bit.\n\n"
    "Exit status: 0 done and every gate met; 1 a gate missed; 2 bad input; 3 an outside tool missing or failed.",
)

Config = Annotated[Path, typer.Argument(help="YAML configuration of the run.", metavar="CONFIG")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run; default: vivado_projects/<name>.", metavar="DIR")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change an option: key.path=value. May be repeated.", metavar="KEY.PATH=VALUE"),
]
Force = Annotated[bool, typer.Option("--force", help="Do every stage again, cached or not.")]
From = Annotated[str | None, typer.Option("--from", help="Do this stage and all later ones again.", metavar="STAGE")]


@app.command()
def run(
    config: Config,
    out: Out = None,
    from_stage: From = None,
    force: Force = False,
    assignments: Assignments = None,
) -> None:
    """Do a whole run: train, convert, check, synthesize, report."""
    _run(config, out, assignments, until="report", from_stage=from_stage, force=force)


@app.command()
def train(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Load the data; train the quantized model and its float twin."""
    _run(config, out, assignments, until="train", force=force)


@app.command()
def convert(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Convert the trained model with hls4ml; write the HLS project and the RTL."""
    _run(config, out, assignments, until="convert", force=force)


@app.command()
def check(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Compare the C simulation and the simulated RTL with the model, bit by bit."""
    _run(config, out, assignments, until="check", force=force)


@app.command()
def synthesize(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Synthesize the RTL with Yosys, and the HLS project with the vendor's tool if it is installed."""
    _run(config, out, assignments, until="synthesize", force=force)


@app.command()
def report(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Write report.json, report.md and report.html, after whatever is still to be done."""
    _run(config, out, assignments, until="report", force=force)


@app.command()
def doctor() -> None:
    """Show which tools are found, which are missing and what that costs."""
    from pipeline.doctor import doctor_report

    text, complete = doctor_report()
    typer.echo(text)
    if not complete:
        raise typer.Exit(3)


@app.command()
def models() -> None:
    """List the networks of the zoo and their options."""
    from models import zoo

    for name in zoo.available():
        summary, options = zoo.describe(name)
        typer.echo(f"{name}: {summary}")
        for option, default in options.items():
            typer.echo(f"    {option}: {list(default) if isinstance(default, tuple) else default}")


@app.command()
def datasets() -> None:
    """List the data sets."""
    from models import datasets as sources

    for info in sources.available():
        typer.echo(f"{info.name}: {info.description}")
        typer.echo(f"    {info.events} events of shape {info.shape}, input format {info.input_format}")
    typer.echo("your own: a .npz or .h5 file; see data.source, data.events, data.labels and data.input_format")


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration, for editors."""
    import json

    from pipeline.config import RunConfig

    typer.echo(json.dumps(RunConfig.model_json_schema(), indent=2))


def _run(
    path: Path,
    out: Path | None,
    assignments: list[str] | None,
    *,
    until: str,
    from_stage: str | None = None,
    force: bool = False,
) -> None:
    import shlex

    from pipeline.config import load
    from pipeline.run import run as run_stages

    config = load(path, assignments)
    try:
        status = run_stages(
            config,
            out if out is not None else Path("vivado_projects") / config.name,
            until=until,
            from_stage=from_stage,
            force=force,
            command=shlex.join(["trigcnn", *sys.argv[1:]]),
        )
    except KeyboardInterrupt:
        typer.echo("interrupted; finished stages are kept, and the next run goes on from there", err=True)
        # As shells do: 128 and the number of the signal.
        raise typer.Exit(130) from None
    raise typer.Exit(int(status))


def main() -> NoReturn:
    """Run the command line, and end with its exit status."""
    import signal
    import traceback
    import warnings

    # A run that is told to end also ends the compilers and tools that it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    if not sys.warnoptions:
        # What libraries say to their developers.
        warnings.simplefilter("ignore")
    try:
        app()
    except Exception as error:
        from pipeline.errors import EXPECTED, ExitStatus, exit_status

        if not isinstance(error, EXPECTED):
            traceback.print_exc()
            typer.echo("this is a bug of trigcnn; please report it with the lines above", err=True)
            sys.exit(ExitStatus.BUG)
        typer.echo(f"error: {error}", err=True)
        sys.exit(exit_status(error))
    sys.exit(0)
