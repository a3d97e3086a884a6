"""What the sections of a report have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Figures that belong together: frozen, none unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
