"""What pages tell readers to write and to run is true."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from tests.docs.pages import OTHER, ROOT, Block, blocks, inline_code, links
from trigcnn.pipeline.cli import app
from trigcnn.pipeline.config.file import load
from trigcnn.pipeline.config.run import RunConfig

CONFIGURATIONS = [block for block in blocks("yaml") if not OTHER.search(block.before)]
PYTHON = list(blocks("python"))


def identity(block: Block) -> str:
    return block.where


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=identity)
def test_a_block_of_yaml_is_a_configuration(block: Block, tmp_path: Path) -> None:
    named = "" if re.search(r"^name:", block.text, re.MULTILINE) else "name: example\n"
    file = tmp_path / "example.yaml"
    file.write_text(named + block.text)
    load(file)


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if OTHER.search(block.before)], ids=identity)
def test_other_yaml_is_yaml_and_none_of_ours(block: Block) -> None:
    content = yaml.safe_load(block.text)
    assert not set(content) <= set(RunConfig.model_fields), "this could be tested: take the comment above it away"


@pytest.mark.parametrize("block", PYTHON, ids=identity)
def test_python_imports_what_there_is(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if node.module.partition(".")[0] != "trigcnn":
            continue
        module = importlib.import_module(node.module)
        for alias in node.names:
            assert hasattr(module, alias.name) or importlib.util.find_spec(f"{node.module}.{alias.name}"), alias.name


def commands() -> Iterator[tuple[str, list[str]]]:
    """Give the command lines of ours on all pages, as words."""
    lines = [(block.where, line) for block in blocks("", "console", "sh") for line in block.text.splitlines()]
    for where, line in [*lines, *inline_code()]:
        for part in re.split(r"&&|;|\|", line.partition(" # ")[0]):
            words = shlex.split(part.replace("…", ""), comments=True) if _ours(part) else []
            if words:
                yield where, words


def _ours(line: str) -> bool:
    return re.match(r"\s*(trigcnn \w|make \w|python -m (?!pip|http)\w|python benchmarks)", line) is not None


COMMANDS = list(commands())


def test_there_are_commands_on_the_pages() -> None:
    assert {words[1] for _, words in COMMANDS if words[0] == "trigcnn"} >= {"run", "compare", "golden", "evaluate"}
    assert len(CONFIGURATIONS) > 15
    assert len(PYTHON) > 3


@pytest.mark.parametrize(("where", "words"), COMMANDS, ids=[f"{where} {' '.join(words)}" for where, words in COMMANDS])
def test_a_command_exists_with_its_options(where: str, words: list[str]) -> None:
    match words:
        case ["trigcnn", *rest]:
            _check_trigcnn(rest)
        case ["make", *targets]:
            makefile = (ROOT / "Makefile").read_text()
            for target in targets:
                assert "=" in target or re.search(rf"^{target}:", makefile, re.MULTILINE), target
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module) is not None
        case ["python", script, *_]:
            assert (ROOT / script).is_file()


def _check_trigcnn(words: list[str]) -> None:
    command: Any = get_command(app)
    words = [word.rstrip(",") for word in words]
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    if getattr(command, "commands", {}).keys() >= {"run", "best"}:
        # `trigcnn sweep CONFIG` is short for `trigcnn sweep run CONFIG`.
        command = command.commands["run"]
    known = {option for parameter in command.params for option in getattr(parameter, "opts", [])} | {"--help"}
    assert command.params or not words, f"there is no command {words[0]}"
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"there is no option {word}"


@pytest.mark.parametrize(("page", "link"), list(links()), ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_a_link_leads_to_a_file(page: Path, link: str) -> None:
    assert (page.parent / link).exists()
