"""`trigcnn explain`: say why the C simulation differs from the model, and fix the configuration."""

from __future__ import annotations

from pathlib import Path

from trigcnn.pipeline.cache.folder import RunFolder
from trigcnn.pipeline.config.edit import edited
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.console import Console
from trigcnn.pipeline.errors import ConfigError, ExitStatus
from trigcnn.pipeline.results.diagnosis import Diagnosis, Finding, Fix


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
    fixes = unique_fixes(diagnosis)
    for fix in fixes:
        _write(config, fix)
        console.line(f"written to {config}: {fix}")
    left = _checked(config, out, None, command)
    if left is None:
        console.line("checked again: the C simulation equals the model on every test event")
        return ExitStatus.DONE
    for line in describe(left):
        console.line(line)
    return ExitStatus.GATE_MISSED


def _checked(path: Path, out: Path | None, assignments: list[str] | None, command: str) -> Diagnosis | None:
    from trigcnn.pipeline.run import run
    from trigcnn.pipeline.stages import check

    config = load(path, assignments)
    folder = run(config, out, until="check", command=command).folder
    return check.read(RunFolder(folder)).diagnosis


def unique_fixes(diagnosis: Diagnosis) -> list[Fix]:
    """Return the changes that fix all findings, each once."""
    return list(dict.fromkeys(finding.fix for finding in diagnosis.findings))


def describe(diagnosis: Diagnosis) -> list[str]:
    """Return a diagnosis as lines of text."""
    lines = [
        f"{diagnosis.engine} differs from {diagnosis.reference} in {diagnosis.differing_events} of the "
        f"{diagnosis.events} examined events"
    ]
    if not diagnosis.findings:
        lines.append("every layer that both engines show computes what the model computes; please report this network")
    for number, finding in enumerate(diagnosis.findings):
        head = "first in layer" if number == 0 else "also wrong by itself: layer"
        lines.append(f"{head} {finding.layer} ({finding.kind}): {finding.cause}")
        lines += [f"    {line}" for line in _details(finding)]
    return lines


def _details(finding: Finding) -> list[str]:
    lines = [finding.detail]
    if finding.needed is not None:
        lines.append(f"the model needs {finding.needed}")
    if finding.seen is not None:
        lines.append(f"values seen: {finding.seen[0]:g} to {finding.seen[1]:g}")
    if finding.allowed is not None:
        lines.append(f"values possible by interval analysis: {finding.allowed[0]:g} to {finding.allowed[1]:g}")
    lines.append(
        f"{finding.values} values of {finding.events} events differ, by up to {finding.max_difference_lsb:g} LSB"
    )
    for example in finding.examples:
        place = ", ".join(map(str, example.position))
        exact = "" if example.exact is None else f", exactly {example.exact:g}"
        lines.append(f"event {example.event}, [{place}]: {example.found:g} instead of {example.expected:g}{exact}")
    lines.append(f"to fix it: {finding.fix}")
    return lines


def _write(path: Path, fix: Fix) -> None:
    """Change one option in a YAML file, and leave its comments and its order."""
    *parents, last = fix.option.split(".")
    with edited(path) as content:
        trail = [content]
        for key in parents:
            if fix.value is None and key not in trail[-1]:
                return
            trail.append(trail[-1].setdefault(key, {}))
        if fix.value is not None:
            trail[-1][last] = fix.value
            return
        trail[-1].pop(last, None)
        for key, parent, child in zip(reversed(parents), reversed(trail[:-1]), reversed(trail[1:]), strict=True):
            if not child:
                del parent[key]
