"""Do work in a process, and kill the process with SIGKILL at one of the changes that it makes to files.

Run as `python -m tests.torture.killed FOLDER`, it brings TensorFlow up once, and runs each command of `trigcnn` that it
reads in a copy of itself.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

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
    """Run commands; each is a line of JSON with `words`, `log`, `counted` and `kill_at`.

    Answers with the identity of the process that runs the command, and then with its status.
    """
    from trigcnn.common.keras2 import bring_up
    from trigcnn.pipeline import cli

    bring_up()
    folder, command = Path(sys.argv[1]), cli.main
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            _run(folder, json.loads(line), command)
        _answer(process)
        _answer(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(folder: Path, request: dict[str, Any], command: Callable[[], None]) -> NoReturn:
    """Run a command in this process, in a session of its own, and end the process."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(file, number)
    sys.argv = ["trigcnn", *request["words"]]
    status = 1
    changes = Changes(folder, request["kill_at"] or None)
    try:
        command()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        Path(request["counted"]).write_text(str(changes.count))
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
