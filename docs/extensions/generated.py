"""Directives whose content is made when the site is built: of the command line, and of the schemas in this folder."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from trigcnn.pipeline.config.schema_tables import Schema, one_line, shown, table, values, without_html


def command_line() -> str:
    """Give every command with its arguments and options as Markdown, as typer writes them."""
    arguments = [sys.executable, "-m", "typer", "trigcnn.pipeline.cli", "utils", "docs", "--name", "trigcnn"]
    answer = subprocess.run(arguments, capture_output=True, text=True, check=True)  # noqa: S603
    return without_html("\n".join(answer.stdout.splitlines()[1:]))


def schema(content: Schema) -> str:
    """Give a JSON schema as Markdown: a table for the whole, and one for each type in it."""
    types = {content["title"]: content} | dict(sorted(content["$defs"].items()))
    return "\n".join(line for name, each in types.items() for line in _type(name, each))


def _type(name: str, content: Schema) -> Iterator[str]:
    yield f"\n## {name}\n"
    # The first paragraph; what follows says the fields one by one, as the table does.
    yield f"{one_line(content.get('description', '').partition(chr(10) * 2)[0])}\n"
    if "properties" not in content:
        yield f"{values(content)}\n"
        return
    yield from table("Field", [_row(field, of) for field, of in content["properties"].items()])


def _row(field: str, of: Schema) -> tuple[str, str, str, str]:
    default = shown(of["default"]) if "default" in of else "(always there)"
    return field, values(of), default, of.get("description", "")


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
