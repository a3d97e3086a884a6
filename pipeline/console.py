"""Output of a run: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

from trigcnn.common.foreign import printable
from trigcnn.pipeline import interrupts

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress, TaskID

# Without a terminal, lines of progress at most at this interval.
_PLAIN_EVERY_S = 5.0
# Without a terminal, work without steps says after each such time that it lasts.
_PLAIN_QUIET_S = 20.0
_WIDE = 240


class Console:
    """Prints the output of a run to standard output or a stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console as RichConsole

        self._rich: RichConsole = RichConsole(file=stream, highlight=False, soft_wrap=True)

    def line(self, text: str) -> None:
        """Print a line."""
        self._rich.print(printable(text), markup=False)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table of text; all columns but the first are aligned to the right."""
        from rich import box
        from rich.console import Console as RichConsole
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=True)
        for index, column in enumerate(columns):
            side: Literal["left", "right"] = "right" if index else "left"
            table.add_column(escape(printable(column)), justify=side, no_wrap=not self._rich.is_terminal)
        for row in rows:
            table.add_row(*(escape(printable(cell)) for cell in row))
        # Without a terminal there is no width, and nothing may be truncated.
        console = self._rich if self._rich.is_terminal else RichConsole(highlight=False, width=_WIDE)
        console.print(table)

    @contextmanager
    def task(self, name: str) -> Iterator[Task]:
        """Show the progress of one piece of work while it lasts."""
        if self._rich.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
            with Progress(*columns, console=self._rich, transient=True) as progress:
                yield _BarTask(progress, progress.add_task(name, total=None), name)
        else:
            task = _PlainTask(self, name)
            try:
                yield task
            finally:
                task.end()


class Task:
    """A piece of work whose progress is shown."""

    def update(self, done: int, total: int, text: str = "") -> None:
        """Say that `done` of `total` steps are done.

        Raises:
            KeyboardInterrupt: An earlier interrupt was lost.
        """
        interrupts.check()


class _BarTask(Task):
    def __init__(self, progress: Progress, task: TaskID, name: str) -> None:
        self._progress, self._task, self._name = progress, task, name

    def update(self, done: int, total: int, text: str = "") -> None:
        super().update(done, total, text)
        description = f"{self._name}: {text}" if text else self._name
        self._progress.update(self._task, completed=done, total=total, description=description)


class _PlainTask(Task):
    def __init__(self, console: Console, name: str) -> None:
        self._console, self._name = console, name
        self._begun = self._last = time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._show_life, daemon=True).start()

    def update(self, done: int, total: int, text: str = "") -> None:
        super().update(done, total, text)
        now = time.monotonic()
        if now - self._last >= _PLAIN_EVERY_S:
            self._last = now
            self._console.line(f"  {self._name}: {done}/{total}{f' ({text})' if text else ''}")

    def end(self) -> None:
        """Print no more."""
        self._ended.set()

    def _show_life(self) -> None:
        """Print how long the work has lasted, whenever it has printed nothing for a while."""
        while not self._ended.wait(self._last + _PLAIN_QUIET_S - time.monotonic()):
            now = time.monotonic()
            if now - self._last >= _PLAIN_QUIET_S:
                self._last = now
                self._console.line(f"  {self._name}: {now - self._begun:.0f} s so far")
