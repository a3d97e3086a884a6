"""Files that users name."""

from __future__ import annotations

import stat
from pathlib import Path

from trigcnn.models.errors import ModelsError


def require_file(path: Path, error: type[ModelsError], *, missing: str, no_file: str) -> None:
    """Check that a path is an accessible file.

    Args:
        path: The path.
        error: Class of the error to raise.
        missing: End of the message if there is nothing.
        no_file: End of the message if it is a folder or a device.

    Raises:
        ModelsError: Of the class `error`.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise error(f"{path}: {missing}") from None
    except OSError as problem:
        raise error(f"{path}: not accessible ({problem.strerror}); allow reading it, or name another file") from problem
    if not stat.S_ISREG(mode):
        raise error(f"{path}: {no_file}")
