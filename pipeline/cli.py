"""The command line: thin commands over the package.

Commands import heavy packages only when they run, so that `--help` and shell completion answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from trigcnn.pipeline import interrupts
from trigcnn.pipeline.cli_options import Assignments, Config, Force, From, Out, command_line, interruptible
from trigcnn.pipeline.evaluate.cli import evaluate
from trigcnn.pipeline.export.cli import export
from trigcnn.pipeline.golden.cli import golden
from trigcnn.pipeline.prove.cli import prove
from trigcnn.pipeline.sweep.cli import sweep

_LONGEST_TRACEBACK = 20_000


class _Interruptible(typer.core.TyperGroup):
    """Ends an interrupted command with status 130; click would end it with 1, as a missed gate does."""

    def invoke(self, ctx: Any) -> Any:
        with interruptible():
            return super().invoke(ctx)


app = typer.Typer(
    name="trigcnn",
    cls=_Interruptible,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
datasets = typer.Typer(invoke_without_command=True, help="List the data sets, or show one.")
app.add_typer(datasets, name="datasets")
app.add_typer(golden, name="golden")
app.add_typer(sweep, name="sweep")


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"trigcnn {version('trigcnn')}")
        raise typer.Exit


@app.callback()
def trigcnn(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Convert a QKeras network to trigger firmware and check every step bit by bit.

    Exit status: 0 done and every gate met; 1 a gate missed; 2 bad input; 3 an outside tool or package is missing or
    failed.
    """


@app.command()
def run(
    config: Config,
    out: Out = None,
    from_stage: From = None,
    force: Force = False,
    assignments: Assignments = None,
    plan_only: Annotated[
        bool,
        typer.Option(
            "--plan-only", help="Stop before synthesis; write an archive to run the vendor's tools on another computer."
        ),
    ] = False,
) -> None:
    """Train, convert, check, synthesize and report."""
    _run(config, out, assignments, until="report", from_stage=from_stage, force=force, plan_only=plan_only)


@app.command()
def train(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Load the data; train the quantized model and its float twin."""
    _run(config, out, assignments, until="train", force=force)


@app.command()
def convert(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Convert the model with hls4ml; write HLS project and RTL."""
    _run(config, out, assignments, until="convert", force=force)


@app.command()
def check(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Compare C simulation and RTL with the model, bit by bit."""
    _run(config, out, assignments, until="check", force=force)


@app.command()
def synthesize(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Synthesize with Yosys and, if installed, the vendor's tools.

    Yosys synthesizes the RTL; the vendor's tools synthesize the HLS project.
    """
    _run(config, out, assignments, until="synthesize", force=force)


@app.command()
def report(config: Config, out: Out = None, force: Force = False, assignments: Assignments = None) -> None:
    """Write report.json, report.md and report.html.

    Earlier stages run first where they are missing or out of date.
    """
    _run(config, out, assignments, until="report", force=force)


@app.command()
def collect(
    results: Annotated[Path, typer.Argument(help="results.tar.gz, or the folder where run.sh ran.", metavar="RESULTS")],
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run; default: vivado_projects/<name>.", metavar="RUN")
    ] = None,
) -> None:
    """Complete a run with results of vendor tools run elsewhere.

    The results come from the archive that `trigcnn run --plan-only` wrote.
    """
    from trigcnn.pipeline.commands.collect import collect as collect_results

    raise typer.Exit(int(collect_results(results, run, command=command_line())))


app.command()(evaluate)
app.command()(export)
app.command()(prove)


@app.command()
def explain(
    config: Config,
    out: Out = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the fix into the configuration file and check again.")
    ] = False,
    assignments: Assignments = None,
) -> None:
    """Explain why the C simulation differs from the model.

    Shows the first layer that differs, the cause, the values and the fix.
    """
    from trigcnn.pipeline.commands.explain import explain as explain_run

    raise typer.Exit(int(explain_run(config, out, assignments, apply=apply, command=command_line())))


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of finished runs, or their report.json.", metavar="RUN RUN...")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the comparison.", metavar="DIR")] = Path(
        "vivado_projects/compare"
    ),
) -> None:
    """Compare finished runs: figures, Pareto fronts, options."""
    from trigcnn.pipeline.commands.compare import compare_runs
    from trigcnn.pipeline.console import Console

    compare_runs(runs, out, Console())


@app.command()
def layers(
    network: Annotated[
        Path, typer.Argument(help="YAML configuration, or a saved model (.keras, .h5).", metavar="CONFIG")
    ],
    assignments: Assignments = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as in report.json.")] = False,
) -> None:
    """List the layers of a network with their sizes and costs.

    Shows shapes, receptive fields, parameters and multiplications. Nothing is trained.
    """
    from trigcnn.pipeline.commands.layers import show

    show(network, assignments, as_json=as_json)


@app.command()
def doctor() -> None:
    """Show which tools are installed and what missing ones cost."""
    from trigcnn.pipeline.commands.doctor import doctor_report

    text, complete = doctor_report()
    typer.echo(text)
    if not complete:
        raise typer.Exit(3)


@app.command("zoo")
def run_zoo(
    names: Annotated[list[str] | None, typer.Argument(help="Names of runs; default: all.", metavar="[NAME]...")] = None,
    listed: Annotated[Path, typer.Option("--list", help="YAML list of the runs.", metavar="FILE")] = Path(
        "configs/zoo.yaml"
    ),
    out: Annotated[Path, typer.Option(help="Folder of the runs.", metavar="DIR")] = Path("vivado_projects/zoo"),
    page: Annotated[Path | None, typer.Option(help="Markdown page to write about all runs.", metavar="FILE")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Number of runs at the same time.")] = 2,
) -> None:
    """Run the networks of the zoo and summarize their results."""
    from trigcnn.common.files import write_text
    from trigcnn.pipeline.commands import zoo, zoo_page
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.errors import ConfigError

    every = zoo.entries(listed)
    if names and page is not None:
        raise ConfigError(f"--page {page}: the page shows all runs; leave out the names")
    console = Console()
    outcomes = zoo.run(zoo.chosen(every, names or []), out, jobs=jobs, console=console)
    zoo_page.show(outcomes, console)
    if page is not None:
        write_text(page, zoo_page.markdown(outcomes))
        console.line(f"page: {page}")
    raise typer.Exit(int(zoo.status(outcomes)))


@app.command()
def models() -> None:
    """List the networks of the zoo and their options."""
    from trigcnn.models import zoo

    for name in zoo.available():
        summary, options = zoo.describe(name)
        typer.echo(f"{name}: {summary}")
        _echo_options(options)


@datasets.callback()
def list_datasets(context: typer.Context) -> None:
    """List the data sets, or show one."""
    if context.invoked_subcommand is not None:
        return
    from trigcnn.models import datasets as sources

    for info in sources.available():
        typer.echo(f"{info.name}: {info.description}")
        typer.echo(f"    {info.events} events of shape {info.shape}, input format {info.input_format}")
        if info.files:
            typer.echo(f"    files in the folder: {info.files}")
        _echo_options(sources.describe(info.name))
    options = "data.source, data.events, data.labels, data.targets and data.input_format"
    typer.echo(f"your own data: a .npz or .h5 file; see {options}")


@datasets.command("show")
def show_dataset(
    name: Annotated[str, typer.Argument(help="A registered data set.", metavar="NAME")],
    out: Annotated[
        Path | None, typer.Option(help="Figure to write: .png, .svg or .pdf; default: NAME.png.", metavar="FILE")
    ] = None,
    events: Annotated[int | None, typer.Option(min=1, help="Number of events; default: 3000 or all.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Set an option of the data set: name=value. May be repeated.", metavar="NAME=VALUE"),
    ] = None,
) -> None:
    """Draw events and control distributions of a data set."""
    from trigcnn.pipeline.commands.datasets import show
    from trigcnn.pipeline.config.file import named_values

    typer.echo(show(name, out, events=events, options=named_values(option or [], "--option")))


def _echo_options(options: dict[str, Any]) -> None:
    for option, default in options.items():
        shown = list(default) if isinstance(default, tuple) else default
        typer.echo(f"    {option}: {'(required)' if shown == '' else shown}")


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration, for editors."""
    import json

    from trigcnn.pipeline.config.run import RunConfig

    typer.echo(json.dumps(RunConfig.model_json_schema(), indent=2))


def _run(
    path: Path,
    out: Path | None,
    assignments: list[str] | None,
    *,
    until: str,
    from_stage: str | None = None,
    force: bool = False,
    plan_only: bool = False,
) -> None:
    from trigcnn.pipeline.config.file import load
    from trigcnn.pipeline.run import run as run_stages

    config = load(path, assignments)
    try:
        result = run_stages(
            config,
            out,
            until=until,
            from_stage=from_stage,
            force=force,
            plan_only=plan_only,
            command=command_line(),
        )
    except KeyboardInterrupt:
        typer.echo("interrupted; finished stages are kept, and the next run resumes from there", err=True)
        raise typer.Exit(interrupts.INTERRUPTED) from None
    raise typer.Exit(int(result.status))


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    import warnings

    # A run that is stopped also stops the compilers and tools that it started.
    interrupts.install()

    if not sys.warnoptions:
        # Warnings of libraries are for their developers.
        warnings.simplefilter("ignore")
    try:
        app()
        status: Any = 0
    except SystemExit as ended:
        status = ended.code
    except KeyboardInterrupt:
        status = interrupts.INTERRUPTED
    except Exception as error:
        status = _failed(error)
    interrupts.leave()
    sys.exit(status)


def _failed(error: Exception) -> int:
    """Say what went wrong, and return the exit status."""
    import traceback

    from trigcnn.common.errors import TrigcnnError
    from trigcnn.common.foreign import cut
    from trigcnn.pipeline.errors import ExitStatus, exit_status

    if isinstance(error, TrigcnnError):
        typer.echo(f"error: {error}", err=True)
        return exit_status(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        typer.echo(f"error: {cut(error.filename)}: {error.strerror}; free space or choose another place", err=True)
        return ExitStatus.TOOL
    typer.echo(cut("".join(traceback.format_exception(error)), _LONGEST_TRACEBACK), err=True)
    typer.echo("this is a bug in trigcnn; please report it with the lines above", err=True)
    return ExitStatus.BUG
