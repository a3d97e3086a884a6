"""The base of the sections of a report."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Figures that belong together: frozen, none unknown; the text below a field is its meaning.

    A plain frozen dataclass works as a field too: unknown keys are refused in it, and the texts below its fields
    come into the JSON schema.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
