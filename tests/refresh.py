"""All generated files of the repository but two: `python -m tests.refresh` writes them again.

`make refresh` calls this and runs the tutorial, which gives docs/tutorial.ipynb. Not included are docs/zoo.md, since
`make zoo` takes hours, and the golden case in tests/golden, which is only updated on purpose.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.hls.serial_designs import ULX3S, golden_design
from trigcnn.hls.admission import document
from trigcnn.hls.synthesis import serial_wrapper
from trigcnn.hls.synthesis.vendors.flows import Flow, plan
from trigcnn.hls.synthesis.vendors.vivado import RtlSources
from trigcnn.pipeline.config import reference
from trigcnn.pipeline.config.sweep import ClusterConfig
from trigcnn.pipeline.pages.write import schema
from trigcnn.pipeline.sweep import workers

ROOT = Path(__file__).resolve().parents[1]


def schema_text(name: str) -> str:
    """The JSON schema of `report.json`, `compare.json` or `sweep.json`."""
    return json.dumps(schema(name), indent=2) + "\n"


def job_script(kind: str) -> str:
    """The job that a sweep submits to a batch system, without address, interpreter and random names."""
    cluster = ClusterConfig.model_validate(
        {
            "kind": kind,
            "threads": 4,
            "memory_gb": 8,
            "wall_time": "02:30:00",
            "queue": "long",
            "prologue": ["source /opt/trigcnn/bin/activate"],
            "directives": ["accounting_group = group_trigger"] if kind == "htcondor" else ["--account=trigger"],
        }
    )
    with tempfile.TemporaryDirectory() as folder, workers.batch_cluster(cluster, Path(folder)) as running:
        text = str(running.job_script())
    text = re.sub(r"tls://[\d.]+:\d+", "tls://SCHEDULER", text)
    text = re.sub(r"\S*/\.credentials/", "FOLDER/.credentials/", text)
    return re.sub(r"\S*python\S* -m distributed", "PYTHON -m distributed", text)


def vivado_script(design: str, name: str) -> str:
    """A file for Vivado, which synthesizes the RTL of Vitis HLS (`hls`) or ours (`rtl`)."""
    sources = RtlSources("rtl", "tiny", "clk", ("src/tiny.v", "src/library/adder.v"))
    step = "implementation"
    flow = Flow("Vitis", "tiny", "xcvu9p-flga2577-2-e", 2.5, (step,), sources, step, ("Timing 38-282",))
    (text,) = [step.files[name] for step in plan(flow).steps if step.design == design and name in step.files]
    return text


def wrapper(architecture: str) -> str:
    """The Verilog that connects a design to the serial port of a board."""
    return serial_wrapper.wrapper(golden_design(architecture), ULX3S)


_VIVADO = (
    ("hls", "logic-synthesis.tcl"),
    ("hls", "clock.xdc"),
    ("hls", "implementation.tcl"),
    ("rtl", "logic-synthesis.tcl"),
    ("rtl", "clock.xdc"),
)

# Each file with what writes it.
FILES: Mapping[str, Callable[[], str]] = {
    "docs/configuration.md": reference.page,
    "docs/admission.md": document.document,
    **{f"docs/{name}.schema.json": partial(schema_text, name) for name in ("report", "compare", "sweep")},
    **{f"tests/golden/sweep/{kind}.txt": partial(job_script, kind) for kind in ("htcondor", "slurm")},
    **{f"tests/golden/vendor/{design}_{name}": partial(vivado_script, design, name) for design, name in _VIVADO},
    **{
        f"tests/data/serial_wrapper/{architecture}.v": partial(wrapper, architecture)
        for architecture in ("parallel", "streaming")
    },
}


def main() -> None:
    """Write all files that are not current, and name them."""
    for name, made in FILES.items():
        path, text = ROOT / name, made()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"written: {name}\n")


if __name__ == "__main__":
    main()
