"""`trigcnn explain`: say why the C simulation differs from the model, and fix the configuration."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError, ExitStatus
from trigcnn.pipeline.verification.diagnosis.findings import Change


def explain(config: Path, out: Path | None, assignments: list[str] | None, *, apply: bool, command: str) -> ExitStatus:
    """Run up to the check, and show the cause that the check found.

    Args:
        config: Configuration file.
        out: The run's folder; None for the default.
        assignments: Changes to the configuration, as `key.path=value`.
        apply: Write the fix into the configuration file, and check again.
        command: The command line, for the report.

    Returns:
        DONE if nothing differs (any more), GATE_MISSED if something does.

    Raises:
        ConfigError: `apply` was given together with assignments, which are not in the file.
    """
    if apply and assignments:
        raise ConfigError("--apply changes the configuration file, which does not contain --set; write it there first")
    console = Console()
    diagnosis = _checked(config, out, assignments, command)
    if diagnosis is None:
        console.line("nothing to explain: the C simulation equals the model on every test event")
        return ExitStatus.DONE
    for line in describe(diagnosis):
        console.line(line)
    if not apply:
        return ExitStatus.GATE_MISSED
    changes = unique_changes(diagnosis)
    for change in changes:
        _write(config, change)
        console.line(f"written to {config}: {change}")
    left = _checked(config, out, None, command)
    if left is None:
        console.line("checked again: the C simulation equals the model on every test event")
        return ExitStatus.DONE
    for line in describe(left):
        console.line(line)
    return ExitStatus.GATE_MISSED


def _checked(path: Path, out: Path | None, assignments: list[str] | None, command: str) -> dict[str, Any] | None:
    from trigcnn.pipeline.run import run
    from trigcnn.pipeline.stages import check

    config = load(path, assignments)
    folder = run(config, out, until="check", command=command).folder
    found: dict[str, Any] | None = check.read(RunFolder(folder))["diagnosis"]
    return found


def unique_changes(diagnosis: dict[str, Any]) -> list[Change]:
    """Return the changes that fix all findings, each once."""
    return list(dict.fromkeys(Change(**finding["change"]) for finding in diagnosis["findings"]))


def describe(diagnosis: dict[str, Any]) -> list[str]:
    """Return a diagnosis as lines of text."""
    lines = [
        f"{diagnosis['engine']} differs from {diagnosis['reference']} in {diagnosis['differing_events']} of the "
        f"{diagnosis['events']} examined events"
    ]
    if not diagnosis["findings"]:
        lines.append("every layer that both engines show computes what the model computes; please report this network")
    for number, finding in enumerate(diagnosis["findings"]):
        head = "first in layer" if number == 0 else "also wrong by itself: layer"
        lines.append(f"{head} {finding['layer']} ({finding['kind']}): {finding['cause']}")
        lines += [f"    {line}" for line in _details(finding)]
    return lines


def _details(finding: dict[str, Any]) -> list[str]:
    lines = [finding["detail"]]
    if finding["needed"]:
        lines.append(f"the model needs {finding['needed']}")
    if finding["seen"]:
        lines.append(f"values seen: {finding['seen'][0]:g} to {finding['seen'][1]:g}")
    if finding["allowed"]:
        lines.append(f"values possible by interval analysis: {finding['allowed'][0]:g} to {finding['allowed'][1]:g}")
    lines.append(
        f"{finding['values']} values of {finding['events']} events differ, by up to "
        f"{finding['max_difference_lsb']:g} LSB"
    )
    for example in finding["examples"]:
        place = ", ".join(str(n) for n in example["position"])
        exact = "" if example["exact"] is None else f", exactly {example['exact']:g}"
        lines.append(
            f"event {example['event']}, [{place}]: {example['found']:g} instead of {example['expected']:g}{exact}"
        )
    lines.append(f"to fix it: {Change(**finding['change'])}")
    return lines


def _write(path: Path, change: Change) -> None:
    """Change one key of a YAML file, and leave its comments and its order."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    content = yaml.load(path.read_text(encoding="utf-8"))
    *parents, last = change.key.split(".")
    trail = [content]
    for key in parents:
        if change.value is None and key not in trail[-1]:
            return
        trail.append(trail[-1].setdefault(key, {}))
    if change.value is None:
        trail[-1].pop(last, None)
        for key, parent, child in zip(reversed(parents), reversed(trail[:-1]), reversed(trail[1:]), strict=True):
            if not child:
                del parent[key]
    else:
        trail[-1][last] = change.value
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    Path(name).chmod(path.stat().st_mode)
    Path(name).replace(path)
