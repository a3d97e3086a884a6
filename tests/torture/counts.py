"""What became of damaged files and killed runs."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Counts:
    """Numbers of files or runs.

    Attributes:
        tried: All of them.
        clean: Read or resumed, or refused with one error.
        tracebacks: Any other exception, a crash, or an error of unbounded length.
        hangs: Not done in time.
        lost_stages: Finished stages that a killed run lost.
        foreign_bytes_read: Values of a file that was not given.
        too_much_memory: More memory was wanted than the limit.
    """

    tried: int = 0
    clean: int = 0
    tracebacks: int = 0
    hangs: int = 0
    lost_stages: int = 0
    foreign_bytes_read: int = 0
    too_much_memory: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add up each number."""
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Counts)))

    def __str__(self) -> str:
        """Name each number."""
        return ", ".join(f"{getattr(self, each.name)} {each.name.replace('_', ' ')}" for each in fields(Counts))

    @property
    def bad(self) -> int:
        """How many ended in a way in which nothing may end."""
        return self.tried - self.clean
