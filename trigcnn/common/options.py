"""How a group of options is declared, so that it is read from a configuration and taken by `hls` or `models` as it is.

A group is a frozen dataclass with `__pydantic_config__ = OPTIONS`. The text below an option is its meaning, limits
stand in its annotation (`Annotated[int, Ge(1)]`), and `__post_init__` raises `OptionsError` where options do not go
together. pydantic takes such a class as a field of the configuration: it checks values, refuses unknown keys, and
makes the JSON schema; the module that declares the group does not import pydantic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trigcnn.common.errors import TrigcnnError

OPTIONS: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False, "use_attribute_docstrings": True}
"""Settings of pydantic for a group: unknown keys are errors, and so are numbers that are not finite."""


class OptionsError(TrigcnnError, ValueError):
    """An option cannot be used, or not together with another one."""


@dataclass(frozen=True)
class Pattern:
    """Limit of a text, as in `Annotated[str, Pattern("^[a-z]+$")]`.

    Attributes:
        text: Regular expression that the text must match.
    """

    text: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Add the expression to pydantic's schema of the text."""
        return {**handler(source), "pattern": self.text}
