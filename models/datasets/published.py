"""Data sets that others have published as files: their folder, and errors of their files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from trigcnn.common.fixed_point import FixedPoint
from trigcnn.models import damage
from trigcnn.models.damage import check_size
from trigcnn.models.datasets.base import DatasetInfo
from trigcnn.models.datasets.input_format import parse_input_format
from trigcnn.models.errors import DataError
from trigcnn.models.paths import require_file

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")

# How files begin that are often found in place of others.
_SIGNATURES = (
    (b"\x1f\x8b", "a gzip file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"MATLAB ", "a MATLAB file"),
    (b"PAR1", "a parquet file"),
    (b"\x00\x00\x08", "an IDX file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)
_WEB_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head")


@dataclass(frozen=True)
class Publication:
    """A published data set.

    Attributes:
        info: Its entry in the registry, with the files that it needs.
        where: Where it is published, in words.
    """

    info: DatasetInfo
    where: str

    def folder(self, named: str) -> Path:
        """Return the folder with the files.

        Args:
            named: `data.options.folder`.

        Raises:
            DataError: It is not named, or is no folder.
        """
        if not named:
            raise DataError(
                f"data.options.folder: the data set {self.info.name} is read from files; name the folder that holds "
                f"{self._needs()}"
            )
        folder = Path(named).expanduser()
        try:
            if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK):
                return folder
            there = "may not be read" if folder.is_dir() else "not a folder" if folder.exists() else "no such folder"
        except OSError as problem:
            there = f"not accessible ({problem.strerror})"
        raise DataError(f"{folder}: {there}; set data.options.folder to the one that holds {self._needs()}")

    def missing(self, folder: Path, what: str) -> DataError:
        """Return the error that a file is missing: what is needed, and whether an archive lies in its place."""
        archives = sorted(path.name for path in folder.iterdir() if path.name.lower().endswith(_ARCHIVES))
        unpack = f"; {archives[0]} is an archive: unpack it, and name the folder with its files" if archives else ""
        return DataError(f"{folder}: {what}{unpack}; {self.info.name} needs {self._needs()}")

    def _needs(self) -> str:
        return f"{self.info.files} ({self.where})"


def looks_like(head: bytes) -> str:
    """Return what a file with unexpected content may be.

    >>> looks_like(b"<!DOCTYPE html><html>")
    'a web page'
    """
    if not head:
        return "an empty file"
    if head.lstrip().lower().startswith(_WEB_PAGES):
        return "a web page"
    return next((what for signature, what in _SIGNATURES if head.startswith(signature)), "something else")


def head_of(path: Path, number: int = 512) -> bytes:
    """Read the first bytes of a file.

    Raises:
        DataError: It is not a file, or not readable.
    """
    require_file(path, DataError, missing="no such file; copy it there", no_file="not a file; put the file there")
    with damage_named(path), path.open("rb") as stream:
        return stream.read(number)


def content_of(path: Path) -> bytes:
    """Read a whole file.

    Raises:
        DataError: It is not a file, not readable, or larger than any file of a published data set.
    """
    head_of(path)
    with damage_named(path):
        check_size(str(path), path.stat().st_size, damage.MOST_PUBLISHED_BYTES, "take the published file", DataError)
        return path.read_bytes()


def damage_named(path: Path) -> AbstractContextManager[None]:
    """Turn exceptions of libraries on a damaged file into a `DataError` that names the file."""
    return damage.damage_named(path, DataError, "copy or download it again")


def unit_format(given: FixedPoint | None, info: DatasetInfo) -> FixedPoint:
    """Return the number format of pixels from 0 to 255, each divided by 256.

    Raises:
        DataError: The configured format is signed, or has bits left of the binary point.
    """
    chosen = given or parse_input_format(info.input_format)
    if chosen.signed or chosen.integer != 0:
        raise DataError(
            f"data.input_format {chosen} does not fit {info.name}, whose pixels are 0 to 255/256; use "
            f"{info.input_format}, or ufixed<W,0> with another number of bits"
        )
    return chosen


def originality(found: Mapping[str, str], published: Mapping[str, str]) -> str:
    """Return whether files are the published ones, by their MD5, in words.

    Args:
        found: MD5 by the file's name.
        published: The same of the published files.

    >>> originality({"a": "1", "b": "2"}, {"a": "1", "b": "3"})
    'not the published file by its MD5 (changed, or a part of it): b'
    """
    others = [name for name, digest in found.items() if published[name] != digest]
    if others:
        files = "file" if len(others) == 1 else "files"
        return (
            f"not the published {files} by {'its' if len(others) == 1 else 'their'} MD5 (changed, or a part of it): "
            + (", ".join(others))
        )
    return f"all {len(found)} files are the published ones, by their MD5"


def listed(names: Sequence[str]) -> str:
    """Join names as in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
