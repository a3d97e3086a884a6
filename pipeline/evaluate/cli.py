"""The command `trigcnn evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trigcnn.pipeline import interrupts
from trigcnn.pipeline.cli_options import command_line


def evaluate(
    run: Annotated[Path, typer.Argument(help="YAML configuration of a run, or its folder.", metavar="RUN")],
    events: Annotated[Path, typer.Option(help="File of events: .npz, .npy or .h5.", metavar="FILE")],
    events_array: Annotated[
        str | None, typer.Option(help="Arrays of events in the file; default: data.events.", metavar="NAME[,NAME]")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Array of labels in the file, or a .npy file; default: data.labels, if present.", metavar="NAME"
        ),
    ] = None,
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Ignore labels and report rates only.")] = False,
    signal: Annotated[str | None, typer.Option(help="Signal classes.", metavar="CLASS[,CLASS]")] = None,
    background: Annotated[str | None, typer.Option(help="Background classes.", metavar="CLASS[,CLASS]")] = None,
    event_rate_hz: Annotated[
        float | None, typer.Option(help="Rate of background events before the trigger, in Hz.", metavar="HZ")
    ] = None,
    rates: Annotated[str | None, typer.Option(help="Target trigger rates in Hz.", metavar="HZ[,HZ]")] = None,
    score: Annotated[
        str | None,
        typer.Option(
            help="margin: largest signal logit minus largest background logit; signal: largest signal logit; "
            "output: the only output. Default: margin, or output if there is only one.",
            metavar="SCORE",
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="emulator, csim or qkeras; default: emulator if it supports the network, else csim.", metavar="ENGINE"
        ),
    ] = None,
    against: Annotated[str | None, typer.Option(help="Second engine to compare with.", metavar="ENGINE")] = None,
    output: Annotated[str | None, typer.Option(help="Output layer, if there are several.", metavar="NAME")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default: evaluate/<FILE> in the run.", metavar="DIR")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the threshold of the only rate into the section postprocessing.")
    ] = False,
) -> None:
    """Measure trigger rates and efficiencies on a file of events.

    The run must have a finished conversion.
    """
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
        command=command_line(),
        apply=apply,
    )
    try:
        evaluate_run(request, Console())
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing was written", err=True)
        raise typer.Exit(interrupts.INTERRUPTED) from None
