"""The command `trigcnn prove`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def prove(
    run: Annotated[
        Path | None, typer.Argument(help="YAML configuration of a run, or its folder.", metavar="RUN")
    ] = None,
    language: Annotated[
        Literal["verilog", "vhdl"], typer.Option(help="Which of its sources are proved.", metavar="LANGUAGE")
    ] = "verilog",
    check: Annotated[
        Path | None, typer.Option(help="Check this certificate instead of searching a proof.", metavar="CERTIFICATE")
    ] = None,
) -> None:
    """Prove that the RTL equals the graph for every input.

    Exit status: 0 proved; 1 not proved.
    """
    from trigcnn.hls.errors import ProofError
    from trigcnn.pipeline.errors import ConfigError, ExitStatus
    from trigcnn.pipeline.prove import prove as proving

    if (run is None) == (check is None):
        raise ConfigError("give either a RUN to prove, or --check with a certificate")
    if check is not None:
        try:
            proving.check(check, note=typer.echo)
        except ProofError as error:
            typer.echo(f"not proved: {error}")
            raise typer.Exit(int(ExitStatus.GATE_MISSED)) from error
        typer.echo("proved: the certificate holds")
        return
    if run is None:
        return
    names = {"verilog": "Verilog", "vhdl": "VHDL"}
    outcome = proving.prove(run, language, note=lambda text: typer.echo(f"prove: {text}", err=True))
    certificate = outcome.certificate
    for each in certificate.shown:
        typer.echo(proving.sentence(each))
    if certificate.status == "proved":
        what = f"the {names[certificate.language]} of {certificate.design}"
        typer.echo(f"proved: {what} computes the graph for every input ({outcome.path})")
        return
    typer.echo(f"{'refuted' if certificate.status == 'refuted' else 'not proved'}: {certificate.reason}")
    if outcome.event is not None:
        event = outcome.event
        typer.echo(f"  on this event the graph and the RTL differ: {' '.join(f'{x:g}' for x in event.event.ravel())}")
        for number in (event.graph != event.netlist).nonzero()[0]:
            typer.echo(f"  output {number}: graph {event.graph[number]:g}, RTL {event.netlist[number]:g}")
    typer.echo(f"certificate: {outcome.path}")
    raise typer.Exit(int(ExitStatus.GATE_MISSED))
