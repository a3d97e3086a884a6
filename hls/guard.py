"""Run one outside program, and end it with all that it started when the process that asked for it is gone.

A program of its own: `hls/tool.py` starts `python -I -S guard.py FD PROGRAM ARGUMENT...`. The descriptor FD is a
socket; its other end is with the process that asked, and closes with it, also after SIGKILL. The guard tells the
outcome on it: `ended STATUS`, as `subprocess` counts it, or `failed ERRNO` if the program cannot be started. The guard
inherits the locks of folders, the program does not: a folder is free once everything that worked in it has ended.

On Linux, the program also ends if the guard is killed, and processes that left the program's group are ended too.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys

# From linux/prctl.h.
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36


def main() -> None:
    """Run the program of the command line."""
    descriptor, words = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(descriptor, False)
    for other in _open_descriptors():
        if other > 2:
            os.set_inheritable(other, False)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    # The socket may be open in a copy of that process.
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    child, error = _start(words)
    if error:
        os.waitpid(child, 0)
        _tell(descriptor, f"failed {error}")
        return
    status = None
    poll = select.poll()
    for each in (descriptor, reader):
        poll.register(each, select.POLLIN)
    while status is None:
        ready = [each for each, _ in poll.poll()]
        if descriptor in ready or signal.SIGTERM in os.read(reader, 1024):
            _end(child, with_daemons=True)
            return
        status = _status(child)
    _end(child, with_daemons=False)
    _tell(descriptor, f"ended {status}")


def _open_descriptors() -> list[int]:
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"  # noqa: PTH112 - pathlib is slow to import
    return [int(name) for name in os.listdir(folder) if _is_open(int(name))]  # noqa: PTH208


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(words: list[str]) -> tuple[int, int]:
    """Start the program in a session of its own; return its process and errno, 0 if it runs."""
    reader, writer = os.pipe()
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            # Python ignores the first two.
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() == guard:
                os.execvp(words[0], words)  # noqa: S606
        except OSError as error:
            os.write(writer, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(writer)
    with open(reader, "rb") as stream:  # noqa: PTH123
        return child, int(stream.read() or b"0")


def _status(child: int) -> int | None:
    """Take what has ended; return the program's status once it is among it."""
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if process == 0:
            return None
        if process == child:
            return os.waitstatus_to_exitcode(status)


def _end(child: int, *, with_daemons: bool) -> None:
    """Kill the program's group, and processes that left it, and wait until they are gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
    while with_daemons and (left := _children()):
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    """Return this process' children, to which orphans among its descendants come on Linux."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():  # noqa: PTH112, PTH208
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123
                # After the name of the program, which may contain anything: state, parent.
                if int(stream.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


def _tell(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, text.encode())


if __name__ == "__main__":
    main()
