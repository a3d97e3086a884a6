"""The command line: thin commands over the package.

Everything heavy is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

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

golden = typer.Typer(
    no_args_is_help=True,
    help="Freeze what a network gives, and check later that it still does.\n\n"
    "A case is FILE.golden.yaml with its vectors and its model beside it. Exit status of check: 0 equal; 1 changed; "
    "2 bad input; 3 an outside tool missing or failed.",
)
app.add_typer(golden, name="golden")


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
app.add_typer(sweep, name="sweep")

datasets = typer.Typer(invoke_without_command=True, help="List the data sets, or show one.")
app.add_typer(datasets, name="datasets")

Case = Annotated[Path, typer.Argument(help="Golden case, NAME.golden.yaml.", metavar="FILE")]
VectorsLimit = Annotated[float, typer.Option("--max-vectors-mb", min=0, help="Largest size of the vectors, in MB.")]
ModelLimit = Annotated[float, typer.Option("--max-model-mb", min=0, help="Largest size of the model, in MB.")]


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
            "--plan-only", help="Stop before synthesis; write an archive to run the vendor's tools elsewhere."
        ),
    ] = False,
) -> None:
    """Do a whole run: train, convert, check, synthesize, report."""
    _run(config, out, assignments, until="report", from_stage=from_stage, force=force, plan_only=plan_only)


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
def collect(
    results: Annotated[
        Path, typer.Argument(help="results.tar.gz, or the folder in which run.sh ran.", metavar="RESULTS")
    ],
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run; default: vivado_projects/<name>.", metavar="RUN")
    ] = None,
) -> None:
    """Take back what the vendor's tools left on another computer (run --plan-only), and complete the run."""
    import shlex

    from trigcnn.pipeline.commands.collect import collect as collect_results

    with _interruptible():
        status = collect_results(results, run, command=shlex.join(["trigcnn", *sys.argv[1:]]))
    raise typer.Exit(int(status))


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="YAML configuration of a run, or the run's folder.", metavar="RUN")],
    events: Annotated[Path, typer.Option(help="File of events: .npz, .npy or .h5.", metavar="FILE")],
    events_array: Annotated[
        str | None, typer.Option(help="Its arrays of events, with commas; default: data.events.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Its array of labels, or a .npy file; default: data.labels, if it is there.")
    ] = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Take no labels: only rates are given.")] = False,
    signal: Annotated[str | None, typer.Option(help="Signal classes.", metavar="CLASS[,CLASS]")] = None,
    background: Annotated[str | None, typer.Option(help="Background classes.", metavar="CLASS[,CLASS]")] = None,
    event_rate_hz: Annotated[float | None, typer.Option(help="Rate of background events in Hz.", metavar="HZ")] = None,
    rates: Annotated[str | None, typer.Option(help="Trigger rates in Hz.", metavar="HZ[,HZ]")] = None,
    score: Annotated[
        str | None,
        typer.Option(
            help="margin: largest signal logit minus largest background logit; signal: largest signal logit; "
            "output: the only output. Default: margin, or output if there is only one.",
            metavar="SCORE",
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="emulator, csim or qkeras; default: emulator, else csim.", metavar="ENGINE")
    ] = None,
    against: Annotated[str | None, typer.Option(help="A second engine, to compare with.", metavar="ENGINE")] = None,
    output: Annotated[str | None, typer.Option(help="Output layer, where there are several.", metavar="NAME")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default: evaluate/<FILE> in the run.", metavar="DIR")
    ] = None,
) -> None:
    """Give trigger rates and efficiencies of a finished conversion on a file of events."""
    import shlex

    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.evaluate.evaluate import evaluate as evaluate_run
    from trigcnn.pipeline.evaluate.request import Request, names, numbers

    request = Request(
        run=run,
        events=events,
        events_arrays=names(events_array),
        labels=labels,
        unlabelled=no_labels,
        signal=names(signal),
        background=names(background),
        event_rate_hz=event_rate_hz,
        rates_hz=numbers(rates, "--rates"),
        score=score,
        engine=engine,
        against=against,
        output=output,
        out=out,
        command=shlex.join(["trigcnn", *sys.argv[1:]]),
    )
    try:
        evaluate_run(request, Console())
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing was written", err=True)
        raise typer.Exit(130) from None


@app.command()
def explain(
    config: Config,
    out: Out = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write what mends it into the configuration file, and check again.")
    ] = False,
    assignments: Assignments = None,
) -> None:
    """Say why the C simulation differs from the model: first layer, cause, values, and what mends it."""
    import shlex

    from trigcnn.pipeline.commands.explain import explain as explain_run

    raise typer.Exit(
        int(explain_run(config, out, assignments, apply=apply, command=shlex.join(["trigcnn", *sys.argv[1:]])))
    )


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of finished runs, or their report.json.", metavar="RUN RUN...")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the comparison.", metavar="DIR")] = Path(
        "vivado_projects/compare"
    ),
) -> None:
    """Put runs side by side: figures, Pareto fronts, and the options in which they differ."""
    from trigcnn.pipeline.commands.compare import compare_runs
    from trigcnn.pipeline.console import Console

    with _interruptible():
        compare_runs(runs, out, Console())


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


@app.command()
def layers(
    network: Annotated[
        Path, typer.Argument(help="YAML configuration, or a saved model (.keras, .h5).", metavar="CONFIG")
    ],
    assignments: Assignments = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as in report.json.")] = False,
) -> None:
    """List the sizes, receptive fields, parameters and multiplications of a network's layers; nothing is trained."""
    from trigcnn.pipeline.commands.layers import show

    with _interruptible():
        show(network, assignments, as_json=as_json)


@app.command()
def doctor() -> None:
    """Show which tools are found, which are missing and what that costs."""
    from trigcnn.pipeline.commands.doctor import doctor_report

    text, complete = doctor_report()
    typer.echo(text)
    if not complete:
        raise typer.Exit(3)


@app.command("zoo")
def run_zoo(
    names: Annotated[list[str] | None, typer.Argument(help="Runs to do; default: all.", metavar="[NAME]...")] = None,
    listed: Annotated[Path, typer.Option("--list", help="The list of runs.", metavar="FILE")] = Path(
        "configs/zoo.yaml"
    ),
    out: Annotated[Path, typer.Option(help="Folder of the runs.", metavar="DIR")] = Path("vivado_projects/zoo"),
    page: Annotated[Path | None, typer.Option(help="Markdown page to write of all runs.", metavar="FILE")] = None,
    full: Annotated[bool, typer.Option("--full", help="Do not shorten the runs.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at the same time.")] = 2,
) -> None:
    """Run the networks of the zoo, and write what they reach into a page."""
    from trigcnn.pipeline.commands import zoo, zoo_page
    from trigcnn.pipeline.console import Console
    from trigcnn.pipeline.errors import ConfigError

    every = zoo.entries(listed, quick=not full)
    if names and page is not None:
        raise ConfigError(f"--page {page}: the page is of all runs; leave the names out")
    console = Console()
    with _interruptible():
        outcomes = zoo.run(zoo.chosen(every, names or []), out, jobs=jobs, console=console)
    zoo_page.show(outcomes, console)
    if page is not None:
        page.write_text(zoo_page.markdown(outcomes, quick=not full), encoding="utf-8")
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
            typer.echo(f"    in the folder: {info.files}")
        _echo_options(sources.describe(info.name))
    typer.echo("your own: a .npz or .h5 file; see data.source, data.events, data.labels and data.input_format")


@datasets.command("show")
def show_dataset(
    name: Annotated[str, typer.Argument(help="A registered data set.", metavar="NAME")],
    out: Annotated[
        Path | None, typer.Option(help="Figure to write, .png, .svg or .pdf; default: NAME.png.", metavar="FILE")
    ] = None,
    events: Annotated[int | None, typer.Option(min=1, help="Number of events; default: 3000 or all.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of the data set: name=value. May be repeated.", metavar="NAME=VALUE"),
    ] = None,
) -> None:
    """Draw events of each class and control distributions of a data set."""
    from trigcnn.pipeline.commands.datasets import show
    from trigcnn.pipeline.config.file import named_values

    with _interruptible():
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


@golden.command("freeze")
def golden_freeze(
    run: Annotated[Path, typer.Argument(help="Folder of a run, trained and converted.", metavar="RUN")],
    events: Annotated[int, typer.Option(min=1, help="Test events to take; corner events come on top.")] = 32,
    out: Annotated[
        Path | None, typer.Option(help="The case; default: <name>.golden.yaml here.", metavar="FILE.golden.yaml")
    ] = None,
    max_vectors_mb: VectorsLimit = 1.0,
    max_model_mb: ModelLimit = 10.0,
) -> None:
    """Write a golden case from a run: model, configuration, events and the C simulation's outputs."""
    from trigcnn.pipeline.golden.freeze import Limits, freeze

    with _interruptible():
        typer.echo(freeze(run, out, events=events, limits=Limits(max_vectors_mb, max_model_mb)))


@golden.command("check")
def golden_check(
    files: Annotated[list[Path], typer.Argument(help="Golden cases, NAME.golden.yaml.", metavar="FILE...")],
    engine: Annotated[
        list[str] | None,
        typer.Option(help="csim, emulator, rtl, qkeras or all; may be repeated. Default: csim.", metavar="ENGINE"),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write what was found to this file too.", metavar="FILE")
    ] = None,
) -> None:
    """Convert golden cases again, run engines on their events, and say what has changed."""
    import json

    from trigcnn.pipeline.golden.case import write
    from trigcnn.pipeline.golden.check import check

    results = []
    with _interruptible():
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
        Path | None, typer.Option(help="Take model, configuration and events from this run.", metavar="RUN")
    ] = None,
    max_vectors_mb: VectorsLimit = 1.0,
    max_model_mb: ModelLimit = 10.0,
) -> None:
    """Freeze a golden case anew, on purpose, and say what changed."""
    from trigcnn.pipeline.golden.freeze import Limits, update

    with _interruptible():
        typer.echo(update(file, run=run, limits=Limits(max_vectors_mb, max_model_mb)))


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(130) from None


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
    import shlex

    from trigcnn.pipeline.config.file import load
    from trigcnn.pipeline.run import run as run_stages

    config = load(path, assignments)
    try:
        status = run_stages(
            config,
            out if out is not None else Path("vivado_projects") / config.name,
            until=until,
            from_stage=from_stage,
            force=force,
            plan_only=plan_only,
            command=shlex.join(["trigcnn", *sys.argv[1:]]),
        )
    except KeyboardInterrupt:
        typer.echo("interrupted; finished stages are kept, and the next run goes on from there", err=True)
        # As shells do: 128 and the number of the signal.
        raise typer.Exit(130) from None
    raise typer.Exit(int(status))


def main() -> NoReturn:
    """Run the command line, and end with its exit status."""
    import traceback
    import warnings

    from trigcnn.pipeline import interrupts

    # A run that is told to end also ends the compilers and tools that it started.
    interrupts.install()

    if not sys.warnoptions:
        # What libraries say to their developers.
        warnings.simplefilter("ignore")
    try:
        app()
    except Exception as error:
        from trigcnn.common.errors import TrigcnnError
        from trigcnn.pipeline.errors import ExitStatus, exit_status

        if not isinstance(error, TrigcnnError):
            traceback.print_exc()
            typer.echo("this is a bug of trigcnn; please report it with the lines above", err=True)
            sys.exit(ExitStatus.BUG)
        typer.echo(f"error: {error}", err=True)
        sys.exit(exit_status(error))
    sys.exit(0)
