"""Results of stages that several runs share, so that nothing is trained or synthesized twice.

A finished stage is kept under the key of its manifest: the digest of all that decides its outcome. The place is a
folder or any URL that fsspec knows, such as an object store.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import uuid
from pathlib import Path

from trigcnn.pipeline.cache.folder import RunFolder, Stage
from trigcnn.pipeline.errors import RunFolderError

_MANIFEST = "manifest.json"
_PARTIAL = re.compile(r"\.[0-9a-f]{32}\.partial$")


class StageStore:
    """Finished stages by their keys."""

    def __init__(self, place: str) -> None:
        """Name the place.

        Args:
            place: Folder or fsspec URL; a folder is made when something is kept.

        Raises:
            RunFolderError: There is no file system for the URL.
        """
        import fsspec

        try:
            self._files, self._root = fsspec.core.url_to_fs(place)
        except (ImportError, ValueError) as error:
            raise RunFolderError(
                f"sweep.store {place}: cannot be used ({error}); name a folder, or install the file system's package"
            ) from error

    def fetch(self, folder: RunFolder, stage: Stage) -> bool:
        """Copy a stage into a run if the store has it, complete and with all its digests.

        Returns:
            Whether it is in place now.
        """
        kept = f"{self._root}/{stage.name}/{folder.key(stage)}"
        fresh = folder.path / f"{stage.name}.{uuid.uuid4().hex}.unfinished"
        try:
            if not self._files.exists(f"{kept}/{_MANIFEST}"):
                return False
            self._files.get(f"{kept}/", f"{fresh}/", recursive=True)
            folder.adopt(stage, fresh)
        except FileNotFoundError:
            # It was removed while it was copied.
            return False
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return folder.is_current(stage)

    def keep(self, folder: RunFolder, stage: Stage) -> None:
        """Keep a finished stage; of two that finish the same one, either remains.

        Raises:
            RunFolderError: The store cannot be written.
        """
        kept = f"{self._root}/{stage.name}/{folder.key(stage)}"
        source = folder.stage(stage.name)
        try:
            if self._files.exists(f"{kept}/{_MANIFEST}"):
                return
            for name in json.loads((source / _MANIFEST).read_text())["outputs"]:
                self._put(source / name, f"{kept}/{name}")
            # Last: a stage with a manifest is complete.
            self._put(source / _MANIFEST, f"{kept}/{_MANIFEST}")
            self._remove_partial(kept)
        except OSError as error:
            raise RunFolderError(f"{self._root}: cannot be written ({error}); free space or set sweep.store") from error

    def _put(self, source: Path, target: str) -> None:
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        partial = f"{target}.{uuid.uuid4().hex}.partial"
        self._files.put_file(str(source), partial)
        try:
            self._files.mv(partial, target)
        except FileNotFoundError:
            # Another run kept the whole stage in the meantime, and removed what it took for a killed run's.
            if not self._files.exists(target):
                raise

    def _remove_partial(self, kept: str) -> None:
        """Remove what killed runs left of a stage that is complete now."""
        for path in self._files.find(kept):
            if _PARTIAL.search(str(path)):
                with contextlib.suppress(FileNotFoundError):
                    self._files.rm_file(path)
