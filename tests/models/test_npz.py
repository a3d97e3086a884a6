"""Headers of arrays that were damaged, or declare what is not there."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.models import loading
from trigcnn.models import npz
from trigcnn.models.errors import DataError
from trigcnn.pipeline.evaluate.event_files import open_events

EVENTS = np.arange(20 * 4).reshape(20, 2, 2) % 16 / 16


def array(header: str | None = None, values: bytes = EVENTS.tobytes()) -> bytes:
    """The bytes of an array, with a header that says something else."""
    stream = io.BytesIO()
    np.save(stream, EVENTS)
    if header is None:
        return stream.getvalue()
    text = header.encode("latin1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + values


def header(descr: str = "'<f8'", order: str = "False", shape: str = "(20, 2, 2)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


BROKEN = [
    header(shape="(20, 2, 2"),
    header(shape="(20, 2, True)"),
    header(shape="(20, -2, -2)"),
    header(shape=f"({10**30},)"),
    header(shape="(20, 2, 2.0)"),
    header(shape="(21, 2, 2)"),
    header(shape="20"),
    header(descr="'<f9'"),
    header(descr="'O'"),
    header(descr="[('a', '<f8'"),
    header(descr="'V0'"),
    header(order="'yes'"),
    "{" * 60,
    "\x00",
]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("events.npy", content)
        labels = io.BytesIO()
        np.save(labels, np.arange(20) % 2)
        archive.writestr("labels.npy", labels.getvalue())
    return path


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_header_is_an_error_of_the_file(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, array(text))
    with pytest.raises(DataError, match=r"data\.npz, events: "):
        loading.load(str(path), input_format="ufixed<4,0>")
    with pytest.raises(DataError, match=r"data\.npz, events: "):
        open_events(path, events=["events"], labels=None, labels_needed=False).__enter__()
    (tmp_path / "data.npy").write_bytes(array(text))
    with pytest.raises(DataError, match=r"data\.npy: "):
        open_events(tmp_path / "data.npy", events=[""], labels=None, labels_needed=False).__enter__()


def test_the_same_with_a_true_header_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, array(header()))
    with npz.opened(path, DataError, most_bytes=640, too_large="") as file:
        np.testing.assert_array_equal(file.read("events"), EVENTS)
    assert loading.load(str(path), input_format="ufixed<4,0>").train.events.shape == (12, 2, 2, 1)
    (tmp_path / "data.npy").write_bytes(array(header()))
    with open_events(tmp_path / "data.npy", events=[""], labels=None, labels_needed=False) as opened:
        ((_, events, _),) = opened.chunks(20)
        np.testing.assert_array_equal(events, EVENTS)


def test_arrays_by_column_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", events=np.asfortranarray(EVENTS), labels=np.zeros(20, int))
    np.save(tmp_path / "data.npy", np.asfortranarray(EVENTS))
    for name in ("data.npz", "data.npy"):
        with open_events(tmp_path / name, events=["events"], labels=None, labels_needed=False) as opened:
            np.testing.assert_array_equal(np.concatenate([part for _, part, _ in opened.chunks(7)]), EVENTS)


def test_an_array_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, array())
    with pytest.raises(DataError, match="events: 640 bytes in memory, more than the limit of 600 bytes; write fewer"):
        loading.load(str(path), input_format="ufixed<4,0>", max_gb=600e-9)


def test_a_member_of_another_method_of_packing_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, array())
    content = bytearray(path.read_bytes())
    # In the local head, and in the central directory.
    content[8] = content[content.rindex(b"PK\x01\x02") + 10] = 14
    content[content.index(b"PK\x01\x02") + 10] = 14
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read, it is damaged"):
        loading.load(str(path), input_format="ufixed<4,0>")
