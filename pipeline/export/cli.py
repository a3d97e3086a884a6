"""The command `trigcnn export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="YAML configuration of a run, or its folder.", metavar="RUN")],
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            help="cpp: the emulator as a C++17 library; cmssw: as a model of CMSSW; fusesoc: the RTL as a core; "
            "cocotb: the RTL with a test bench in Python; emp: the RTL as a payload of the CMS EMP framework; "
            "qonnx: the graph as an ONNX file with quantizers; axis: the RTL behind AXI4-Stream; "
            "ip: the same for Vivado's IP catalogue. "
            "May be repeated.",
            metavar="FORMAT",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the exports; default: export in the run.", metavar="DIR")
    ] = None,
    model_version: Annotated[int, typer.Option(min=0, help="N of NAME_vN, for cmssw.", metavar="N")] = 1,
    links: Annotated[
        Path | None,
        typer.Option(help="Table of links, words and bits in YAML, for emp; default: as the export's links.yaml."),
    ] = None,
    values_per_beat: Annotated[
        int | None,
        typer.Option(min=1, help="Most values in a beat, for axis and ip; default: a word of the RTL.", metavar="N"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace earlier exports.")] = False,
) -> None:
    """Write a checked network for other projects.

    Each format gets a folder of its own, with a README.
    """
    from trigcnn.pipeline.export.export import Settings
    from trigcnn.pipeline.export.export import export as export_run

    for folder in export_run(run, to, out, settings=Settings(model_version, links, values_per_beat), force=force):
        typer.echo(f"export: {folder}")
