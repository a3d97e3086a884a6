"""Changes of a configuration file that keep its comments and its order."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trigcnn.common.files import new_file

_INDENTED_LIST = re.compile(r"^\w+:[^\S\n]*(#.*)?\n(\s*(#.*)?\n)*[^\S\n]+- ", re.MULTILINE)


@contextlib.contextmanager
def edited(path: Path) -> Iterator[Any]:
    """Load a YAML file, and write it again with what the block changed in its content.

    Args:
        path: The file. It is replaced as a whole, or not at all.

    Yields:
        Its content: mappings and lists that remember their comments.
    """
    from ruamel.yaml import YAML

    text = path.read_text(encoding="utf-8")
    yaml = YAML()
    yaml.preserve_quotes = True
    # Longer lines would be broken.
    yaml.width = 10_000
    if _INDENTED_LIST.search(text):
        yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(text)
    yield content
    with new_file(path) as partial:
        with partial.open("w", encoding="utf-8") as stream:
            yaml.dump(content, stream)
        partial.chmod(path.stat().st_mode)
