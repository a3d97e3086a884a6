"""The result of a check of a golden case."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["vectors", "model", "layers", "weights", "format", "bits"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Part):
    """One difference from the frozen case.

    Attributes:
        kind: Kind of difference.
        text: The frozen and the present state.
        layer: Name of the first layer that it concerns.
    """

    kind: Kind
    text: str
    layer: str | None = None


class EngineResult(_Part):
    """The result of one engine.

    Attributes:
        engine: Its name.
        changes: Bits that changed.
        error: Why it could not run.
        status: Exit status: 0 equal, 1 changed, 2 not possible, 3 a tool is missing or failed.
    """

    engine: str
    changes: tuple[Change, ...] = ()
    error: str | None = None
    status: int = 0


class CheckResult(_Part):
    """The result of a check of a case.

    Attributes:
        file: The case.
        events: Number of events.
        changes: What changed apart from bits.
        notes: Changes that are not failures by themselves: versions of tools.
        engines: What the engines gave.
        error: Why the case could not be checked at all.
        error_status: The exit status that this error gives.
    """

    file: str
    events: int = 0
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    engines: tuple[EngineResult, ...] = ()
    error: str | None = None
    error_status: int = 0

    @property
    def status(self) -> int:
        """Exit status: 0 equal, 1 changed, 2 bad input, 3 a tool is missing or failed."""
        changed = int(bool(self.changes))
        return max([changed, self.error_status, *(engine.status for engine in self.engines)])

    def of(self, engine: str) -> CheckResult:
        """Return what concerns one engine."""
        return self.model_copy(update={"engines": tuple(entry for entry in self.engines if entry.engine == engine)})

    def __str__(self) -> str:
        if self.error is not None:
            return f"{self.file}: error: {self.error}"
        word = {0: "equal", 1: "changed"}.get(self.status, "not checked")
        ran = [engine.engine for engine in self.engines if engine.error is None]
        lines = [f"{self.file}: {word}: {', '.join(ran) or 'no engine ran'}, {self.events} events"]
        changes = [*self.changes, *(change for engine in self.engines for change in engine.changes)]
        lines += [f"  {change.kind}: {change.text}" for change in changes]
        lines += [f"  error: {engine.engine}: {engine.error}" for engine in self.engines if engine.error is not None]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)
