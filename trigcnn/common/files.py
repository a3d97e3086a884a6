"""Files that are written whole or not at all, and scratch folders that do not outlive their process for long."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE})
"""Errors of writing that are not the user's: no space or quota, a size limit, a device that fails."""

_SCRATCH, _NEW = "trigcnn-scratch-", ".trigcnn-scratch-"


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; an earlier file stays until the new one is complete and on the disk.

    Raises:
        OSError: It cannot be written; it has `errno` and `filename`.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file; an earlier file stays until the new one is complete and on the disk.

    Raises:
        OSError: It cannot be written; it has `errno` and `filename`.
    """
    with new_file(path) as partial, partial.open("wb") as stream:
        stream.write(content)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield the path of a file to be written, which replaces another one at the end unless an error came.

    Args:
        path: The file to replace; the yielded path is beside it and has the same suffix.

    Raises:
        OSError: It cannot be written; it has `errno` and `filename`.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        yield partial
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        # The system names no file with an error of writing. The partial file is of no interest.
        if error.errno is not None:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder to be filled, which takes the place of another one at the end unless an error came.

    Args:
        path: The folder to make or replace; the yielded one is beside it.

    Raises:
        OSError: It cannot be made or replaced; it has `errno` and `filename`.
    """
    made = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        made.chmod(0o755)
        yield made
        if path.exists():
            earlier = made.with_name(f"{made.name}.earlier")
            path.rename(earlier)
            made.rename(path)
            shutil.rmtree(earlier)
        else:
            made.rename(path)
    finally:
        shutil.rmtree(made, ignore_errors=True)


class _Failed(Exception):  # noqa: N818 - holds an error
    def __init__(self, error: OSError) -> None:
        self.error = error


def copy_tree(source: Path, target: Path, *, onto: bool = False) -> None:
    """Copy a folder; unlike `shutil.copytree`, end at the first error and say what it was.

    Args:
        source: The folder.
        target: The copy.
        onto: Whether the target may be there already.

    Raises:
        OSError: It cannot be copied; it has `errno` and `filename`.
    """

    def copy(one: str, other: str) -> None:
        try:
            shutil.copy2(one, other)
        except OSError as error:
            # With an error of writing, it is the source that is named, or nothing.
            if error.filename is None or error.errno in NO_ROOM:
                error.filename, error.filename2 = other, None
            raise _Failed(error) from error

    try:
        shutil.copytree(source, target, copy_function=copy, dirs_exist_ok=onto)
    except _Failed as failed:
        raise failed.error from None
    except shutil.Error as error:
        # From making a folder, with nothing but text.
        _, place, reason = error.args[0][0]
        number = errno.ENOSPC if os.strerror(errno.ENOSPC) in reason else errno.EIO
        raise OSError(number, os.strerror(number), str(place)) from error


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for temporary files, and remove it at the end; also remove folders of killed processes.

    The folder is locked as long as its process lives. Its path has no character that a shell or make would take for
    more than text, unless the system's temporary folder has some.
    """
    remove_left()
    # It gets its final name, by which it is removed, once it is locked.
    made = Path(tempfile.mkdtemp(prefix=_NEW))
    folder = made.with_name(made.name.removeprefix("."))
    lock = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made.rename(folder)
        yield folder
    finally:
        for each in (made, folder):
            shutil.rmtree(each, ignore_errors=True)
        os.close(lock)


def remove_left() -> None:
    """Remove the temporary folders of killed processes."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        # Other users' folders cannot be opened.
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
