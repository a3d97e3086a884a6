"""Results of the vendor's tools from another computer: `trigcnn collect`."""

from __future__ import annotations

import shutil
from pathlib import Path

from trigcnn.common.files import copy_tree, scratch
from trigcnn.hls.errors import ResultsError, ToolError
from trigcnn.hls.synthesis.vendors import results
from trigcnn.hls.synthesis.vendors.plan import VendorPlan
from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ExitStatus, RunFolderError
from trigcnn.pipeline.stages import synthesize
from trigcnn.pipeline.vendor import collected
from trigcnn.pipeline.vendor import flow as vendor_flow
from trigcnn.pipeline.vendor.collected import Collected


def collect(source: Path, path: Path | None, *, command: str) -> ExitStatus:
    """Check results from another computer, and complete their run with them.

    Args:
        source: `results.tar.gz`, or the folder in which `run.sh` ran.
        path: Folder of the run; default: `vivado_projects/<name>`.
        command: Command line, for the report.

    Raises:
        ResultsError: They are incomplete, or not of this run.
        ToolError: A tool failed there.
        RunFolderError: There is no such run.
    """
    from trigcnn.pipeline.run import run as run_stages

    if not source.exists():
        raise ResultsError(f"{source}: there is no such file or folder; give the results.tar.gz that run.sh wrote")
    console = Console()
    with scratch() as place:
        manifest = results.take(source, place / "taken")
        run = RunFolder(Path("vivado_projects") / manifest.run if path is None else path)
        resolved = run.path / "resolved.yaml"
        if not resolved.is_file():
            raise RunFolderError(
                f"{run.path}: is not the folder of a run (no resolved.yaml in it); choose it with --run"
            )
        config = load(resolved)
        plan = vendor_flow.plan(config, run.stage("convert"))
        with run.lock():
            _keep(source, run, plan, manifest, place, exact=config.gates.exact)
    console.line(f"collected: {source}")
    status = run_stages(config, run.path, command=command).status
    if synthesize.read(run).vendor.status != "collected":
        raise ResultsError(
            f"{run.path}: was converted again, and the results are of the earlier conversion; pack it again"
        )
    return status


def _keep(
    source: Path, run: RunFolder, plan: VendorPlan, manifest: results.Manifest, place: Path, *, exact: bool
) -> None:
    """Check results, and move them into the run; if they are refused, keep the logs that the error names."""
    taken, checked, logs = place / "taken", place / "checked", run.path / "logs" / "collect"
    shutil.rmtree(logs, ignore_errors=True)
    converted = run.stage("convert")
    inputs = vendor_flow.inputs(plan, converted)
    try:
        designs = vendor_flow.origins(converted)
        found = results.check(plan, inputs, manifest, taken, checked, origins=designs, exact=exact)
    except ToolError as error:
        copy_tree(checked, logs)
        message = str(error).replace(str(checked), str(logs)).replace(str(taken), str(source))
        raise type(error)(message) from error
    hosts = results.hosts(plan, taken)
    index = Collected(source=source.name, hosts=hosts, plan=manifest.plan, inputs=manifest.inputs, results=found)
    index.save(checked / collected.INDEX)
    run.put(checked, collected.FOLDER)
