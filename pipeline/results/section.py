"""The base of the sections of a report."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from trigcnn.pipeline.errors import RunFolderError


class Section(BaseModel):
    """Figures that belong together: frozen, none unknown; the text below a field is its meaning.

    A plain frozen dataclass works as a field too: unknown keys are refused in it, and the texts below its fields
    are in the JSON schema.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what a JSON file holds.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file does not hold this section.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8"))


class StageFile(Section):
    """What a stage leaves for later stages, as a JSON file in its folder."""

    # A number that is not finite is a finding, and must not become null.
    model_config = ConfigDict(ser_json_inf_nan="constants")

    def save(self, path: Path) -> None:
        """Write the JSON file."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote.

        Raises:
            RunFolderError: The file cannot be read, or another version of trigcnn wrote it.
        """
        try:
            return super().load(path)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read ({error.strerror}); run the stage again") from error
        except ValueError as error:
            raise RunFolderError(f"{path}: was written by another version of trigcnn; run the stage again") from error
