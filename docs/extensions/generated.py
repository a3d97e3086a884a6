"""Directives whose content is made when the site is built: of the command line, and of the schemas in this folder."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_Schema = dict[str, Any]


def command_line() -> str:
    """Give every command with its arguments and options as Markdown, as typer writes them."""
    arguments = [sys.executable, "-m", "typer", "trigcnn.pipeline.cli", "utils", "docs", "--name", "trigcnn"]
    answer = subprocess.run(arguments, capture_output=True, text=True, check=True)  # noqa: S603
    return _without_html("\n".join(answer.stdout.splitlines()[1:]))


def _without_html(markdown: str) -> str:
    r"""Escape what stands in angle brackets outside of code, which would be taken for HTML and not be shown.

    >>> _without_html("* `--out <DIR>`: default: projects/<name>")
    '* `--out <DIR>`: default: projects/\\<name>'
    """
    pieces = re.split(r"(```.*?```|`[^`]*`)", markdown, flags=re.DOTALL)
    return "".join(piece if number % 2 else piece.replace("<", r"\<") for number, piece in enumerate(pieces))


def schema(content: _Schema) -> str:
    """Give a JSON schema as Markdown: a table for the whole, and one for each type in it."""
    types = {content["title"]: content} | dict(sorted(content["$defs"].items()))
    return "\n".join(line for name, each in types.items() for line in _type(name, each))


def _type(name: str, content: _Schema) -> Iterator[str]:
    yield f"\n## {name}\n"
    # The first paragraph; what follows says the fields one by one, as the table does.
    yield f"{_one_line(content.get('description', '').partition(chr(10) * 2)[0])}\n"
    if "properties" not in content:
        yield f"{_values(content)}\n"
        return
    yield "| Field | Values | Default | Meaning |"
    yield "|---|---|---|---|"
    for field, of in content["properties"].items():
        default = f"`{json.dumps(of['default'])}`" if "default" in of else "(always there)"
        yield f"| `{field}` | {_values(of)} | {default} | {_one_line(of.get('description', ''))} |"


def _values(of: _Schema) -> str:
    """Say which values a field takes; types of the schema are links to their tables."""
    if "$ref" in of:
        name = of["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in of:
        return " or ".join(_values(option) for option in of["anyOf"])
    if "const" in of or "enum" in of:
        return ", ".join(f"`{json.dumps(value)}`" for value in of.get("enum", [of.get("const")]))
    match of.get("type"):
        case "array" if "prefixItems" in of:
            return "list of " + ", ".join(_values(item) for item in of["prefixItems"])
        case "array":
            return f"list: {_values(of.get('items', {}))}"
        case "object" if isinstance(of.get("additionalProperties"), dict):
            return f"by name: {_values(of['additionalProperties'])}"
        case None:
            return "anything"
        case kind:
            return str(kind)


def _one_line(text: str) -> str:
    return " ".join(_without_html(text).replace("|", r"\|").split())


class _Generated(SphinxDirective):
    """`{generated} command-line`, or `{generated} FILE.schema.json` with a path from the page's folder."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Give the content as part of the page."""
        wanted = self.arguments[0]
        if wanted == "command-line":
            text = command_line()
        else:
            relative, path = self.env.relfn2path(wanted)
            self.env.note_dependency(relative)
            text = schema(json.loads(Path(path).read_text(encoding="utf-8")))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("generated", _Generated)
    return {"parallel_read_safe": True}
