"""A plan with all its files in one archive, to be run on another computer with bash and the vendor's tools."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from trigcnn.common.files import new_file
from trigcnn.hls.synthesis.vendors import templating
from trigcnn.hls.synthesis.vendors.plan import ToolStep, VendorPlan

MANIFEST = "manifest.json"
FORMAT = 1
# 1980: some programs do not accept earlier times.
_TIME_S = 315_532_800


@dataclass(frozen=True)
class Package:
    """The content of an archive.

    Attributes:
        plan: What is to be run.
        inputs: SHA-256 of each input file of the tools, by path, as returned by `run.prepare`.
        origins: Folder of each design.
        others: Further folders to take along, such as test benches, by name.
        texts: Further text files, by name, such as the configuration.
        versions: Versions of the programs that made the files.
    """

    plan: VendorPlan
    inputs: Mapping[str, str]
    origins: Mapping[str, Path]
    others: Mapping[str, Path]
    texts: Mapping[str, str]
    versions: Mapping[str, str]


def pack(package: Package, path: Path) -> None:
    """Write an archive (.tar.gz) completely or not at all. The same content gives the same bytes."""
    files = _files(package)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    written = {f"{design}/{name}" for design in package.plan.designs for name in package.plan.written(design)}
    checked = {name: sha for name, sha in digests.items() if name not in written}
    sums = "".join(f"{sha}  {name}\n" for name, sha in checked.items())
    files["inputs.sha256"] = sums.encode()
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "run": package.plan.top,
        "plan": package.plan.as_json(),
        "inputs": dict(package.inputs),
        "files": digests,
        "checked": sorted(checked),
        "versions": dict(package.versions),
    }
    files[MANIFEST] = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    with (
        new_file(path) as unfinished,
        unfinished.open("wb") as stream,
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in sorted(files.items()):
            archive.addfile(_entry(f"{package.plan.top}_vendor/{name}", len(data)), io.BytesIO(data))


def _files(package: Package) -> dict[str, bytes]:
    plan = package.plan
    folders = {design: package.origins[design] for design in plan.designs} | dict(package.others)
    files = {
        f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for name, folder in folders.items()
        for path in folder.rglob("*")
        if path.is_file()
    }
    texts = dict(package.texts)
    for name, step in zip(plan.ids, plan.steps, strict=True):
        texts[f"steps/{name}/run.sh"] = step_script(step, name, _later(plan, step))
        texts |= {f"steps/{name}/{file}": text for file, text in step.files.items()}
    texts["run.sh"] = templating.render("run.sh.j2", plan=plan)
    return files | {name: text.encode() for name, text in texts.items()}


def _later(plan: VendorPlan, step: ToolStep) -> tuple[str, ...]:
    """Return the names of the later steps on the same design."""
    after = plan.steps.index(step) + 1
    rows = zip(plan.ids[after:], plan.steps[after:], strict=True)
    return tuple(name for name, each in rows if each.design == step.design)


def step_script(step: ToolStep, name: str, later: tuple[str, ...] = ()) -> str:
    """Write the script that runs one step in an unpacked archive, and checks it as `run.run` does.

    Args:
        step: The step.
        name: Its folder in `steps` and `results`.
        later: Folders of the steps that use its files.
    """
    return templating.render(
        "step.sh.j2",
        step=step,
        id=name,
        later=later,
        programs=" or ".join(command.program for command in step.commands),
        stale=(*step.clears, *(expected.path for expected in step.leaves)),
        parent=lambda path: PurePosixPath(path).parent.as_posix(),
    )


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, _TIME_S, 0o755 if name.endswith(".sh") else 0o644
    return entry
