"""Files are written whole or not at all, and scratch folders go with their process."""

from __future__ import annotations

import errno
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trigcnn.common import files

ROOT = Path(__file__).parents[2]


@contextmanager
def full_disk(size: int = 1000) -> Iterator[None]:
    """Let no file of this process become larger: the system's error is EFBIG, which counts as a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_that_does_not_fit_leaves_the_earlier_one_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    files.write_text(path, "earlier é")
    with full_disk(), pytest.raises(OSError, match=re.escape(str(path))) as caught:
        files.write_text(path, "x" * 5000)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert errno.EFBIG in files.NO_ROOM
    assert path.read_text(encoding="utf-8") == "earlier é"
    assert [each.name for each in tmp_path.iterdir()] == ["page.md"]


@pytest.mark.parametrize("place", ["big", "deep/big"])
def test_a_copy_that_does_not_fit_names_the_first_file(tmp_path: Path, place: str) -> None:
    source = tmp_path / "source"
    (source / place).parent.mkdir(parents=True)
    (source / place).write_bytes(bytes(5000))
    (source / "small").write_text("small")
    with full_disk(), pytest.raises(OSError, match="File too large") as caught:
        files.copy_tree(source, tmp_path / "copy")
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(tmp_path / "copy" / place))
    files.copy_tree(source, tmp_path / "copy", onto=True)
    assert (tmp_path / "copy" / place).read_bytes() == bytes(5000)
    with pytest.raises(FileExistsError):
        files.copy_tree(source, tmp_path / "copy")


def test_scratch_folders_of_killed_processes_are_removed_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = "import os; from trigcnn.common.files import scratch\nwith scratch(): os.kill(os.getpid(), 9)"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={"TMPDIR": str(tmp_path)}, check=False)
        # The second removes what the first left.
        assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / "other").mkdir()
    with files.scratch() as outer:
        (outer / "file").write_text("text")
        with files.scratch() as inner:
            assert {path.name for path in tmp_path.iterdir()} == {"other", outer.name, inner.name}
        assert (outer / "file").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
