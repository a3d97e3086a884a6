"""The templates of scripts."""

from __future__ import annotations

import shlex
from typing import Any

from trigcnn.hls.templating import environment


def render(name: str, **content: Any) -> str:
    """Fill in a template of the folder `templates`."""
    templates = environment("trigcnn.hls.synthesis.vendors")
    templates.filters["sh"] = shlex.quote
    return templates.get_template(name).render(**content)
