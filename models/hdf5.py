"""HDF5 files, of which nothing is read that lies in another file.

HDF5 names other files in four ways: external links, soft links to those, external storage, and virtual data sets. The
digest of a file does not cover them, and they may name any file of the computer.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from trigcnn.common.foreign import cut
from trigcnn.models.damage import check_size
from trigcnn.models.errors import ModelsError

_MOST_OBJECTS = 100_000
_MOST_LINKS = 32


@dataclass(frozen=True)
class Hdf5File:
    """An open file.

    Attributes:
        content: The `h5py.File`.
        path: Where it is, for messages.
        error: Class of the errors to raise.
        fix: What to do about values that lie elsewhere, for messages.
        most_bytes: Size up to which arrays are read.
        too_large: What to do about a larger array, for messages.
    """

    content: Any
    path: Path
    error: type[ModelsError]
    fix: str
    most_bytes: int
    too_large: str

    def find(self, name: str) -> Any | None:
        """Return the data set of a name, not yet read; soft links are followed inside the file.

        Returns:
            An `h5py.Dataset`; None if there is none of this name.

        Raises:
            ModelsError: Its values lie in another file, or its chunks are too large.
        """
        import h5py

        found = self._object(name)
        if not isinstance(found, h5py.Dataset):
            return None
        self._check(found, name)
        return found

    def names(self) -> list[str]:
        """Return the names of the data sets, without those behind links; at most 100,000."""
        import h5py

        found: list[str] = []

        def add(name: str, item: Any) -> bool | None:
            if isinstance(item, h5py.Dataset):
                found.append(name)
            return True if len(found) == _MOST_OBJECTS else None

        self.content.visititems(add)
        return found

    def read(self, dataset: Any, name: str) -> npt.NDArray[Any]:
        """Return all values of a data set that `find` returned.

        Raises:
            ModelsError: It is too large.
        """
        check_size(f"{self.path}, {name}", _bytes(dataset), self.most_bytes, self.too_large, self.error)
        return np.asarray(dataset[()])

    def check(self) -> None:
        """Check the whole file, for a library that reads it by itself.

        Raises:
            ModelsError: Anything lies in another file, a link leads nowhere, or all arrays together are too large.
        """
        import h5py

        waiting, seen, objects, size = [("", self.content)], set(), 0, 0
        while waiting:
            place, group = waiting.pop()
            for key in group:
                name = f"{place}/{key}"
                item = self._object(name)
                objects += 1
                if item is None:
                    raise self.error(f"{self.path}, {cut(name)}: a link that leads nowhere; {self.fix}")
                if objects > _MOST_OBJECTS:
                    raise self.error(f"{self.path}: has more than {_MOST_OBJECTS} objects; {self.fix}")
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    continue
                seen.add(address)
                if isinstance(item, h5py.Group):
                    waiting.append((name, item))
                elif isinstance(item, h5py.Dataset):
                    self._check(item, name)
                    size += _bytes(item)
                    check_size(f"{self.path}, {cut(name)}", size, self.most_bytes, self.too_large, self.error)

    def _check(self, dataset: Any, name: str) -> None:
        if dataset.external or dataset.is_virtual:
            raise self.error(
                f"{self.path}, {cut(name)}: its values lie in {self._others(dataset)}, which are not read; {self.fix}"
            )
        if dataset.chunks:
            # A chunk is unpacked as a whole, for a single value too.
            chunk = math.prod(dataset.chunks) * dataset.dtype.itemsize
            check_size(f"{self.path}, {cut(name)}, a chunk", chunk, self.most_bytes, self.too_large, self.error)

    def _others(self, dataset: Any) -> str:
        sources = [each[0] for each in dataset.external or ()]
        if not sources:
            sources = [each.file_name for each in dataset.virtual_sources()[:_MOST_LINKS]]
        return f"other files ({cut(', '.join(dict.fromkeys(map(str, sources))))})"

    def _object(self, name: str) -> Any | None:
        """Follow a path part by part, as HDF5 itself would leave the file."""
        import h5py

        waiting, found, links = deque(_parts(name)), self.content, 0
        while waiting:
            if not isinstance(found, h5py.Group):
                return None
            part = waiting.popleft()
            link = found.get(part, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise self.error(
                    f"{self.path}, {cut(name)}: a link to another file ({cut(link.filename)}), which is not followed; "
                    f"{self.fix}"
                )
            if isinstance(link, h5py.SoftLink):
                links += 1
                if links > _MOST_LINKS:
                    return None
                waiting.extendleft(reversed(_parts(link.path)))
                found = self.content if link.path.startswith("/") else found
            elif link is None:
                return None
            else:
                found = found[part]
        return found


@contextmanager
def opened(
    file: Path | IO[bytes], path: Path, error: type[ModelsError], *, fix: str, most_bytes: int, too_large: str
) -> Iterator[Hdf5File]:
    """Open a file for reading; arguments as in `Hdf5File`.

    Args:
        file: The file, or its content.
        path: Where it is, for messages.
        error: Class of the errors to raise.
        fix: What to do about values that lie elsewhere.
        most_bytes: Size up to which arrays are read.
        too_large: What to do about a larger array.
    """
    import h5py

    with h5py.File(file, "r") as content:
        yield Hdf5File(content, path, error, fix, most_bytes, too_large)


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".")]


def _bytes(dataset: Any) -> int:
    return math.prod(dataset.shape or ()) * int(dataset.dtype.itemsize)
