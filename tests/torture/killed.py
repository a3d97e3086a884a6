"""Do work in this process, and kill the process with SIGKILL at one of the changes that it makes to files."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from pathlib import Path
from typing import Any

_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
# Longest time after the change at which the process is killed, in s: within a long write, or between two changes.
_LATER_S = 0.02


class Changes:
    """Counts the changes of files in a folder, and kills this process at one of them.

    Attributes:
        count: How many there were.
    """

    def __init__(self, folder: Path, kill_at: int | None) -> None:
        """Begin to count.

        Args:
            folder: The folder.
            kill_at: Number of the change, from 1, before which, or shortly after which, the process is killed; None for
                none.
        """
        self.count = 0
        self._folder, self._kill_at = str(folder.resolve()), kill_at
        self._delay = None if kill_at is None or kill_at % 2 else random.Random(kill_at).uniform(0, _LATER_S)
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & _WRITES:
                return
        elif event in _CHANGES:
            path = arguments[0]
        else:
            return
        # Without a look at the disk, which this is not to change.
        if not isinstance(path, str | os.PathLike) or not os.path.abspath(path).startswith(self._folder):  # noqa: PTH100
            return
        self.count += 1
        if self.count != self._kill_at:
            return
        if self._delay is None:
            _kill()
        threading.Timer(self._delay or 0, _kill).start()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run `trigcnn` with the arguments behind folder, file for the count, and number of the change."""
    folder, counted, number, *words = sys.argv[1:]
    changes = Changes(Path(folder), int(number) or None)
    sys.argv = ["trigcnn", *words]
    from trigcnn.pipeline.cli import main

    try:
        main()
    finally:
        Path(counted).write_text(str(changes.count))


if __name__ == "__main__":
    main()
