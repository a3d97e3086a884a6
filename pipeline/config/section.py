"""What the sections of a configuration have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from trigcnn.common.options import OPTIONS


class Section(BaseModel):
    """Options that belong together: frozen, finite, none unknown; the text below an option is its meaning."""

    model_config = ConfigDict(frozen=True, **OPTIONS)  # type: ignore[typeddict-item]


UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""Types of pydantic's errors about an unknown key: of a model, and of a dataclass."""
