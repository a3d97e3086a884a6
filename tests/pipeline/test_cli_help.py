"""The command line: help, and that it answers at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
import yaml

from trigcnn.pipeline.context import ORDER

ROOT = Path(__file__).parents[2]
COMMANDS = (
    "run",
    *ORDER,
    "collect",
    "evaluate",
    "export",
    "prove",
    "explain",
    "compare",
    "layers",
    "doctor",
    "zoo",
    "models",
    "schema",
    "datasets",
    "golden",
    "sweep",
)

Trigcnn = Callable[..., subprocess.CompletedProcess[str]]


def test_help_lists_every_command_and_the_exit_statuses(trigcnn: Trigcnn) -> None:
    outcome = trigcnn("--help")
    assert outcome.returncode == 0
    listed = re.findall(r"^  ([a-z]+)  +\S", outcome.stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(COMMANDS)
    assert "0 done and every gate met; 1 a gate missed; 2 bad input; 3 an outside" in " ".join(outcome.stdout.split())


def test_no_command_shows_the_help(trigcnn: Trigcnn) -> None:
    outcome = trigcnn()
    assert outcome.returncode == 2
    assert "Commands:" in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(trigcnn: Trigcnn, command: str) -> None:
    outcome = trigcnn(command, "--help")
    assert outcome.returncode == 0
    assert outcome.stdout.splitlines()[1].startswith(f"Usage: trigcnn {command}") or (
        f"trigcnn {command}" in outcome.stdout
    )
    # A sentence on what it does, between the usage and the options.
    assert re.search(r"\n\n  [A-Z][^\n]{15,}", outcome.stdout)


@pytest.mark.parametrize("group", ["", "datasets", "golden", "sweep"])
def test_summaries_of_commands_are_not_cut_off(trigcnn: Trigcnn, monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = trigcnn(*group.split(), "--help")
    summaries = re.findall(r"^  [a-z]+  +(\S.*)$", outcome.stdout.partition("Commands:")[2], re.MULTILINE)
    assert summaries
    assert [summary for summary in summaries if not re.fullmatch(r"[A-Z][^.].*[^.]\.", summary)] == []


def test_the_version_is_the_installed_one(trigcnn: Trigcnn) -> None:
    outcome = trigcnn("--version")
    assert (outcome.returncode, outcome.stdout) == (0, f"trigcnn {version('trigcnn')}\n")


_IMPORTED = """
import sys
sys.argv = ["trigcnn", *sys.argv[1:]]
from trigcnn.pipeline.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code
heavy = {"tensorflow", "tf_keras", "keras", "qkeras", "hls4ml", "alkaid", "matplotlib", "optuna", "numpy"}
print("heavy:", *sorted(heavy & set(sys.modules)))
"""


def _lines(*arguments: str, **environment: str) -> list[str]:
    outcome = subprocess.run(
        [sys.executable, "-c", _IMPORTED, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return outcome.stdout.splitlines()


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("sweep", "run", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert _lines(*arguments)[-1] == "heavy:"


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("trigcnn sy", ["synthesize"]),
        ("trigcnn golden ", ["freeze", "check", "update"]),
        ("trigcnn run --plan", ["--plan-only"]),
        ("trigcnn sweep b", ["best"]),
    ],
)
def test_the_shell_completes_commands_without_importing_anything_heavy(words: str, completed: list[str]) -> None:
    position = str(len(words.split(" ")) - 1)
    lines = _lines(_TRIGCNN_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=position)
    assert lines == [*completed, "heavy:"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_calls_the_command(shell: str) -> None:
    assert f"_TRIGCNN_COMPLETE=complete_{shell}" in "\n".join(_lines(_TRIGCNN_COMPLETE=f"source_{shell}"))


def test_the_module_is_the_command() -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "trigcnn", "no-such-command"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 2
    assert "No such command 'no-such-command'" in outcome.stderr


def test_the_zoo_is_listed_with_options_and_defaults(trigcnn: Trigcnn) -> None:
    outcome = trigcnn("models")
    assert outcome.returncode == 0
    assert "lenet: Two convolutions" in outcome.stdout
    assert "    filters: [6, 16]\n" in outcome.stdout
    assert "input_shape" not in outcome.stdout


def test_data_sets_are_listed_with_their_format(trigcnn: Trigcnn) -> None:
    outcome = trigcnn("datasets")
    assert outcome.returncode == 0
    assert outcome.stdout.startswith("digits: ")
    assert "input format ufixed<4,0>" in outcome.stdout
    assert "street_digits: " in outcome.stdout
    assert "    height_pixels: [14.0, 27.0]\n" in outcome.stdout
    assert "    files in the folder: train_32x32.mat and test_32x32.mat\n    folder: (required)\n" in outcome.stdout
    assert "your own data: a .npz or .h5 file" in outcome.stdout


def test_the_printed_schema_holds_for_the_ready_configurations(trigcnn: Trigcnn) -> None:
    outcome = trigcnn("schema")
    assert outcome.returncode == 0
    schema = json.loads(outcome.stdout)
    # The list of the zoo is no configuration.
    for path in set((ROOT / "configs").glob("*.yaml")) - {ROOT / "configs" / "zoo.yaml"}:
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)
