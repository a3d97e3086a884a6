"""The configuration in a saved model's file, and a check that all weights lie in the file itself."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from trigcnn.common.foreign import cut
from trigcnn.models import hdf5
from trigcnn.models.damage import MOST_WEIGHTS_BYTES, check_size, damage_named
from trigcnn.models.errors import ModelError
from trigcnn.models.paths import require_file

WEIGHTS = "model.weights.h5"
"""The member of a `.keras` file with the weights."""
_NPZ_WEIGHTS = "model.weights.npz"
_SMALLER = "no device holds so many weights: save a smaller model"
_SAVE_AGAIN = "do not trust it, save the model again with model.save"
# A network for a trigger has at most hundreds of layers of about a kilobyte each.
MAX_CONFIG_BYTES = 16 * 2**20


def read_config(path: Path) -> tuple[Any, bool]:
    """Read the configuration of a `.keras` or `.h5` file.

    Returns:
        Plain JSON, and whether Keras 3 wrote it.

    Raises:
        ModelError: The file is missing, damaged, of another kind, or has no readable configuration.
    """
    require_file(
        path,
        ModelError,
        missing="no such file; name an existing .keras or .h5 file",
        no_file="not a regular file; name a .keras or .h5 file, not a folder",
    )
    # The suffix decides how Keras reads a file, and Keras distinguishes upper and lower case.
    readers = {".keras": _read_zip, ".h5": _read_hdf5}
    if path.suffix not in readers:
        raise ModelError(f"{path}: not a .keras or .h5 file; save the model with model.save('model.keras')")
    with damage_named(path, ModelError, "save or copy it again"):
        text, version = readers[path.suffix](path)
    keras3 = version.split(".")[0] == "3"
    if keras3 and path.suffix != ".keras":
        raise ModelError(
            f"{path}: saved with Keras {version}, of which only .keras files are read; save it with "
            "model.save('model.keras'), or build it with file.py:function"
        )
    return _parse(text, f"{path}: the model's configuration"), keras3


def read_weights(path: Path) -> IO[bytes]:
    """Return the HDF5 file of weights in a `.keras` file that `read_config` has read.

    Raises:
        ModelError: There is none.
    """
    with zipfile.ZipFile(path) as archive:
        if WEIGHTS not in archive.namelist():
            raise ModelError(f"{path}: has no {WEIGHTS}; save the whole model with model.save")
        return io.BytesIO(archive.read(WEIGHTS))


def _parse(text: bytes | str, what: str) -> Any:
    if len(text) > MAX_CONFIG_BYTES:
        raise ModelError(f"{what} has {len(text)} bytes, more than {MAX_CONFIG_BYTES}; save a smaller model")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{what} is not readable JSON ({cut(error)}); save the model again") from error


def _read_zip(path: Path) -> tuple[bytes, str]:
    """Return the configuration and the version of Keras from a `.keras` file."""
    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path}: not a .keras file (a zip archive), or a truncated one; save or copy it again")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in names:
            _check_member(path, name)
        total = sum(member.file_size for member in archive.infolist())
        check_size(f"{path}, all members together", total, MOST_WEIGHTS_BYTES, _SMALLER, ModelError)
        if len(set(names)) != len(names):
            raise ModelError(f"{path}: has two members of one name; save the model again with model.save")
        if "config.json" not in names:
            raise ModelError(
                f"{path}: has no config.json, only {cut(', '.join(names) or 'nothing')}; save the whole model "
                "with model.save, not its weights"
            )
        text = _member(path, archive, "config.json")
        if WEIGHTS in names:
            _check_weights(io.BytesIO(archive.read(WEIGHTS)), path)
        elif _NPZ_WEIGHTS in names:
            # Keras would unpack this archive in the archive to any size.
            raise ModelError(f"{path}: has {_NPZ_WEIGHTS} in place of {WEIGHTS}; save the model again with model.save")
        metadata: Any = {}
        if "metadata.json" in names:
            metadata = _parse(_member(path, archive, "metadata.json"), f"{path}: metadata.json")
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    return text, str(version or "")


def _check_member(path: Path, name: str) -> None:
    """Check that no member's name would unpack outside of the folder, on any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise ModelError(
            f"{path}: its member {cut(name)!r} would be unpacked outside the archive's folder; such a file was "
            "not written by Keras: do not trust it, save the model again with model.save"
        )


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """Read one member, up to the largest size of a configuration: archives can unpack to any size."""
    with archive.open(name) as file:
        text = file.read(MAX_CONFIG_BYTES + 1)
    if len(text) > MAX_CONFIG_BYTES:
        raise ModelError(f"{path}: its {name} has more than {MAX_CONFIG_BYTES} bytes; save a smaller model")
    return text


def _read_hdf5(path: Path) -> tuple[bytes | str, str]:
    """Return the configuration and the version of Keras from an `.h5` file."""
    import h5py

    if not h5py.is_hdf5(path):
        raise ModelError(f"{path}: not an HDF5 file, or a truncated one; save or copy it again")
    _check_weights(path, path)
    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
        version = file.attrs.get("keras_version", "")
    if text is None:
        raise ModelError(f"{path}: has no model_config, it may hold weights only; save the whole model with model.save")
    if not isinstance(text, bytes | str):
        raise ModelError(f"{path}: its model_config is a {type(text).__name__}, not text; save the model again")
    return text, version.decode(errors="replace") if isinstance(version, bytes) else str(version)


def _check_weights(file: Path | IO[bytes], path: Path) -> None:
    """Check that all weights lie in the file itself, before Keras reads them."""
    with hdf5.opened(
        file, path, ModelError, fix=_SAVE_AGAIN, most_bytes=MOST_WEIGHTS_BYTES, too_large=_SMALLER
    ) as content:
        content.check()
